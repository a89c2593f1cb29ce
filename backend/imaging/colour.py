"""Bring the model's colours back to the picture's, judged on pixels known both before and after.

A model repaints the whole context, so round the mask its picture can be
compared with what really stands there. From that ring two corrections are
estimated: how colours drifted, by colour and by place (drift.py), and what
single colours still miss (colour_table.py). Each is taken only if it brings
nearer those parts of the ring that it was not fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from scumble.imaging import colour_table, lookup
from scumble.imaging.drift import Drift, fit, is_better, loss
from scumble.imaging.lab import lab, levels
from scumble.imaging.pixels import Bytes8, Floats
from scumble.imaging.ring import FOLDS, LEAST_SAMPLES, Blocks, Samples, blocks, draw, places
from scumble.link.values import Region


@dataclass(frozen=True)
class Correction:
    """table: as `colour_table.baked` gives it, None for no change of colours. offset: float32
    (r, c, 3), sRGB levels to add, at any resolution over the whole picture; None: nothing.
    """

    table: Floats | None
    offset: Floats | None

    def apply(self, picture: Bytes8, part: Region) -> Bytes8:
        """`part` of `picture`, uint8 (h, w, 3), in corrected colours, as a picture of its own."""
        height, width = picture.shape[:2]
        inside = np.s_[part.y : part.bottom, part.x : part.right]
        shown = np.ascontiguousarray(picture[inside])
        offset = None
        if self.offset is not None:
            smooth = cv2.resize(self.offset, (width, height), interpolation=cv2.INTER_LINEAR)
            offset = smooth[inside]
        if self.table is not None:
            return lookup.apply(self.table, shown, offset)
        return shown if offset is None else cv2.add(shown, offset, dtype=cv2.CV_8U)


def estimate(before: Bytes8, after: Bytes8, change: Floats) -> Correction | None:
    """The correction that brings `after` to `before`'s colours, or None when none helps.

    before, after: uint8 (h, w, 3), what the model saw and what it gave; change:
    float32 (h, w), 0 where it was to keep what it saw and that is known.
    """
    ring = blocks(before, after, change)
    samples = draw(ring)
    if samples is None:
        return None
    drift = fit(samples)
    missing = np.asarray(
        samples.before - drift.colours(samples.after) - drift.places(samples.place), np.float32
    )
    by_colour = None
    if _table_helps(samples, missing):
        by_colour = colour_table.missing_by_colour(samples.colours, missing)
    changes = by_colour is not None or drift.by_colour
    if not changes and not drift.by_place:
        return None
    table = colour_table.baked(drift, by_colour) if changes else None
    return Correction(table, _offset(ring, drift) if drift.by_place else None)


def matched(before: Bytes8, after: Bytes8) -> Bytes8:
    """`after`, uint8 (h, w, 3), in the colours of `before`, which shows the same all over."""
    height, width = after.shape[:2]
    correction = estimate(before, after, np.zeros((height, width), np.float32))
    return after if correction is None else correction.apply(after, Region(0, 0, width, height))


def _offset(ring: Blocks, drift: Drift) -> Floats:
    """What the place adds to each block, float32 (r, c, 3), in sRGB levels of its own colour."""
    colours = drift.colours(lab(ring.after.reshape(-1, 3)))
    added = levels(colours + drift.places(places(ring))) - levels(colours)
    return added.reshape(ring.after.shape)


def _table_helps(samples: Samples, missing: Floats) -> bool:
    """Whether a table learned in some patches of the ring holds in the others.

    Patches are smaller than the quarters that judge a drift: a table carries
    nothing further than to like colours, and has to have seen most of them.
    """
    without = loss(missing)
    held_out = without.copy()
    for fold in range(FOLDS):
        test, rest = samples.patch == fold, samples.patch != fold
        if not test.any() or np.count_nonzero(rest) < LEAST_SAMPLES:
            continue
        table = colour_table.missing_by_colour(samples.colours[rest], missing[rest])
        found = table[colour_table.nodes_of(samples.colours[test])]
        held_out[test] = loss(missing[test] - found)
    return is_better(held_out, without, samples.patch)
