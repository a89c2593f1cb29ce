"""Values cross the wire unchanged, and nothing else crosses it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError
from scumble.link.values import (
    GenerationRequest,
    Job,
    JobState,
    Mode,
    ModelInfo,
    Progress,
    Region,
    Result,
    Size,
)


def request(**changes: Any) -> GenerationRequest:
    values: dict[str, Any] = dict(
        id="a1",
        mode=Mode.INPAINT,
        prompt="a red apple",
        negative_prompt="",
        model="starter",
        sampler="euler_a",
        steps=20,
        guidance_scale=5.0,
        strength=1.0,
        seed=7,
        batch=1,
        canvas=Size(640, 480),
        region=Region(-3, 4, 256, 128),
    )
    return GenerationRequest(**{**values, **changes})


@pytest.mark.parametrize(
    "value",
    [
        request(),
        Job("j", "c", JobState.FAILED, 2, ErrorInfo(ErrorCode.DISK_FULL, "Full.", "Free some.")),
        Progress("j", 3, 4, 20, None, Size(8, 8), Region(0, 0, 8, 8)),
        Result("j", 0, Region(1, 2, 3, 4), "blob", {"steps": 20, "nested": {"a": [1, None]}}),
        ModelInfo("m", "M", "sd", 512, (Mode.INPAINT,), ("euler",), "euler", 20, 7.5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_comes_back_equal(value: Any) -> None:
    assert from_wire(type(value), to_wire(value)) == value


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("steps", 20.5),
        ("steps", "20"),
        ("steps", True),
        ("guidance_scale", math.nan),
        ("guidance_scale", math.inf),
        ("guidance_scale", "7"),
        ("guidance_scale", False),
        ("mode", "sculpt"),
        ("prompt", None),
        ("canvas", [640, 480]),
        ("canvas", {"width": 640}),
        ("canvas", {"width": 640, "height": 480, "depth": 1}),
    ],
)
def test_what_does_not_fit_its_type_is_refused(field: str, wrong: Any) -> None:
    with pytest.raises(ScumbleError, match=field) as caught:
        from_wire(GenerationRequest, {**to_wire(request()), field: wrong})
    assert caught.value.code is ErrorCode.BAD_REQUEST


def test_what_asks_for_nothing_new_is_understood_by_peers_that_know_nothing_of_it() -> None:
    plain, fitted = to_wire(request()), to_wire(request(gradient_domain=True))
    assert "gradient_domain" not in plain
    assert not from_wire(GenerationRequest, plain).gradient_domain
    assert from_wire(GenerationRequest, fitted).gradient_domain


def test_unknown_and_missing_fields_are_refused() -> None:
    data = to_wire(request())
    with pytest.raises(ScumbleError, match="unknown field 'colour'"):
        from_wire(GenerationRequest, {**data, "colour": 1})
    del data["seed"]
    with pytest.raises(ScumbleError, match="lacks the field 'seed'"):
        from_wire(GenerationRequest, data)


def test_a_whole_number_serves_where_a_fraction_is_asked_for() -> None:
    back = from_wire(GenerationRequest, {**to_wire(request()), "strength": 1})
    assert isinstance(back.strength, float)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON, st.sampled_from(sorted(to_wire(request()))))
def test_any_json_gives_a_value_or_a_clean_error(data: Any, field: str) -> None:
    for candidate in (data, {**to_wire(request()), field: data}):
        try:
            assert isinstance(from_wire(GenerationRequest, candidate), GenerationRequest)
        except ScumbleError as error:
            assert error.code is ErrorCode.BAD_REQUEST
