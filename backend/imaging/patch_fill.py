"""Closes a gap with pieces of what lies round it, which keeps grass grass and brick brick.

OpenCV's shift-map fill (He and Sun, "Statistics of Patch Offsets for Image
Completion", ECCV 2012) says which piece goes where. It is quick on small
pictures only, so it runs on a reduced one; where each piece came from is read
off its result and the pieces are taken from the full picture, each moved by the
few pixels that the reduced one cannot tell. Their light and colour are then
fitted to the gap's border as in Poisson blending: what they lack at the border,
spread over the gap as a membrane. (OpenCV 5's own seamlessClone ends the process
on narrow pictures.)
"""

from __future__ import annotations

import math
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from scumble.imaging import mask as masks
from scumble.imaging import prefill
from scumble.imaging.membrane import membrane
from scumble.imaging.pixels import Bytes8
from scumble.link.geometry import clamp, pad
from scumble.link.values import Region, Size

Offsets = npt.NDArray[np.int32]
Places = npt.NDArray[np.intp]

REACH = 0.5  # of the gap's mean side: farther away lie other things, not more of the same
LEAST_REACH = 24  # pixels
LEAST_KNOWN = 0.1  # share of what is looked at; with less the whole picture is looked at
SEARCH_SIDE = 176  # pixels; the shift-map fill's time grows faster than the area
LARGEST = 2048 * 2048  # pixels that are copied and blended; more are reduced before
RIM = 4  # pixels beyond the gap that are copied too: blending needs both sides of the border
MATCHED = 300  # pixels of the rim by which a piece is put in place; about so many are compared
LEAST_MATCHED = 24  # with fewer a piece stays where the search put it
AS_GOOD = 1.1  # times the least misfit: noise tells these apart, so the shortest move is taken
NAMES_APART = 1 << 20  # more than any offset, so that two of them are one number
ENOUGH = 0.8  # of them have to be known where they would be taken from
ALL = 0.999  # of a pixel is known; averages of ones are not quite one
# each its own inverse: as it is, and mirrored along one side or both
MIRRORS = (np.s_[:, :], np.s_[:, ::-1], np.s_[::-1, :], np.s_[::-1, ::-1])
PATCH = 3  # pixels; a side of the pieces that are recognised


