"""A result on its way to being a layer, in a thread.

`setColorSpace` and `addChildNode` wait until Krita has composed the whole
picture anew: 40 to 200 ms for 12 megapixels of 8-bit RGB on two cores, seconds
for float. Krita's main thread goes on meanwhile, unless the call keeps Python's
lock: then the next timer or widget of any Python plugin stops it until the call
is over. 5.1.5 releases the lock in each of its calls; Debian's 5.2.9 and 5.3.4
do not, so these two are called through Qt, which always does.
`setPixelData` takes a millisecond for each strip.
"""

from __future__ import annotations

import threading
from typing import Any, Callable, Optional, Tuple

from krita import Document, Node

from .link.values import Region
from .qt import Qt, QtCore, QtGui
from .reading import strips

_SRGB = "sRGB-elle-V2-srgbtrc.icc"  # Krita's own sRGB, in every installation


class Addition:
    """First the layer is made and filled, in no document yet; then it is put into the document.

    The latter is one undo step. Both begin only when nobody is painting: they
    would cut off a stroke.
    """

    def __init__(self, key: Tuple[str, str, int], region: Region, pixels: bytes, name: str) -> None:
        """pixels: RGBA8 of `region`, straight alpha."""
        self.key = key
        self._region = region
        self._pixels = pixels
        self._name = name
        self._filled = False
        self._added: Optional[bool] = None
        self._thread: Optional[threading.Thread] = None
        # kept here so that the objects end on the main thread, which made them
        self._layer: Optional[Node] = None
        self._place: Tuple[Optional[Node], Optional[Node]] = (None, None)

    @property
    def running(self) -> bool:
        """Whether the thread is at work. Until it has ended this must not be let go of.

        The thread would be the last to hold Krita's objects, and they would end on it.
        """
        return self._thread is not None and self._thread.is_alive()

    @property
    def added(self) -> Optional[bool]:
        """Whether Krita took the layer; None: not known yet."""
        return None if self.running else self._added

    def go_on(self, document: Document) -> None:
        """Begin what is next, when its time has come; to be called until `added` is known."""
        if self.running or self._added is not None or is_busy(document):
            return
        if self._layer is None:
            self._layer = document.createNode(self._name, "paintlayer")
            self._begin(self._fill)
        elif self._filled:
            self._filled = False
            self._place = _place(document)
            self._begin(self._add)
        else:
            self._added = False  # the thread ended early: an exception, which Python prints

    def _begin(self, work: Callable[[], None]) -> None:
        self._thread = threading.Thread(target=work, name="scumble-layer", daemon=True)
        self._thread.start()

    def _fill(self) -> None:
        _call_unlocked(self._layer, "setColorSpace", "RGBA", "U8", _SRGB)
        for strip in strips(self._region):
            start = (strip.y - self._region.y) * strip.width * 4
            rgba = QtGui.QImage(
                self._pixels[start : start + strip.size.pixels * 4],
                strip.width,
                strip.height,
                strip.width * 4,
                QtGui.QImage.Format.Format_RGBA8888,
            )
            # Krita wants B, G, R, A: what ARGB32 is in memory
            bgra = rgba.convertToFormat(QtGui.QImage.Format.Format_ARGB32)
            data = QtCore.QByteArray(bgra.constBits().asstring(strip.size.pixels * 4))
            self._layer.setPixelData(data, strip.x, strip.y, strip.width, strip.height)
        self._filled = True

    def _add(self) -> None:
        parent, above = self._place
        self._added = _call_unlocked(parent, "addChildNode", self._layer, above)


def _call_unlocked(node: Node, slot: str, *arguments: Any) -> bool:
    """Call the node's slot on this thread, without Python's lock while it runs.

    arguments: strings and nodes, None for no node. Raises RuntimeError where Krita has no such
    slot.
    """
    return QtCore.QMetaObject.invokeMethod(
        node,
        slot,
        Qt.ConnectionType.DirectConnection,
        QtCore.Q_RETURN_ARG(bool),
        *(
            QtCore.Q_ARG("QString" if isinstance(argument, str) else "Node*", argument)
            for argument in arguments
        ),
    )


def is_busy(document: Document) -> bool:
    """Whether a stroke or an update of it is under way."""
    if not document.tryBarrierLock():
        return True
    document.unlock()
    return False


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
