"""Backgrounds made by arithmetic: plain colours, gradients, soft noise, skies. None is copied."""

from __future__ import annotations

import colorsys

import numpy as np
import numpy.typing as npt

from . import captions

Pixels = npt.NDArray[np.float32]  # H x W x 3, 0 to 1

KINDS = ("white", "named", "plain", "gradient", "noise", "horizon", "sky")

# One shade for every colour word, so that a word on its own tells what is to be drawn.
SHADES = {
    "red": (0.90, 0.18, 0.18),
    "orange": (0.98, 0.58, 0.16),
    "yellow": (0.98, 0.86, 0.25),
    "green": (0.28, 0.70, 0.32),
    "cyan": (0.35, 0.82, 0.86),
    "blue": (0.22, 0.45, 0.90),
    "purple": (0.58, 0.34, 0.82),
    "pink": (0.97, 0.62, 0.76),
    "brown": (0.48, 0.32, 0.20),
    "white": (1.0, 1.0, 1.0),
    "grey": (0.55, 0.55, 0.55),
    "black": (0.06, 0.06, 0.06),
}
SUNLIGHT = (1.0, 0.93, 0.78)


def colour(rng: np.random.Generator) -> Pixels:
    """One colour (3,): any hue, more often light than dark, sometimes grey."""
    saturation = 0.0 if rng.random() < 0.12 else rng.uniform(0.1, 0.95)
    value = rng.uniform(0.25, 1.0) ** 0.7
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, value), dtype=np.float32)


def plain(rng: np.random.Generator, size: int) -> tuple[Pixels, str]:
    """A plain colour and its word."""
    shade = colour(rng)
    return np.broadcast_to(shade, (size, size, 3)).copy(), captions.colour_word(*map(float, shade))


def named(rng: np.random.Generator, size: int) -> tuple[Pixels, str]:
    """One of SHADES, hardly varied, and its word."""
    word = str(rng.choice(list(SHADES)))
    shade = np.clip(np.array(SHADES[word]) + rng.normal(0, 0.02, 3), 0, 1).astype(np.float32)
    return np.broadcast_to(shade, (size, size, 3)).copy(), word


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


def horizon(rng: np.random.Generator, size: int) -> Pixels:
    """Two soft backgrounds, one above the other: sky and land, wall and table."""
    above, below = (noise(rng, size) if rng.random() < 0.5 else gradient(rng, size) for _ in "ab")
    height = rng.uniform(0.2, 0.8) * size
    slope, softness = rng.normal(0, 0.08), rng.uniform(1, 6)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    part = np.clip((y - height - slope * (x - size / 2)) / softness + 0.5, 0, 1)
    return np.asarray(_over(above, below, part), dtype=np.float32)


def sky(rng: np.random.Generator, size: int) -> Pixels:
    """Several colours from top to bottom, often a glow, clouds, and hills that stand before them.

    Unlike in a gradient the colour may change fast somewhere, most of all low above the hills.
    """
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    skyline = rng.uniform(0.6, 1.1)  # from the top
    height = y / max(skyline, 0.7) + rng.normal(0, 0.06) * (x - 0.5)  # about 1 there
    shades = _air(rng, int(rng.integers(2, 5)))
    stops = np.cumsum(rng.uniform(0.25, 1, len(shades)))
    stops = 1 - (stops[-1] - stops) / stops[-1] * rng.uniform(0.4, 1)
    pixels = np.stack([np.interp(height, stops, shades[:, i]) for i in range(3)], axis=-1)
    if rng.random() < 0.4:
        wide, high = rng.uniform(0.2, 0.8), rng.uniform(0.1, 0.4)
        away = ((x - rng.random()) / wide) ** 2 + ((y - skyline) / high) ** 2
        pixels = _over(pixels, SUNLIGHT, rng.uniform(0.3, 1) * np.exp(-away))
    if rng.random() < 0.6:
        rows, columns = int(rng.integers(4, 13)), int(rng.integers(2, 6))
        cover = smooth(rng.standard_normal((rows, columns)).astype(np.float32), size)
        cloud = np.clip(cover - rng.uniform(0, 1.2), 0, 1) * rng.uniform(0.2, 0.9)
        pixels = _over(pixels, rng.uniform(0.75, 1, 3), cloud)
    for hill in range(int(rng.integers(0, 4))):
        ridge = smooth(rng.standard_normal((2, int(rng.integers(3, 7)))).astype(np.float32), size)
        under = (y - skyline - 0.1 * hill - rng.uniform(0.01, 0.06) * ridge) * size
        part = np.clip(under / rng.uniform(1, 4) + 0.5, 0, 1)
        lit = 1 - rng.uniform(0, 0.4) * np.clip(under / size, 0, 1)[..., None]
        haze = rng.uniform(0, 0.6) / (hill + 1)  # the far ones are partly of the sky's own colour
        pixels = _over(pixels, (colour(rng) * (1 - haze) + shades[-1] * haze) * lit, part)
    return np.asarray(np.clip(pixels, 0, 1), dtype=np.float32)


