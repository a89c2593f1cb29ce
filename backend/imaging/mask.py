"""From the artist's selection to the layer's alpha and the model's mask.

Distances are Euclidean, grey values survive: a selection that was feathered in
the editor stays as soft as it was, and nothing is turned into black and white.
"""

from __future__ import annotations

import cv2
import numpy as np

from scumble.imaging.pixels import Bytes8, Floats
from scumble.link.values import Region, Size

# Shares of the selection's mean side (the root of its area), and of its inner radius
FEATHER_SHARE = 0.04
FEATHER_RADIUS_SHARE = 0.25  # so that the middle of a thin stroke still becomes opaque
GROW_SHARE = 0.06
GROW_WORKING_PIXELS = 8.0  # one latent pixel: less than that the model cannot tell apart

HARD_SHARE = 0.1  # at most so much of a selection is grey when it is a hard one, antialiased
LEVELS = 4  # grey values at which a soft selection is grown

Sides = tuple[bool, bool, bool, bool]


def open_sides(region: Region, canvas: Size) -> Sides:
    """Top, bottom, left, right: true where the picture goes on beyond the context.

    Only there a selection that touches the context's edge ends; at the canvas's
    own edge nothing lies beyond, and the fill runs up to it.
    """
    return (
        region.y > 0,
        region.bottom < canvas.height,
        region.x > 0,
        region.right < canvas.width,
    )


def bounds(mask: Bytes8) -> Region:
    """The smallest rectangle that holds all of `mask`, uint8 (H, W), that is not 0."""
    x, y, width, height = cv2.boundingRect(mask)
    return Region(x, y, width, height)


def mean_side(selection: Bytes8) -> float:
    """The side in pixels of a square with the selection's area, grey pixels in part."""
    return float(np.sqrt(cv2.sumElems(selection)[0] / 255.0))


def layer_alpha(
    selection: Bytes8, known: Bytes8 | None, feather: float | None, sides: Sides
) -> Floats:
    """The layer's alpha, float32 (H, W), 0 … 1; 0 wherever `selection` is 0.

    From the selection's edge inward it rises over `feather` pixels (None: a
    default that scales with the selection), and is never above the selection's
    own grey value. known: the canvas's alpha, uint8 (H, W), or None when it is
    opaque; on transparent canvas nothing lies below that the fill could blend
    with, so there it is not feathered.
    """
    box = bounds(selection)
    part = selection[box.y : box.bottom, box.x : box.right]
    alpha = np.zeros(selection.shape, np.float32)
    value = part.astype(np.float32) * np.float32(1 / 255)
    distance = _inner_distance(selection, box, sides)
    if distance is not None:
        if feather is None:
            deepest = float(distance.max())
            feather = min(FEATHER_SHARE * mean_side(part), FEATHER_RADIUS_SHARE * deepest)
        if feather > 0:
            ramp = _smooth((distance - 0.5) / feather)
            if known is not None:
                seen = known[box.y : box.bottom, box.x : box.right].astype(np.float32) / 255
                ramp = np.asarray(1 - seen * (1 - ramp), np.float32)
            value = np.minimum(value, ramp)
    alpha[box.y : box.bottom, box.x : box.right] = value
    return alpha


def default_grow(selection: Bytes8, scale: float) -> float:
    """How far the model repaints beyond the selection, in canvas pixels.

    selection: uint8 (H, W). scale: working pixels per canvas pixel.
    """
    return max(GROW_SHARE * mean_side(selection), GROW_WORKING_PIXELS / scale)


def grown(selection: Floats, distance: float) -> Floats:
    """`selection`, float32 (h, w) 0 … 1, spread by `distance` pixels; never below it.

    A grey value spreads as itself: full as far as half the distance, then
    falling smoothly to 0 at the whole. This is a grey dilation with a disc,
    taken at LEVELS grey values; a hard selection needs one.
    """
    if distance <= 0:
        return selection
    top = float(selection.max())
    grey = np.count_nonzero((selection > 0.02 * top) & (selection < 0.98 * top))
    hard = grey <= HARD_SHARE * np.count_nonzero(selection)
    thresholds = [0.5] if hard else [(i + 0.5) / LEVELS for i in range(LEVELS)]
    result = selection
    for threshold in thresholds:
        outside = np.asarray(selection < threshold * top, np.uint8)
        if hard:
            away: Floats = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5)
            value: Floats | float = top
        else:
            away, value = _nearest(outside, selection)
        # pixel centres of neighbours are 1 apart, the edge between them 0.5
        spread = _smooth(2 - 2 * (away - 0.5) / distance)
        result = np.maximum(result, spread * value)
    return np.asarray(result, np.float32)


def _nearest(outside: Bytes8, values: Floats) -> tuple[Floats, Floats]:
    """The distance of each pixel to the nearest that is 0 in `outside`, and that one's value."""
    away, labels = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    inside = outside == 0
    by_label = np.zeros(int(labels.max()) + 1, np.float32)
    by_label[labels[inside]] = values[inside]
    return away, by_label[labels]


def _inner_distance(selection: Bytes8, box: Region, sides: Sides) -> Floats | None:
    """Pixels from each pixel of `box` to the nearest unselected one; None without any."""
    height, width = selection.shape
    # one more pixel round the box: unselected pixels, or beyond an open side of the context
    top, bottom = min(1, box.y), min(1, height - box.bottom)
    left, right = min(1, box.x), min(1, width - box.right)
    part = selection[box.y - top : box.bottom + bottom, box.x - left : box.right + right]
    margins = zip(sides, (top, bottom, left, right), strict=True)
    over, under, before, after = (int(is_open and not margin) for is_open, margin in margins)
    inside = np.asarray(part > 0, np.uint8)
    inside = cv2.copyMakeBorder(inside, over, under, before, after, cv2.BORDER_CONSTANT, value=0)
    if inside.all():
        return None
    distance: Floats = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    y, x = top + over, left + before
    return distance[y : y + box.height, x : x + box.width]


def _smooth(t: Floats) -> Floats:
    """Smoothstep: 0 below 0, 1 above 1, level at both ends; changes `t` in place."""
    np.clip(t, 0, 1, out=t)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
