"""Backgrounds made by arithmetic: plain colours, gradients and soft noise. None is copied."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

from . import captions

Pixels = npt.NDArray[np.float32]  # H x W x 3, 0 to 1

KINDS = ("white", "plain", "gradient", "noise")


def colour(rng: np.random.Generator) -> Pixels:
    """One colour (3,): any hue, more often light than dark, sometimes grey."""
    saturation = 0.0 if rng.random() < 0.12 else rng.uniform(0.1, 0.95)
    value = rng.uniform(0.25, 1.0) ** 0.7
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, value), dtype=np.float32)


def plain(rng: np.random.Generator, size: int) -> tuple[Pixels, str]:
    """A plain colour and its word."""
    shade = colour(rng)
    return np.broadcast_to(shade, (size, size, 3)).copy(), captions.colour_word(*map(float, shade))


def gradient(rng: np.random.Generator, size: int) -> Pixels:
    """Two or three colours along a line at any angle, or from a point outwards."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / (size - 1) - 0.5
    if rng.random() < 0.75:
        angle = rng.uniform(0, 2 * np.pi)
        along = np.cos(angle) * x + np.sin(angle) * y
    else:
        along = np.hypot(x - rng.uniform(-0.5, 0.5), y - rng.uniform(-0.5, 0.5))
    along = (along - along.min()) / (np.ptp(along) + 1e-6)
    first = colour(rng)
    # Neighbouring colours more often than far ones, as in skies and walls.
    second = colour(rng) if rng.random() < 0.5 else np.clip(first + rng.normal(0, 0.2, 3), 0, 1)
    return np.asarray(first + (second - first) * along[..., None], dtype=np.float32)


def noise(rng: np.random.Generator, size: int) -> Pixels:
    """A colour or gradient with soft clouds of one to three octaves laid over it."""
    base = gradient(rng, size) if rng.random() < 0.5 else plain(rng, size)[0]
    cells = int(rng.integers(2, 12))
    tint = np.float32(0.4) * rng.normal(0, 1, 3).astype(np.float32) + 1
    strength = rng.uniform(0.03, 0.16)
    for octave in range(int(rng.integers(1, 4))):
        cloud = smooth(rng.standard_normal((cells, cells)).astype(np.float32), size)
        base += np.float32(strength / (octave + 1)) * cloud[..., None] * tint
        cells *= 2
    return np.clip(base, 0, 1).astype(np.float32)


def smooth(grid: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """A coarse grid brought to size x size with smoothstep interpolation."""
    at = np.linspace(0, grid.shape[0] - 1, size)
    low = np.minimum(at.astype(int), grid.shape[0] - 2)
    part = (at - low).astype(np.float32)
    part = part * part * (3 - 2 * part)
    rows = grid[low] * (1 - part)[:, None] + grid[low + 1] * part[:, None]
    return rows[:, low] * (1 - part) + rows[:, low + 1] * part  # type: ignore[no-any-return]


def make(rng: np.random.Generator, kind: str, size: int) -> tuple[Pixels, str]:
    """A background of one of KINDS and the word that a caption may use for it."""
    if kind == "white":
        return np.ones((size, size, 3), dtype=np.float32), "white"
    if kind == "plain":
        return plain(rng, size)
    if kind == "gradient":
        return gradient(rng, size), "gradient"
    if kind == "noise":
        return noise(rng, size), "textured"
    raise ValueError(f"no such background: {kind}")
