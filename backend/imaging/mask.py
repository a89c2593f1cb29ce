"""From the artist's selection to the layer's alpha and the model's mask.

What the artist selected by half is to show half of a picture that was drawn in
full. So the selection's grey values become the layer's alpha and nothing else:
were they the model's strength as well, a half-selected place would get half of
something half-drawn. The model repaints fully all that can show, runs on under
the edge and goes over to keeping outside of it. Distances are Euclidean.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from scumble.imaging.pixels import Bytes8, Floats
from scumble.link.values import Region, Size

# Shares of the selection's mean side (the root of its area), and of its inner radius
FEATHER_SHARE = 0.04
FEATHER_RADIUS_SHARE = 0.25  # so that the middle of a thin stroke still becomes opaque
GROW_SHARE = 0.06
GROW_WORKING_PIXELS = 8.0  # one latent pixel: less than that the model cannot tell apart
BLEND_SHARE = 0.5  # of what it is grown by
LEAST_BLEND = 1e-3  # pixels; a step

# Grey values up to here are drawn at a strength that falls to 0 with them, above in full: what
# shows of them is too faint to tell half-drawn from drawn, and a long faint tail of a feathered
# selection would cost the model the surroundings that it should see.
DRAWN_FROM = 16  # of 255

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


def drawn(selection: Bytes8, scale: float) -> Bytes8:
    """What the model is to draw, uint8 (H, W): 255 in full, 0 not for the selection's sake.

    A selection that is fainter than DRAWN_FROM everywhere is drawn where it is
    strongest. scale: working pixels per canvas pixel; where that is below 1, a
    speck becomes a disc that does not vanish when it is reduced.
    """
    strongest = int(cv2.minMaxLoc(selection)[1])
    full = 255 / max(1, min(DRAWN_FROM, strongest))
    result = cv2.convertScaleAbs(selection, alpha=full)  # cut off at 255
    side = 2 * math.ceil(1 / scale) - 1
    if side > 1:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
        result = cv2.dilate(result, disc)
    return np.asarray(result, np.uint8)


def grown(drawn: Bytes8, distance: float, blend: float | None = None) -> Floats:
    """The model's mask, float32 (h, w), 0 (keep) … 1 (repaint); never below `drawn`.

    drawn: uint8 (h, w), 0 … 255. The mask is 1 from its edge outward and falls
    smoothly over the last `blend` pixels to 0 at `distance` pixels. A blend
    wider than the distance would weaken what is selected, and counts as the
    distance. None: BLEND_SHARE of it.
    """
    own: Floats = drawn.astype(np.float32) * np.float32(1 / 255)
    if distance <= 0:
        return own
    if blend is None:
        blend = BLEND_SHARE * distance
    blend = min(max(blend, LEAST_BLEND), distance)
    half = min(128, int(cv2.minMaxLoc(drawn)[1]))
    outside = cv2.compare(drawn, half, cv2.CMP_LT)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_5)
    # pixel centres of neighbours are 1 apart, the edge between them 0.5
    spread = _smooth(away * np.float32(-1 / blend) + np.float32((distance + 0.5) / blend))
    return np.maximum(own, spread)


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
    distance: Floats = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_5)
    y, x = top + over, left + before
    return distance[y : y + box.height, x : x + box.width]


def _smooth(t: Floats) -> Floats:
    """Smoothstep: 0 below 0, 1 above 1, level at both ends; changes `t` in place."""
    np.clip(t, 0, 1, out=t)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
