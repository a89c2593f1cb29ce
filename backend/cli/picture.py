"""Pictures and masks from files, as the canvas has them: sRGB RGBA8 and L8."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageOps

from scumble import openraster
from scumble.link.errors import bad_request
from scumble.link.values import MAX_SIDE, Region, Size

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """layers: from the lowest up. merged: RGBA8 (height, width, 4). opaque: it has no alpha."""

    size: Size
    layers: tuple[openraster.Layer, ...]
    merged: Pixels
    opaque: bool


def load_picture(path: Path) -> Picture:
    """Any picture that Pillow reads, brought to sRGB and upright; an OpenRaster with its layers.

    Raises ScumbleError (bad_request).
    """
    if path.suffix.lower() == ".ora":
        document = openraster.read(_there(path))
        merged = openraster.merge(document.size, document.layers)
        return Picture(document.size, document.layers, merged, bool((merged[..., 3] == 255).all()))
    with _opened(path) as image:
        opaque = not image.has_transparency_data
        pixels = np.asarray(_to_srgb(ImageOps.exif_transpose(image)))
    size = Size(pixels.shape[1], pixels.shape[0])
    return Picture(size, (openraster.Layer(path.name, pixels),), pixels, opaque)


def empty_picture(size: Size) -> Picture:
    """A canvas with nothing on it."""
    if not (1 <= size.width <= MAX_SIDE and 1 <= size.height <= MAX_SIDE):
        raise bad_request(f"A picture's sides must have 1 to {MAX_SIDE} pixels.")
    return Picture(size, (), np.zeros((size.height, size.width, 4), np.uint8), False)


def load_mask(path: Path, size: Size) -> Pixels:
    """L8 (height, width) from a picture of `size`: white is selected, black and transparent not.

    Raises ScumbleError (bad_request).
    """
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.size != (size.width, size.height):
            raise bad_request(
                f"The mask {path.name} is {upright.width}×{upright.height}, "
                f"the picture {size.width}×{size.height} pixels.",
                "Give a mask of the picture's size.",
            )
        if not upright.has_transparency_data:
            return np.asarray(_to_8_bit(upright).convert("L"))
        rgba = _to_8_bit(upright).convert("RGBA")
        level, alpha = np.asarray(rgba.convert("L")), np.asarray(rgba.getchannel("A"))
    selected: Pixels = np.rint(level.astype(np.float32) * alpha / 255).astype(np.uint8)
    return selected


def rectangle_mask(region: Region, size: Size) -> Pixels:
    """L8 (height, width) with the part of `region` that lies on the canvas selected."""
    mask = np.zeros((size.height, size.width), np.uint8)
    mask[max(region.y, 0) : max(region.bottom, 0), max(region.x, 0) : max(region.right, 0)] = 255
    return mask


def bounds(mask: Pixels) -> Region | None:
    """The smallest region that holds everything selected; None when nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    left, top = int(columns[0]), int(rows[0])
    return Region(left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise bad_request(f"There is no file {path}.", "Check the path.")
    return path


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(_there(path))
        with image:
            if max(image.size) > MAX_SIDE:
                raise bad_request(
                    f"{path.name} is larger than {MAX_SIDE} pixels a side.", "Scale it down first."
                )
            image.load()
            yield image
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise bad_request(
            f"{path.name} is not a picture that can be read.", "PNG, JPEG, WebP and TIFF are."
        ) from error


def _to_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    image = _to_8_bit(image)
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if profile and image.mode in ("RGB", "RGBA", "L", "LA", "CMYK", "LAB"):
        colours = image.convert(image.mode.removesuffix("A")) if alpha else image
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(colours, source, target, outputMode="RGB")
            image = converted if converted is not None else image
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile says nothing: the numbers count as sRGB
    image = image.convert("RGBA")
    if alpha is not None:
        image.putalpha(alpha)
    return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        levels = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((levels * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode == "I":
        levels = np.asarray(image)
        return Image.fromarray((np.clip(levels, 0, 65535) / 257).round().astype(np.uint8))
    if image.mode == "F":
        return Image.fromarray((np.clip(np.asarray(image), 0, 1) * 255).round().astype(np.uint8))
    return image
