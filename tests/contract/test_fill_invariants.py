"""What no fill may break, whatever the selection: through the real engine, with random weights.

The whole way is gone: a canvas, a selection on it, the context that is read
round it, a model with four channels and one with nine, and the layer laid over
the canvas as an editor does it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import test_engine as contract
import tiny
from pictures import Pixels, over, photograph

from scumble.engine.base import Picture
from scumble.engine.diffusion import DiffusionEngine
from scumble.imaging import mask as masks
from scumble.imaging.crop import prepare_inpaint
from scumble.imaging.window import leave
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.geometry import Context, ContextChoice, clamp, contains, context_region
from scumble.link.values import Intent, MaskSettings, Mode, Prefill, Region, Size

MODELS = ("sd1", "sd1-inpaint")
CANVAS = Size(300, 220)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    made = DiffusionEngine(tiny.home(tmp_path_factory.mktemp("home"), *MODELS), "cpu")
    yield made
    made.unload()


def selections() -> dict[str, Pixels]:
    """Selections of the canvas's size, of every awkward kind."""
    height, width = CANVAS.height, CANVAS.width
    y, x = np.mgrid[0:height, 0:width]
    empty = np.zeros((height, width), np.uint8)
    away = np.hypot(x - 140, y - 110)
    soft = np.clip(255 * (1.6 - away / 40), 0, 255).astype(np.uint8)
    made = {
        "one pixel": empty.copy(),
        "one pixel in the corner": empty.copy(),
        "a hairline": empty.copy(),
        "with holes": np.where(away < 70, 255, 0).astype(np.uint8),
        "islands": empty.copy(),
        "touching the edge": empty.copy(),
        "half of each": np.where(away < 50, 128, 0).astype(np.uint8),
        "soft": soft,
        "inverted": 255 - soft,
        "faint": np.where(away < 30, 1, 0).astype(np.uint8),
        "the whole canvas": np.full_like(empty, 255),
    }
    made["one pixel"][100, 200] = 255
    made["one pixel in the corner"][-1, -1] = 255
    made["a hairline"][60, 20:280] = 255
    made["with holes"][90:120, 120:160] = 0
    made["with holes"][80, 180] = 0
    made["islands"][10:30, 10:40] = 255
    made["islands"][150:210, 200:290] = 180
    made["islands"][120, 100] = 255
    made["touching the edge"][:90, 210:] = 255
    return made


SELECTIONS = selections()


def fill(
    engine: DiffusionEngine,
    model: str,
    canvas: Pixels,
    selection: Pixels,
    **changes: Any,
) -> tuple[Picture, Region]:
    """The layer, and the context that was read for it."""
    size = Size(canvas.shape[1], canvas.shape[0])
    region = context_region(masks.bounds(selection), size)
    part = np.s_[region.y : region.bottom, region.x : region.right]
    asked = contract.request(
        model, Mode.INPAINT, canvas=size, region=region, steps=2, prompt="", **changes
    )
    hooks = contract.Listener().hooks()
    (made,) = engine.run(asked, canvas[part].tobytes(), selection[part].tobytes(), hooks)
    return made, region


def alpha_of(made: Picture, canvas: Pixels) -> Pixels:
    """The layer's alpha over the whole canvas."""
    alpha = np.zeros(canvas.shape[:2], np.uint8)
    at = made.region
    alpha[at.y : at.bottom, at.x : at.right] = contract.rgba(made)[..., 3]
    return alpha


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("name", SELECTIONS)
@pytest.mark.parametrize("model", MODELS)
def test_nothing_outside_the_selection_changes(
    engine: DiffusionEngine, model: str, name: str, strength: float
) -> None:
    canvas, mask = photograph(CANVAS.width, CANVAS.height), SELECTIONS[name]
    made, region = fill(engine, model, canvas, mask, strength=strength)
    shown = over(canvas, contract.rgba(made), made.region.x, made.region.y)
    assert np.count_nonzero(shown[mask == 0] != canvas[mask == 0]) == 0
    alpha = alpha_of(made, canvas)
    assert (alpha[mask == 0] == 0).all()
    assert (alpha <= mask).all()
    assert alpha.any()
    assert contains(region, made.region)
    if mask.max() > 1:
        assert np.count_nonzero(shown != canvas) > 0


