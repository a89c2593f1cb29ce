"""Masks for learning to fill: 1 where the model may draw, 0 where the picture is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Mask = npt.NDArray[np.float32]  # H x W, 0 or 1
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
# The longer side of a mask as a share of the picture's: most masks' and the others'.
LARGE, ANY = (0.72, 0.92), (0.42, 0.86)


def full(size: int) -> Mask:
    """Everything is to be drawn: text to image."""
    return np.ones((size, size), dtype=np.float32)


def place(rng: np.random.Generator, size: int, step: int = 1) -> tuple[Mask, Box]:
    """A rectangle or ellipse to put a thing into, and the box for the thing.

    Editors show a model the selection in the middle of its surroundings, or near it at the
    canvas's edge, so most masks lie there; and they show a model this small little more than the
    selection, so most are large. The thing keeps clear of the mask's edge: what is drawn along it
    is background. The sides lie on multiples of `step`.
    """
    long = rng.uniform(*(LARGE if rng.random() < 0.7 else ANY)) * size
    sides = np.array([long, long * rng.uniform(0.65, 1.0)])[rng.permutation(2)]
    sides = np.round(sides / step) * step
    shift = rng.normal(0, 0.03, 2) if rng.random() < 0.65 else rng.uniform(-0.5, 0.5, 2)
    corner = np.clip((size - sides) / 2 + shift * size, 0, size - sides)
    left, top = np.round(corner / step) * step
    right, bottom = left + sides[0], top + sides[1]
    mask = np.zeros((size, size), dtype=np.float32)
    if rng.random() < 0.5:
        share = rng.uniform(0.78, 0.84)
        mask[round(top) : round(bottom), round(left) : round(right)] = 1
    else:
        share = rng.uniform(0.66, 0.72)
        y, x = np.mgrid[0:size, 0:size] + 0.5
        across, along = (x - (left + right) / 2) / sides[0], (y - (top + bottom) / 2) / sides[1]
        mask[np.hypot(across, along) <= 0.5] = 1
    inset = (1 - share) / 2 * sides
    box = (left + inset[0], top + inset[1], right - inset[0], bottom - inset[1])
    x0, y0, x1, y1 = (round(float(value)) for value in box)
    return mask, (x0, y0, x1, y1)


def scribble(rng: np.random.Generator, size: int) -> Mask:
    """A few broad strokes or a rectangle anywhere, whatever it hits."""
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    if rng.random() < 0.5:
        sides = rng.integers(size // 4, size * 3 // 4, 2)
        left, top = (int(rng.integers(0, size - side)) for side in sides)
        draw.rectangle((left, top, left + int(sides[0]), top + int(sides[1])), fill=255)
    else:
        points = [tuple(map(float, rng.uniform(0.05, 0.95, 2) * size)) for _ in range(4)]
        width = int(rng.integers(size // 8, size // 3))
        draw.line(points, fill=255, width=width, joint="curve")
    return (np.asarray(image) > 127).astype(np.float32)


def whole_blocks(mask: Mask, step: int) -> Mask:
    """`mask` grown to the blocks of `step` x `step` pixels that it touches."""
    side = mask.shape[0] // step
    touched = mask.reshape(side, step, side, step).max(axis=(1, 3))
    return np.kron(touched, np.ones((step, step), dtype=np.float32))
