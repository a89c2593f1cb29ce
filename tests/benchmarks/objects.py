"""Another thing over the selection's edge: a model may draw it, and it is no drift of colours."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

RADIUS = 1 / 8  # of the picture's side


def with_object(
    picture: Pixels, other: Pixels, mask: Pixels, change: Floats, number: int
) -> Pixels:
    """`picture` with a disc of `other`, uint8 (h, w, 3), half over the edge of `mask`.

    mask: uint8 (h, w). The disc ends where the model was to keep what it saw: where change, float32
    (h, w), is 0. number: where along the edge it lies.
    """
    inside = np.asarray(mask > 127, np.uint8)
    outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    x, y = outline[number * 37 % len(outline)][0]
    disc = np.zeros_like(mask)
    cv2.circle(disc, (int(x), int(y)), round(RADIUS * len(mask)), 255, cv2.FILLED)
    return np.where(((disc > 0) & (change > 0))[..., None], other, picture)
