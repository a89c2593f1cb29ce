"""What strength 0 gives: the input's own bytes."""

from __future__ import annotations

import numpy as np

from scumble.imaging.crop import prepare_inpaint
from scumble.imaging.pixels import read_pixels
from scumble.link.values import GenerationRequest, Mode

MULTIPLE = 8  # pixels; only the alpha at full size is used here


def unchanged(request: GenerationRequest, native: int, pixels: bytes, mask: bytes) -> bytes:
    """RGBA8 of request.region: the pixels as they came, with the layer's alpha for an inpaint.

    A layer over a pixel that is not opaque would make it more so: it has no part in the layer.
    """
    original = read_pixels(request, pixels)
    if request.mode is not Mode.INPAINT:
        return original.tobytes()
    alpha = prepare_inpaint(request, pixels, mask, native, MULTIPLE).alpha
    layer = original.copy()
    layer[..., 3] = np.where(original[..., 3] == 255, np.rint(alpha * 255), 0)
    return bytes(layer.tobytes())
