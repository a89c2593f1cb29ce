"""The table of all colours is looked up fast, and as exactly as eight bits can show."""

from __future__ import annotations

import numpy as np
import pytest
from pictures import Pixels, photograph

from scumble.imaging import colour_table, lookup
from scumble.imaging.drift import Drift
from scumble.imaging.lab import lab, levels

MATRICES = {
    "a shift": np.zeros((3, 3)),
    "contrast": np.eye(3) * 0.17,
    "a turn of hue": np.array([[0, 0, 0], [0, -0.01, 0.14], [0, -0.14, -0.01]]),
}


def drift(name: str) -> Drift:
    shift = np.array([3.0, 1.0, -1.0])
    return Drift(MATRICES[name], shift, np.zeros((5, 3)), np.array([50.0, 0, 0]), np.eye(3) / 50)


def exactly(of: Drift, picture: Pixels) -> np.ndarray:
    mapped = levels(of.colours(lab(picture.reshape(-1, 3))))
    return np.clip(mapped, 0, 255).reshape(picture.shape)


@pytest.mark.parametrize("name", MATRICES)
def test_a_picture_is_off_by_less_than_a_level_from_the_exact_map(name: str) -> None:
    picture = np.ascontiguousarray(photograph(301, 203)[..., :3])
    shown = lookup.apply(colour_table.baked(drift(name), None), picture)
    off = np.abs(shown - exactly(drift(name), picture))
    assert off.mean() < 0.4  # 0.25 is what rounding takes
    assert np.quantile(off, 0.99) < 2.5


@pytest.mark.parametrize("name", MATRICES)
def test_a_smooth_gradient_stays_smooth(name: str) -> None:
    """No step that eight bits do not ask for, and none back: bands would show in a sky."""
    grey = np.repeat(np.linspace(40, 220, 1500)[None, :, None], 3, 2)
    warm, cold = np.array([30, 0, -30]), np.array([0, 20, 40])
    rows = (grey, grey * 0.8 + cold, np.clip(grey + warm, 0, 255))
    sky = np.rint(np.concatenate(rows)).astype(np.uint8)
    shown = lookup.apply(colour_table.baked(drift(name), None), sky).astype(int)
    steps = np.diff(shown, axis=1)
    assert steps.max() <= 3
    assert np.count_nonzero(steps < 0) <= 0.001 * steps.size
    assert np.abs(shown - exactly(drift(name), sky)).max() < 2.6


def test_no_drift_gives_back_the_bytes() -> None:
    colours = np.random.default_rng(4).integers(0, 256, (90, 70, 3), np.uint8)
    nothing = Drift(np.zeros((3, 3)), np.zeros(3), np.zeros((5, 3)), np.zeros(3), np.eye(3))
    shown = lookup.apply(colour_table.baked(nothing, None), colours)
    assert np.abs(shown.astype(int) - colours).max() <= 1


def test_what_single_colours_miss_is_carried_to_their_like_and_not_further() -> None:
    colours = np.full((400, 3), (200, 40, 40), np.uint8)
    missing = np.full((400, 3), 4, np.float32)
    nothing = Drift(np.zeros((3, 3)), np.zeros(3), np.zeros((5, 3)), np.zeros(3), np.eye(3))
    table = colour_table.baked(nothing, colour_table.missing_by_colour(colours, missing))
    pair = np.array([[[200, 40, 40], [40, 90, 200]]], np.uint8)
    change = lab(lookup.apply(table, pair)[0]) - lab(pair[0])
    assert change[0] == pytest.approx([4, 4, 4], abs=0.8)
    assert change[1] == pytest.approx([0, 0, 0], abs=0.5)
