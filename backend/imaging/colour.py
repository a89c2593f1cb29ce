"""Bring the model's colours back to the picture's, judged on pixels known both before and after.

A model repaints the whole context, so round the mask its picture can be
compared with what really stands there. From that ring three corrections are
estimated, each on what the ones before it left: a map of colours
(colour_map.py), a table of what single colours still miss (colour_table.py)
and a smooth offset where the drift differs from place to place (membrane.py).
Each is taken only if it brings nearer those parts of the ring that it was not
fitted to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from scumble.imaging import colour_map, colour_table
from scumble.imaging.colour_map import ColourMap
from scumble.imaging.membrane import membrane
from scumble.imaging.pixels import Bytes8, Floats
from scumble.imaging.ring import FOLDS, LEAST_SAMPLES, Samples, blocks, draw
from scumble.link.values import Region

LEAST_GAIN = 0.04  # a step has to lower the held-out residual by this share

Fit = Callable[[Floats, Floats], ColourMap]


@dataclass(frozen=True)
class Correction:
    """table: as `colour_table.baked` gives it, None for no change of colours. offset: float32
    (r, c, 3), sRGB levels to add, at any resolution over the whole picture; None: nothing.
    """

    table: Floats | None
    offset: Floats | None

    def apply(self, picture: Bytes8, part: Region) -> Bytes8:
        """`picture`, uint8 (h, w, 3), with `part` of it corrected; the rest as it was."""
        height, width = picture.shape[:2]
        inside = (slice(part.y, part.bottom), slice(part.x, part.right))
        shown = np.asarray(picture[inside], np.uint8)
        if self.table is not None:
            shown = colour_table.apply(self.table, shown)
        if self.offset is not None:
            smooth = cv2.resize(self.offset, (width, height), interpolation=cv2.INTER_LINEAR)
            shown = cv2.add(shown, smooth[inside], dtype=cv2.CV_8U)
        result: Bytes8 = picture.copy()
        result[inside] = shown
        return result


def estimate(before: Bytes8, after: Bytes8, change: Floats) -> Correction | None:
    """The correction that brings `after` to `before`'s colours, or None when none helps.

    before, after: uint8 (h, w, 3), what the model saw and what it gave; change:
    float32 (h, w), 0 where it was to keep what it saw and that is known.
    """
    ring = blocks(before, after, change)
    samples = draw(ring)
    if samples is None:
        return None
    mapping = _best_map(samples.only(samples.whole))
    missing = np.asarray(samples.before - mapping(samples.after), np.float32)
    by_colour = None
    if _table_helps(samples, missing):
        by_colour = colour_table.missing_by_colour(samples.colours, missing)
    table = None
    corrected = ring.after.astype(np.float32)
    if by_colour is not None or not mapping.is_identity:
        table = colour_table.baked(mapping, by_colour)
        flat = ring.after.reshape(-1, 3)
        corrected = colour_table.corrected(flat, mapping, by_colour).reshape(corrected.shape)
    offset = membrane(ring, corrected)
    return None if table is None and offset is None else Correction(table, offset)


def _best_map(samples: Samples) -> ColourMap:
    """The map that holds best in parts of the picture that it was not fitted to."""
    best, best_residual = colour_map.identity(), _judged(samples, None)
    for fit in (colour_map.fit_shift, colour_map.fit_affine):
        held_out = _judged(samples, fit)
        if held_out < best_residual * (1 - LEAST_GAIN):
            best, best_residual = fit(samples.before, samples.after), held_out
    return best


def _judged(samples: Samples, fit: Fit | None) -> float:
    """The mean held-out residual in Lab over all folds; of the identity without a fit."""
    total, count = 0.0, 0
    for fold in range(FOLDS):
        test, rest = samples.only(samples.fold == fold), samples.only(samples.fold != fold)
        if not len(test.fold) or len(rest.fold) < LEAST_SAMPLES:
            continue
        learned = fit(rest.before, rest.after) if fit else colour_map.identity()
        total += len(test.fold) * colour_map.residual(test.before - learned(test.after))
        count += len(test.fold)
    return total / count if count else np.inf


def _table_helps(samples: Samples, missing: Floats) -> bool:
    """Whether a table learned in one part of the picture holds in the others."""
    without, held_out = 0.0, 0.0
    for fold in range(FOLDS):
        test, rest = samples.fold == fold, samples.fold != fold
        if not test.any() or np.count_nonzero(rest) < LEAST_SAMPLES:
            continue
        table = colour_table.missing_by_colour(samples.colours[rest], missing[rest])
        found = table[colour_table.nodes_of(samples.colours[test])]
        count = np.count_nonzero(test)
        without += count * colour_map.residual(missing[test])
        held_out += count * colour_map.residual(missing[test] - found)
    return held_out < without * (1 - LEAST_GAIN)
