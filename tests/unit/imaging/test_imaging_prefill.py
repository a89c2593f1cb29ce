"""What stands inside the mask before the first step comes from the known pixels alone."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging import prefill
from scumble.link.values import Prefill

COLOURED = (Prefill.BLUR, Prefill.BORDER, Prefill.NOISE)


def halves() -> tuple[np.ndarray, np.ndarray]:
    """Blue left, orange right, and a strip of garbage between that is to be filled."""
    image = np.empty((120, 180, 3), np.uint8)
    image[:, :90] = (30, 60, 200)
    image[:, 90:] = (230, 140, 40)
    weight = np.zeros((120, 180), np.float32)
    weight[:, 60:120] = 1
    image[:, 60:120] = (0, 255, 0)
    return image, weight


@pytest.mark.parametrize("method", list(Prefill)[1:])
def test_known_pixels_keep_their_bytes(method: Prefill) -> None:
    image, weight = halves()
    filled = prefill.fill(image, weight, method, 1)
    assert np.array_equal(filled[weight == 0], image[weight == 0])
    assert filled.dtype == np.uint8


@pytest.mark.parametrize("method", COLOURED)
def test_colours_come_from_the_nearer_side_and_never_from_the_mask(method: Prefill) -> None:
    image, weight = halves()
    filled = prefill.fill(image, weight, method, 1).astype(float)
    left, right = filled[:, 62:75].mean((0, 1)), filled[:, 105:118].mean((0, 1))
    assert left[2] > left[0] + 20
    assert right[0] > right[2] + 20
    assert filled[:, 60:120, 1].mean() < 160


def test_none_keeps_all_and_neutral_is_grey() -> None:
    image, weight = halves()
    assert np.array_equal(prefill.fill(image, weight, Prefill.NONE, 1), image)
    assert (prefill.fill(image, weight, Prefill.NEUTRAL, 1)[:, 60:120] == 127).all()


def test_a_half_known_pixel_is_half_filled() -> None:
    image, weight = halves()
    filled = prefill.fill(image, weight / 2, Prefill.NEUTRAL, 1)
    assert tuple(filled[60, 90]) == pytest.approx((63, 191, 63), abs=1)


def test_noise_follows_the_seed() -> None:
    image, weight = halves()
    one, same, other = (prefill.fill(image, weight, Prefill.NOISE, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("method", COLOURED)
def test_nothing_known_gives_grey(method: Prefill) -> None:
    image = np.full((20, 30, 3), 9, np.uint8)
    assert (prefill.fill(image, np.ones((20, 30), np.float32), method, 1) == 127).all()
