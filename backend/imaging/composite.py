"""From the model's picture to the bytes of a layer."""

from __future__ import annotations

import numpy as np

from scumble.imaging import mask as masks
from scumble.imaging.crop import Prepared
from scumble.imaging.pixels import Bytes8
from scumble.imaging.window import fit, leave
from scumble.link.values import GenerationRequest, Region, Size


def finish_inpaint(
    request: GenerationRequest, prepared: Prepared, generated: Bytes8
) -> tuple[Region, bytes]:
    """The layer that an inpaint gives: its rectangle on the canvas and its RGBA8 bytes.

    generated: uint8 (h, w, 3), the model's picture of `prepared.image`. The
    rectangle is the smallest that holds all of the layer; its alpha is
    `prepared.alpha`, and where that is 0 so are the colours.
    """
    alpha = np.rint(prepared.alpha * 255).astype(np.uint8)
    part = masks.bounds(alpha)
    if part.empty:  # a selection so faint that it rounds away still gives its layer
        alpha = np.asarray(prepared.alpha > 0, np.uint8)
        part = masks.bounds(alpha)
    colours = leave(prepared.window, generated, part)
    layer = np.dstack((colours, alpha[part.y : part.bottom, part.x : part.right]))
    layer[layer[..., 3] == 0] = 0
    region = request.region
    place = Region(region.x + part.x, region.y + part.y, part.width, part.height)
    return place, layer.tobytes()


def finish_image(request: GenerationRequest, generated: Bytes8) -> bytes:
    """RGBA8 of `request.region`, opaque, from the model's picture, uint8 (h, w, 3)."""
    size = request.region.size
    height, width = generated.shape[:2]
    window = fit(size, Size(width, height))
    colours = leave(window, generated, Region(0, 0, size.width, size.height))
    opaque = np.full((size.height, size.width), 255, np.uint8)
    return np.dstack((colours, opaque)).tobytes()
