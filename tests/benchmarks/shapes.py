"""Ten selections of every kind, scaled to cover a given share of the picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
Field = npt.NDArray[np.float32]


def _grid(side: int) -> tuple[Field, Field]:
    """y and x of the pixel centres, -1 … 1."""
    line = (np.arange(side, dtype=np.float32) + 0.5) / side * 2 - 1
    return np.meshgrid(line, line, indexing="ij")


def _blob(side: int) -> Field:
    y, x = _grid(side)
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    return radius / (1 + 0.2 * np.sin(3 * angle + 1) + 0.1 * np.sin(7 * angle))


def _star(side: int) -> Field:
    y, x = _grid(side)
    return np.hypot(x, y) / (1 + 0.35 * np.cos(5 * np.arctan2(y, x)))


def _ring(side: int) -> Field:
    y, x = _grid(side)
    return np.abs(np.hypot(x, y) - 0.62)


def _islands(side: int) -> Field:
    y, x = _grid(side)
    centres = [(-0.45, -0.45), (0.5, -0.4), (-0.4, 0.5), (0.45, 0.45), (0.0, 0.0)]
    return np.min([np.hypot(x - a, y - b) for a, b in centres], axis=0)


def _stroke(side: int) -> Field:
    y, x = _grid(side)
    return np.abs(y - 0.4 * np.sin(3 * x)) + 0.2 * np.abs(x)


def _clouds(side: int) -> Field:
    noise = np.random.default_rng(5).standard_normal((side, side)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), side / 14)
    y, x = _grid(side)
    return np.hypot(x, y) - 0.5 * smooth / smooth.std()


# Fields whose lower part is the selection; a quantile cuts at the wanted coverage.
FIELDS: dict[str, Callable[[int], Field]] = {
    "square": lambda side: np.maximum(*np.abs(_grid(side))),
    "disc": lambda side: np.hypot(*_grid(side)),
    "diamond": lambda side: np.add(*np.abs(_grid(side))),
    "blob": _blob,
    "star": _star,
    "ring": _ring,
    "islands": _islands,
    "stroke": _stroke,
    "clouds": _clouds,
    "half": lambda side: _grid(side)[1] + 0.15 * np.sin(5 * _grid(side)[0]),
}


def shape(name: str, side: int, coverage: float) -> Mask:
    """The selection `name`, uint8 (side, side), antialiased; `coverage` of it is selected."""
    field = FIELDS[name](side * 2)
    inside = np.asarray(field <= np.quantile(field, coverage), np.uint8) * 255
    return cv2.resize(inside, (side, side), interpolation=cv2.INTER_AREA)
