"""A soap film between what is known: Laplace's equation, by multigrid.

What is known along a border is spread over what the border encloses, as
smoothly as can be. Added to a picture it keeps the picture's own gradients and
makes it agree with the border, as in Poisson blending (Pérez et al., "Poisson
Image Editing", SIGGRAPH 2003, section 2: the correction is a membrane).
"""

from __future__ import annotations

import cv2
import numpy as np

from scumble.imaging.pixels import Floats

RELAXATIONS = 8  # a size; the start from the size before is nearly right
NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32) / 4


def membrane(values: Floats, known: Floats) -> Floats:
    """float32 (h, w, 3): `values` where known, float32 (h, w), is 1; between, a soap film.

    Each pixel tends to the mean of its neighbours, and where `known` lies
    between 0 and 1 to a mixture of that mean and its value. Somewhere it has to
    be above 0. Solved from the coarsest size down, each the start for the next.
    """
    height, width = known.shape
    firm = known[..., None]
    held = values * firm
    if max(height, width) > 2:
        half = ((width + 1) // 2, (height + 1) // 2)
        there, squares, sums = (
            cv2.resize(each, half, interpolation=cv2.INTER_AREA)
            for each in (known, known * known, held)
        )
        total = np.maximum(there, 1e-6)
        coarse = membrane(sums / total[..., None], np.asarray(squares / total, np.float32))
        film = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    else:
        film = np.broadcast_to(held.sum((0, 1)) / known.sum(), values.shape)
    film = np.asarray(held + film * (1 - firm), np.float32)
    for _ in range(RELAXATIONS):
        around = cv2.filter2D(film, -1, NEIGHBOURS, borderType=cv2.BORDER_REPLICATE)
        film = np.asarray(held + around * (1 - firm), np.float32)
    return film
