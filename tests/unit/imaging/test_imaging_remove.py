"""What is selected goes away without any model."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import Pixels, request_for

from scumble.imaging.remove import remove
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.geometry import paste_offset
from scumble.link.values import MaskSettings, Region, Size

AREA = Region(40, 30, 200, 160)


def sky_with_a_bird() -> tuple[Pixels, Pixels, Pixels]:
    """The clean picture, the one with a black disc, and a selection of the disc."""
    y, x = np.mgrid[0 : AREA.height, 0 : AREA.width]
    clean = np.stack((80 + y / 3, 120 + y / 3, 200 + x / 9, np.full(x.shape, 255)), -1)
    clean = clean.astype(np.uint8)
    disc = np.hypot(x - 100, y - 80)
    bird = clean.copy()
    bird[disc < 22, :3] = 0
    return clean, bird, ((disc < 28) * 255).astype(np.uint8)


def test_a_smooth_background_closes_over_what_is_removed() -> None:
    clean, bird, selection = sky_with_a_bird()
    place, data = remove(request_for(AREA), bird.tobytes(), selection.tobytes())
    layer = np.frombuffer(data, np.uint8).reshape(place.height, place.width, 4)
    x, y = paste_offset(place, AREA)
    under = clean[y : y + place.height, x : x + place.width, :3].astype(int)
    shown = layer[..., 3] > 200
    assert shown.any()
    assert np.abs(layer[..., :3] - under)[shown].max() < 12
    assert (layer[..., 3][selection[y : y + place.height, x : x + place.width] == 0] == 0).all()


def test_the_fringe_of_what_goes_away_lends_no_colour() -> None:
    """A bird that reaches past its selection: with a wider grow nothing of it is taken over."""
    _, bird, selection = sky_with_a_bird()
    y, x = np.mgrid[0 : AREA.height, 0 : AREA.width]
    bird[np.hypot(x - 100, y - 80) < 33, :3] = 0
    asked = request_for(AREA, mask=MaskSettings(grow=8.0, feather=0.0))
    _, data = remove(asked, bird.tobytes(), selection.tobytes())
    layer = np.frombuffer(data, np.uint8).reshape(-1, 4)
    assert layer[layer[:, 3] > 0, :3].min() > 60


def test_nothing_round_the_selection_is_one_sentence() -> None:
    canvas = np.full((AREA.height, AREA.width, 4), 255, np.uint8)
    whole = np.full((AREA.height, AREA.width), 255, np.uint8)
    request = request_for(Region(0, 0, AREA.width, AREA.height), Size(AREA.width, AREA.height))
    with pytest.raises(ScumbleError) as caught:
        remove(request, canvas.tobytes(), whole.tobytes())
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert caught.value.info.hint


def test_empty_canvas_closes_no_gap() -> None:
    _, bird, selection = sky_with_a_bird()
    bird[:, :90] = 0
    _, data = remove(request_for(AREA), bird.tobytes(), selection.tobytes())
    layer = np.frombuffer(data, np.uint8).reshape(-1, 4)
    assert layer[layer[:, 3] > 0, :3].min() > 40, "black is what lies under the transparency"


def test_the_same_result_is_removed_with_the_same_bytes_and_each_one_is_another() -> None:
    _, bird, selection = sky_with_a_bird()
    rng = np.random.default_rng(4)
    bird[..., :3] = np.clip(bird[..., :3] + rng.normal(0, 6, (*bird.shape[:2], 3)), 0, 255)
    one, same, other = (
        remove(request_for(AREA), bird.tobytes(), selection.tobytes(), index) for index in (0, 0, 1)
    )
    assert one == same
    assert one[1] != other[1]


def test_what_is_nearly_opaque_closes_a_gap_and_empty_canvas_stays_empty() -> None:
    _, bird, selection = sky_with_a_bird()
    bird[..., 3] = 252  # a layer at 99 %
    bird[:, :100, 3] = 0  # the disc's left half lies on nothing
    place, data = remove(request_for(AREA), bird.tobytes(), selection.tobytes())
    layer = np.frombuffer(data, np.uint8).reshape(place.height, place.width, 4)
    assert place.x >= AREA.x + 100
    assert layer[..., 3].max() == 252
    bird[..., 3] = np.where(selection > 0, 0, 255)
    with pytest.raises(ScumbleError, match="nothing to remove"):
        remove(request_for(AREA), bird.tobytes(), selection.tobytes())


def test_another_seed_removes_differently() -> None:
    clean, _, selection = sky_with_a_bird()
    noisy = clean.copy()
    noisy[..., :3] = np.random.default_rng(1).integers(0, 256, (*selection.shape, 3))
    removed = {
        remove(request_for(AREA, seed=seed), noisy.tobytes(), selection.tobytes())[1]
        for seed in range(4)
    }
    assert len(removed) > 1
