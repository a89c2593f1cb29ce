"""A picture in memory that a link.Session works on as it does on an editor's document."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scumble.cli.picture import Picture, Pixels, bounds
from scumble.link.canvas import PasteOutcome
from scumble.link.errors import ScumbleError
from scumble.link.values import Region, Result, Size, Snapshot
from scumble.metadata import png_text
from scumble.openraster import Document, Layer, merge


class FileCanvas:
    """The one document of a command; fulfils link's Canvas.

    keep(canvas) is called with each new result and writes it to disk: a result
    is acknowledged only after that, so that a full disk loses nothing.
    """

    def __init__(
        self,
        name: str,
        picture: Picture,
        mask: Pixels | None = None,
        keep: Callable[[FileCanvas], None] = lambda canvas: None,
    ) -> None:
        self._name = name
        self._picture = picture
        self._mask = mask
        self._keep = keep
        self._pasted: dict[tuple[str, int], Layer] = {}

    def document(self) -> str | None:
        return self._name

    def size(self) -> Size:
        return self._picture.size

    def selection(self) -> Region | None:
        return bounds(self._mask) if self._mask is not None else None

    def snapshot(self, region: Region, with_mask: bool) -> Snapshot:
        rows, columns = slice(region.y, region.bottom), slice(region.x, region.right)
        pixels = np.ascontiguousarray(self._picture.merged[rows, columns]).tobytes()
        mask = None
        if with_mask and self._mask is not None:
            mask = np.ascontiguousarray(self._mask[rows, columns]).tobytes()
        return Snapshot(self._picture.size, region, pixels, mask)

    def paste(
        self,
        document: str,
        result: Result,
        pixels: bytes,
        name: str,
        canvas: Size | None = None,
    ) -> PasteOutcome:
        if document != self._name:
            return PasteOutcome.CLOSED
        key = (result.job_id, result.index)
        if key in self._pasted:
            return PasteOutcome.ALREADY_THERE
        shape = (result.region.height, result.region.width, 4)
        layer = Layer(
            name=name,
            pixels=np.frombuffer(pixels, np.uint8).reshape(shape),
            x=result.region.x,
            y=result.region.y,
            text=png_text(result.metadata),
        )
        self._pasted[key] = layer
        try:
            self._keep(self)
        except ScumbleError:
            del self._pasted[key]
            raise
        return PasteOutcome.PASTED

    @property
    def results(self) -> dict[int, Layer]:
        """Result index to layer, in order."""
        return {index: layer for (_, index), layer in sorted(self._pasted.items())}

    def as_document(self) -> Document:
        """The picture below, every result above it, the first one topmost."""
        results = tuple(self.results.values())
        text = results[0].text if results else {}
        layers = (*self._picture.layers, *reversed(results))
        return Document(self._picture.size, layers, text)

    def merged_with(self, layer: Layer) -> Pixels:
        """The picture with one result over it: RGBA8, or RGB8 where the picture had no alpha."""
        below = Layer("", self._picture.merged)
        merged = merge(self._picture.size, [below, layer])
        return np.ascontiguousarray(merged[..., :3]) if self._picture.opaque else merged
