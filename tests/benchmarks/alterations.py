"""Known changes that stand for what a model and its VAE do to colours."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Lab = npt.NDArray[np.float32]
Alteration = Callable[[Pixels], Pixels]


def to_lab(rgb: Pixels) -> Lab:
    return cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)


def _from_lab(lab: Lab) -> Pixels:
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_Lab2RGB)
    return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)


def _shift(channel: int, by: float) -> Alteration:
    def shifted(rgb: Pixels) -> Pixels:
        lab = to_lab(rgb)
        lab[..., channel] += by
        return _from_lab(lab)

    return shifted


def _hue(rgb: Pixels, degrees: float = 8) -> Pixels:
    lab = to_lab(rgb)
    turn = np.deg2rad(degrees)
    a, b = lab[..., 1].copy(), lab[..., 2].copy()
    lab[..., 1] = a * np.cos(turn) - b * np.sin(turn)
    lab[..., 2] = a * np.sin(turn) + b * np.cos(turn)
    return _from_lab(lab)


def _levels(gain: float, pivot: float) -> Alteration:
    def changed(rgb: Pixels) -> Pixels:
        values = pivot + (rgb.astype(np.float32) - pivot) * gain
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    return changed


def _blur(rgb: Pixels) -> Pixels:
    return cv2.GaussianBlur(rgb, (0, 0), 1.5)


def _by_place(drift: Callable[[Lab, Lab], Lab], channels: tuple[float, ...]) -> Alteration:
    """drift: of x and y, -1 … 1 across the picture; channels: how much of it goes to L, a, b."""

    def drifted(rgb: Pixels) -> Pixels:
        height, width = rgb.shape[:2]
        y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
        added = drift(x.astype(np.float32), y.astype(np.float32))[..., None]
        return _from_lab(to_lab(rgb) + added * np.float32(channels))

    return drifted


SHIFTS = {"shift L 5": _shift(0, 5), "shift a 5": _shift(1, 5), "shift b 5": _shift(2, 5)}
TONES = {
    "gain 0.9": _levels(0.9, 0),
    "contrast 0.85": _levels(0.85, 128),
    "hue 8 degrees": _hue,
}
REST = {"blur 1.5 px": _blur, "nothing": lambda rgb: rgb}
BY_PLACE = {
    "L -5 to 5 across": _by_place(lambda x, y: 5 * x, (1, 0, 0)),
    "cast over the diagonal": _by_place(lambda x, y: 2.5 * (x + y), (0, 1, -1)),
    "shift and drift": _by_place(lambda x, y: 3 * (1 + x), (1, 0.5, 0)),
    "vignette": _by_place(lambda x, y: -3 * (x * x + y * y), (1, 0, 0)),
}
# Begins and ends where nothing is known: what round the mask is seen of it misleads.
HIDDEN = {"waves": _by_place(lambda x, y: 4 * np.sin(3 * x + 1) * np.cos(2.5 * y), (1, 0, 0))}
