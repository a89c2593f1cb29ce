"""What is larger than the model's picture is drawn over in tiles, and keeps every promise."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import test_engine as contract
import tiny
from pictures import request_for

from scumble.engine import second_pass
from scumble.engine.diffusion import DiffusionEngine
from scumble.engine.start import Canvas
from scumble.engine.work import Work
from scumble.imaging.crop import prepare_inpaint
from scumble.imaging.pixels import Bytes8
from scumble.link import geometry
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
    assert made.metadata["note"] == "", "all of the detail is there"
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
    assert re.fullmatch(r"So large an area was drawn at \d\d % of its .*\.", made.metadata["note"])


def test_8000_by_6000_works_in_a_canvas_of_that_size(engine: DiffusionEngine) -> None:
    region = Region(0, 0, 8000, 6000)
    asked = replace(request("sd1-inpaint-large", Mode.INPAINT, region), steps=1)
    (made,) = contract.run(engine, asked)
    assert geometry.contains(region, made.region)
    assert len(made.pixels) == made.region.size.pixels * 4
    mask = np.frombuffer(contract.selection(region), np.uint8).reshape(6000, 8000)
    inside = mask[made.region.y : made.region.bottom, made.region.x : made.region.right]
    alpha = contract.rgba(made)[..., 3]
    assert (alpha <= inside).all()
    assert np.count_nonzero(alpha) > 0.95 * np.count_nonzero(mask)


# the second pass alone, with a model that may draw any number of tiles


def work(
    size: Size, selected: int = 255, canvas: Bytes8 | None = None, **changes: Any
) -> tuple[second_pass.SecondPass, Work, Region, bytes]:
    """A fill of most of a grey picture, its second pass, and what the first pass gave."""
    asked = request_for(Region(0, 0, size.width, size.height), size, **changes)
    grey = np.full((size.height, size.width, 4), (120, 130, 140, 255), np.uint8)
    canvas = grey if canvas is None else canvas
    mask = np.zeros((size.height, size.width), np.uint8)
    mask[40:-60, 50:-30] = selected
    prepared = prepare_inpaint(asked, canvas.tobytes(), mask.tobytes(), 256, 8)
    shape = prepared.image.shape
    seen = Canvas(Size(shape[1], shape[0]), prepared.image, prepared.change)
    made = Work(asked, seen, prepared.window, prepared)
    rng = np.random.default_rng(3)
    drawn = cv2.resize(rng.integers(0, 256, (9, 12, 3), np.uint8), prepared.image.shape[1::-1])
    placed, layer = made.finish(drawn)
    device = SimpleNamespace(tiles=1000)
    model: Any = SimpleNamespace(native=second_pass.LEAST_NATIVE, scale=8, device=device)
    return second_pass.plan(model, made), made, placed, layer


def as_it_is(_: int, tile: second_pass.Tile) -> Bytes8:
    """A model that changes nothing."""
    assert tile.canvas.image is not None
    return tile.canvas.image


def colours(placed: Region, layer: bytes) -> np.ndarray[Any, np.dtype[np.int_]]:
    """(h, w, 3) of the layer where it is opaque; elsewhere what lies below shines through."""
    pixels = np.frombuffer(layer, np.uint8).reshape(placed.height, placed.width, 4)
    return pixels[60:-60, 60:-60, :3].astype(int)


def test_a_model_that_changes_nothing_leaves_the_first_pass_as_it_was() -> None:
    second, made, placed, layer = work(Size(1500, 1100))
    assert second.size == Size(1500, 1100)
    assert len(second.tiles) > 6
    result = second.refine(made, placed, layer, as_it_is)
    assert result[0] == placed
    assert np.abs(colours(*result) - colours(placed, layer)).max() <= 1


def test_what_is_selected_by_half_is_drawn_in_full_by_both_passes() -> None:
    second, made, placed, layer = work(Size(1100, 900), selected=128)
    result = second.refine(made, placed, layer, as_it_is)
    assert np.abs(colours(*result) - colours(placed, layer)).max() <= 1
    alphas = [np.frombuffer(each, np.uint8)[3::4] for each in (layer, result[1])]
    assert alphas[0].max() == 128
    assert np.array_equal(*alphas)


def test_the_second_pass_sees_nothing_of_what_lies_under_empty_canvas() -> None:
    def seen(under: int) -> list[Bytes8]:
        canvas = np.full((900, 1100, 4), (120, 130, 140, 255), np.uint8)
        canvas[:, 700:] = (under, 0, 255 - under, 0)
        second, made, placed, layer = work(Size(1100, 900), canvas=canvas)
        tiles: list[Bytes8] = []

        def look(number: int, tile: second_pass.Tile) -> Bytes8:
            tiles.append(as_it_is(number, tile))
            return tiles[-1]

        second.refine(made, placed, layer, look)
        return tiles

    for one, other in zip(seen(0), seen(255), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("matching", [True, False])
def test_tiles_are_brought_back_to_the_colours_of_the_first_pass(matching: bool) -> None:
    """A model that makes everything darker each time is corrected in both passes."""
    second, made, placed, layer = work(Size(1100, 900), colour_match=matching)

    def darker(_: int, tile: second_pass.Tile) -> Bytes8:
        return np.asarray(as_it_is(_, tile) * 0.9, np.uint8)

    shown = colours(*second.refine(made, placed, layer, darker))
    away = np.abs(shown - colours(placed, layer)).mean()
    assert bool(away < 1) is matching


def test_tiles_that_are_lighter_and_darker_meet_without_a_visible_step() -> None:
    """48 levels apart from tile to tile, and nowhere over 2 from one pixel to the next."""
    second, made, placed, layer = work(Size(1500, 1100), colour_match=False)

    def draw(number: int, tile: second_pass.Tile) -> Bytes8:
        shape = (tile.canvas.size.height, tile.canvas.size.width, 3)
        return np.full(shape, 104 + 48 * (number % 2), np.uint8)

    shown = colours(*second.refine(made, placed, layer, draw))
    assert shown.min() < 110
    assert shown.max() > 146
    for axis in (0, 1):
        assert np.abs(np.diff(shown, axis=axis)).max() <= 2


def test_the_memory_of_the_second_pass_is_that_of_its_pictures() -> None:
    """Bytes a pixel do not rise with the size, and no float copy of the whole is among them."""

    def peak(size: Size) -> float:
        second, made, placed, layer = work(size)
        tracemalloc.start()
        second.refine(made, placed, layer, as_it_is)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most / size.pixels

    small, large = peak(Size(1600, 1200)), peak(Size(3200, 2400))
    assert large <= small
    assert large < 24
