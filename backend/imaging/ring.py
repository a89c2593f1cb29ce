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
CELLS = 3  # the picture is cut into so many cells a side, to hold some of them out
FOLDS = 4


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
    """Blocks drawn by their weight, so that each counts the same from here on.

    before, after: float32 (n, 3), CIE Lab. colours: uint8 (n, 3), the sRGB of
    after. whole: bool (n,), no channel is cut off at black or white. fold:
    (n,), 0 … FOLDS - 1; neighbours share one.
    """

    before: Floats
    after: Floats
    colours: Bytes8
    whole: Marks
    fold: Numbers

    def only(self, chosen: Marks) -> Samples:
        return Samples(
            self.before[chosen],
            self.after[chosen],
            self.colours[chosen],
            self.whole[chosen],
            self.fold[chosen],
        )


def blocks(before: Bytes8, after: Bytes8, change: Floats) -> Blocks:
    """The blocks of two pictures, uint8 (h, w, 3).

    change: float32 (h, w), above 0 where the model repainted or nothing is known.
    """
    height, width = change.shape
    side = max(LEAST_BLOCK, -(-max(height, width) // BLOCKS_ACROSS))
    size = (max(1, width // side), max(1, height // side))
    changed = cv2.compare(change, KEPT, cv2.CMP_GT)
    kept = np.asarray(cv2.resize(changed, size, interpolation=cv2.INTER_AREA) == 0)
    old, new = (cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (before, after))
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
    whole = _unclipped(old) & _unclipped(new)
    fold = cells(of.kept.shape, CELLS).reshape(-1)[there] % FOLDS
    return Samples(lab(old), lab(new), new, whole, fold)


def cells(shape: tuple[int, ...], across: int) -> Numbers:
    """The number of each block's cell in a grid of `across` × `across` cells; (r, c)."""
    rows = np.arange(shape[0])[:, None] * across // shape[0]
    columns = np.arange(shape[1])[None] * across // shape[1]
    return np.asarray(rows * across + columns, np.intp)


def _unclipped(colours: Bytes8) -> Marks:
    return np.asarray((colours.min(-1) >= CLIPPED) & (colours.max(-1) <= 255 - CLIPPED))


def _nearness(kept: Marks) -> Floats:
    changed = kept.size - np.count_nonzero(kept)
    if not changed:
        return np.ones(kept.shape, np.float32)
    away = cv2.distanceTransform(kept.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(1 / (1 + (away / (HALF_WEIGHT * np.sqrt(changed))) ** 2), np.float32)
