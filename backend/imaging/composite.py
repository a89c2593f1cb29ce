"""From the model's picture to the bytes of a layer."""

from __future__ import annotations

import math

import cv2
import numpy as np

from scumble.imaging import colour, gradient_domain
from scumble.imaging import mask as masks
from scumble.imaging.crop import Prepared
from scumble.imaging.pixels import Bytes8, Floats
from scumble.imaging.window import fit, leave, scaled
from scumble.link.geometry import clamp, pad
from scumble.link.values import GenerationRequest, Region, Size

SUPPORT = 2  # pixels that a bicubic resampling looks at to either side


def finish_inpaint(
    request: GenerationRequest, prepared: Prepared, generated: Bytes8
) -> tuple[Region, bytes]:
    """The layer that an inpaint gives: its rectangle on the canvas and its RGBA8 bytes.

    generated: uint8 (h, w, 3), the model's picture of `prepared.image`. The
    rectangle is the smallest that holds all of the layer; its alpha is
    `prepared.alpha`, and where that is 0 so are the colours.
    """
    part = _shown(prepared, gradient_domain.REACH if request.gradient_domain else 0)
    if request.colour_match:
        generated = _matched(prepared, generated, part)
    if request.gradient_domain:
        generated = _fitted(prepared, generated, part)
    return layer_of(request.region, prepared.alpha, leave(prepared.window, generated))


def layer_of(region: Region, alpha: Floats, colours: Bytes8) -> tuple[Region, bytes]:
    """The smallest layer that shows `colours` through `alpha`, both of `region`'s size.

    alpha: float32 (H, W), 0 … 1, not 0 everywhere; colours: uint8 (H, W, 3).
    Returns its rectangle on the canvas and its RGBA8 bytes.
    """
    shown = cv2.convertScaleAbs(alpha, alpha=255)
    part = masks.bounds(shown)
    if part.empty:  # a selection so faint that it rounds away still gives its layer
        shown = np.asarray(alpha > 0, np.uint8)
        part = masks.bounds(shown)
    inside = (slice(part.y, part.bottom), slice(part.x, part.right))
    seen = cv2.bitwise_and(colours[inside], colours[inside], mask=shown[inside])
    layer = cv2.cvtColor(seen, cv2.COLOR_RGB2RGBA)
    layer[..., 3] = shown[inside]
    return Region(region.x + part.x, region.y + part.y, part.width, part.height), bytes(layer.data)


def _matched(prepared: Prepared, generated: Bytes8, part: Region) -> Bytes8:
    """The model's picture, `part` of its window's inner one in the surroundings' colours."""
    window = prepared.window
    inner = (window.rows, window.columns)
    correction = colour.estimate(prepared.image[inner], generated[inner], prepared.change[inner])
    if correction is None:
        return generated
    matched: Bytes8 = generated.copy()
    matched[inner][part.y : part.bottom, part.x : part.right] = correction.apply(
        generated[inner], part
    )
    return matched


def _fitted(prepared: Prepared, generated: Bytes8, part: Region) -> Bytes8:
    """The model's picture, `part` of its window's inner one agreeing with the selection's edge."""
    window = prepared.window
    hidden = cv2.compare(prepared.alpha, 0, cv2.CMP_EQ)
    opaque = cv2.compare(cv2.extractChannel(prepared.original, 3), 255, cv2.CMP_EQ)
    stays = scaled(np.asarray(cv2.bitwise_and(hidden, opaque), np.uint8), window.inner.size)
    inner, inside = (
        np.s_[area.y : area.bottom, area.x : area.right] for area in (window.inner, part)
    )
    result: Bytes8 = generated.copy()
    result[inner][inside] = gradient_domain.fitted(
        np.ascontiguousarray(prepared.seen[inner][inside]),
        np.ascontiguousarray(generated[inner][inside]),
        cv2.compare(np.ascontiguousarray(stays[inside]), 255, cv2.CMP_EQ),
    )
    return result


def _shown(prepared: Prepared, beyond: int) -> Region:
    """What of the window's inner picture the layer can show, and `beyond` it, working pixels."""
    window = prepared.window
    shown = masks.bounds(cv2.compare(prepared.alpha, 0, cv2.CMP_GT))
    margin = max(beyond, math.ceil(SUPPORT * max(1, window.scale)))
    scaled = Region(
        math.floor(shown.x * window.scale),
        math.floor(shown.y * window.scale),
        math.ceil(shown.width * window.scale) + 1,
        math.ceil(shown.height * window.scale) + 1,
    )
    return clamp(pad(scaled, margin), window.inner.size)


def finish_image(request: GenerationRequest, generated: Bytes8) -> bytes:
    """RGBA8 of `request.region`, opaque, from the model's picture, uint8 (h, w, 3)."""
    size = request.region.size
    height, width = generated.shape[:2]
    window = fit(size, Size(width, height))
    colours = leave(window, generated)
    return bytes(cv2.cvtColor(colours, cv2.COLOR_RGB2RGBA).data)
