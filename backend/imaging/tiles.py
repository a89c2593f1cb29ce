"""Overlapping tiles for a second pass at full resolution, and how their pictures are joined.

Tiles are of one size near the model's native one and overlap, so that each is
drawn with its neighbours in sight. A tile's weight falls smoothly to 0 over
the overlap, and the weights of all tiles are evened out to 1 at every pixel.
Finished rows leave as soon as no tile can reach them, so that memory holds one
row of tiles and not the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import numpy as np

from scumble.imaging.pixels import Bytes8, Floats
from scumble.link.errors import bad_request
from scumble.link.values import Region, Size

OVERLAP_SHARE = 0.25  # of a tile's side; below an eighth seams of content begin to show


def plan(picture: Size, tile: Size, overlap: int) -> list[Region]:
    """Regions of size `tile`, row by row from the top left, that cover `picture`.

    Neighbours overlap by at least `overlap` pixels and are spread evenly. A
    side of the picture that is not longer than the tile's gets one tile of the
    picture's own length. Raises ScumbleError (bad_request) for an overlap that
    is negative or not smaller than the tile.
    """
    if min(picture.width, picture.height, tile.width, tile.height) < 1:
        raise bad_request("The picture has no pixels to work on.")
    if not 0 <= overlap < min(tile.width, tile.height):
        raise bad_request("Tiles have to overlap by less than their side.")
    width, height = min(tile.width, picture.width), min(tile.height, picture.height)
    return [
        Region(x, y, width, height)
        for y in _starts(picture.height, height, overlap)
        for x in _starts(picture.width, width, overlap)
    ]


def needed(tiles: Iterable[Region], mask: Bytes8) -> list[Region]:
    """Those of `tiles` in which `mask`, uint8 of the picture's size, is not 0 everywhere."""
    return [t for t in tiles if mask[t.y : t.bottom, t.x : t.right].any()]


def weight(tile: Region, picture: Size, overlap: int) -> Floats:
    """How much each pixel of `tile` counts, float32 (height, width), above 0 … 1.

    1 in the middle, falling over `overlap` pixels towards each side that lies
    inside the picture; full up to the picture's own edges.
    """
    across = _slope(tile.width, overlap, tile.x > 0, tile.right < picture.width)
    down = _slope(tile.height, overlap, tile.y > 0, tile.bottom < picture.height)
    return np.asarray(down[:, None] * across, np.float32)


def join(
    picture: Size,
    tiles: list[Region],
    overlap: int,
    draw: Callable[[Region], Bytes8],
) -> Iterator[tuple[int, Bytes8]]:
    """Yields (y, rows): finished rows of the picture, uint8 (n, width, 3), from top to bottom.

    tiles: as `plan` gives them, all of them or those that are needed. draw:
    gives the picture of one tile, uint8 (height, width, 3); called once a tile
    and in order. Rows and columns that no tile covers are black; rows above
    the first and below the last tile are left out.
    """
    start = tiles[0].y if tiles else 0
    colours = np.zeros((0, picture.width, 3), np.float32)
    weights = np.zeros((0, picture.width, 1), np.float32)
    for y, group in groupby(tiles, key=lambda tile: tile.y):
        done = y - start
        if done > 0 and len(colours):
            yield start, _blended(colours[:done], weights[:done])
        colours, weights = colours[done:], weights[done:]
        start = y
        row = list(group)
        missing = row[0].height - len(colours)
        if missing > 0:
            colours = np.concatenate((colours, np.zeros((missing, picture.width, 3), np.float32)))
            weights = np.concatenate((weights, np.zeros((missing, picture.width, 1), np.float32)))
        for tile in row:
            part = np.s_[: tile.height, tile.x : tile.right]
            shares = weight(tile, picture, overlap)[..., None]
            colours[part] += draw(tile) * shares
            weights[part] += shares
    if len(colours):
        yield start, _blended(colours, weights)


def _blended(colours: Floats, weights: Floats) -> Bytes8:
    return np.asarray(np.rint(colours / np.maximum(weights, 1e-12)), np.uint8)


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin along one side, first at 0 and last at its end, evenly spread."""
    rest = length - tile
    if not rest:
        return [0]
    steps = -(-rest // (tile - overlap))
    return [rest * i // steps for i in range(steps + 1)]


def _slope(length: int, overlap: int, falls_before: bool, falls_after: bool) -> Floats:
    """A raised cosine at the ends that fall; it never reaches 0, so that a weight always counts."""
    position = np.arange(length, dtype=np.float32) + 0.5
    result = np.ones(length, np.float32)
    for falls, distance in ((falls_before, position), (falls_after, length - position)):
        if falls and overlap:
            t = np.minimum(distance / overlap, 1)
            result *= np.maximum(0.5 - 0.5 * np.cos(np.pi * t), 1e-6)
    return result
