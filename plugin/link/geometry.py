"""Rectangles of whole canvas pixels: what to read round a selection, and at what size to work.

Everything here is pure and gives whole numbers. The context of a selection
follows from the selection alone; the canvas only moves or cuts it at its edges.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Optional, Tuple, Union

from .errors import bad_request
from .values import MAX_SIDE, Region, Size

MIN_SURROUNDINGS = 64  # canvas pixels on every side of the selection, where the canvas has them
MAX_ASPECT = 4  # long side over short side; SDXL's training buckets end there (512×2048)
AREA_TOLERANCE = 0.1  # how far the working area may be from native², as a share of it

# Where a context is enlarged, aim a little above the native side: 4 % more pixels cost little,
# and a grid step that falls short would lose detail that was paid for.
ENLARGING_AIM = 1.02


class Context(Enum):
    """How much of the picture the model sees round the selection.

    The first three give the share of the context's longer side that the
    selection's longer side takes. Smaller selections take less, in Auto below 45 %
    from 105 pixels down: MIN_SURROUNDINGS goes before, since with fewer pixels round
    it a model cannot tell what it is filling. A model trained below SMALL_NATIVE pixels
    has none to spare: in Tight and Auto its share is SMALL_SHARE, and its least
    surroundings are an eighth of its native side.
    """

    TIGHT = "tight"
    AUTO = "auto"
    WIDE = "wide"
    WHOLE = "whole"


SHARES = {Context.TIGHT: 0.72, Context.AUTO: 0.56, Context.WIDE: 0.36}
SMALL_NATIVE = 256
# As in what the built-in model has learned from. With 0.7 the colours along the edges of 72 fills
# were a tenth farther off.
SMALL_SHARE = 0.78

# a choice, pixels of padding, or a rectangle that the artist marked (by a layer's bounds)
ContextChoice = Union[Context, int, Region]


def align(region: Region, multiple: int) -> Region:
    """The smallest region on the grid of `multiple` pixels that holds `region`."""
    left = region.x // multiple * multiple
    top = region.y // multiple * multiple
    right = -(-region.right // multiple) * multiple
    bottom = -(-region.bottom // multiple) * multiple
    return Region(left, top, right - left, bottom - top)


def pad(region: Region, pixels: int) -> Region:
    """`region` with `pixels` more on every side; negative pixels shrink it, down to empty."""
    width = max(0, region.width + 2 * pixels)
    height = max(0, region.height + 2 * pixels)
    return Region(
        region.x - (width - region.width) // 2,
        region.y - (height - region.height) // 2,
        width,
        height,
    )


def intersect(a: Region, b: Region) -> Region:
    """What both cover; a region of width and height 0 where they do not meet."""
    left, top = max(a.x, b.x), max(a.y, b.y)
    width = min(a.right, b.right) - left
    height = min(a.bottom, b.bottom) - top
    if width <= 0 or height <= 0:
        return Region(left, top, 0, 0)
    return Region(left, top, width, height)


def clamp(region: Region, canvas: Size) -> Region:
    """The part of `region` that lies on the canvas."""
    return intersect(region, whole(canvas))


def union(a: Region, b: Region) -> Region:
    """The smallest region that holds both; an empty one adds nothing."""
    if a.empty:
        return b
    if b.empty:
        return a
    left, top = min(a.x, b.x), min(a.y, b.y)
    return Region(left, top, max(a.right, b.right) - left, max(a.bottom, b.bottom) - top)


def contains(outer: Region, inner: Region) -> bool:
    """True when `inner` lies within `outer`, edges included."""
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )


def onto(region: Region, canvas: Size) -> Region:
    """`region` moved the shortest way after which no more of it could lie on the canvas."""
    return Region(
        _moved(region.x, region.width, canvas.width),
        _moved(region.y, region.height, canvas.height),
        region.width,
        region.height,
    )


def paste_offset(inner: Region, outer: Region) -> Tuple[int, int]:
    """Where `inner`'s first pixel stands, in pixels from `outer`'s first pixel."""
    return inner.x - outer.x, inner.y - outer.y


def whole(canvas: Size) -> Region:
    """The canvas as a region."""
    return Region(0, 0, canvas.width, canvas.height)


def context_region(
    selection: Region,
    canvas: Size,
    context: ContextChoice = Context.AUTO,
    native: Optional[int] = None,
) -> Region:
    """The rectangle to read round `selection`, within the canvas and holding the selection.

    The same selection gives the same width and height on every canvas that is
    large enough. At the canvas's edge Tight, Auto and Wide are moved inward,
    which keeps the selection's share; a canvas smaller than the context cuts
    it. A number of pixels is taken literally: it is cut at the edge and has no
    least surroundings. A selection thinner than 1:MAX_ASPECT gets a context of
    at most that aspect, because models draw badly in thinner strips.

    native: the side in pixels that the model was trained at; None where no model
    draws or none is known yet, which counts as a large one.

    Raises ScumbleError (bad_request) for a selection that is empty or outside
    the canvas, for negative padding and for a canvas without pixels.
    """
    if canvas.width < 1 or canvas.height < 1:
        raise bad_request("The picture has no pixels.")
    inside = clamp(selection, canvas)
    if selection.empty:
        raise bad_request("The selection is empty.", "Select what to fill and try again.")
    if inside.empty:
        raise bad_request("The selection lies outside the picture.", "Select within the canvas.")
    if isinstance(context, Region):
        return union(inside, clamp(context, canvas))
    if isinstance(context, int):
        if context < 0:
            raise bad_request("The padding round the selection cannot be negative.")
        return clamp(pad(inside, min(context, MAX_SIDE)), canvas)
    if context is Context.WHOLE:
        return whole(canvas)
    share, least = SHARES[context], MIN_SURROUNDINGS
    if native is not None and is_small(native):
        least = native // 8
        share = share if context is Context.WIDE else SMALL_SHARE
    longer = max(inside.width, inside.height)
    wanted = bounded_aspect(
        Size(
            inside.width + 2 * max(least, _padding(inside.width, longer, share)),
            inside.height + 2 * max(least, _padding(inside.height, longer, share)),
        )
    )
    x = _place(inside.x, inside.width, wanted.width, canvas.width)
    y = _place(inside.y, inside.height, wanted.height, canvas.height)
    return Region(x, y, min(wanted.width, canvas.width), min(wanted.height, canvas.height))


def is_small(native: int) -> bool:
    """Whether a model trained at `native` pixels a side is one of the small ones."""
    return native < SMALL_NATIVE


def _padding(side: int, longer: int, share: float) -> int:
    """Surroundings on each end of a selection's side; `longer` is its longer side.

    Across a strip less is read than along it (by the geometric mean of both
    sides), or a thin selection would lose its resolution to the surroundings.
    """
    return math.ceil(math.sqrt(side * longer) * (1 / share - 1) / 2)


def _place(start: int, length: int, wanted: int, limit: int) -> int:
    """Where `wanted` pixels centred on start…start + length begin so as to stay in 0…limit."""
    centred = start - (wanted - length) // 2
    return max(0, min(centred, limit - wanted))


def _moved(start: int, length: int, limit: int) -> int:
    """The start nearest to `start` whose `length` pixels lie in 0…limit, or cover all of it."""
    room = limit - length
    return max(min(0, room), min(start, max(0, room)))


def bounded_aspect(size: Size) -> Size:
    """`size` with the short side raised so that no side is over MAX_ASPECT times the other.

    Nothing is stretched to get there: what a strip lacks is mirrored before the
    model sees it and cut away after.
    """
    least = -(-max(size.width, size.height) // MAX_ASPECT)
    return Size(max(size.width, least), max(size.height, least))


def working_size(region: Size, native: int, multiple: int) -> Size:
    """The size at which the model works on `region`.

    Both sides are multiples of `multiple`, the area is within AREA_TOLERANCE
    of native², the aspect is that of `bounded_aspect(region)` as nearly as the
    grid allows. A region that fits as it stands is not resampled.

    native: the side in pixels that the model was trained at. Raises
    ScumbleError (bad_request) for sizes below 1.
    """
    if min(region.width, region.height, native, multiple) < 1:
        raise bad_request("The picture has no pixels to work on.")
    area = native * native
    whole_grid = region.width % multiple == 0 and region.height % multiple == 0
    if whole_grid and region == bounded_aspect(region) and _near(region, area):
        return region
    shape = bounded_aspect(region)
    aspect = shape.width / shape.height
    side = native * (ENLARGING_AIM if region.pixels < area else 1.0)
    best = _on_grid(side * math.sqrt(aspect), side / math.sqrt(aspect), multiple)
    best_cost = math.inf
    longest = math.ceil(native * math.sqrt(MAX_ASPECT * (1 + AREA_TOLERANCE)))
    for width in range(multiple, longest + multiple, multiple):
        for height in _grid_neighbours(width / aspect, multiple):
            size = Size(width, height)
            if not _near(size, area):
                continue
            stretch = abs(math.log(width / height / aspect))
            surplus = abs(math.log(size.pixels / (side * side)))
            cost = stretch + surplus / 4  # keeping the shape is worth more than the exact area
            if cost < best_cost:
                best, best_cost = size, cost
    return best


def _near(size: Size, area: int) -> bool:
    return abs(size.pixels - area) <= AREA_TOLERANCE * area


def _on_grid(width: float, height: float, multiple: int) -> Size:
    """The nearest size on the grid, for grids too coarse to hold any size of the right area."""
    return Size(
        max(1, round(width / multiple)) * multiple, max(1, round(height / multiple)) * multiple
    )


def _grid_neighbours(value: float, multiple: int) -> Tuple[int, ...]:
    below = int(value // multiple) * multiple
    return tuple(side for side in (below, below + multiple) if side > 0)
