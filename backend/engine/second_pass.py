"""Gives detail back to what is larger than the model's picture, in tiles at full size.

The first pass draws at the model's native area and is enlarged. The second
draws over it, tile by tile at native size, at low strength, so that the
composition stays and the detail comes. So do the colours: what the first pass
gave is known all over a tile, and each is brought back to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from scumble.engine.model import Model
from scumble.engine.start import Canvas
from scumble.engine.work import Work
from scumble.imaging import colour
from scumble.imaging import mask as masks
from scumble.imaging import tiles as tiling
from scumble.imaging.composite import finish_image, layer_of
from scumble.imaging.pixels import Bytes8
from scumble.imaging.window import Window, enter, fit, leave, scaled
from scumble.link.values import Region, Size

STRENGTH = 0.3  # detail changes, shapes stay
WORTHWHILE = 1.33  # how much longer than in the first pass a side has to be
LEAST_NATIVE = 512  # pixels; smaller models know whole things, no detail of them
SHRINK = 0.9  # a try at fewer tiles
STRIP = 64  # rows that are blended at once


@dataclass(frozen=True)
class Tile:
    """canvas: what the model sees; window: how the tile lies in it; shown: where on the canvas."""

    number: int
    canvas: Canvas
    window: Window
    shown: Region

    def seed(self, picture: int) -> int:
        """Of this tile in a picture with the seed `picture`; no two tiles share their noise."""
        return (picture + (self.number + 1) * 0x9E3779B97F4A7C15) % 2**63


DrawTile = Callable[[int, Tile], Bytes8]
"""(number, tile) -> uint8 (h, w, 3) at the size of tile.canvas."""


@dataclass(frozen=True)
class SecondPass:
    """size: of the picture that the tiles cover, at most `whole`, the region's.

    No tiles: nothing to do.
    """

    whole: Size
    size: Size
    tiles: tuple[Region, ...]
    overlap: int
    strength: float
    multiple: int

    @property
    def note(self) -> str:
        """One sentence where the tiles give less than full detail, else ""."""
        if not self.tiles or self.size == self.whole:
            return ""
        share = self.size.width / self.whole.width
        return (
            f"So large an area was drawn at {100 * share:.0f} % of its size and enlarged, "
            "since more would take too long on this device."
        )

    def refine(
        self, work: Work, placed: Region, layer: bytes, draw: DrawTile
    ) -> tuple[Region, bytes]:
        """The layer, rectangle and RGBA8 bytes, drawn over in tiles.

        placed, layer: what the first pass gave.
        """
        mask = _mask(work, self.size)
        picture = scaled(_under(work, placed, layer), self.size)
        before = picture.copy()
        numbers = {tile: number for number, tile in enumerate(self.tiles)}

        def one(region: Region) -> Bytes8:
            tile = self._tile(work, region, numbers[region], before, mask)
            drawn = draw(tile.number, tile)
            if work.request.colour_match and tile.canvas.image is not None:
                drawn = colour.matched(tile.canvas.image, drawn)
            return leave(tile.window, drawn)

        covered = np.zeros((self.size.height, self.size.width), np.bool_)
        for tile in self.tiles:
            covered[tile.y : tile.bottom, tile.x : tile.right] = True
        for y, rows in tiling.join(self.size, list(self.tiles), self.overlap, one):
            here = covered[y : y + len(rows)]
            picture[y : y + len(rows)][here] = rows[here]
        if work.prepared is None:
            return work.request.region, finish_image(work.request, picture)
        colours = scaled(picture, work.request.region.size)
        return layer_of(work.request.region, work.prepared.alpha, colours)

    def _tile(
        self, work: Work, region: Region, number: int, picture: Bytes8, mask: Bytes8 | None
    ) -> Tile:
        part = np.s_[region.y : region.bottom, region.x : region.right]
        window = fit(region.size, _aligned(region.size, self.multiple))
        image = enter(window, np.ascontiguousarray(picture[part]))
        change = None
        if mask is not None:
            inside = enter(window, np.ascontiguousarray(mask[part]))
            change = np.asarray(inside > 0, np.float32)
        whole = work.request.region
        factor = whole.width / self.size.width
        shown = Region(
            whole.x + round(region.x * factor),
            whole.y + round(region.y * factor),
            round(region.width * factor),
            round(region.height * factor),
        )
        return Tile(number, Canvas(window.size, image, change), window, shown)


def plan(model: Model, work: Work) -> SecondPass:
    """The tiles that are worth drawing: at full size, or at as much of it as the device can do.

    A slow device gets few tiles (`Device.tiles`), so that a large picture does
    not take hours; what is left to full size is enlarged as before.
    """
    region, first = work.request.region.size, work.window.scale
    strength = min(STRENGTH, work.request.strength)
    none = SecondPass(region, region, (), 0, strength, model.scale)
    if model.native < LEAST_NATIVE:
        return none
    factor, side = 1.0, model.native
    overlap = round(side * tiling.OVERLAP_SHARE)
    while factor >= first * WORTHWHILE:
        size = Size(round(region.width * factor), round(region.height * factor))
        tiles = tiling.plan(size, Size(side, side), min(overlap, *_least(size, side)))
        mask = _mask(work, size)
        if mask is not None:
            tiles = tiling.needed(tiles, mask)
        if len(tiles) <= model.device.tiles:
            return SecondPass(region, size, tuple(tiles), overlap, strength, model.scale)
        factor *= SHRINK
    return none


def _least(size: Size, side: int) -> tuple[int, int]:
    """An overlap has to be smaller than the sides of the tiles."""
    return min(size.width, side) - 1, min(size.height, side) - 1


def _mask(work: Work, size: Size) -> Bytes8 | None:
    """uint8 of `size`, above 0 wherever the layer shows; None where it shows everywhere."""
    if work.prepared is None:
        return None
    shows = np.asarray(work.prepared.alpha > 0, np.uint8) * np.uint8(255)
    method = cv2.INTER_AREA if size.width < shows.shape[1] else cv2.INTER_NEAREST
    small: Bytes8 = cv2.resize(shows, (size.width, size.height), interpolation=method)
    return small


def _under(work: Work, placed: Region, layer: bytes) -> Bytes8:
    """The picture with the first pass in it, uint8 (H, W, 3) of the request's region.

    What is selected by half stands there in full, as `masks.drawn` has it: the
    layer's alpha is laid over it once, at the end. Empty canvas has the colours
    that the first pass saw there.
    """
    above = np.frombuffer(layer, np.uint8).reshape(placed.height, placed.width, 4)
    if work.prepared is None:
        return np.ascontiguousarray(above[..., :3])
    original = work.prepared.original
    picture = np.ascontiguousarray(original[..., :3])
    if cv2.minMaxLoc(original[..., 3])[0] < 255:
        _lay(leave(work.window, work.prepared.image), 255 - original[..., 3], picture)
    x, y = placed.x - work.request.region.x, placed.y - work.request.region.y
    below = picture[y : y + placed.height, x : x + placed.width]
    _lay(above[..., :3], masks.drawn(np.ascontiguousarray(above[..., 3]), 1.0), below)
    return picture


def _lay(colours: Bytes8, alpha: Bytes8, picture: Bytes8) -> None:
    """Lays colours, uint8 (h, w, 3), over `picture` with alpha, uint8 (h, w)."""
    for top in range(0, len(picture), STRIP):  # a few rows of floats at a time
        rows = np.s_[top : top + STRIP]
        share = alpha[rows, :, None].astype(np.float32) / 255
        picture[rows] = np.rint(colours[rows] * share + picture[rows] * (1 - share))


def _aligned(size: Size, multiple: int) -> Size:
    return Size(-(-size.width // multiple) * multiple, -(-size.height // multiple) * multiple)
