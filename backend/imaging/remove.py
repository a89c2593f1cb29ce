"""Remove what is selected without any model: the surroundings' colours, and their grain.

OpenCV's Telea fill carries colours in from the border, and diffusion evens out
where they meet. It gives smooth results, which suit skies, walls, skin and
backgrounds out of focus; what has structure needs a model.
"""

from __future__ import annotations

import cv2
import numpy as np

from scumble.imaging import mask as masks
from scumble.imaging import prefill
from scumble.imaging.composite import layer_of
from scumble.imaging.pixels import Bytes8, read_mask, read_pixels
from scumble.link.values import GenerationRequest, Region

SIDE = 192  # pixels; the fill is smooth, and its time grows with the area
DIFFUSIONS = 300  # steps; they reach some 25 of those pixels
GRAIN_SIGMA = 1.5  # pixels; what is finer than that in the surroundings is grain
GRAIN_QUANTILE = 0.4  # of its size: the grain of calm places, not the edges of things


def remove(request: GenerationRequest, pixels: bytes, mask: bytes) -> tuple[Region, bytes]:
    """The layer that hides what is selected: rectangle on the canvas and RGBA8 bytes.

    pixels and mask cover `request.region`. Deterministic by the request's
    seed. Raises ScumbleError (bad_request) as `crop.prepare_inpaint` does.
    """
    original = read_pixels(request, pixels)
    selection = read_mask(request, mask)
    colours = np.ascontiguousarray(original[..., :3])
    opaque = bool(original[..., 3].min() == 255)
    sides = masks.open_sides(request.region, request.canvas)
    alpha = masks.layer_alpha(
        selection, None if opaque else original[..., 3], request.mask.feather, sides
    )
    known = np.asarray((selection == 0) & (original[..., 3] == 255), np.uint8)
    if not known.any():
        filled = np.full_like(colours, prefill.NEUTRAL)
    else:
        filled = prefill.border_colours(colours, known, SIDE, DIFFUSIONS)
        filled = _with_grain(filled, colours, known, request.seed)
    return layer_of(request.region, alpha, filled)


def _with_grain(filled: Bytes8, picture: Bytes8, known: Bytes8, seed: int) -> Bytes8:
    """`filled` with noise as strong as what is finest in the known pixels, channels alike."""
    smooth = cv2.GaussianBlur(picture, (0, 0), GRAIN_SIGMA)
    fine = cv2.cvtColor(cv2.absdiff(picture, smooth), cv2.COLOR_RGB2GRAY)
    strength = float(np.quantile(fine[known > 0], GRAIN_QUANTILE)) / 0.524
    # 0.524: the size that 40 % of unit normal deviates stay below
    noise = np.random.default_rng(seed).standard_normal(known.shape, np.float32) * strength
    grainy: Bytes8 = cv2.add(filled, np.repeat(noise[..., None], 3, -1), dtype=cv2.CV_8U)
    return grainy
