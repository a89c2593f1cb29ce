"""Scenes: one thing somewhere on one background, and what is known of it.

Everything is drawn anew from a seeded generator: placement, size, mirror, hue, background.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import backgrounds, captions
from .sprites import Sprite, dominant_colour

Pixels = npt.NDArray[np.uint8]

# How often each background is drawn. White and plain colours are what people ask for by name.
BACKGROUND_SHARES = {"white": 0.35, "plain": 0.25, "gradient": 0.2, "noise": 0.2}
HUE_SHIFTS = 0.3  # share of the coloured things that are drawn in another hue
HUES = 8  # equal steps round the circle of hues

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One training picture: RGB uint8 (size x size x 3) and what may truly be said of it."""

    pixels: Pixels
    bare: Pixels  # the same background without the thing
    box: Box  # of the thing
    thing: str
    style: str
    keywords: tuple[str, ...]
    background: str  # a word, or "" when it has no short name


def draw(
    rng: np.random.Generator,
    sprite: Sprite,
    picture: Pixels,
    *,
    size: int = 128,
    kind: str | None = None,
    extent: tuple[float, float] = (0.62, 0.92),
    anywhere: bool = False,
    within: Box | None = None,
    mirrored: float = 0.5,
    recolour: bool = True,
) -> Scene:
    """One scene with `sprite`, whose RGBA pixels are `picture`.

    `kind` is one of backgrounds.KINDS or None for a random one; `extent` bounds the thing's longer
    side as a share of `size`; `anywhere` puts it anywhere instead of near the middle. `within` has
    the last word on place and size: the thing fills that box as far as its shape lets it.
    `mirrored` is how often it is turned left to right.
    """
    if kind is None:
        kind = str(rng.choice(list(BACKGROUND_SHARES), p=list(BACKGROUND_SHARES.values())))
    ground, word = backgrounds.make(rng, kind, size)
    thing = sprite.thing
    if recolour and sprite.colour in captions.COLOURS and sprite.colour != "brown":
        picture, thing = _coloured(rng, sprite, picture)

    if within is None:
        scale = rng.uniform(*extent) * size / max(picture.shape[:2])
    else:
        room = np.array([within[2] - within[0], within[3] - within[1]])
        scale = float((room / (picture.shape[1], picture.shape[0])).min())
    width, height = (max(8, round(side * scale)) for side in (picture.shape[1], picture.shape[0]))
    cut = Image.fromarray(picture).convert("RGBa")
    if rng.random() < mirrored:
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    layer = np.asarray(cut.resize((width, height), Image.Resampling.BILINEAR), np.float32) / 255

    room = np.array([size - width, size - height])
    if within is not None:
        left = min(max(0, (within[0] + within[2] - width) // 2), size - width)
        top = min(max(0, (within[1] + within[3] - height) // 2), size - height)
    elif anywhere:
        left, top = (int(rng.integers(0, free + 1)) for free in room)
    else:
        offset = rng.uniform(-0.06, 0.06, 2) * size
        left, top = (int(v) for v in np.clip(room / 2 + offset, 0, room))
    bare = _bytes(ground)
    part = ground[top : top + height, left : left + width]
    part *= 1 - layer[..., 3:]
    part += layer[..., :3]
    return Scene(
        pixels=_bytes(ground),
        bare=bare,
        box=(left, top, left + width, top + height),
        thing=thing,
        style=sprite.style,
        keywords=sprite.keywords,
        background=word,
    )


def _coloured(rng: np.random.Generator, sprite: Sprite, picture: Pixels) -> tuple[Pixels, str]:
    """The picture, perhaps in another hue, and the thing named with a true colour word."""
    if rng.random() < HUE_SHIFTS:
        shifted = shift_hue(picture, int(rng.integers(1, HUES)) * 256 // HUES)
        word = dominant_colour(shifted)
        if word in captions.COLOURS and word not in (sprite.colour, "brown"):
            return shifted, captions.with_colour(sprite.thing, word)
    if captions.names_a_colour(sprite.thing) or rng.random() < 0.5:
        return picture, sprite.thing
    return picture, captions.with_colour(sprite.thing, sprite.colour)


def shift_hue(picture: Pixels, steps: int) -> Pixels:
    """An RGBA picture with every hue turned by `steps` of 1/256 of the circle."""
    hsv = np.asarray(Image.fromarray(picture[..., :3]).convert("HSV")).copy()
    hsv[..., 0] = (hsv[..., 0].astype(int) + steps) % 256
    rgb = np.asarray(Image.fromarray(hsv, "HSV").convert("RGB"))
    return np.concatenate([rgb, picture[..., 3:]], axis=-1)


def _bytes(pixels: npt.NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(pixels * 255 + 0.5, 0, 255), dtype=np.uint8)
