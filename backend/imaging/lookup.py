"""A picture through a table of all colours, fast.

A colour is looked up by its upper bits, for which OpenCV has a code of 16 bits;
what its lower bits add is taken as linear, with the table's slope about there.
Both come out of tables, so that a picture takes a third of the time of a
trilinear interpolation, and smooth gradients stay smooth.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from scumble.imaging.pixels import Bytes8, Floats

Levels = npt.NDArray[np.float64]

PART = 64  # parts of a level that are looked up
LIMIT = 400 * PART  # further out of gamut makes no difference, and the sum fits 16 bits
STRIP = 64  # rows that are looked up at once: what a processor keeps at hand


def _lower() -> Bytes8:
    """For OpenCV's LUT: the bits of r, g, b that its code drops, then the uppermost, to say where.

    r and b: 3 lower, 2 upper bits; g: 3 lower (the code of colours has one of
    them too, which is passed over), 3 upper bits.
    """
    value = np.arange(256)
    r_b, g = (value & 7) << 5 | (value >> 6) << 3, (value & 7) << 5 | (value >> 5) << 2
    return np.stack((r_b, g, r_b), -1).astype(np.uint8)[None]


LOWER = _lower()


def apply(table: Floats, picture: Bytes8, offset: Floats | None = None) -> Bytes8:
    """`picture`, uint8 (h, w, 3), through a table of all colours; right to about a level.

    table: float32 (n, n, n, 3) by b, g, r from 0 to 255 in equal steps, sRGB
    0 … 1, which may reach beyond. offset: float32 (h, w, 3), levels to add;
    what the table alone would carry beyond black or white comes back by it.
    """
    upper, lower = _packed(_by_upper_bits(table)), _packed(_by_lower_bits(table))
    result = np.empty_like(picture)
    for top in range(0, len(picture), STRIP):
        part = picture[top : top + STRIP]
        size = (*part.shape[:2], 4)
        whole = cv2.LUT(_code(part), upper).view(np.int16).reshape(size)
        rest = cv2.LUT(_code(cv2.LUT(part, LOWER)), lower).view(np.int16).reshape(size)
        total = cv2.add(whole, rest)
        if offset is not None:
            added = cv2.cvtColor(offset[top : top + STRIP], cv2.COLOR_RGB2RGBA)
            total = cv2.addWeighted(total, 1, added, PART, 0, dtype=cv2.CV_16S)
        shown = cv2.convertScaleAbs(cv2.max(total, 0.0), alpha=1 / PART)
        result[top : top + STRIP] = cv2.cvtColor(shown, cv2.COLOR_RGBA2RGB)
    return result


def _code(picture: Bytes8) -> npt.NDArray[np.uint16]:
    """The upper 5, 6 and 5 bits of r, g, b (h, w, 3) as one number (h, w)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR565).view(np.uint16)[..., 0])


def _by_upper_bits(table: Floats) -> Floats:
    """What the middle of each code becomes, float32 (65536, 3), in levels."""
    r, g, b = (_middles(n) for n in (32, 64, 32))
    values = _sampled(table, r, g, b, len(table) - 1)
    return np.asarray(values.reshape(-1, 3) * np.float32(255), np.float32)


def _by_lower_bits(table: Floats) -> Floats:
    """What the lower bits add, float32 (65536, 3), in levels, by the code of what LOWER gives."""
    r, g, b = (_middles(n) for n in (4, 8, 4))
    steps = len(table) - 1
    half = 127.5 / steps  # levels; differences stand between the nodes
    slopes = (
        _sampled(np.diff(table, axis=2), r - half, g, b, steps),
        _sampled(np.diff(table, axis=1), r, g - half, b, steps),
        _sampled(np.diff(table, axis=0), r, g, b - half, steps),
    )
    # r: 8 lower by 4 upper parts; g: 8 by 8; b: 8 by 4. A code counts them in that order
    lower = np.zeros((8, 4, 8, 8, 8, 4, 3), np.float32)
    for axis, (slope, width) in enumerate(zip(slopes, (8, 4, 8), strict=True)):
        away = (np.arange(8) % width - (width - 1) / 2).astype(np.float32) * steps
        along = [1] * 7
        along[2 * axis] = 8
        lower += away.reshape(along) * slope[None, :, None, :, None, :]
    return lower.reshape(-1, 3)


def _middles(parts: int) -> Levels:
    """The middle level of each of so many equal parts of 0 … 255."""
    width = 256 // parts
    return np.asarray(np.arange(parts) * width + (width - 1) / 2, np.float64)


def _sampled(table: Floats, r: Levels, g: Levels, b: Levels, steps: int) -> Floats:
    """`table`, (…, …, …, 3) by b, g, r, linearly between its nodes, as (r, g, b, 3).

    r, g, b: levels from the first node on; steps: from node to node, 0 … 255.
    """
    for axis, at in enumerate((b, g, r)):
        place = at * (steps / 255)
        low = np.clip(place.astype(np.intp), 0, table.shape[axis] - 2)
        share = (place - low).astype(np.float32).reshape([-1] + [1] * (3 - axis))
        before = np.take(table, low, axis)
        table = before + (np.take(table, low + 1, axis) - before) * share
    return np.ascontiguousarray(table.transpose(2, 1, 0, 3))


def _packed(levels: Floats) -> npt.NDArray[np.float64]:
    """Four numbers of 16 bits in 1 / PART levels as one entry, for a table of OpenCV."""
    entries = np.zeros((len(levels), 4), np.int16)
    entries[:, :3] = np.clip(np.rint(levels * PART), -LIMIT, LIMIT)
    return entries.view(np.float64).reshape(1, -1)
