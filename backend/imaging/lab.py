"""CIE Lab (D65) of sRGB and back.

OpenCV's conversion interpolates in tables, a level off at times, and cuts off
at the gamut's edge, so that a difference between two colours could not be
carried over. Formulas: IEC 61966-2-1 and CIE 15; matrix and white are OpenCV's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scumble.imaging.pixels import Bytes8, Floats

Doubles = npt.NDArray[np.float64]

XYZ_FROM_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
WHITE = np.array([0.950456, 1.0, 1.088754])
RGB_FROM_XYZ = np.linalg.inv(XYZ_FROM_RGB) * WHITE  # of X, Y, Z relative to white
LAB_FROM_RGB = (XYZ_FROM_RGB.T / WHITE).astype(np.float32)
LINEAR_BELOW = 6 / 29  # of the cube root in Lab


def lab(colours: Bytes8 | Floats) -> Floats:
    """CIE Lab of sRGB levels 0 … 255 (…, 3): L 0 … 100, a and b about -100 … 100."""
    unit = np.asarray(colours, np.float32) * np.float32(1 / 255)
    curve = (np.maximum(unit, 0.04045) + 0.055) / np.float32(1.055)
    linear = np.where(unit > 0.04045, curve ** np.float32(2.4), unit / np.float32(12.92))
    relative = linear @ LAB_FROM_RGB
    straight = relative / np.float32(3 * LINEAR_BELOW**2) + np.float32(4 / 29)
    roots = np.where(relative > LINEAR_BELOW**3, np.cbrt(relative), straight)
    x, y, z = roots[..., 0], roots[..., 1], roots[..., 2]
    return np.asarray(np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), -1), np.float32)


def levels(colours: Floats | Doubles) -> Floats:
    """sRGB 0 … 255 of CIE Lab (…, 3); colours out of gamut lie outside that range."""
    colours = np.asarray(colours, np.float32)
    y = (colours[..., 0] + 16) / 116
    roots = np.stack((y + colours[..., 1] / 500, y, y - colours[..., 2] / 200), -1)
    below = (roots - 4 / 29) * np.float32(3 * LINEAR_BELOW**2)
    relative = np.where(roots > LINEAR_BELOW, roots * roots * roots, below)
    linear = relative @ RGB_FROM_XYZ.T.astype(np.float32)
    size = np.maximum(np.abs(linear), np.float32(1e-9))
    curve = np.where(size > 0.0031308, 1.055 * size ** np.float32(1 / 2.4) - 0.055, 12.92 * size)
    return np.asarray(np.copysign(curve, linear) * 255, np.float32)
