"""OpenRaster files: pictures in layers that Krita, GIMP and MyPaint open.

Written after the specification's file layout and layer stack,
https://www.freedesktop.org/wiki/Specifications/OpenRaster/Draft/ (version 0.0.3
of the stack, which all readers know). Reading takes what `write` writes: plain
layers with normal blending, no groups.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image, PngImagePlugin

from scumble.link.errors import bad_request
from scumble.link.values import Size

Pixels = npt.NDArray[np.uint8]

MIME_TYPE = "image/openraster"
THUMBNAIL_SIDE = 256  # pixels; the specification's limit
_DATE = (1980, 1, 1, 0, 0, 0)  # the zip format's earliest: same layers, same bytes


@dataclass(frozen=True)
class Layer:
    """RGBA8 `pixels` of shape (height, width, 4), straight alpha, at x, y on the canvas.

    opacity: 0 … 1. text: what the layer's PNG carries as its text chunks.
    """

    name: str
    pixels: Pixels
    x: int = 0
    y: int = 0
    opacity: float = 1.0
    text: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """size: of the canvas. layers: from the lowest to the topmost."""

    size: Size
    layers: tuple[Layer, ...]
    text: Mapping[str, str] = field(default_factory=dict)


def merge(size: Size, layers: Sequence[Layer]) -> Pixels:
    """The layers over each other, RGBA8 (height, width, 4).

    Where every layer above is fully transparent, the lowest one keeps its bytes.
    """
    canvas = Image.new("RGBA", (size.width, size.height))
    for layer in layers:
        # a crop beyond the picture's edge is transparent there, which places the
        # layer on the canvas however far outside it begins or ends
        height, width = layer.pixels.shape[:2]
        box = (-layer.x, -layer.y, size.width - layer.x, size.height - layer.y)
        if box == (0, 0, width, height):
            placed = Image.fromarray(layer.pixels, "RGBA")
        else:
            placed = Image.fromarray(layer.pixels, "RGBA").crop(box)
        if layer.opacity < 1.0:
            placed.putalpha(placed.getchannel("A").point(lambda a, o=layer.opacity: round(a * o)))
        if layer is layers[0]:
            canvas = placed.copy()
        else:
            canvas = Image.alpha_composite(canvas, placed)
    return np.asarray(canvas)


def png(pixels: Pixels, text: Mapping[str, str] | None = None, **options: Any) -> bytes:
    """An sRGB PNG of RGBA8 or RGB8 `pixels`, with `text` as its text chunks."""
    info = PngImagePlugin.PngInfo()
    # rendering intent 0, perceptual, as the specification asks for
    info.add(b"sRGB", b"\0")
    for key, value in (text or {}).items():
        info.add_itxt(key, value)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", pnginfo=info, **options)
    return stream.getvalue()


def write(path: Path, document: Document) -> None:
    """Write `document` to `path`, whole or not at all."""
    merged = merge(document.size, document.layers)
    thumbnail = Image.fromarray(merged, "RGBA")
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))

    root = ElementTree.Element(
        "image",
        version="0.0.3",
        w=str(document.size.width),
        h=str(document.size.height),
        xres="72",
        yres="72",
    )
    stack = ElementTree.SubElement(root, "stack")
    entries: list[tuple[str, bytes]] = []
    for number, layer in enumerate(document.layers):
        source = f"data/layer{number}.png"
        entries.append((source, png(layer.pixels, layer.text)))
        element = ElementTree.Element(
            "layer",
            {
                "name": layer.name,
                "src": source,
                "x": str(layer.x),
                "y": str(layer.y),
                "opacity": f"{layer.opacity:g}",
                "visibility": "visible",
                "composite-op": "svg:src-over",
            },
        )
        stack.insert(0, element)  # the stack's first element is the topmost layer

    unfinished = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(unfinished, "w") as archive:
            # first and stored: readers look for the type at a fixed place in the file
            archive.writestr(zipfile.ZipInfo("mimetype", _DATE), MIME_TYPE)
            stack_xml = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
            _add(archive, "stack.xml", stack_xml, zipfile.ZIP_DEFLATED)
            for name, data in entries:
                _add(archive, name, data)
            _add(archive, "mergedimage.png", png(merged, document.text))
            _add(archive, "Thumbnails/thumbnail.png", png(np.asarray(thumbnail)))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _add(
    archive: zipfile.ZipFile, name: str, data: bytes, compression: int = zipfile.ZIP_STORED
) -> None:
    info = zipfile.ZipInfo(name, _DATE)
    info.compress_type = compression  # PNG data is compressed already
    info.external_attr = 0o644 << 16
    archive.writestr(info, data)


def read(path: Path) -> Document:
    """The document in an OpenRaster file of plain layers.

    Raises ScumbleError (bad_request) when it is none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.read("mimetype").decode("ascii").strip() != MIME_TYPE:
                raise bad_request(f"{path.name} is not an OpenRaster file.")
            root = ElementTree.fromstring(archive.read("stack.xml"))
            layers = [_read_layer(archive, element) for element in root.iterfind("stack/layer")]
            with Image.open(io.BytesIO(archive.read("mergedimage.png"))) as merged:
                text = _text(merged)
            size = Size(int(root.attrib["w"]), int(root.attrib["h"]))
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, ValueError) as error:
        raise bad_request(f"{path.name} is not an OpenRaster file that can be read.") from error
    return Document(size, tuple(reversed(layers)), text)


def _read_layer(archive: zipfile.ZipFile, element: ElementTree.Element) -> Layer:
    with Image.open(io.BytesIO(archive.read(element.attrib["src"]))) as image:
        pixels = np.asarray(image.convert("RGBA"))
        text = _text(image)
    return Layer(
        name=element.get("name", ""),
        pixels=pixels,
        x=int(element.get("x", "0")),
        y=int(element.get("y", "0")),
        opacity=float(element.get("opacity", "1")),
        text=text,
    )


def _text(image: Image.Image) -> dict[str, str]:
    return {k: str(v) for k, v in image.info.items() if isinstance(k, str) and isinstance(v, str)}
