"""Photographs to measure on: those that scikit-image and two Debian packages bring.

None of them is part of this repository:
    apt-get install mate-backgrounds plasma-workspace-wallpapers
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import skimage

Pixels = npt.NDArray[np.uint8]

SCIKIT_IMAGE = (
    "astronaut.png",
    "chelsea.png",
    "coffee.png",
    "hubble_deep_field.jpg",
    "motorcycle_left.png",
    "rocket.jpg",
)
PLASMA = (
    "BytheWater",
    "ColdRipple",
    "ColorfulCups",
    "DarkestHour",
    "EveningGlow",
    "FallenLeaf",
    "Grey",
    "Kite",
    "OneStandsOut",
    "Path",
    "summer_1am",
)


def photographs(side: int) -> Iterator[tuple[str, Pixels]]:
    """Name and middle square of every photograph, uint8 (side, side, 3), reduced to fit."""
    for path in _paths():
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if picture is None:
            raise FileNotFoundError(path)
        height, width = picture.shape[:2]
        edge = min(height, width)
        top, left = (height - edge) // 2, (width - edge) // 2
        square = picture[top : top + edge, left : left + edge]
        yield path.stem, cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)


def _paths() -> list[Path]:
    shipped = Path(skimage.__file__).parent / "data"
    wallpapers = Path("/usr/share/wallpapers")
    paths = [shipped / name for name in SCIKIT_IMAGE]
    paths += sorted(Path("/usr/share/backgrounds/mate/nature").glob("*.jpg"))
    for name in PLASMA:
        images = (wallpapers / name / "contents" / "images").glob("*.*")
        paths += sorted(p for p in images if not p.is_symlink())[-1:]
    return paths
