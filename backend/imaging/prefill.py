"""What stands inside the mask, and on transparent canvas, before the first denoising step."""

from __future__ import annotations

import cv2
import numpy as np

from scumble.imaging import mask as masks
from scumble.imaging.pixels import Bytes8, Floats
from scumble.link.values import Prefill

NEUTRAL = 127  # the middle of sRGB; 0 in the range of -1 … 1 that models are trained on
BORDER_SIDE = 128  # pixels; border colours are smooth, and Telea's time grows with the area
BORDER_RADIUS = 3.0  # pixels of the reduced picture
BLUR_SIDE = 64  # pixels; as smooth as these fills are, more would show nothing
BLUR_SHARES = (0.5, 0.15, 0.05)  # of the longer side; from far to near


def fill(image: Bytes8, weight: Floats, method: Prefill, seed: int) -> Bytes8:
    """`image`, uint8 (h, w, 3), with `method`'s colours where weight, float32 (h, w), is 1.

    Between 0 and 1 both are mixed. Colours come from pixels of weight 0 only;
    without any, or without a method, they are neutral. seed: of the noise.
    """
    known = np.asarray(weight <= 0, np.uint8)
    box = masks.bounds(1 - known)
    if method is Prefill.NONE or box.empty:
        return image
    part = np.s_[box.y : box.bottom, box.x : box.right]
    shown, share = image[part], weight[part]
    if method is Prefill.NEUTRAL or not known.any():
        colours = np.full_like(shown, NEUTRAL)
    elif method is Prefill.BORDER:
        colours = border_colours(image, known)[part]
    else:
        colours = blurred_colours(image, known)[part]
        if method is Prefill.NOISE:
            colours = _with_noise(colours, image, known, seed)
    filled: Bytes8 = image.copy()
    filled[part] = cv2.blendLinear(shown, colours, 1 - share, share)
    return filled


def border_colours(image: Bytes8, known: Bytes8) -> Bytes8:
    """The known pixels' colours carried inward from the border (Telea's method, OpenCV).

    image: uint8 (h, w, 3); known: uint8 (h, w), 0 or 1. Returns uint8 (h, w, 3).
    """
    small, there = reduced(image, known, BORDER_SIDE)
    unknown = np.asarray(there < 0.5, np.uint8)
    filled = cv2.inpaint(small, unknown, BORDER_RADIUS, cv2.INPAINT_TELEA)
    return enlarged(filled, image)


def blurred_colours(image: Bytes8, known: Bytes8) -> Bytes8:
    """Averages of the known pixels around, near ones first; shapes and dtypes as above."""
    small, there = reduced(image, known, BLUR_SIDE)
    weighted = small.astype(np.float32) * there[..., None]
    result = np.broadcast_to(weighted.sum((0, 1)) / there.sum(), small.shape).astype(np.float32)
    for share in BLUR_SHARES:
        sigma = share * max(there.shape)
        total = cv2.GaussianBlur(there, (0, 0), sigma)
        mean = cv2.GaussianBlur(weighted, (0, 0), sigma) / np.maximum(total, 1e-6)[..., None]
        trust = np.minimum(total / 0.1, 1)[..., None]  # too few known pixels near: look further
        result += (mean - result) * trust
    return enlarged(np.rint(result).astype(np.uint8), image)


def _with_noise(colours: Bytes8, image: Bytes8, known: Bytes8, seed: int) -> Bytes8:
    """`colours` with Gaussian noise that varies as much as `image`'s known pixels do."""
    _, deviation = cv2.meanStdDev(image, mask=known)
    noise = np.random.default_rng(seed).standard_normal(colours.shape, np.float32)
    noisy = colours + noise * deviation.reshape(1, 1, 3).astype(np.float32)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def reduced(image: Bytes8, known: Bytes8, side: int) -> tuple[Bytes8, Floats]:
    """The known pixels' averages, uint8 (r, c, 3), and how much of each is known, 0 … 1.

    side: the longer side in pixels, at most the picture's own.
    """
    height, width = known.shape
    factor = min(1.0, side / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    there = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    hidden = cv2.bitwise_and(image, image, mask=known)
    sums = cv2.resize(hidden, size, interpolation=cv2.INTER_AREA)
    means = sums / np.maximum(there, 1e-3)[..., None]
    return np.asarray(np.clip(np.rint(means), 0, 255), np.uint8), there


def enlarged(small: Bytes8, like: Bytes8) -> Bytes8:
    """`small` at the size of `like`."""
    height, width = like.shape[:2]
    result: Bytes8 = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return result
