"""How a context lies in the picture that the model works on: enlarged or reduced, never stretched.

The model's sides are multiples of 8 to 64 pixels and of bounded aspect, a
context's are anything. The context is scaled by one factor in both directions;
what is left of the model's rectangle is filled with its mirror image and cut
away afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

from scumble.imaging.pixels import Bytes8, Floats
from scumble.link.values import Region, Size

Picture = TypeVar("Picture", Bytes8, Floats)  # (H, W) or (H, W, C)


@dataclass(frozen=True)
class Window:
    """`context`, in canvas pixels, takes the part `inner` of the working picture `size`."""

    context: Size
    size: Size
    inner: Region

    @property
    def scale(self) -> float:
        """Working pixels per canvas pixel."""
        return self.inner.width / self.context.width

    @property
    def rows(self) -> slice:
        return slice(self.inner.y, self.inner.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.inner.x, self.inner.right)


def fit(context: Size, working: Size) -> Window:
    """The window that shows all of `context`, centred, as large as `working` allows."""
    scale = min(working.width / context.width, working.height / context.height)
    width = min(working.width, max(1, round(context.width * scale)))
    height = min(working.height, max(1, round(context.height * scale)))
    left, top = (working.width - width) // 2, (working.height - height) // 2
    return Window(context, working, Region(left, top, width, height))


def scaled(picture: Picture, size: Size) -> Picture:
    """`picture` resampled to `size`; same dtype.

    Area averages when it shrinks, which neither aliases nor rings; bicubic
    when it grows.
    """
    height, width = picture.shape[:2]
    if (width, height) == (size.width, size.height):
        return picture
    shrinks = size.width < width or size.height < height
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    result: Picture = cv2.resize(picture, (size.width, size.height), interpolation=method)
    return result


def enter(window: Window, picture: Picture) -> Picture:
    """`picture` of the context's size at working size, its mirror image round it."""
    inner, size = window.inner, window.size
    small = scaled(picture, inner.size)
    if inner.size == size:
        return small
    result: Picture = cv2.copyMakeBorder(
        small,
        inner.y,
        size.height - inner.bottom,
        inner.x,
        size.width - inner.right,
        cv2.BORDER_REFLECT,
    )
    return result


def leave(window: Window, picture: Bytes8) -> Bytes8:
    """What a working picture, uint8 (h, w, 3), shows of the context, at the context's size."""
    return scaled(np.ascontiguousarray(picture[window.rows, window.columns]), window.context)
