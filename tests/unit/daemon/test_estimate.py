from __future__ import annotations

from dataclasses import replace

import pytest
from daemons import request

from scumble import estimate
from scumble.executor import RunTimes
from scumble.journal import Timing
from scumble.link.values import GenerationRequest, Intent, Mode, Region

NATIVE = 512
AREA = Region(0, 0, 512, 512)
WORK = 512 * 512 / 1e6  # megapixels


def asked(**changes: object) -> GenerationRequest:
    return replace(request("a", region=AREA, steps=20, batch=1), **changes)  # type: ignore[arg-type]


def timing(**changes: object) -> Timing:
    return replace(Timing("fake", "cpu", "euler", 8.0, 2.0, 3.0), **changes)  # type: ignore[arg-type]


def test_without_a_measurement_there_is_no_answer() -> None:
    assert estimate.seconds(asked(), NATIVE, []) is None
    assert estimate.seconds(asked(), NATIVE, [timing()], device="cuda") is None


def test_steps_guidance_and_area_make_the_time() -> None:
    assert estimate.seconds(asked(), NATIVE, [timing()]) == pytest.approx(
        8.0 + (2.0 * 20 * 2 + 3.0) * WORK
    )


def test_a_model_in_memory_need_not_be_loaded() -> None:
    assert estimate.seconds(asked(), NATIVE, [timing()], loaded=True) == pytest.approx(
        (2.0 * 20 * 2 + 3.0) * WORK
    )


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [
        ({"batch": 3}, 3.0),
        ({"guidance_scale": 1.0}, 0.5),
        ({"steps": 40}, 2.0),
        ({"strength": 0.5}, 1.0),  # text to image starts from nothing
        ({"strength": 0.5, "mode": Mode.INPAINT}, 0.5),
        ({"region": Region(0, 0, 64, 64)}, 1.0),  # a small selection is enlarged
    ],
)
def test_what_makes_it_longer(changes: dict[str, object], ratio: float) -> None:
    timings = [timing(load=0.0, overhead=0.0)]
    plain = estimate.seconds(asked(), NATIVE, timings)
    assert plain is not None
    assert estimate.seconds(asked(**changes), NATIVE, timings) == pytest.approx(
        plain * ratio, rel=0.2
    )


def test_the_same_sampler_and_the_newest_runs_count_first() -> None:
    timings = [
        timing(sampler="heun", step=9.0),
        *[timing(step=2.0)] * 5,
        *[timing(step=50.0)] * 15,
    ]
    assert estimate.seconds(asked(), NATIVE, timings, loaded=True) == pytest.approx(
        (2.0 * 20 * 2 + 3.0) * WORK
    )
    other = asked(sampler="ddim")
    assert estimate.seconds(other, NATIVE, timings, loaded=True) == pytest.approx(
        (2.0 * 20 * 2 + 3.0) * WORK
    )


def test_runs_that_found_the_model_loaded_say_nothing_about_loading() -> None:
    timings = [timing(load=0.0)] * 9 + [timing(load=8.0)]
    seconds = estimate.seconds(asked(), NATIVE, timings)
    assert seconds == pytest.approx(8.0 + (2.0 * 20 * 2 + 3.0) * WORK)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"batch": 4},
        {"guidance_scale": 1.0},
        {"mode": Mode.IMAGE_TO_IMAGE, "strength": 0.6},
        {"region": Region(0, 0, 3000, 2000)},
    ],
)
def test_the_estimate_of_a_run_is_what_it_took(changes: dict[str, object]) -> None:
    job = asked(**changes)
    # twice the steps: a second pass at full resolution
    times = RunTimes(load=4.0, step=0.5, steps=2 * 20 * job.batch, total=90.0, device="cpu")
    measured = estimate.measured(job, NATIVE, times)
    assert estimate.seconds(job, NATIVE, [measured]) == pytest.approx(4.0 + 90.0)


def test_what_is_removed_is_measured_by_the_picture_and_apart_from_every_model() -> None:
    removal = asked(mode=Mode.INPAINT, intent=Intent.REMOVE, model="fake")
    took = RunTimes(load=0.0, step=6.0, steps=1, total=6.5, device="cpu")
    measured = estimate.measured(removal, 0, took)
    assert measured.model == estimate.subject(removal) == ""
    other = replace(
        removal, model="", batch=3, steps=4, guidance_scale=1.0, region=Region(0, 0, 2048, 2048)
    )
    assert estimate.seconds(other, 0, [measured]) == pytest.approx(3 * 6.5)
    assert estimate.subject(asked(model="fake")) == "fake"
