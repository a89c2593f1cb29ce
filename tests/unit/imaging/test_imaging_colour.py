"""Colours come back to the picture's where the ring proves it, and are left alone elsewhere."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from pictures import Pixels, photograph

from scumble.imaging import colour
from scumble.imaging.lab import lab, levels
from scumble.link.values import Region

SIDE = 256
INSIDE = np.s_[70:190, 70:190]


def scene() -> tuple[Pixels, np.ndarray]:
    """A picture of many colours, and a model's mask in its middle."""
    picture = photograph(SIDE, SIDE)[..., :3].copy()
    change = np.zeros((SIDE, SIDE), np.float32)
    change[INSIDE] = 1
    return picture, change


def altered(picture: Pixels, how: str) -> Pixels:
    colours = lab(picture)
    if how == "shift":
        colours += np.float32([5, -5, 5])
    elif how == "gain":
        return np.rint(picture * 0.9).astype(np.uint8)
    elif how == "contrast":
        return np.rint(128 + (picture.astype(float) - 128) * 0.85).astype(np.uint8)
    elif how == "hue":
        turn = np.deg2rad(8)
        a, b = colours[..., 1].copy(), colours[..., 2].copy()
        colours[..., 1] = a * np.cos(turn) - b * np.sin(turn)
        colours[..., 2] = a * np.sin(turn) + b * np.cos(turn)
    elif how == "from left to right":
        colours[..., 0] += np.linspace(0, 10, SIDE, dtype=np.float32)
    elif how == "darker left, lighter right":
        colours[..., 0] += np.linspace(-6, 6, SIDE, dtype=np.float32)
    elif how == "vignette":
        y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
        colours[..., 0] -= (8 * (x**2 + y**2)).astype(np.float32)
    return np.clip(np.rint(levels(colours)), 0, 255).astype(np.uint8)


def corrected(picture: Pixels, given: Pixels, change: np.ndarray) -> Pixels:
    correction = colour.estimate(picture, given, change)
    if correction is None:
        return given
    return correction.apply(given, Region(0, 0, given.shape[1], given.shape[0]))


def distance(one: Pixels, other: Pixels) -> float:
    """Mean distance in Lab inside the mask."""
    return float(
        np.linalg.norm(lab(one[INSIDE].copy()) - lab(other[INSIDE].copy()), axis=-1).mean()
    )


BY_PLACE = ["from left to right", "darker left, lighter right", "vignette"]


@pytest.mark.parametrize("how", ["shift", "gain", "contrast", "hue", *BY_PLACE])
def test_a_drift_of_colours_is_taken_back(how: str) -> None:
    picture, change = scene()
    given = altered(picture, how)
    before = distance(picture, given)
    assert before > 1
    assert distance(picture, corrected(picture, given, change)) < before / 3


