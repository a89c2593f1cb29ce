"""Masks for learning to fill: 1 where the model may draw, 0 where the picture is given."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Mask = npt.NDArray[np.float32]  # H x W, 0 or 1
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


def full(size: int) -> Mask:
    """Everything is to be drawn: text to image."""
    return np.ones((size, size), dtype=np.float32)


def around(rng: np.random.Generator, box: Box, size: int) -> Mask:
    """A rectangle or ellipse that holds `box` with 2 to 16 pixels to spare."""
    left, top, right, bottom = box
    spare = rng.integers(2, 17, 4)
    mask = np.zeros((size, size), dtype=np.float32)
    if rng.random() < 0.75:
        mask[
            max(0, top - spare[0]) : min(size, bottom + spare[1]),
            max(0, left - spare[2]) : min(size, right + spare[3]),
        ] = 1
        return mask
    y, x = np.mgrid[0:size, 0:size] + 0.5
    # An ellipse through the rectangle's corners has half axes longer by the square root of two.
    half = np.array([bottom - top, right - left]) / 2 * 1.2 + spare[:2]
    inside = ((y - (top + bottom) / 2) / half[0]) ** 2 + ((x - (left + right) / 2) / half[1]) ** 2
    mask[inside <= 1] = 1
    return mask


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


def to_latents(mask: Mask, side: int) -> Mask:
    """As the pipelines do: nearest neighbour, so a latent is masked when its first pixel is."""
    step = mask.shape[0] // side
    return mask[::step, ::step]
