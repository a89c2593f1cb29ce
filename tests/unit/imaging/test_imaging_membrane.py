"""What is known along a border, spread over what it encloses."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging.membrane import membrane


@pytest.mark.parametrize(("height", "width"), [(64, 64), (37, 90), (2, 5)])
def test_a_slope_along_the_border_is_a_slope_within(height: int, width: int) -> None:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    slope = np.stack((x, y, 3 - x + 2 * y), -1)
    known = np.ones((height, width), np.float32)
    known[1:-1, 1:-1] = 0
    film = membrane(slope * known[..., None], known)
    assert np.array_equal(film[known > 0], slope[known > 0])
    assert np.abs(film - slope).max() < 0.03 * np.ptp(slope)


def test_it_stays_between_the_least_and_the_most_that_is_known() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 20, (50, 70, 3)).astype(np.float32)
    known = np.asarray(rng.random((50, 70)) < 0.02, np.float32)
    film = membrane(values, known)
    there = values[known > 0]
    assert (film >= there.min(0) - 1e-3).all()
    assert (film <= there.max(0) + 1e-3).all()


def test_what_is_believed_by_half_gives_way_to_its_neighbours() -> None:
    values, known = np.zeros((33, 33, 3), np.float32), np.zeros((33, 33), np.float32)
    known[[0, -1]] = known[:, [0, -1]] = 1
    values[16, 16], known[16, 16] = 10, 0.5
    assert 1 < membrane(values, known)[16, 16, 0] < 9
