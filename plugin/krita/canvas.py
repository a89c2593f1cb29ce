"""Krita's documents as the session's Canvas: what is visible, what is selected, a new layer.

Pixels come from `Document.projection`, which is sRGB whatever the document is
(grey, CMYK, Lab, 8 to 32 bits). A result becomes an 8-bit sRGB layer, which
Krita composes right in each of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Callable, Iterator, List, Optional, Tuple

from krita import Document, Node

from .addition import Addition, is_busy
from .documents import Documents, has_result, mark_result
from .link.canvas import PasteOutcome
from .link.errors import ErrorCode, ScumbleError
from .link.geometry import onto
from .link.values import Region, Result, Size, Snapshot
from .qt import QtCore, QtGui
from .reading import read_at_once, read_in_turns

_POINTS = 6  # a side of the grid that is looked at; each point takes Krita some microseconds
_SELECTED = 128  # of 255
_CLEAR = 8  # alpha below which canvas counts as empty


@dataclass(frozen=True)
class _Held:
    """A document at one moment. snapshot: None when nothing was read, or reading failed."""

    document: Optional[str]
    size: Size
    selection: Optional[Region]
    snapshot: Optional[Snapshot]
    error: Optional[Exception]


class KritaCanvas:
    """Fulfils link.canvas.Canvas and Looking. Main thread only.

    on_busy is called when `paste` was answered with BUSY.
    """

    def __init__(self, documents: Documents, on_busy: Callable[[], None]) -> None:
        self._documents = documents
        self._on_busy = on_busy
        self._addition: Optional[Addition] = None
        self._held: Optional[_Held] = None

    def hold(self, region: Optional[Region], then: Callable[[], None]) -> None:
        """Read `region` of the document in front over several turns, then call `then`.

        While `then` runs, the canvas is that document as it is now, whichever is
        in front by then, and a `snapshot` of the region is at hand.
        """
        document, size, selection = self.document(), self.size(), self.selection()

        def held(snapshot: Optional[Snapshot], error: Optional[Exception]) -> None:
            self._held = _Held(document, size, selection, snapshot, error)
            try:
                then()
            finally:
                self._held = None

        if region is None:
            held(None, None)
        else:
            read_in_turns(self._front(), region, selection is not None, held)

    def document(self) -> Optional[str]:
        if self._held is not None:
            return self._held.document
        front = self._documents.front()
        return None if front is None else self._documents.name_of(front)

    def size(self) -> Size:
        if self._held is not None:
            return self._held.size
        return _size(self._front())

    def selection(self) -> Optional[Region]:
        if self._held is not None:
            return self._held.selection
        front = self._front()
        selection = front.selection()
        if selection is None:
            return None
        bounds = QtCore.QRect(selection.x(), selection.y(), selection.width(), selection.height())
        if bounds.isEmpty():
            return None
        inside = bounds.intersected(QtCore.QRect(0, 0, front.width(), front.height()))
        # one that lies outside is given as it is: the session says so to the artist
        return _region(bounds if inside.isEmpty() else inside)

    def snapshot(self, region: Region, with_mask: bool) -> Snapshot:
        held = self._held
        if held is None or (held.error is None and held.snapshot is None):
            return read_at_once(self._front(), region, with_mask)
        if held.snapshot is None or held.snapshot.region != region:
            raise held.error or ScumbleError(
                ErrorCode.INTERNAL, "Another part of the picture was read.", "Try again."
            )
        return held.snapshot

    def layer_bounds(self, name: str) -> Optional[Region]:
        """Krita's exact bounds of what is painted on the layer."""
        node = self._front().nodeByName(name)
        return None if node is None else _region(node.bounds())

    def layer_names(self) -> List[str]:
        front = self._front()
        names = [node.name() for node in _nodes(front.rootNode())]
        active = front.activeNode()
        if active is not None and active.name() in names:
            names.insert(0, names.pop(names.index(active.name())))
        return names

    def mostly_empty(self, selection: Region) -> bool:
        front = self._front()
        mask = front.selection()
        if mask is None:
            return False
        selected = empty = 0
        for x, y in _points(selection):
            if bytes(mask.pixelData(x, y, 1, 1))[0] >= _SELECTED:
                selected += 1
                empty += QtGui.qAlpha(front.projection(x, y, 1, 1).pixel(0, 0)) < _CLEAR
        return bool(selected) and 2 * empty >= selected

    def selected(self, line: Region) -> bytes:
        mask = self._front().selection()
        if mask is None:
            return bytes(line.size.pixels)
        return bytes(mask.pixelData(line.x, line.y, line.width, line.height))

    def busy(self) -> bool:
        """Whether a stroke or an update is under way in the document in front."""
        front = self._documents.front()
        return front is not None and is_busy(front)

    def paste(
        self,
        document: str,
        result: Result,
        pixels: bytes,
        name: str,
        canvas: Optional[Size] = None,
    ) -> PasteOutcome:
        key = (document, result.job_id, result.index)
        addition = self._addition if self._addition and self._addition.key == key else None
        if addition is not None and addition.running:
            self._on_busy()
            return PasteOutcome.BUSY
        target = self._documents.find(document)
        needless = _needless(target, result, canvas)
        if needless is not None:
            if addition is not None:
                self._addition = None
            return needless
        if self._addition is None:
            place = onto(result.region, _size(target))
            self._addition = addition = Addition(key, place, pixels, name)
        if addition is not None:
            try:
                addition.go_on(target)
            except Exception:
                self._addition = None  # or it would keep every later result waiting
                raise
            if addition.added is not None:
                self._addition = None
                return _settle(addition, target, result, name)
        self._on_busy()
        return PasteOutcome.BUSY

    def _front(self) -> Document:
        held = self._held
        front = self._documents.front() if held is None else self._documents.find(held.document)
        if front is None:
            raise ScumbleError(
                ErrorCode.BAD_REQUEST, "No picture is open.", "Open or create one first."
            )
        return front


def _points(region: Region) -> Iterator[Tuple[int, int]]:
    """_POINTS² points spread over the region."""
    for row in range(_POINTS):
        for column in range(_POINTS):
            yield (
                region.x + (2 * column + 1) * region.width // (2 * _POINTS),
                region.y + (2 * row + 1) * region.height // (2 * _POINTS),
            )


def _nodes(node: Node) -> Iterator[Node]:
    """All layers below `node`, from the top down, without their masks."""
    for child in reversed(node.childNodes()):
        if not child.type().endswith("mask"):
            yield child
            yield from _nodes(child)


def _needless(
    target: Optional[Document], result: Result, canvas: Optional[Size]
) -> Optional[PasteOutcome]:
    """Why no layer is to be made; None where one is."""
    if target is None:
        return PasteOutcome.CLOSED
    if has_result(target, result.job_id, result.index):
        return PasteOutcome.ALREADY_THERE
    return None if canvas in (None, _size(target)) else PasteOutcome.RESIZED


def _settle(addition: Addition, target: Document, result: Result, name: str) -> PasteOutcome:
    if not addition.added:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "Krita takes no layer here.",
            "Choose another layer and paste it from the recovered results.",
        )
    mark_result(target, result.job_id, result.index, name, json.dumps(result.metadata))
    target.setModified(True)  # addChildNode alone would let Krita close it without asking
    return PasteOutcome.PASTED


def _size(document: Document) -> Size:
    return Size(document.width(), document.height())


def _region(rectangle: QtCore.QRect) -> Region:
    return Region(rectangle.x(), rectangle.y(), rectangle.width(), rectangle.height())
