"""What krita-ai-diffusion 1.53 does, written from descriptions of it: the figures beside ours.

Constants as its settings and messages name them. It is our reading and none of
its code; where its rounding differs by a grid step, so may these figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scumble.imaging.lab import lab, levels
from scumble.link.geometry import clamp, pad
from scumble.link.values import Region, Size

Pixels = npt.NDArray[np.uint8]

FRAME_SHARE = 0.06  # of the selection's diagonal: the frame round it
FRAME_OFFSET = 4  # pixels more
LEAST_FRAME = 256  # pixels a side
CANVAS_SHARE = 16  # of the canvas's longer side: least surroundings at full strength
LEAST_CONTEXT = 512
GRID = 16  # pixels; of the working sizes


@dataclass(frozen=True)
class Model:
    """Sides and areas, in pixels, between which it leaves a context as it is."""

    least_side: int
    most_side: int
    least_area: int
    most_area: int


MODELS = {
    512: Model(512, 768, 512**2, 512 * 768),  # SD 1.5
    1024: Model(640, 1280, 800**2, 1024**2),  # SDXL
}


def context(selection: Region, canvas: Size) -> Region:
    """What it reads at full strength: a square that follows the canvas as well as the selection.

    Below full strength it reads the frame alone, which for small selections is
    a quarter of that or less.
    """
    diagonal = math.hypot(selection.width, selection.height)
    frame = _at_least(pad(selection, int(FRAME_SHARE * diagonal) + FRAME_OFFSET), LEAST_FRAME)
    mean = (frame.width + frame.height) // 2
    padded = pad(frame, max(max(canvas.width, canvas.height) // CANVAS_SHARE, mean // 2))
    return clamp(_at_least(padded, max(padded.width, padded.height, LEAST_CONTEXT)), canvas)


def working_size(region: Size, native: int) -> Size:
    """The size of its first pass."""
    model = MODELS[native]
    least, most = (math.sqrt(a / region.pixels) for a in (model.least_area, model.most_area))
    sides = (region.width, region.height)
    if most < 0.9 and max(sides) > model.most_side:
        return _on_grid(region, most)
    if least > 1 and max(sides) < model.least_side:
        return _on_grid(region, least)
    return _on_grid(region, 1)


def matched(picture: Pixels, generated: Pixels, mask: Pixels) -> Pixels:
    """Its colours: one shift in Lab, the mean difference over the whole frame.

    The masked part is left out of the difference but not of the mean, so that
    of a shift only the share remains that the surroundings have of the frame.
    """
    known = (mask < 128)[..., None]
    shift = ((lab(picture) - lab(generated)) * known).mean((0, 1))
    return np.clip(np.rint(levels(lab(generated) + shift)), 0, 255).astype(np.uint8)


def _at_least(region: Region, side: int) -> Region:
    """`region` grown about its middle to a multiple of 8 that is not below `side`."""
    width, height = (-(-max(s, side) // 8) * 8 for s in (region.width, region.height))
    x = region.x - (width - region.width) // 2
    y = region.y - (height - region.height) // 2
    return Region(x, y, width, height)


def _on_grid(size: Size, scale: float) -> Size:
    width, height = (-(-round(s * scale) // GRID) * GRID for s in (size.width, size.height))
    return Size(width, height)
