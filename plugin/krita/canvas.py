"""Krita's documents as the session's Canvas: what is visible, what is selected, a new layer.

Pixels come from `Document.projection`, which is sRGB whatever the document is
(grey, CMYK, Lab, 8 to 32 bits). A result becomes an 8-bit sRGB layer, which
Krita composes right in each of them.
"""

from __future__ import annotations

import json
import threading
from typing import Callable, Optional, Tuple

from krita import Document, Node

from .documents import Documents, has_result, mark_result
from .link.canvas import PasteOutcome
from .link.errors import ErrorCode, ScumbleError
from .link.values import Region, Result, Size, Snapshot
from .qt import QtCore, QtGui

_SRGB = "sRGB-elle-V2-srgbtrc.icc"  # Krita's own sRGB, in every installation


class KritaCanvas:
    """Fulfils link.canvas.Canvas. Main thread only.

    on_busy is called when `paste` was answered with BUSY.
    """

    def __init__(self, documents: Documents, on_busy: Callable[[], None]) -> None:
        self._documents = documents
        self._on_busy = on_busy
        self._addition: Optional[_Addition] = None

    def document(self) -> Optional[str]:
        front = self._documents.front()
        return None if front is None else self._documents.name_of(front)

    def size(self) -> Size:
        front = self._front()
        return Size(front.width(), front.height())

    def selection(self) -> Optional[Region]:
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
        front = self._front()
        rectangle = (region.x, region.y, region.width, region.height)
        mask = None
        if with_mask:
            selection = front.selection()
            mask = bytes(selection.pixelData(*rectangle)) if selection else None
        image = front.projection(*rectangle)
        image = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
        if image.isNull() or image.width() != region.width or image.height() != region.height:
            raise ScumbleError(
                ErrorCode.OUT_OF_MEMORY, "Krita could not read the picture.", "Select less."
            )
        pixels = image.constBits().asstring(region.size.pixels * 4)
        return Snapshot(Size(front.width(), front.height()), region, pixels, mask)

    def busy(self) -> bool:
        """Whether a stroke or an update is under way in the document in front."""
        front = self._documents.front()
        return front is not None and is_busy(front)

    def paste(self, document: str, result: Result, pixels: bytes, name: str) -> PasteOutcome:
        key = (document, result.job_id, result.index)
        addition = self._addition if self._addition and self._addition.key == key else None
        target = self._documents.find(document)
        if target is None or has_result(target, result.job_id, result.index):
            if addition is not None:
                self._addition = None
            return PasteOutcome.CLOSED if target is None else PasteOutcome.ALREADY_THERE
        if addition is not None and addition.over:
            self._addition = None
            return _settle(addition, target, result, name)
        if self._addition is None and not is_busy(target):
            layer = _filled_layer(target, result.region, pixels, name)
            self._addition = _Addition(key, layer, *_place(target))
        self._on_busy()
        return PasteOutcome.BUSY

    def _front(self) -> Document:
        front = self._documents.front()
        if front is None:
            raise ScumbleError(
                ErrorCode.BAD_REQUEST, "No picture is open.", "Open or create one first."
            )
        return front


class _Addition:
    """A layer on its way into a document, in a thread.

    `addChildNode` is one undo step, and waits until Krita has composed the
    whole picture anew: 40 to 200 ms for 12 megapixels on two cores, in which
    the main thread would stand still. Krita releases Python's lock meanwhile.
    """

    def __init__(
        self, key: Tuple[str, str, int], layer: Node, parent: Node, above: Optional[Node]
    ) -> None:
        self.key = key
        self.added = False
        # kept here so that the objects end on the main thread, which made them
        self._nodes = (layer, parent, above)
        self._thread = threading.Thread(target=self._run, name="scumble-layer", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def _run(self) -> None:
        layer, parent, above = self._nodes
        self.added = parent.addChildNode(layer, above)


def _settle(addition: _Addition, target: Document, result: Result, name: str) -> PasteOutcome:
    if not addition.added:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "Krita takes no layer here.",
            "Choose another layer and paste it from the recovered results.",
        )
    mark_result(target, result.job_id, result.index, name, json.dumps(result.metadata))
    target.setModified(True)  # addChildNode alone would let Krita close it without asking
    return PasteOutcome.PASTED


def is_busy(document: Document) -> bool:
    if not document.tryBarrierLock():
        return True
    document.unlock()
    return False


def _filled_layer(document: Document, region: Region, pixels: bytes, name: str) -> Node:
    """A paint layer that is not in the document yet, holding RGBA8 `pixels` at `region`."""
    layer = document.createNode(name, "paintlayer")
    layer.setColorSpace("RGBA", "U8", _SRGB)
    rgba = QtGui.QImage(
        pixels,
        region.width,
        region.height,
        region.width * 4,
        QtGui.QImage.Format.Format_RGBA8888,
    )
    # Krita wants B, G, R, A: what ARGB32 is in memory
    bgra = rgba.convertToFormat(QtGui.QImage.Format.Format_ARGB32)
    data = QtCore.QByteArray(bgra.constBits().asstring(region.size.pixels * 4))
    layer.setPixelData(data, region.x, region.y, region.width, region.height)
    return layer


def _place(document: Document) -> Tuple[Node, Optional[Node]]:
    """Parent and the layer to go above: the active one, or the layer that an active mask is on."""
    node = document.activeNode()
    while node is not None and not node.type().endswith("layer"):
        node = node.parentNode()
    parent = node.parentNode() if node is not None else None
    if parent is not None and parent.type():
        return parent, node
    # the selection stands among the top nodes too, as a mask
    layers = [node for node in document.topLevelNodes() if node.type().endswith("layer")]
    return document.rootNode(), layers[-1] if layers else None


def _region(rectangle: QtCore.QRect) -> Region:
    return Region(rectangle.x(), rectangle.y(), rectangle.width(), rectangle.height())
