"""What a fill's options mean, and what is said about those that mean nothing."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from scumble.cli import form_options
from scumble.cli.run import make_form_for
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.form import Form
from scumble.link.geometry import Context
from scumble.link.values import Capabilities, Intent, MaskSettings, Mode, ModelInfo, Region


def form(*given: str, models: tuple[ModelInfo, ...] = ()) -> Form:
    parser = argparse.ArgumentParser()
    form_options.describe(parser)
    form_options.describe_strength(parser, 1.0)
    form_options.describe_mask(parser)
    options = parser.parse_args(["-o", "x.png", *given])
    return make_form_for(Capabilities(models, ()), form_options.form_maker(options))


def test_without_a_model_the_form_has_its_own_values() -> None:
    assert form() == Form()


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("wide", "context", Context.WIDE),
        ("Whole", "context", Context.WHOLE),
        ("96", "padding", 96),
        ("96px", "padding", 96),
        ("0 px", "padding", 0),
        ("10,20,300,200", "marked", Region(10, 20, 300, 200)),
    ],
)
def test_a_context_is_a_word_pixels_or_a_rectangle(text: str, field: str, value: Any) -> None:
    made = form("--context", text)
    assert getattr(made, field) == value
    others = {"padding", "marked"} - {field}
    assert all(getattr(made, other) is None for other in others)


def test_widths_are_pixels_or_percent_each_by_itself() -> None:
    made = form("--grow", "12", "--feather", "5%", "--blend", "3.5px")
    assert made.mask == MaskSettings(grow=12.0, blend=3.5)
    assert made.mask_percent == MaskSettings(feather=5.0)


@pytest.mark.parametrize(("native", "own"), [(128, True), (255, True), (256, False), (512, False)])
def test_a_small_model_fits_its_edges_unless_told_otherwise(native: int, own: bool) -> None:
    model = ModelInfo("m", "M", "sd1", native, tuple(Mode), ("ddim",), "ddim", 20, 2.0)
    assert form(models=(model,)).gradient_domain is own
    assert form("--gradient-domain", models=(model,)).gradient_domain
    assert not form("--no-gradient-domain", models=(model,)).gradient_domain


def test_intent_focus_and_gradient_domain_are_taken_over() -> None:
    made = form("--intent", "replace_background", "--focus", "--gradient-domain")
    assert made.gradient_domain
    assert made.intent is Intent.REPLACE_BACKGROUND
    assert made.focus
    assert form().intent is None


@pytest.mark.parametrize(
    "given",
    [
        ("--context", "huge"),
        ("--context", "1,2,3"),
        ("--context", "1,2,0,9"),
        ("--context", "1,a,3,4"),
        ("--context", "-5"),
        ("--grow", "much"),
        ("--feather", "%"),
        ("--blend", "5 percent"),
    ],
    ids=" ".join,
)
def test_what_means_nothing_is_one_sentence_and_a_hint(given: tuple[str, str]) -> None:
    with pytest.raises(ScumbleError) as caught:
        form(f"{given[0]}={given[1]}")
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert caught.value.info.message.count(".") == 1
