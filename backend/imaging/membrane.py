"""A smooth offset carried inward from the ring, where drift differs from place to place.

This is what gradient-domain blending adds to a pasted picture: the difference
at its border, spread smoothly over its inside. It is as smooth here as a few
dozen cells across the picture, so a small grid holds it.
"""

from __future__ import annotations

import cv2
import numpy as np

from scumble.imaging.pixels import Floats
from scumble.imaging.ring import FOLDS, Blocks, Marks, cells

GRID = 32  # cells along the longer side
SHARES = (0.4, 0.2, 0.08)  # of the longer side: how far each average reaches, far to near
ENOUGH = 0.2  # share of known cells within reach at which an average is trusted fully
OTHER_CONTENT = 30.0  # levels; what is further off is not the same thing in another colour
HELD_OUT_CELLS = 12
LEAST_GAIN = 0.04  # it has to lower the held-out residual by this share


def membrane(blocks: Blocks, corrected: Floats) -> Floats | None:
    """The offset, float32 (GRID-sized, 3), in sRGB levels over the whole picture; None: none helps.

    corrected: float32 (r, c, 3), the blocks' levels after what else is done.
    """
    missing = np.asarray(blocks.before - corrected, np.float32)
    same = blocks.kept & (np.abs(missing).max(-1) < OTHER_CONTENT)
    fold = cells(blocks.kept.shape, HELD_OUT_CELLS) % FOLDS
    without, held_out = 0.0, 0.0
    for part in range(FOLDS):
        test, rest = same & (fold == part), same & (fold != part)
        if not test.any() or not rest.any():
            continue
        rows, columns = test.shape
        carried = cv2.resize(_carried(missing, rest), (columns, rows))
        without += _total(missing[test], blocks.weight[test])
        held_out += _total(missing[test] - carried[test], blocks.weight[test])
    if held_out >= without * (1 - LEAST_GAIN):
        return None
    return _carried(missing, same)


def _total(missed: Floats, weight: Floats) -> float:
    return float(np.sqrt(np.einsum("ij,ij->i", missed, missed)) @ weight)


def _carried(values: Floats, known: Marks) -> Floats:
    """`values` where known, averaged smoothly into the rest; 0 far from all that is known."""
    rows, columns = known.shape
    factor = min(1.0, GRID / max(rows, columns))
    size = (max(1, round(columns * factor)), max(1, round(rows * factor)))
    there = known.astype(np.float32)
    weighted = cv2.resize(values * there[..., None], size, interpolation=cv2.INTER_AREA)
    there = cv2.resize(there, size, interpolation=cv2.INTER_AREA)
    result = np.zeros(weighted.shape, np.float32)
    for share in SHARES:
        sigma = share * max(size)
        width = 2 * round(2.5 * sigma) + 1
        total = cv2.GaussianBlur(there, (width, width), sigma)
        mean = cv2.GaussianBlur(weighted, (width, width), sigma)
        mean /= np.maximum(total, 1e-6)[..., None]
        result += (mean - result) * np.minimum(total / ENOUGH, 1)[..., None]
    return result
