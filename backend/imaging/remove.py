"""Remove what is selected without a diffusion model: the gap is closed by its surroundings."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from scumble.imaging import mask as masks
from scumble.imaging import patch_fill
from scumble.imaging.composite import layer_of
from scumble.imaging.pixels import Bytes8, read_mask, read_pixels
from scumble.link.errors import bad_request
from scumble.link.values import GenerationRequest, Region

LEAST_SEEN = 128  # alpha from which on a pixel's colour is worth copying
FRINGE = 2.0  # pixels beyond the selection that may still show some of what goes away

Close = Callable[[Bytes8, Bytes8, int], Bytes8]
"""(picture, gap, seed) -> picture: as `patch_fill.close`; a network may stand here."""


def remove(
    request: GenerationRequest,
    pixels: bytes,
    mask: bytes,
    index: int = 0,
    close: Close = patch_fill.close,
) -> tuple[Region, bytes]:
    """The layer that hides what is selected: rectangle on the canvas and RGBA8 bytes.

    pixels and mask cover `request.region`. index: of the result; the seeds that
    follow each other look for their pieces differently, the same one always
    alike. The mask's grow says how far round the selection nothing is taken
    from (None: FRINGE). Empty canvas stays empty. Raises
    ScumbleError (bad_request) as `crop.prepare_inpaint` does, and when nothing
    is left to close the gap with.
    """
    original = read_pixels(request, pixels)
    selection = read_mask(request, mask)
    opaque = bool(original[..., 3].min() == 255)
    sides = masks.open_sides(request.region, request.canvas)
    alpha = masks.layer_alpha(
        selection, None if opaque else original[..., 3], request.mask.feather, sides
    )
    gap = _gap(selection, FRINGE if request.mask.grow is None else request.mask.grow)
    gap[original[..., 3] < LEAST_SEEN] = 1
    if gap.all():
        raise bad_request(
            "There is nothing round the selection to close the gap with.",
            "Select less, take a wider context, or type what should be there.",
        )
    colours = np.ascontiguousarray(original[..., :3])
    if not opaque:
        alpha *= original[..., 3] / np.float32(255)
        if not alpha.any():
            raise bad_request(
                "Only empty canvas is selected, so there is nothing to remove.",
                "Type what should be there, or choose Expand.",
            )
    return layer_of(request.region, alpha, close(colours, gap, request.seed + index))


def _gap(selection: Bytes8, grow: float) -> Bytes8:
    """uint8 (H, W): 1 where something is selected and as far as `grow` pixels round it."""
    away = cv2.distanceTransform(
        np.asarray(selection == 0, np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
    return np.asarray(away <= grow, np.uint8)