@pytest.mark.parametrize("model", MODELS)
def test_half_selected_shows_half_of_what_fully_selected_shows(
    engine: DiffusionEngine, model: str
) -> None:
    """The model draws the same for both; the selection's grey is the layer's alpha."""
    canvas, half = photograph(CANVAS.width, CANVAS.height), SELECTIONS["half of each"]
    whole = np.where(half > 0, 255, 0).astype(np.uint8)
    widths = MaskSettings(grow=12.0, feather=0.0, blend=6.0)
    layers = [contract.rgba(fill(engine, model, canvas, m, mask=widths)[0]) for m in (half, whole)]
    inside = layers[1][..., 3] == 255
    assert np.array_equal(layers[0][..., :3], layers[1][..., :3])
    assert (layers[0][inside][:, 3] == 128).all()


@pytest.mark.parametrize("prefill", Prefill)
@pytest.mark.parametrize("model", MODELS)
def test_a_selection_is_expanded_into_transparent_canvas(
    engine: DiffusionEngine, model: str, prefill: Prefill
) -> None:
    """The transparent half is filled to its very edge; what lies under it was never seen."""
    canvas = photograph(CANVAS.width, CANVAS.height)
    canvas[:, 180:] = (255, 0, 0, 0)
    garbled = canvas.copy()
    garbled[:, 180:, :3] = (0, 255, 0)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    mask[:, 170:] = 255
    one, other = (
        fill(engine, model, c, mask, intent=Intent.EXPAND, prefill=prefill)[0]
        for c in (canvas, garbled)
    )
    assert one.pixels == other.pixels
    alpha = alpha_of(one, canvas)
    assert (alpha[:, 180:] == 255).all()
    assert (alpha[:, :170] == 0).all()


@pytest.mark.parametrize("corner", [(0, 0), (260, 0), (0, 190), (260, 190)])
@pytest.mark.parametrize("context", [Context.TIGHT, Context.AUTO, Context.WIDE, Context.WHOLE, 90])
def test_a_context_that_ends_at_the_canvas_is_not_stretched(
    corner: tuple[int, int], context: ContextChoice
) -> None:
    """One scale in both directions, and the way to the model and back moves nothing."""
    canvas = photograph(CANVAS.width, CANVAS.height)
    mask = np.zeros(canvas.shape[:2], np.uint8)
    x, y = corner
    mask[y : y + 30, x : x + 40] = 255
    size = Size(CANVAS.width, CANVAS.height)
    region = context_region(masks.bounds(mask), size, context)
    assert clamp(region, size) == region
    part = np.s_[region.y : region.bottom, region.x : region.right]
    asked = contract.request("sd1", Mode.INPAINT, canvas=size, region=region, prefill=Prefill.NONE)
    prepared = prepare_inpaint(asked, canvas[part].tobytes(), mask[part].tobytes(), 512, 8)
    inner = prepared.window.inner
    across, down = inner.width / region.width, inner.height / region.height
    assert across == pytest.approx(down, rel=0.01)
    back = leave(prepared.window, prepared.image).astype(int)
    assert np.abs(back - canvas[part][..., :3]).mean() < 6


@pytest.mark.parametrize(
    ("changes", "mask"),
    [
        ({}, np.zeros((60, 80), np.uint8)),
        ({}, np.zeros((50, 80), np.uint8)),
        ({"mask": MaskSettings(grow=float("nan"))}, None),
        ({"mask": MaskSettings(feather=float("inf"))}, None),
        ({"mask": MaskSettings(blend=-3.0)}, None),
        ({"region": Region(10, 10, 0, 60)}, None),
        ({"region": Region(10, 10, 80, -60)}, None),
    ],
)
def test_what_cannot_be_filled_is_said_in_one_sentence(
    engine: DiffusionEngine, changes: dict[str, Any], mask: Pixels | None
) -> None:
    asked = contract.request("sd1", Mode.INPAINT, canvas=CANVAS, region=Region(10, 10, 80, 60))
    asked = replace(asked, **changes)
    selection = np.full((60, 80), 255, np.uint8) if mask is None else mask
    listener = contract.Listener()
    with pytest.raises(ScumbleError) as raised:
        list(engine.run(asked, photograph(80, 60).tobytes(), selection.tobytes(), listener.hooks()))
    assert raised.value.code is ErrorCode.BAD_REQUEST
    assert raised.value.info.message.count(".") == 1
    assert listener.progress == []
