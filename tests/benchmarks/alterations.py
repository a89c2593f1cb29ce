"""Known changes that stand for what a model and its VAE do to colours."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Lab = npt.NDArray[np.float32]


def to_lab(rgb: Pixels) -> Lab:
    return cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)


def _from_lab(lab: Lab) -> Pixels:
    rgb = cv2.cvtColor(np.ascontiguousarray(lab, np.float32), cv2.COLOR_Lab2RGB)
    return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)


def _shift(channel: int, by: float) -> Callable[[Pixels], Pixels]:
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


def _levels(gain: float, pivot: float) -> Callable[[Pixels], Pixels]:
    def changed(rgb: Pixels) -> Pixels:
        values = pivot + (rgb.astype(np.float32) - pivot) * gain
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)

    return changed


def _blur(rgb: Pixels) -> Pixels:
    return cv2.GaussianBlur(rgb, (0, 0), 1.5)


def _vignette(rgb: Pixels) -> Pixels:
    """A shift in L that runs from -5 at the left to 5 at the right: drift that varies by place."""
    lab = to_lab(rgb)
    lab[..., 0] += np.linspace(-5, 5, rgb.shape[1], dtype=np.float32)
    return _from_lab(lab)


SHIFTS = {"shift L 5": _shift(0, 5), "shift a 5": _shift(1, 5), "shift b 5": _shift(2, 5)}
OTHERS = {
    "gain 0.9": _levels(0.9, 0),
    "contrast 0.85": _levels(0.85, 128),
    "hue 8 degrees": _hue,
    "blur 1.5 px": _blur,
    "drift in L -5 to 5": _vignette,
    "nothing": lambda rgb: rgb,
}
