"""From the editor's pixels to what the model sees."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from scumble import intents
from scumble.imaging import mask as masks
from scumble.imaging import prefill
from scumble.imaging.pixels import Bytes8, Floats, read_mask, read_pixels
from scumble.imaging.window import Window, enter, fit
from scumble.link.geometry import working_size
from scumble.link.values import GenerationRequest, Prefill

LEAST_KNOWN = 1 / 512  # alpha below which a pixel has no colour


@dataclass(frozen=True)
class Prepared:
    """A context, ready for the model.

    image: uint8 (h, w, 3) at working size, the pre-fill inside the mask and on
    transparent canvas. seen: uint8 (h, w, 3), the context's own colours, which
    on transparent canvas say nothing. original: uint8 (H, W, 4), its own bytes.
    change: float32 (h, w), 0 (keep) … 1 (repaint), the grown mask; 1 on
    transparent canvas as well. alpha: float32 (H, W), 0 … 1, the layer's; 0
    wherever the selection is 0. window: how the context lies in the image.
    """

    image: Bytes8
    seen: Bytes8
    original: Bytes8
    change: Floats
    alpha: Floats
    window: Window


def prepare_inpaint(
    request: GenerationRequest, pixels: bytes, mask: bytes, native: int, multiple: int
) -> Prepared:
    """What an inpaint works on; pixels and mask cover `request.region`.

    native, multiple: as in `geometry.working_size`. Raises ScumbleError
    (bad_request) for an empty mask and for bytes or settings that do not fit.
    """
    original = read_pixels(request, pixels)
    selection = read_mask(request, mask)
    window = fit(request.region.size, working_size(request.region.size, native, multiple))
    opaque = _is_opaque(original)
    sides = masks.open_sides(request.region, request.canvas)
    alpha = masks.layer_alpha(
        selection, None if opaque else original[..., 3], request.mask.feather, sides
    )
    grow = request.mask.grow
    if grow is None:
        grow = masks.default_grow(selection, window.scale)
    blend = request.mask.blend
    change = masks.grown(
        enter(window, masks.drawn(selection, window.scale)),
        grow * window.scale,
        None if blend is None else blend * window.scale,
    )
    method = intents.prefill_of(request)
    seen, unknown = _seen(window, original, opaque)
    image = seen
    if unknown is not None:
        known_change = change if method is not Prefill.NONE else np.zeros_like(change)
        behind = prefill.fill(
            image, np.maximum(unknown, known_change), Prefill.BORDER, request.seed
        )
        image = cv2.blendLinear(image, behind, 1 - unknown, unknown)
        change = np.maximum(change, unknown)
    image = prefill.fill(image, change, method, request.seed)
    return Prepared(image, seen, original, change, alpha, window)


def prepare_image(request: GenerationRequest, pixels: bytes, native: int, multiple: int) -> Bytes8:
    """What an image to image run works on, uint8 (h, w, 3); transparent canvas is filled in."""
    original = read_pixels(request, pixels)
    window = fit(request.region.size, working_size(request.region.size, native, multiple))
    image, unknown = _seen(window, original, _is_opaque(original))
    if unknown is None:
        return image
    return prefill.fill(image, unknown, Prefill.BORDER, request.seed)


def _is_opaque(original: Bytes8) -> bool:
    return bool(cv2.minMaxLoc(original[..., 3])[0] == 255)


def _seen(window: Window, original: Bytes8, opaque: bool) -> tuple[Bytes8, Floats | None]:
    """The context's colours at working size, and how unknown (0 … 1) each pixel is.

    Transparent pixels lend their neighbours no colour when the picture is
    resampled; where nothing is known the colour is black.
    """
    if opaque:
        colours = cv2.cvtColor(original, cv2.COLOR_RGBA2RGB)
        return np.asarray(enter(window, colours), np.uint8), None
    known = np.asarray(original[..., 3] / np.float32(255), np.float32)
    weighted = np.asarray(original[..., :3] * known[..., None], np.float32)
    there = np.asarray(np.clip(enter(window, known), 0, 1), np.float32)
    colours = enter(window, weighted) / np.maximum(there, LEAST_KNOWN)[..., None]
    colours[there < LEAST_KNOWN] = 0
    unknown = np.asarray(1 - there, np.float32)
    return np.asarray(np.clip(np.rint(colours), 0, 255), np.uint8), unknown
