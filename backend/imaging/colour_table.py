"""A table of all colours: what each becomes, and what single ones still miss after a map.

Cut-off highlights and curves that no affine map holds show as a difference
that depends on the colour alone; samples of like colours are averaged.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from scumble.imaging.drift import OTHER_CONTENT, Drift
from scumble.imaging.lab import lab, levels
from scumble.imaging.pixels import Bytes8, Floats
from scumble.imaging.ring import Numbers

NODES = 25  # a side of the table; one for every 10.6 levels
SIGMA = 1.5  # nodes; how far a sample speaks for its neighbours in colour
PRIOR = 4.0  # samples that say: nothing is missing
ONE = np.ones(1, np.float32)  # a kernel that leaves an axis alone


def missing_by_colour(colours: Bytes8, missing: Floats) -> Floats:
    """What is missing of each colour, float32 (25, 25, 25, 3) in Lab by b, g, r.

    colours: sRGB (n, 3); missing: Lab (n, 3). Where there are few samples the
    table is drawn to 0.
    """
    same = np.abs(missing).max(-1) < OTHER_CONTENT
    index = np.ravel_multi_index(nodes_of(colours[same]), (NODES,) * 3)
    sums = [np.bincount(index, minlength=NODES**3)]
    sums += [np.bincount(index, missing[same, channel], NODES**3) for channel in range(3)]
    grid = np.stack(sums, -1).astype(np.float32)
    grid = grid.reshape(NODES, NODES, NODES, 4)
    kernel = cv2.getGaussianKernel(4 * round(SIGMA) + 3, SIGMA, cv2.CV_32F)
    kernel /= kernel.max()  # a sample weighs 1 at its own node
    for _ in range(3):  # b, g and r in turn: the first goes behind the others
        lines = np.ascontiguousarray(grid.reshape(NODES, -1))
        lines = cv2.sepFilter2D(lines, -1, ONE, kernel, borderType=cv2.BORDER_CONSTANT)
        grid = np.moveaxis(lines.reshape(NODES, NODES, NODES, 4), 0, 2)
    return np.asarray(grid[..., 1:] / (grid[..., :1] + PRIOR), np.float32)


def nodes_of(colours: Bytes8) -> tuple[Numbers, Numbers, Numbers]:
    """The nearest node b, g, r of sRGB bytes (n, 3)."""
    nodes = np.rint(colours * ((NODES - 1) / 255)).astype(np.intp)
    return nodes[:, 2], nodes[:, 1], nodes[:, 0]


def baked(drift: Drift, missing: Floats | None) -> Floats:
    """Map and table as one table, float32 (25, 25, 25, 3), of sRGB 0 … 1 by b, g, r."""
    colours = _node_colours()
    mapped = drift.colours(colours)
    if missing is not None:
        mapped += missing.reshape(-1, 3)
    return np.asarray(levels(mapped) / 255, np.float32).reshape(NODES, NODES, NODES, 3)


@lru_cache(maxsize=1)
def _node_colours() -> Floats:
    """The nodes' CIE Lab, float32 (n, 3)."""
    line = np.linspace(0, 255, NODES, dtype=np.float32)
    b, g, r = np.meshgrid(line, line, line, indexing="ij")
    return lab(np.stack((r, g, b), -1).reshape(-1, 3))
