"""The ring: what is known both before and after the model, round the mask."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from scumble.imaging.lab import lab
from scumble.imaging.pixels import Bytes8, Floats

Doubles = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]

LEAST_BLOCK = 4  # working pixels; the mean of a block evens out noise and blur
BLOCKS_ACROSS = 96  # at most, along the longer side
SAMPLES = 1200
LEAST_SAMPLES = 32  # fewer say too little about a picture
KEPT = 1 / 64  # change up to which the model was to keep a pixel
HALF_WEIGHT = 0.35  # of the mask's mean side: how far from it a block counts half
CLIPPED = 4  # levels from 0 and 255 in which a channel may have been cut off
CLIPPED_WORTH = 0.2  # of a sample with such a channel: it understates a drift, but says where
FOLDS = 4  # parts of the ring; what was learned in three is tried in the fourth
PATCHES = 3  # a side, dealt out over the folds


@dataclass(frozen=True)
class Blocks:
    """Block means over a working picture of r × c blocks.

    before, after: uint8 (r, c, 3), sRGB of what the model saw and gave. kept:
    bool (r, c), where it was to keep what it saw. weight: float32 (r, c), 1
    beside the mask, falling away from it, 0 where not kept.
    """

    before: Bytes8
    after: Bytes8
    kept: Marks
    weight: Floats


@dataclass(frozen=True)
class Samples:
    """Blocks drawn by their nearness to the mask.

    before, after: float32 (n, 3), CIE Lab. colours: uint8 (n, 3), the sRGB of
    after. place: float32 (n, 2), x and y of the block, -1 … 1 across the
    picture. worth: float32 (n,), 1, or less where a channel is cut off at
    black or white. quarter: (n,), 0 … FOLDS - 1, by halves of the ring's
    height and width. patch: (n,), 0 … FOLDS - 1, of several patches each.
    hidden, hidden_place: after and place of all blocks that are not kept.
    """

    before: Floats
    after: Floats
    colours: Bytes8
    place: Floats
    worth: Floats
    quarter: Numbers
    patch: Numbers
    hidden: Floats
    hidden_place: Floats


def blocks(before: Bytes8, after: Bytes8, change: Floats) -> Blocks:
    """The blocks of two pictures, uint8 (h, w, 3).

    change: float32 (h, w), above 0 where the model repainted or nothing is known.
    """
    height, width = change.shape
    side = max(LEAST_BLOCK, -(-max(height, width) // BLOCKS_ACROSS))
    size = (max(1, width // side), max(1, height // side))
    # whole blocks only, which OpenCV averages several times as fast
    part = (slice(size[1] * side), slice(size[0] * side))
    changed = cv2.compare(change[part], KEPT, cv2.CMP_GT)
    kept = np.asarray(cv2.resize(changed, size, interpolation=cv2.INTER_AREA) == 0)
    old, new = (cv2.resize(p[part], size, interpolation=cv2.INTER_AREA) for p in (before, after))
    return Blocks(old, new, kept, _nearness(kept) * kept)


def draw(of: Blocks) -> Samples | None:
    """The samples of the ring, the same for the same blocks; None when it says too little."""
    there = np.flatnonzero(of.kept)
    if len(there) < LEAST_SAMPLES:
        return None
    if len(there) > SAMPLES:
        share = of.weight.reshape(-1)[there].astype(np.float64)
        # systematic sampling: equal steps along the cumulated weight
        total = np.cumsum(share / share.sum())
        steps = (np.arange(SAMPLES) + 0.5) / SAMPLES
        there = there[np.unique(np.searchsorted(total, steps))]
    old = of.before.reshape(-1, 3)[there]
    new = of.after.reshape(-1, 3)[there]
    worth = np.where(_unclipped(old) & _unclipped(new), 1, CLIPPED_WORTH).astype(np.float32)
    rows, columns = np.divmod(there, of.kept.shape[1])
    quarter = 2 * _cut(rows, 2) + _cut(columns, 2)
    patch = (PATCHES * _cut(rows, PATCHES) + _cut(columns, PATCHES)) % FOLDS
    place, hidden = places(of), ~of.kept.reshape(-1)
    behind = lab(of.after.reshape(-1, 3)[hidden])
    return Samples(
        lab(old), lab(new), new, place[there], worth, quarter, patch, behind, place[hidden]
    )


def places(of: Blocks) -> Floats:
    """x and y of each block, float32 (r c, 2), row by row; -1 … 1 from edge to edge."""
    rows, columns = of.kept.shape
    x = (np.arange(columns, dtype=np.float32) + 0.5) / columns * 2 - 1
    y = (np.arange(rows, dtype=np.float32) + 0.5) / rows * 2 - 1
    return np.stack(np.broadcast_arrays(x, y[:, None]), -1).reshape(-1, 2)


def _cut(lines: Numbers, parts: int) -> Numbers:
    """In which of equal parts each line lies, of the stretch that holds all of them."""
    first = lines.min()
    return np.asarray((lines - first) * parts // (lines.max() - first + 1), np.intp)


def _unclipped(colours: Bytes8) -> Marks:
    return np.asarray((colours.min(-1) >= CLIPPED) & (colours.max(-1) <= 255 - CLIPPED))


def _nearness(kept: Marks) -> Floats:
    changed = kept.size - np.count_nonzero(kept)
    if not changed:
        return np.ones(kept.shape, np.float32)
    away = cv2.distanceTransform(kept.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(1 / (1 + (away / (HALF_WEIGHT * np.sqrt(changed))) ** 2), np.float32)