@pytest.mark.parametrize("how", BY_PLACE)
def test_a_drift_is_carried_on_to_where_only_one_side_is_known(how: str) -> None:
    """The left half is known: a single shift learned there is worse than none at all."""
    picture, change = scene()
    change[:, SIDE // 2 :] = 1
    given = altered(picture, how)
    right = np.s_[:, SIDE // 2 + 8 :]

    def away(shown: Pixels) -> float:
        return float(np.linalg.norm(lab(shown[right]) - lab(picture[right]), axis=-1).mean())

    assert away(corrected(picture, given, change)) < 0.5 * away(given)


def test_nothing_is_cut_off_at_black_between_what_colour_and_what_place_ask_for() -> None:
    """On the left the one asks for less light than there is and the other gives it back."""
    picture, change = scene()
    change[:, : SIDE // 2] = 1
    dark = np.s_[60:200, 4:60]
    picture[dark] = 0
    given = altered(picture, "from left to right")
    assert corrected(picture, given, change)[dark].mean() < given[dark].mean() / 2


def test_a_vignette_seen_in_four_corners_is_not_taken_for_a_shift() -> None:
    """The corners miss much the same of what the model drew anew, and the middle misses nothing."""
    picture, _ = scene()
    noise = np.random.default_rng(0).normal(0, 8, picture.shape)
    content = 6 * cv2.GaussianBlur(noise, (0, 0), 3)
    given = np.clip(altered(picture, "vignette") + content, 0, 255).astype(np.uint8)
    line = np.abs(np.linspace(-1, 1, SIDE, dtype=np.float32))
    change = np.asarray(line + line[:, None] < 1.45, np.float32)
    assert distance(picture, corrected(picture, given, change)) <= distance(picture, given)


def test_a_picture_without_blue_drifts_by_place_as_any_other() -> None:
    """Each sample has a channel that is cut off, so each counts little, but they are many."""
    picture, change = scene()
    picture[..., 2] = 0
    given = altered(picture, "vignette")
    assert distance(picture, corrected(picture, given, change)) < 0.8 * distance(picture, given)


def test_a_drift_that_begins_and_ends_under_the_mask_is_not_guessed() -> None:
    picture, change = scene()
    colours = lab(picture)
    colours[INSIDE][..., 0] += 6
    given = np.clip(np.rint(levels(colours)), 0, 255).astype(np.uint8)
    assert np.array_equal(corrected(picture, given, change), given)


def test_a_picture_that_did_not_drift_keeps_its_bytes() -> None:
    picture, change = scene()
    assert colour.estimate(picture, picture, change) is None


def test_new_content_inside_the_mask_does_not_colour_the_result() -> None:
    picture, change = scene()
    given = picture.copy()
    given[INSIDE] = (250, 20, 30)
    assert np.array_equal(corrected(picture, given, change), given)


def test_a_third_of_the_ring_may_be_wrong() -> None:
    picture, change = scene()
    given = altered(picture, "shift")
    given[:64] = (90, 30, 20)  # something that the model put there
    assert distance(picture, corrected(picture, given, change)) < 1


def test_a_blur_is_not_taken_for_a_drift() -> None:
    picture, change = scene()
    given = cv2.GaussianBlur(picture, (0, 0), 1.5)
    before = distance(picture, given)
    assert distance(picture, corrected(picture, given, change)) <= before + 0.05


def test_noise_is_not_taken_for_a_drift() -> None:
    picture, change = scene()
    noise = np.random.default_rng(0).normal(0, 12, picture.shape)
    given = np.clip(picture + noise, 0, 255).astype(np.uint8)
    before = distance(picture, given)
    assert distance(picture, corrected(picture, given, change)) <= before + 0.05


def test_colours_that_the_ring_does_not_hold_are_not_thrown_about() -> None:
    """A grey ring says how grey drifts, and little about the red inside."""
    picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
    picture += np.random.default_rng(1).integers(0, 12, picture.shape, np.uint8)
    picture[INSIDE] = (230, 40, 30)
    change = np.zeros((SIDE, SIDE), np.float32)
    change[INSIDE] = 1
    for how in ("shift", "gain", "contrast", "hue"):
        given = altered(picture, how)
        assert (
            distance(picture, corrected(picture, given, change))
            <= 1.2 * distance(picture, given) + 1
        )


def test_without_known_pixels_nothing_is_guessed() -> None:
    picture, change = scene()
    assert colour.estimate(picture, altered(picture, "shift"), np.ones_like(change)) is None


def test_the_part_asked_for_is_that_part_of_the_whole() -> None:
    picture, change = scene()
    given = altered(picture, "from left to right")
    correction = colour.estimate(picture, given, change)
    assert correction is not None
    whole = correction.apply(given, Region(0, 0, SIDE, SIDE))
    part = correction.apply(given, Region(70, 90, 120, 100))
    assert np.array_equal(part, whole[90:190, 70:190])
    assert not np.array_equal(part, given[90:190, 70:190])


def test_lab_is_opencvs_lab() -> None:
    colours = np.random.default_rng(2).integers(0, 256, (50, 50, 3)).astype(np.uint8)
    theirs = cv2.cvtColor(colours.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    assert np.abs(lab(colours) - theirs).max() < 1


def test_lab_goes_there_and_back() -> None:
    colours = np.random.default_rng(2).integers(0, 256, (4000, 3)).astype(np.uint8)
    assert np.abs(levels(lab(colours)) - colours).max() <= 0.05
