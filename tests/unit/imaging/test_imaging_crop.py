"""What the model sees of a context, and what comes back as a layer."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pictures import Pixels, over, photograph, request_for

from scumble.imaging.composite import finish_image, finish_inpaint
from scumble.imaging.crop import prepare_image, prepare_inpaint
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.geometry import paste_offset
from scumble.link.values import (
    GenerationRequest,
    Intent,
    MaskSettings,
    Prefill,
    Region,
    Size,
)

NATIVE, MULTIPLE = 256, 8


def finish(request: GenerationRequest, pixels: Pixels, mask: Pixels) -> tuple[Region, Pixels]:
    """The layer that a model gives which paints everything magenta."""
    prepared = prepare_inpaint(request, pixels.tobytes(), mask.tobytes(), NATIVE, MULTIPLE)
    generated = np.zeros_like(prepared.image)
    generated[...] = (255, 0, 255)
    region, data = finish_inpaint(replace(request, colour_match=False), prepared, generated)
    return region, np.frombuffer(data, np.uint8).reshape(region.height, region.width, 4)


def masks(height: int, width: int) -> dict[str, Pixels]:
    """Selections of every awkward kind."""
    empty = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    one = empty.copy()
    one[height // 2, width // 3] = 255
    holes = empty.copy()
    holes[20:100, 20:150] = 255
    holes[40:60, 50:90] = 0
    islands = empty.copy()
    islands[5:9, 5:30] = 255
    islands[60:110, 90:140] = 120
    edge = empty.copy()
    edge[:, : width // 2] = 255
    soft = np.clip(255 - 2 * np.hypot(x - width / 2, y - height / 2), 0, 255).astype(np.uint8)
    faint = empty.copy()
    faint[30:50, 30:50] = 1
    return {
        "one pixel": one,
        "holes": holes,
        "islands": islands,
        "touching the edge": edge,
        "soft": soft,
        "inverted": 255 - soft,
        "faint": faint,
        "whole": np.full_like(empty, 255),
    }


CASES = list(masks(130, 170))


@pytest.mark.parametrize("case", CASES)
def test_pixels_outside_the_selection_keep_their_bytes(case: str) -> None:
    canvas = photograph(170, 130)
    mask = masks(130, 170)[case]
    region = Region(300, 200, 170, 130)
    place, layer = finish(request_for(region), canvas, mask)
    x, y = paste_offset(place, region)
    assert place.width >= 1
    shown = over(canvas, layer, x, y)
    assert np.array_equal(shown[mask == 0], canvas[mask == 0])
    assert np.count_nonzero(layer[..., 3]) >= 1


@pytest.mark.parametrize("case", CASES)
def test_the_alpha_is_never_above_the_selections_grey_value(case: str) -> None:
    mask = masks(130, 170)[case]
    region = Region(300, 200, 170, 130)
    prepared = prepare_inpaint(
        request_for(region), photograph(170, 130).tobytes(), mask.tobytes(), NATIVE, MULTIPLE
    )
    assert prepared.alpha.dtype == np.float32
    assert prepared.alpha.shape == (130, 170)
    assert (prepared.alpha <= mask / 255 + 1e-6).all()
    assert prepared.image.shape == (*prepared.change.shape, 3)
    assert 0 <= prepared.change.min() <= prepared.change.max() <= 1


def test_half_a_selection_shows_half_of_what_was_drawn() -> None:
    """The model's mask is full where the selection is grey, and the layer's alpha is the grey."""
    grey = np.zeros((120, 120), np.uint8)
    grey[30:90, 30:90] = 128
    hard = np.where(grey > 0, 255, 0).astype(np.uint8)
    request = request_for(Region(300, 200, 120, 120), mask=MaskSettings(feather=0.0))
    canvas = photograph(120, 120)
    half, full = (
        prepare_inpaint(request, canvas.tobytes(), m.tobytes(), NATIVE, MULTIPLE)
        for m in (grey, hard)
    )
    # the grow's default follows how much is selected, in all else the model sees the same
    assert (half.change[70:190, 70:190] == 1).all()
    assert (full.change[70:190, 70:190] == 1).all()
    (place, under), (_, whole) = finish(request, canvas, grey), finish(request, canvas, hard)
    assert (under[..., 3] == 128).all()
    assert (whole[..., 3] == 255).all()
    shown = over(canvas, under, *paste_offset(place, request.region))
    expected = canvas[30:90, 30:90, :3] + (
        whole[..., :3].astype(float) - canvas[30:90, 30:90, :3]
    ) * (128 / 255)
    assert np.abs(shown[30:90, 30:90, :3] - expected).max() <= 0.5001


@pytest.mark.parametrize("size", [(900, 700), (256, 256), (130, 90)])
def test_colours_are_brought_back_up_to_the_layers_edges(size: tuple[int, int]) -> None:
    """In a context that is reduced, kept or enlarged: nothing at the rim keeps the drift."""
    width, height = size
    canvas = photograph(width, height)
    # smooth, so that the way to the model and back loses nothing
    canvas[..., :3] = cv2.GaussianBlur(canvas[..., :3], (0, 0), max(size) / 40)
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 : -height // 4, width // 4 : -width // 3] = 255
    request = request_for(Region(300, 200, width, height))
    prepared = prepare_inpaint(request, canvas.tobytes(), mask.tobytes(), NATIVE, MULTIPLE)
    seen = prepare_image(request, canvas.tobytes(), NATIVE, MULTIPLE)
    given = np.rint(seen * 0.85).astype(np.uint8)
    place, data = finish_inpaint(request, prepared, given)
    layer = np.frombuffer(data, np.uint8).reshape(place.height, place.width, 4)
    x, y = paste_offset(place, request.region)
    true = canvas[y : y + place.height, x : x + place.width, :3].astype(int)
    off = np.abs(layer[..., :3] - true).max(-1)
    for rim in (off[0], off[-1], off[:, 0], off[:, -1]):
        assert rim.mean() < 4  # 15 % of what is there is 19 levels


def test_the_layer_is_as_small_as_the_selection() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[50:90, 60:120] = 255
    place, layer = finish(request_for(Region(1000, 500, 200, 200)), photograph(200, 200), mask)
    assert place == Region(1060, 550, 60, 40)
    assert tuple(layer[20, 30]) == (255, 0, 255, 255)


@pytest.mark.parametrize("size", [(97, 211), (640, 480), (1200, 50), (1, 1), (3, 400)])
def test_a_picture_goes_to_the_model_and_back_in_its_own_size(size: tuple[int, int]) -> None:
    width, height = size
    request = request_for(Region(0, 0, width, height), Size(width, height))
    picture = photograph(width, height)
    image = prepare_image(request, picture.tobytes(), NATIVE, MULTIPLE)
    assert image.shape[0] % MULTIPLE == image.shape[1] % MULTIPLE == 0
    back = np.frombuffer(finish_image(request, image), np.uint8).reshape(height, width, 4)
    assert (back[..., 3] == 255).all()
    difference = np.abs(back[..., :3].astype(int) - picture[..., :3])
    assert difference.mean() < 8


def test_a_region_that_fits_the_model_comes_back_to_the_byte() -> None:
    request = request_for(Region(0, 0, 256, 256), Size(256, 256))
    picture = photograph(256, 256)
    image = prepare_image(request, picture.tobytes(), NATIVE, MULTIPLE)
    assert finish_image(request, image) == picture.tobytes()


def test_a_strip_is_mirrored_and_never_stretched() -> None:
    """A circle in a strip of 1:10 stays a circle in the model's picture of 1:4."""
    strip = np.full((60, 600, 4), 255, np.uint8)
    y, x = np.mgrid[0:60, 0:600]
    disc = np.hypot(x - 300, y - 30) < 20
    strip[disc, :3] = 0
    image = prepare_image(
        request_for(Region(0, 0, 600, 60), Size(600, 60)), strip.tobytes(), NATIVE, MULTIPLE
    )
    height, width = image.shape[:2]
    middle = image[height // 2 - 60 * width // 1200 : height // 2 + 60 * width // 1200] < 128
    wide, tall = np.ptp(np.nonzero(middle.any((0, 2)))), np.ptp(np.nonzero(middle.any((1, 2))))
    assert width == 4 * height
    assert abs(int(wide) - int(tall)) <= 2


def test_the_model_never_sees_what_lies_under_transparent_pixels() -> None:
    canvas = photograph(200, 200)
    canvas[:, 100:] = (255, 0, 0, 0)
    garbled = canvas.copy()
    garbled[:, 100:, :3] = (0, 255, 0)
    mask = np.zeros((200, 200), np.uint8)
    mask[:, 80:] = 255
    request = request_for(Region(0, 0, 200, 200), Size(200, 200), intent=Intent.EXPAND)
    for prefill in Prefill:
        asked = replace(request, prefill=prefill)
        one, other = (
            prepare_inpaint(asked, picture.tobytes(), mask.tobytes(), NATIVE, MULTIPLE)
            for picture in (canvas, garbled)
        )
        assert np.array_equal(one.image, other.image)
        assert (one.change[:, 135:] == 1).all()
        # no red, no green: colours of the half that is there
        assert one.image[:, 140:].std() < 60


def test_a_wholly_transparent_canvas_is_neutral_and_wholly_repainted() -> None:
    canvas = np.zeros((64, 64, 4), np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 255
    prepared = prepare_inpaint(
        request_for(Region(0, 0, 64, 64), Size(64, 64)), canvas.tobytes(), mask.tobytes(), 64, 8
    )
    assert (prepared.image == 127).all()
    assert (prepared.change == 1).all()
    assert prepared.alpha[0, 0] == 0


def test_the_same_request_prepares_the_same_bytes() -> None:
    canvas, mask = photograph(170, 130), masks(130, 170)["soft"]
    asked = request_for(Region(0, 0, 170, 130), prefill=Prefill.NOISE)
    one, other = (
        prepare_inpaint(asked, canvas.tobytes(), mask.tobytes(), NATIVE, MULTIPLE) for _ in range(2)
    )
    assert np.array_equal(one.image, other.image)


@pytest.mark.parametrize(
    ("changes", "pixels", "mask"),
    [
        ({}, 20 * 20 * 4, b"\0" * 400),
        ({}, 20 * 20 * 4, b"\xff" * 399),
        ({}, 20 * 20 * 4, b""),
        ({}, 20 * 20 * 3, b"\xff" * 400),
        ({"mask": MaskSettings(grow=-1.0)}, 20 * 20 * 4, b"\xff" * 400),
        ({"mask": MaskSettings(grow=float("inf"))}, 20 * 20 * 4, b"\xff" * 400),
        ({"mask": MaskSettings(feather=float("nan"))}, 20 * 20 * 4, b"\xff" * 400),
        ({"mask": MaskSettings(blend=float("nan"))}, 20 * 20 * 4, b"\xff" * 400),
        ({"mask": MaskSettings(blend=-0.5)}, 20 * 20 * 4, b"\xff" * 400),
        ({"region": Region(0, 0, 0, 20)}, 0, b""),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    changes: dict[str, object], pixels: int, mask: bytes
) -> None:
    request = replace(request_for(Region(0, 0, 20, 20), Size(20, 20)), **changes)  # type: ignore[arg-type]
    with pytest.raises(ScumbleError) as caught:
        prepare_inpaint(request, bytes(pixels), mask, NATIVE, MULTIPLE)
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert caught.value.info.message.count(".") == 1
