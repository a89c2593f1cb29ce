"""Whether what is selected is a background: it lies round something that is not selected."""

from __future__ import annotations

from typing import Callable

from .geometry import whole
from .values import Region, Size, Snapshot

_LINES = 16  # rows that are looked at, from the top down
_SELECTED = bytes(value >= 128 for value in range(256))  # 1 for a mask value that counts
_OUTLINE = 0.75  # of the canvas's edges: a subject may be cut off by one of them
_SUBJECT = 0.01  # of what is looked at is not selected; less is a speck

Selected = Callable[[Region], bytes]
"""How much each pixel of a row or a column is selected, a byte each, 0 … 255."""


def is_background(canvas: Size, selected: Selected) -> bool:
    """Whether the selection reaches all four edges of the canvas and leaves a subject out.

    It has to take most of the edges, and what it leaves has to be seen in a few
    rows, so that this is quick: `selected` is asked for 20 lines at most.
    """
    width, height = canvas.width, canvas.height
    edges = (
        Region(0, 0, width, 1),
        Region(0, height - 1, width, 1),
        Region(0, 0, 1, height),
        Region(width - 1, 0, 1, height),
    )
    taken = [_count(selected(edge)) for edge in edges]
    if not all(taken) or sum(taken) < _OUTLINE * 2 * (width + height):
        return False
    rows = [(2 * line + 1) * height // (2 * _LINES) for line in range(_LINES)]
    left = sum(width - _count(selected(Region(0, y, width, 1))) for y in rows)
    return left >= _SUBJECT * width * _LINES


def shows_background(snapshot: Snapshot) -> bool:
    """The same of what was read: the whole canvas, or it cannot be one."""
    mask = snapshot.mask
    if mask is None or snapshot.region != whole(snapshot.canvas):
        return False
    width = snapshot.canvas.width

    def selected(line: Region) -> bytes:
        if line.width == 1:
            return mask[line.x :: width]
        return mask[line.y * width : (line.y + 1) * width]

    return is_background(snapshot.canvas, selected)


def _count(values: bytes) -> int:
    return values.translate(_SELECTED).count(1)