def _over(
    below: npt.NDArray[np.floating], above: npt.ArrayLike, part: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """`above` laid over `below` (H x W x 3) with the opacity `part` (H x W)."""
    opacity = part[..., None]
    return np.asarray(below * (1 - opacity) + np.asarray(above) * opacity)


def _air(rng: np.random.Generator, count: int) -> Pixels:
    """`count` colours of a sky from above to below: mostly a blue, then paler and warmer ones."""
    if rng.random() < 0.3:
        return np.stack([colour(rng) for _ in range(count)])
    low = np.linspace(0, 1, count) ** rng.uniform(0.5, 2)
    first = rng.uniform(0.5, 0.7)
    last = rng.uniform(-0.1, 0.17) if rng.random() < 0.5 else rng.uniform(0.5, 0.6)
    deep, pale = rng.uniform(0.35, 0.85), rng.uniform(0.03, 0.45)
    dark, light = rng.uniform(0.35, 1), rng.uniform(0.75, 1)
    # Mixed as light is, past white, not round the circle of hues: skies are seldom green.
    ends = [
        np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value))
        for hue, saturation, value in ((first, deep, dark), (last, pale, light))
    ]
    mixed = ends[0] * (1 - low[:, None]) + ends[1] * low[:, None]
    return np.asarray(np.clip(mixed + rng.normal(0, 0.04, mixed.shape), 0, 1), dtype=np.float32)


def smooth(grid: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """A coarse grid (rows x columns, two or more each) brought to size x size with smoothstep."""
    (rows, down), (columns, across) = _between(grid.shape[0], size), _between(grid.shape[1], size)
    wide = grid[rows] * (1 - down)[:, None] + grid[rows + 1] * down[:, None]
    fine = wide[:, columns] * (1 - across) + wide[:, columns + 1] * across
    return np.asarray(fine, dtype=np.float32)


def _between(count: int, size: int) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.float32]]:
    """For `size` places along `count` grid points: the point before each, and how far past it."""
    at = np.linspace(0, count - 1, size)
    low = np.minimum(at.astype(int), count - 2)
    part = (at - low).astype(np.float32)
    return low, part * part * (3 - 2 * part)


def make(rng: np.random.Generator, kind: str, size: int) -> tuple[Pixels, str]:
    """A background of one of KINDS and the word that a caption may use for it."""
    if kind == "white":
        return np.ones((size, size, 3), dtype=np.float32), "white"
    if kind == "named":
        return named(rng, size)
    if kind == "plain":
        return plain(rng, size)
    if kind == "gradient":
        return gradient(rng, size), "gradient"
    if kind == "noise":
        return noise(rng, size), "textured"
    if kind == "horizon":
        return horizon(rng, size), ""
    if kind == "sky":
        return sky(rng, size), ""
    raise ValueError(f"no such background: {kind}")