def close(picture: Bytes8, gap: Bytes8, seed: int = 0) -> Bytes8:
    """`picture`, uint8 (H, W, 3), with all that is not 0 in `gap`, uint8 (H, W), closed.

    What lies outside the gap comes back as it was. Another seed looks at a
    mirror image, which the search goes through in another order, and each
    fourth one farther round. Without enough known pixels the border's colours
    are carried inward; without any the gap becomes grey.
    """
    mirror = MIRRORS[seed % len(MIRRORS)]
    closed = _closed(picture[mirror], gap[mirror], seed // len(MIRRORS))
    return np.ascontiguousarray(closed[mirror])


def _closed(picture: Bytes8, gap: Bytes8, farther: int) -> Bytes8:
    filled = picture.copy()
    area = _looked_at(gap, farther)
    part = np.s_[area.y : area.bottom, area.x : area.right]
    colours, hole = np.ascontiguousarray(picture[part]), np.asarray(gap[part] > 0, np.uint8)
    factor = min(1.0, float(np.sqrt(LARGEST / hole.size)))
    small, there = prefill.reduced(colours, 1 - hole, round(factor * max(hole.shape)))
    unknown = np.asarray(there < ALL, np.uint8)
    if not (there > 0).any():
        closed = np.full_like(colours, prefill.NEUTRAL)
    elif unknown.mean() > 1 - LEAST_KNOWN:
        closed = prefill.border_colours(colours, 1 - hole)
    else:
        copied, rim = _copied(small, unknown)
        closed = prefill.enlarged(_blended(copied, small, unknown, rim), colours)
    cv2.copyTo(closed, hole, filled[part])
    return np.asarray(filled, np.uint8)


def _looked_at(gap: Bytes8, farther: int) -> Region:
    """The rectangle that pieces are taken from."""
    height, width = gap.shape
    canvas = Size(width, height)
    box = masks.bounds(gap)
    side = float(np.sqrt(np.count_nonzero(gap)))
    reach = max(LEAST_REACH, round(REACH * (1 + farther % 4) * side))
    area = clamp(pad(box, reach), canvas)
    part = gap[area.y : area.bottom, area.x : area.right]
    known = 1 - np.count_nonzero(part) / part.size
    return area if known >= LEAST_KNOWN else Region(0, 0, width, height)


def _copied(picture: Bytes8, unknown: Bytes8) -> tuple[Bytes8, Bytes8]:
    """`picture` with pieces of itself over the unknown and its rim, and where they lie."""
    height, width = unknown.shape
    small, there = prefill.reduced(picture, 1 - unknown, _search_side(unknown))
    gap = np.asarray(there < ALL, np.uint8)
    source = cv2.cvtColor(small, cv2.COLOR_RGB2Lab)
    shifted = np.zeros_like(source)
    cv2.xphoto.inpaint(source, (1 - gap) * np.uint8(255), shifted, cv2.xphoto.INPAINT_SHIFTMAP)
    down, right = _offsets(source, shifted, gap)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * RIM + 1, 2 * RIM + 1))
    rim = cv2.dilate(unknown, disc)
    rows, columns = places = np.stack(np.nonzero(rim))
    r, c = rows * gap.shape[0] // height, columns * gap.shape[1] // width
    factors = height / gap.shape[0], width / gap.shape[1]
    offsets = np.stack((down[r, c] * factors[0], right[r, c] * factors[1]))
    offsets = np.rint(offsets).astype(np.intp)
    reach = math.ceil((max(factors) - 1) / 2)  # half a pixel of the reduced picture
    y, x = places + (_in_place(picture, unknown, places, offsets, reach) if reach else offsets)
    np.clip(y, 0, height - 1, out=y)
    np.clip(x, 0, width - 1, out=x)
    # What the shift-map fill does not reach stays 0 in all channels, which no colour is in Lab.
    reached = np.asarray(shifted.any(-1), np.uint8)
    pieces = prefill.border_colours(cv2.cvtColor(shifted, cv2.COLOR_Lab2RGB), reached)
    rough = prefill.enlarged(pieces, picture)
    whole = picture.copy()
    known = unknown[y, x] == 0
    whole[rows, columns] = np.where(known[:, None], picture[y, x], rough[rows, columns])
    return whole, np.asarray(rim, np.uint8)


