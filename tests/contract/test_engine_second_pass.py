"""What is larger than the model's picture is drawn over in tiles, and keeps every promise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import test_engine as contract
import tiny

from scumble.engine import second_pass
from scumble.engine.diffusion import DiffusionEngine
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import GenerationRequest, Mode, Region, Size

REGION = Region(30, 40, 900, 700)
STEPS = 4
TILES_OF_THE_CPU = 6


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    made = DiffusionEngine(tiny.home(tmp_path_factory.mktemp("home"), *tiny.LARGE), "cpu")
    yield made
    made.unload()


def request(model: str, mode: Mode, region: Region = REGION) -> GenerationRequest:
    asked = contract.request(model, mode, region=region, steps=STEPS)
    return replace(asked, canvas=Size(region.right, region.bottom))


@pytest.mark.parametrize("model", tiny.LARGE)
@pytest.mark.parametrize("mode", Mode)
def test_tiles_are_drawn_over_the_first_pass(
    engine: DiffusionEngine, model: str, mode: Mode
) -> None:
    listener = contract.Listener()
    (made,) = contract.run(engine, request(model, mode), listener)
    tiles = [p.preview_region for p in listener.progress[STEPS:]]
    assert 2 <= len(tiles) <= TILES_OF_THE_CPU, "one step each: int(4 * 0.3)"
    assert [p.step for p in listener.progress] == list(range(1, STEPS + len(tiles) + 1))
    assert listener.progress[-1].step == listener.progress[-1].steps
    for region in tiles:
        assert region is not None
        assert region.x >= REGION.x - 1
        assert region.right <= REGION.right + 1
    if mode is Mode.INPAINT:
        mask = np.frombuffer(contract.selection(REGION), np.uint8)
        mask = mask.reshape(REGION.height, REGION.width)
        alpha = np.zeros_like(mask)
        left, top = made.region.x - REGION.x, made.region.y - REGION.y
        inside = np.s_[top : top + made.region.height, left : left + made.region.width]
        alpha[inside] = contract.rgba(made)[..., 3]
        assert (alpha[mask == 0] == 0).all()
        assert (alpha <= mask).all()
    else:
        assert made.region == REGION
        assert (contract.rgba(made)[..., 3] == 255).all()


def test_the_same_seed_gives_the_same_bytes(engine: DiffusionEngine) -> None:
    asked = request("sd1-large", Mode.INPAINT)
    two = contract.run(engine, replace(asked, batch=2))
    one = contract.run(engine, replace(asked, seed=asked.seed + 1))
    assert two[1].pixels == one[0].pixels


def test_it_can_be_cancelled_between_tiles(engine: DiffusionEngine) -> None:
    listener = contract.Listener(cancel_after=STEPS + 1)
    with pytest.raises(ScumbleError) as raised:
        contract.run(engine, request("sd1-large", Mode.TEXT_TO_IMAGE), listener)
    assert raised.value.code is ErrorCode.CANCELLED
    assert listener.progress[-1].step == STEPS + 1


def test_the_composition_of_the_first_pass_stays(
    engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the large scale: the mean of 100 pixels' squares moves little against its spread."""
    asked = request("sd1-large", Mode.TEXT_TO_IMAGE)
    (second,) = contract.run(engine, asked)
    monkeypatch.setattr(second_pass, "LEAST_NATIVE", 10_000)
    (first,) = contract.run(engine, asked)
    assert first.pixels != second.pixels
    means = [
        contract.rgba(made)[..., :3].reshape(7, 100, 9, 100, 3).mean((1, 3))
        for made in (first, second)
    ]
    assert np.abs(means[0] - means[1]).max() < 40


def test_a_region_of_the_models_own_size_has_one_pass(engine: DiffusionEngine) -> None:
    listener = contract.Listener()
    contract.run(engine, request("sd1-large", Mode.TEXT_TO_IMAGE, Region(0, 0, 560, 480)), listener)
    assert listener.progress[-1].steps == STEPS


def test_on_a_slow_device_a_huge_region_takes_no_more_tiles(engine: DiffusionEngine) -> None:
    listener = contract.Listener()
    huge = Region(0, 0, 4000, 2500)
    (made,) = contract.run(engine, request("sd1-large", Mode.TEXT_TO_IMAGE, huge), listener)
    assert len(made.pixels) == huge.size.pixels * 4
    assert STEPS < listener.progress[-1].steps <= STEPS + TILES_OF_THE_CPU
