"""Bytes from the wire as arrays, checked against the request that they came with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from scumble.link.errors import bad_request
from scumble.link.values import MAX_PIXELS, GenerationRequest

Bytes8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def read_pixels(request: GenerationRequest, pixels: bytes) -> Bytes8:
    """The context as uint8 (H, W, 4), R G B A with straight alpha; read-only, nothing is copied.

    Raises ScumbleError (bad_request) when the region is no rectangle of pixels
    or the bytes are not those of that rectangle.
    """
    region = request.region
    if region.empty or region.size.pixels > MAX_PIXELS:
        raise bad_request("The region to work on is empty or too large.")
    if len(pixels) != region.size.pixels * 4:
        raise bad_request("The picture's bytes do not fit the region's size.")
    return np.frombuffer(pixels, np.uint8).reshape(region.height, region.width, 4)


def read_mask(request: GenerationRequest, mask: bytes) -> Bytes8:
    """The selection over the context as uint8 (H, W), 0 outside … 255 inside; read-only.

    Raises ScumbleError (bad_request) for a mask of another size, an empty one,
    and mask settings that are no lengths.
    """
    region = request.region
    if len(mask) != region.size.pixels:
        raise bad_request("The selection's bytes do not fit the region's size.")
    selection = np.frombuffer(mask, np.uint8).reshape(region.height, region.width)
    if not selection.any():
        raise bad_request("The selection is empty.", "Select what to fill and try again.")
    for name in ("grow", "feather", "blend"):
        length = getattr(request.mask, name)
        if length is not None and not (math.isfinite(length) and length >= 0):
            raise bad_request(f"The mask's {name} must be a length of 0 or more pixels.")
    return selection