def _in_place(
    picture: Bytes8, unknown: Bytes8, places: Places, offsets: Places, reach: int
) -> Places:
    """`offsets`, moved by up to `reach` pixels to where their pieces continue the rim best.

    places, offsets: (2, n), row and column of each pixel of gap and rim, and
    how far from it its piece is taken. A piece is all that has one offset.
    """
    steps = range(-reach, reach + 1)
    moves = np.array(sorted(product(steps, steps), key=lambda move: np.hypot(*move)))
    names = offsets[0] * NAMES_APART + offsets[1]
    rim = np.flatnonzero(unknown[tuple(places)] == 0)
    pieces, piece_of = np.unique(names[rim], return_inverse=True)
    moved = np.zeros((2, len(pieces)), np.intp)
    for number in range(len(pieces)):
        mine = rim[piece_of == number]
        mine = mine[:: len(mine) // MATCHED + 1]
        if len(mine) >= LEAST_MATCHED:
            there, taken = places[:, mine], places[:, mine] + offsets[:, mine]
            misfits = np.array(
                [_misfit(picture, unknown, there, taken + move[:, None]) for move in moves]
            )
            moved[:, number] = moves[int(np.argmax(misfits <= AS_GOOD * misfits.min()))]
    at = np.minimum(np.searchsorted(pieces, names), len(pieces) - 1)
    return np.asarray(offsets + np.where(pieces[at] == names, moved[:, at], 0), np.intp)


def _misfit(picture: Bytes8, unknown: Bytes8, there: Places, taken: Places) -> float:
    """How much the pixels `taken`, (2, n), differ from those that are `there`, in levels.

    A difference that is the same everywhere is none: it is blended away later.
    Infinite where too little is known.
    """
    height, width = unknown.shape
    within = (taken[0] >= 0) & (taken[0] < height) & (taken[1] >= 0) & (taken[1] < width)
    within[within] = unknown[tuple(taken[:, within])] == 0
    if np.count_nonzero(within) < ENOUGH * within.size:
        return math.inf
    old, new = (picture[tuple(at[:, within])].astype(np.float32) for at in (there, taken))
    away = new - old
    return float(np.abs(away - np.median(away, axis=0)).mean())


def _search_side(unknown: Bytes8) -> int:
    """The longer side at which as many pixels are left as in a square of SEARCH_SIDE."""
    return max(1, round(float(max(unknown.shape)) * SEARCH_SIDE / float(np.sqrt(unknown.size))))


def _offsets(source: Bytes8, shifted: Bytes8, gap: Bytes8) -> tuple[Offsets, Offsets]:
    """Rows and columns from each pixel to where the fill took it from, int32 (h, w) each.

    A piece is recognised by all of its PATCH² pixels; what is not recognised
    (borders between two pieces) goes with its nearest neighbour.
    """
    height, width = gap.shape
    inside = np.zeros_like(gap)
    inside[1:-1, 1:-1] = 1
    kernel = np.ones((PATCH, PATCH), np.uint8)
    whole = np.flatnonzero(cv2.erode((1 - gap) * inside, kernel))
    missing = np.flatnonzero(gap)
    down, right = np.zeros((2, height, width), np.int32)
    if not whole.size:
        return down, right
    names = _names(source).ravel()[whole]
    order = np.argsort(names, kind="stable")
    wanted = _names(shifted).ravel()[missing]
    at = np.minimum(np.searchsorted(names, wanted, sorter=order), len(names) - 1)
    found = whole[order[at]]
    known = names[order[at]] == wanted
    here, there = missing[known], found[known]
    down.flat[here] = there // width - here // width
    right.flat[here] = there % width - here % width
    recognised = np.ones_like(gap)
    recognised.flat[here] = 0
    if here.size:
        _, labels = cv2.distanceTransformWithLabels(
            recognised, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        for offsets in (down, right):
            by_label = np.zeros(int(labels.max()) + 1, np.int32)
            by_label[labels[recognised == 0]] = offsets[recognised == 0]
            offsets[:] = by_label[labels]
    return down, right


def _names(picture: Bytes8) -> npt.NDArray[np.uint64]:
    """A number (h, w) for the PATCH² pixels round each pixel: the same pixels, the same number."""
    height, width = picture.shape[:2]
    channels = picture.astype(np.uint64)
    colours = (channels[..., 0] << 16) | (channels[..., 1] << 8) | channels[..., 2]
    around = np.pad(colours, PATCH // 2, mode="edge")
    factors = np.random.default_rng(0).integers(1, 2**63, PATCH**2, np.uint64) * 2 + 1
    total = np.zeros((height, width), np.uint64)
    for number, factor in enumerate(factors):
        y, x = divmod(number, PATCH)
        total += factor * around[y : y + height, x : x + width]
    return total


def _blended(copied: Bytes8, picture: Bytes8, unknown: Bytes8, rim: Bytes8) -> Bytes8:
    """`copied` in the light of what `picture` knows at the rim."""
    box = masks.bounds(rim)
    part = np.s_[box.y : box.bottom, box.x : box.right]
    known = np.asarray(rim[part] & (1 - unknown[part]), np.float32)
    if not known.any():
        return copied
    away = cv2.subtract(picture[part], copied[part], dtype=cv2.CV_32F)
    light = copied[part] + membrane(away, known)
    blended = copied.copy()
    lit = np.asarray(np.clip(np.rint(light), 0, 255), np.uint8)
    cv2.copyTo(lit, unknown[part], blended[part])
    return np.asarray(blended, np.uint8)
