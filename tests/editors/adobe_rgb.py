"""Adobe RGB (1998), sections 4.3.4 and 4.3.5: gamma 563/256, primaries and D65 by this matrix."""

from __future__ import annotations

from collections.abc import Sequence

ADOBE = (
    (0.5767309, 0.1855540, 0.1881852),
    (0.2973769, 0.6273491, 0.0752741),
    (0.0270343, 0.0706872, 0.9911085),
)
ADOBE_INVERSE = (
    (2.0413690, -0.5649464, -0.3446944),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0134474, -0.1183897, 1.0154096),
)
SRGB = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
SRGB_INVERSE = (
    (3.2404542, -1.5371385, -0.4985314),
    (-0.9692660, 1.8760108, 0.0415560),
    (0.0556434, -0.2040259, 1.0572252),
)
GAMMA = 563 / 256


def adobe_to_srgb(numbers: Sequence[int]) -> tuple[int, ...]:
    linear = times(SRGB_INVERSE, times(ADOBE, [(n / 255) ** GAMMA for n in numbers]))
    return tuple(
        round(255 * (12.92 * v if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055))
        for v in linear
    )


def srgb_to_adobe(numbers: Sequence[int]) -> tuple[int, ...]:
    light = [n / 255 for n in numbers]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in light]
    return tuple(round(255 * v ** (1 / GAMMA)) for v in times(ADOBE_INVERSE, times(SRGB, linear)))


def times(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]
