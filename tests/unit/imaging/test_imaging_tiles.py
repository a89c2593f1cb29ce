"""A picture larger than the model is drawn in overlapping tiles: no seams, flat memory."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import photograph

from scumble.imaging import tiles
from scumble.link.errors import ScumbleError
from scumble.link.values import Region, Size

sides = st.integers(1, 1500)


@settings(deadline=None)
@given(sides, sides, st.integers(40, 512), st.integers(0, 400))
def test_tiles_cover_the_picture_and_overlap_as_asked(
    width: int, height: int, side: int, overlap: int
) -> None:
    overlap = min(overlap, side - 1, side // 2)
    picture = Size(width, height)
    planned = tiles.plan(picture, Size(side, side), overlap)
    assert {t.size for t in planned} == {Size(min(side, width), min(side, height))}
    for starts, length, tile in (
        (sorted({t.x for t in planned}), width, planned[0].width),
        (sorted({t.y for t in planned}), height, planned[0].height),
    ):
        assert starts[0] == 0
        assert starts[-1] + tile == length
        assert all(a + tile - b >= overlap for a, b in pairwise(starts))


def test_tiles_are_no_more_than_needed() -> None:
    assert len(tiles.plan(Size(8000, 6000), Size(1024, 1024), 256)) == 11 * 8
    assert tiles.plan(Size(500, 300), Size(512, 512), 64) == [Region(0, 0, 500, 300)]


def test_a_tile_counts_fully_at_the_pictures_edge_and_hardly_at_its_own() -> None:
    shares = tiles.weight(Region(0, 0, 100, 100), Size(300, 100), 40)
    assert (shares[:, :60] == 1).all()
    assert (shares[:, -1] < 0.01).all()
    assert (np.diff(shares[50]) <= 0).all()


def test_joined_tiles_of_a_picture_are_the_picture() -> None:
    picture = photograph(700, 500)[..., :3]
    planned = tiles.plan(Size(700, 500), Size(256, 192), 48)
    rows = tiles.join(Size(700, 500), planned, 48, lambda t: picture[t.y : t.bottom, t.x : t.right])
    result = np.zeros_like(picture)
    last = 0
    for y, part in rows:
        assert y == last
        result[y : y + len(part)] = part
        last = y + len(part)
    assert last == 500
    assert np.array_equal(result, picture)


def test_tiles_of_different_colours_meet_without_a_step() -> None:
    """Each tile is of one grey, 40 levels apart: nowhere do neighbours differ by more than 3."""
    size = Size(600, 400)
    planned = tiles.plan(size, Size(256, 256), 96)
    greys = {tile: 100 + 40 * (i % 2) for i, tile in enumerate(planned)}
    rows = tiles.join(
        size, planned, 96, lambda t: np.full((t.height, t.width, 3), greys[t], np.uint8)
    )
    result = np.concatenate([part for _, part in rows]).astype(int)
    assert np.abs(np.diff(result, axis=0)).max() <= 3
    assert np.abs(np.diff(result, axis=1)).max() <= 3
    assert result.min() == 100
    assert result.max() == 140


def test_only_tiles_that_the_mask_touches_are_needed() -> None:
    mask = np.zeros((400, 600), np.uint8)
    mask[10:20, 10:20] = 1
    planned = tiles.plan(Size(600, 400), Size(256, 256), 64)
    assert tiles.needed(planned, mask) == [Region(0, 0, 256, 256)]


def test_memory_is_a_row_of_tiles_and_not_the_picture() -> None:
    size = Size(2000, 6000)
    planned = tiles.plan(size, Size(256, 256), 64)
    grey = np.full((256, 256, 3), 90, np.uint8)
    tracemalloc.start()
    height = sum(len(rows) for _, rows in tiles.join(size, planned, 64, lambda _: grey))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert height == 6000
    assert (
        peak < 8 * 256 * 2000 * 4 * 4
    )  # bytes: a few rows of tiles of float32 colours and weights
    assert peak < 6000 * 2000 * 3


@pytest.mark.parametrize(
    ("picture", "tile", "overlap"),
    [
        (Size(0, 5), Size(8, 8), 0),
        (Size(50, 50), Size(8, 8), 8),
        (Size(50, 50), Size(8, 8), -1),
    ],
)
def test_tiles_that_cannot_be_are_refused(picture: Size, tile: Size, overlap: int) -> None:
    with pytest.raises(ScumbleError):
        tiles.plan(picture, tile, overlap)
