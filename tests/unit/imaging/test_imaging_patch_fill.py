"""A gap is closed with pieces of what lies round it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from scumble.imaging import patch_fill, prefill

Pixels = npt.NDArray[np.uint8]


def stripes(height: int = 160, width: int = 200) -> Pixels:
    """Slanted stripes, 12 pixels from one to the next, in soft light from the left."""
    y, x = np.mgrid[:height, :width]
    wave = 60 * np.sign(np.sin((x + y) * (2 * np.pi / 12)))
    return np.stack((90 + wave + x / 8, 120 + wave / 2, 150 - wave + x / 8), -1).astype(np.uint8)


def hole(height: int = 160, width: int = 200) -> Pixels:
    y, x = np.mgrid[:height, :width]
    return (np.hypot((x - width * 0.5) / 1.3, y - height * 0.5) < height * 0.2).astype(np.uint8)


def test_a_texture_runs_on_through_the_gap() -> None:
    picture, gap = stripes(), hole()
    closed = patch_fill.close(picture, gap)
    there = gap > 0
    far = np.abs(closed.astype(int) - picture)[there].mean()
    smeared = np.abs(prefill.border_colours(picture, 1 - gap).astype(int) - picture)[there].mean()
    assert far < 12
    assert smeared > 2 * far


def test_nothing_of_what_was_there_and_nothing_outside_changes() -> None:
    picture, gap = stripes(), hole()
    closed = patch_fill.close(picture, gap)
    hidden = picture.copy()
    hidden[gap > 0] = (255, 0, 255)
    assert np.array_equal(patch_fill.close(hidden, gap), closed)
    assert np.array_equal(closed[gap == 0], picture[gap == 0])


def test_a_gap_at_full_size_keeps_the_detail_that_the_search_does_not_see() -> None:
    """Four times the search's size: lines of one pixel would be grey on the reduced picture."""
    rng = np.random.default_rng(3)
    picture = np.repeat(rng.integers(0, 256, (700, 900, 1), np.uint8), 3, -1)
    gap = hole(700, 900)
    closed = patch_fill.close(picture, gap)
    spread = picture[gap == 0].std()
    assert closed[gap > 0].std() > 0.8 * spread
    assert np.abs(np.diff(closed[gap > 0][:, 0].astype(int))).mean() > 0.8 * spread


def test_fine_lines_meet_at_the_gaps_border_though_the_search_does_not_see_them() -> None:
    """Bricks of 71 by 31 pixels with joints of 4, reduced three times for the search."""
    y, x = np.mgrid[:700, :900]
    joint = (y % 31 < 4) | ((x + y // 31 % 2 * 35) % 71 < 4)
    noise = np.random.default_rng(0).normal(0, 4, (700, 900))
    bricks = np.clip(np.where(joint, 190, 110) + noise, 0, 255).astype(np.uint8)
    picture, gap = np.repeat(bricks[..., None], 3, -1), hole(700, 900)
    closed = patch_fill.close(picture, gap)
    inside = cv2.distanceTransform(gap, cv2.DIST_L2, cv2.DIST_MASK_5)
    away = np.abs(closed.astype(int) - picture)[(inside > 0) & (inside < 8)].mean()
    assert away < 6, "4.5 of them are the noise"


def test_the_same_seed_closes_alike_and_another_differently() -> None:
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (120, 160, 3), np.uint8)
    gap = hole(120, 160)
    one, same, other = (patch_fill.close(picture, gap, seed) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_light_of_the_surroundings_meets_at_the_border() -> None:
    """Whatever pieces a soft sky is closed with, the gap's edge does not show."""
    y, x = np.mgrid[:180, :240]
    sky = np.stack((60 + y / 2, 110 + y / 2, 170 + x / 4), -1).astype(np.uint8)
    gap = hole(180, 240)
    closed = patch_fill.close(sky, gap).astype(int)
    assert np.abs(closed - sky)[gap > 0].mean() < 6
    across = gap[:, 1:] != gap[:, :-1]
    assert np.abs(np.diff(closed, axis=1)).max(-1)[across].max() <= 4


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (8, 8), (17, 40), (300, 3), (64, 64), (90, 500)])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("seed", [0, 3])
def test_any_picture_and_any_gap(size: tuple[int, int], share: float, seed: int) -> None:
    height, width = size
    picture = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    gap = np.zeros((height, width), np.uint8)
    gap[:, : max(1, round(width * share))] = 255
    gap[height // 2 :, : max(1, width // 3)] = 0 if share < 1 else 255
    if not gap.any():
        gap[0, 0] = 255
    closed = patch_fill.close(picture, gap, seed)
    assert closed.shape == picture.shape
    assert np.array_equal(closed[gap == 0], picture[gap == 0])


def test_islands_and_the_pictures_edges() -> None:
    picture, gap = stripes(), np.zeros((160, 200), np.uint8)
    gap[:20, :30] = gap[70:90, 90:110] = gap[150:, 120:200] = 1
    gap[40, 40] = 1
    closed = patch_fill.close(picture, gap)
    assert np.abs(closed.astype(int) - picture)[gap > 0].mean() < 25


def test_what_the_pieces_do_not_reach_gets_no_colour_of_its_own() -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(64, 64)), (0, 0), 4)
    grey = cv2.normalize(noise, None, 60, 200, cv2.NORM_MINMAX).astype(np.uint8)
    gap = np.zeros((64, 64), np.uint8)
    gap[:41, 38:] = 1
    closed = patch_fill.close(np.repeat(grey[..., None], 3, -1), gap).astype(int)
    # The shift-map fill leaves some pixels 0, which is a bright blue in the space that it works in.
    assert np.ptp(closed, axis=-1).max() < 12
