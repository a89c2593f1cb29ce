"""Selections stay as soft as they are, feather inward, and grow by a Euclidean distance."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging import mask
from scumble.imaging.window import enter, fit
from scumble.link.values import Region, Size

CLOSED = (False, False, False, False)
OPEN = (True, True, True, True)


def square(side: int, inner: int) -> np.ndarray:
    selection = np.zeros((side, side), np.uint8)
    margin = (side - inner) // 2
    selection[margin : margin + inner, margin : margin + inner] = 255
    return selection


def test_a_hard_selection_feathers_inward_over_the_width_asked_for() -> None:
    alpha = mask.layer_alpha(square(200, 100), None, 20.0, CLOSED)
    row = alpha[100]
    assert (row[:50] == 0).all()
    assert 0 < row[50] < 0.02
    assert (np.diff(row[50:70]) > 0).all()
    assert row[60] == pytest.approx(0.5, abs=0.05)
    assert (row[70:130] == 1).all()


def test_feather_zero_is_the_selection_itself() -> None:
    selection = square(60, 20)
    selection[30, 30:40] = 77
    alpha = mask.layer_alpha(selection, None, 0.0, CLOSED)
    assert np.array_equal(np.rint(alpha * 255), selection)


def test_an_already_soft_selection_keeps_its_grey_values() -> None:
    y, x = np.mgrid[0:200, 0:200]
    soft = np.clip(255 * (1.5 - np.hypot(x - 100, y - 100) / 60), 0, 255).astype(np.uint8)
    alpha = mask.layer_alpha(soft, None, None, CLOSED)
    assert np.abs(alpha - soft / 255).max() < 0.06


def test_an_opened_edge_of_the_context_feathers_and_the_canvas_edge_does_not() -> None:
    whole = np.full((80, 80), 255, np.uint8)
    assert (mask.layer_alpha(whole, None, 10.0, CLOSED) == 1).all()
    alpha = mask.layer_alpha(whole, None, 10.0, (False, False, True, False))
    assert (alpha[:, 0] < 0.1).all()
    assert (alpha[:, 10:] == 1).all()
    assert (mask.layer_alpha(whole, None, 10.0, OPEN)[40, 40] == 1).all()


def test_sides_are_open_where_the_canvas_goes_on() -> None:
    assert mask.open_sides(Region(0, 0, 50, 50), Size(50, 50)) == CLOSED
    assert mask.open_sides(Region(5, 0, 45, 20), Size(50, 50)) == (False, True, True, False)


def test_one_pixel_a_hairline_and_an_island_become_opaque_by_default() -> None:
    for shape in (np.s_[50:51, 50:51], np.s_[50:52, 10:90]):
        selection = np.zeros((100, 100), np.uint8)
        selection[shape] = 255
        assert mask.layer_alpha(selection, None, None, CLOSED)[shape].max() == 1


def test_transparent_canvas_is_not_feathered() -> None:
    selection = np.zeros((60, 100), np.uint8)
    selection[:, 50:] = 255
    known = np.full((60, 100), 255, np.uint8)
    known[:, 50:] = 0
    assert (mask.layer_alpha(selection, known, 20.0, CLOSED)[:, 50:] == 1).all()


def test_growing_reaches_a_disc_and_no_square() -> None:
    selection = np.zeros((101, 101), np.uint8)
    selection[50, 50] = 255
    grown = mask.grown(selection, 20.0)
    y, x = np.nonzero(grown > 0.01)
    reach = np.hypot(x - 50, y - 50)
    assert 18 <= reach.max() <= 20.7
    assert grown[50 + 17, 50 + 17] == 0  # the corner of the square
    assert grown[50, 58] > 0.95


def test_a_half_selected_place_is_drawn_in_full() -> None:
    """It shows half of a whole picture, and not half of something half-drawn."""
    levels = np.zeros((60, 120), np.uint8)
    levels[20:40, 20:40] = 77
    levels[20:40, 70:90] = 230
    grown = mask.grown(mask.drawn(levels, 1.0), 8.0)
    assert (grown[levels > 0] == 1).all()
    assert 0 < grown[30, 45] < 1
    assert grown[30, 55] == 0
    alpha = mask.layer_alpha(levels, None, 0.0, CLOSED)
    assert alpha[30, 30] == pytest.approx(77 / 255)


def test_a_faint_tail_is_drawn_less_and_less_and_a_faint_selection_in_full() -> None:
    tail = np.arange(256, dtype=np.uint8)[None]
    drawn = mask.drawn(tail, 1.0)[0]
    assert (np.diff(drawn.astype(int)) >= 0).all()
    assert drawn[0] == 0
    assert 0 < drawn[1] < drawn[8] < 255
    assert (drawn[16:] == 255).all()
    assert mask.drawn(np.full((3, 3), 1, np.uint8), 1.0).min() == 255


@pytest.mark.parametrize("scale", [0.5, 0.3, 0.07])
def test_a_speck_does_not_vanish_when_the_context_is_reduced(scale: float) -> None:
    selection = np.zeros((600, 600), np.uint8)
    selection[217, 333] = 255
    window = fit(Size(600, 600), Size(round(600 * scale), round(600 * scale)))
    assert mask.grown(enter(window, mask.drawn(selection, window.scale)), 4.0).max() > 0.95


def test_a_speck_becomes_a_disc_and_no_square() -> None:
    selection = np.zeros((101, 101), np.uint8)
    selection[50, 50] = 255
    y, x = np.nonzero(mask.drawn(selection, 0.05))
    assert np.hypot(x - 50, y - 50).max() <= 20
    assert x.min() == y.min() == 50 - 19


def test_growing_never_lowers_what_is_drawn() -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    assert (mask.grown(drawn, 3.0) >= drawn / np.float32(255) - 1e-6).all()


def test_growing_by_nothing_is_the_drawn_itself() -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (20, 20), np.uint8)
    assert np.allclose(mask.grown(drawn, 0.0) * 255, drawn, atol=1e-3)


@pytest.mark.parametrize(
    ("blend", "full_at", "partly_at", "kept_at"),
    [(0.0, 19, None, 21), (10.0, 9, 15, 21), (20.0, None, 10, 21), (500.0, None, 10, 21)],
)
def test_the_blend_goes_over_to_keeping_inward_from_the_grown_edge(
    blend: float, full_at: int | None, partly_at: int | None, kept_at: int
) -> None:
    """Distances are pixels beyond the selection's last one."""
    selection = square(200, 100)
    row = mask.grown(selection, 20.0, blend)[100, 149:]
    assert row[0] == 1
    assert (np.diff(row) <= 0).all()
    assert full_at is None or row[full_at] == 1
    assert partly_at is None or 0.2 < row[partly_at] < 0.9
    assert row[kept_at] == 0


def test_defaults_scale_with_the_selection() -> None:
    small = mask.default_grow(square(400, 60), 4.0)
    large = mask.default_grow(square(1600, 800), 1.0)
    assert 10 * small < large
    assert mask.default_grow(square(400, 2), 4.0) == pytest.approx(2)
    near = mask.layer_alpha(square(400, 60), None, None, CLOSED)[200]
    wide = mask.layer_alpha(square(1600, 800), None, None, CLOSED)[800]
    assert np.count_nonzero((near > 0) & (near < 1)) * 5 < np.count_nonzero((wide > 0) & (wide < 1))
