"""The last mile: a fill's colours fitted to the artist's own along the selection's edge.

Just outside the selection both are known, what the model drew and what stands
there. What they differ by, block by block, is spread over the fill as a
membrane and added: the edge agrees, and what was drawn keeps its gradients.

Solved for exactly, as in Poisson blending, an object that reaches the edge
would smear its colour over the fill, and texture that goes on otherwise would
draw streaks. So a block is believed the less the farther its two colours are
apart (Tukey's biweight), and nothing is added unless blocks of the edge are
foretold by the membrane through their neighbours: a cast can be, content cannot.
"""

from __future__ import annotations

import cv2
import numpy as np

from scumble.imaging.drift import OTHER_CONTENT
from scumble.imaging.lab import lab
from scumble.imaging.membrane import membrane
from scumble.imaging.pixels import Bytes8, Floats

REACH = 8  # working pixels beyond the selection that are looked at, a latent pixel
LEAST_BLOCK = 4  # working pixels; half of REACH, so that two blocks lie within it
BLOCKS_ACROSS = 128  # at most, along the longer side
LEAST_SHARE = 0.25  # of a block that has to lie outside
PATCH = 3  # blocks; a side of what is foretold at once
LEAST_GAIN = 0.4  # share of the edge's difference that has to be foretold


def fitted(before: Bytes8, after: Bytes8, outside: Bytes8) -> Bytes8:
    """`after` plus the membrane, all of it, uint8 (h, w, 3); or as it is where none helps.

    before: uint8 (h, w, 3), the artist's own pixels. outside: uint8 (h, w), 255
    where they are known and stay, else 0.
    """
    height, width = outside.shape
    side = max(LEAST_BLOCK, -(-max(height, width) // BLOCKS_ACROSS))
    missing, trust = _edge(before, after, outside, side)
    if not _foretold(missing, trust):
        return after
    film = membrane(missing, trust)
    rows, columns = trust.shape
    smooth = cv2.resize(film, (columns * side, rows * side), interpolation=cv2.INTER_LINEAR)
    added = np.ascontiguousarray(smooth[:height, :width])
    return np.asarray(cv2.add(after, added, dtype=cv2.CV_8U), np.uint8)


def _edge(before: Bytes8, after: Bytes8, outside: Bytes8, side: int) -> tuple[Floats, Floats]:
    """What is missing of each block, in sRGB levels, and how far it is believed, 0 … 1.

    float32 (r, c, 3) and (r, c), of blocks of `side` pixels; 0 but for those
    that lie outside, at least in part, and touch one that does not.
    """
    height, width = outside.shape
    size = (-(-width // side), -(-height // side))
    margins = (0, size[1] * side - height, 0, size[0] * side - width)

    def means(picture: Bytes8 | Floats) -> Floats:
        # whole blocks, which OpenCV averages several times as fast
        whole = cv2.copyMakeBorder(picture, *margins, cv2.BORDER_CONSTANT, value=0)
        return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)

    share = means(outside) / np.float32(255)
    total = np.maximum(share, 1e-6)[..., None]
    missing = means(cv2.subtract(before, after, mask=outside, dtype=cv2.CV_32F)) / total
    colours = means(cv2.bitwise_and(before, before, mask=outside)) / total
    touching = cv2.dilate(np.asarray(share < 1, np.uint8), np.ones((3, 3), np.uint8))
    at = (touching > 0) & (share >= LEAST_SHARE)
    trust = np.zeros_like(share)
    apart = np.linalg.norm(lab(colours[at]) - lab(colours[at] - missing[at]), axis=-1)
    trust[at] = np.square(np.maximum(0, 1 - np.square(apart / OTHER_CONTENT)))
    missing[trust == 0] = 0
    return missing, trust


def _foretold(missing: Floats, trust: Floats) -> bool:
    """Whether patches of the edge are foretold by the others; every second one at a time."""
    rows, columns = np.indices(trust.shape) // PATCH
    without = within = 0.0
    for half in (0, 1):
        rest = np.where((rows + columns) % 2 == half, np.float32(0), trust)
        if not rest.any():
            return False
        away = trust - rest  # how far those are believed that are to be foretold
        film = membrane(missing, rest)
        without += float((away[..., None] * np.abs(missing)).sum())
        within += float((away[..., None] * np.abs(missing - film)).sum())
    return within < (1 - LEAST_GAIN) * without
