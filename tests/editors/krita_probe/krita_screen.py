"""Krita as the scenarios see it: documents with known pixels, the docker, what changed."""

import os
import subprocess
from array import array

from krita import Krita, Selection
from PyQt5.QtCore import QByteArray, QPoint, Qt
from PyQt5.QtGui import QImage
from PyQt5.QtWidgets import QWidget

PICTURES = os.environ["SCUMBLE_PROBE_PICTURES"]

REST_MS = 1500  # after which Krita's list of layers has shown what changed

CHANNELS = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5, "LABA": 4}
TYPES = {"U8": "B", "U16": "H", "F32": "f"}


def window():
    return Krita.instance().activeWindow()


def docker():
    return next(d for d in Krita.instance().dockers() if d.objectName() == "scumble")


def panel():
    return docker().widget()


def offers():
    """The entries that paste a recovered result."""
    entries = panel().recovered_button.paste_menu.actions()
    return [entry for entry in entries if not entry.isSeparator() and entry.menu() is None]


def make_room():
    """Our docker beside the canvas, with the layers and the tools, and nothing else."""
    window().qwindow().showNormal()
    window().qwindow().resize(1440, 900)
    kept = ("scumble", "KisLayerBox", "ToolBox")
    for other in Krita.instance().dockers():
        if other.objectName() not in kept:
            other.hide()
    docker().setFloating(False)
    docker().show()
    docker().raise_()
    layers = next(d for d in Krita.instance().dockers() if d.objectName() == "KisLayerBox")
    window().qwindow().resizeDocks([layers, docker()], [240, 640], Qt.Vertical)
    window().qwindow().resizeDocks([docker()], [320], Qt.Horizontal)


def grab(name, widget=None):
    (widget or window().qwindow()).grab().save(os.path.join(PICTURES, name + ".png"))


def new_document(name, width, height, model="RGBA", depth="U8"):
    """A document in front whose background is a pattern of many colours, opaque."""
    document = Krita.instance().createDocument(width, height, name, model, depth, "", 300.0)
    window().addView(document)
    background = document.topLevelNodes()[0]
    background.setPixelData(_pattern(width, height, model, depth), 0, 0, width, height)
    document.refreshProjection()
    document.setModified(False)
    return document


def _pattern(width, height, model, depth):
    top = 1.0 if depth.startswith("F") else 2 ** (8 * array(TYPES[depth]).itemsize) - 1
    channels = CHANNELS[model]
    rows = []
    for shift in range(8):
        row = array(TYPES[depth])
        for x in range(width):
            for channel in range(channels - 1):
                part = ((x * (channel + 2) + shift * 23) % 200 + 20) / 255.0
                row.append(part * top if depth.startswith("F") else int(part * top))
            row.append(top)
        rows.append(row.tobytes())
    eight = b"".join(rows)
    return QByteArray(eight * (height // 8) + eight[: len(rows[0]) * (height % 8)])


def select(document, x, y, width, height):
    selection = Selection()
    selection.select(x, y, width, height, 255)
    document.setSelection(selection)


def select_disc(document, x, y, size):
    """A round selection whose edge falls off softly; returns its mask, size * size bytes."""
    mask = bytearray()
    middle = (size - 1) / 2.0
    for row in range(size):
        for column in range(size):
            distance = ((row - middle) ** 2 + (column - middle) ** 2) ** 0.5
            mask.append(max(0, min(255, int((middle - distance) * 12))))
    selection = Selection()
    selection.select(x, y, size, size, 255)
    selection.setPixelData(QByteArray(bytes(mask)), x, y, size, size)
    document.setSelection(selection)
    return bytes(mask)


def idle(document):
    if not document.tryBarrierLock():
        return False
    document.unlock()
    return True


def visible(document):
    """All that is to be seen: width, height, and 4 bytes a pixel."""
    image = document.projection(0, 0, document.width(), document.height())
    image = image.convertToFormat(QImage.Format_RGBA8888)
    size = image.width() * image.height() * 4
    return image.width(), image.height(), image.constBits().asstring(size)


def changes_outside(before, after, x, y, width, height):
    """How many bytes outside the rectangle differ."""
    columns, rows, old = before
    new = after[2]
    stride = columns * 4
    count = 0
    for row in range(rows):
        start = row * stride
        if y <= row < y + height:
            parts = ((start, start + x * 4), (start + (x + width) * 4, start + stride))
        else:
            parts = ((start, start + stride),)
        for low, high in parts:
            if old[low:high] != new[low:high]:
                count += sum(old[at] != new[at] for at in range(low, high))
    return count


def differ(before, after, x, y, width, height):
    """How many pixels of the rectangle differ."""
    stride = before[0] * 4
    count = 0
    for row in range(y, y + height):
        start = row * stride + x * 4
        for pixel in range(start, start + width * 4, 4):
            count += before[2][pixel : pixel + 4] != after[2][pixel : pixel + 4]
    return count


def layers(document):
    """From the bottom up. Krita lists the selection among them, as a mask."""
    return [node for node in document.topLevelNodes() if node.type().endswith("layer")]


def names(document):
    return [layer.name() for layer in layers(document)]


def bounds(node):
    found = node.bounds()
    return [found.x(), found.y(), found.width(), found.height()]


def undo():
    Krita.instance().action("edit_undo").trigger()


def redo():
    Krita.instance().action("edit_redo").trigger()


def close_now(document):
    document.setModified(False)
    document.close()


def close(document):
    """Close it once Krita is at rest.

    Krita 5.1.5 crashes now and then (KisNodeModel::processUpdateQueue) when a
    document is closed within a moment of a change to its layers, with or
    without this plugin.
    """
    yield REST_MS
    close_now(document)
    yield 300


def set_form(prompt, steps=4, strength=100, seed=7, batch=1):
    """Fill in the docker's widgets as a hand would."""
    shown = panel()
    models = shown.fields.model
    models.setCurrentIndex(max(models.findData(os.environ.get("SCUMBLE_PROBE_MODEL", "")), 0))
    shown.prompt.setPlainText(prompt)
    shown.fields.steps.setValue(steps)
    shown.fields.strength.setValue(strength)
    shown.fields.seed.set_seed(seed)
    shown.fields.batch.setValue(batch)


def says(label):
    """Waits until the button says it and can be pressed."""
    return lambda: panel().button.text() == label and panel().button.isEnabled()


def working():
    return not panel().progress_line.isHidden()


def pasted(document):
    """How many results are layers of the document, and known to be."""
    return sum(key.startswith("scumble/result/") for key in document.annotationTypes())


def settled(document, count):
    """Waits until the document has that many layers, all but one of them results."""

    def done():
        if panel().message.text():
            raise AssertionError(panel().message.text())
        arrived = len(names(document)) >= count and pasted(document) >= count - 1
        return arrived and not working() and idle(document)

    return done


class Pen:
    """The pointer over the middle of the canvas, moved by the X server as a hand would."""

    def __init__(self):
        canvas = next(
            widget
            for widget in window().qwindow().findChildren(QWidget)
            if widget.metaObject().className() == "KisQPainterCanvas" and widget.isVisible()
        )
        Krita.instance().action("KritaShape/KisToolBrush").trigger()
        point = canvas.mapToGlobal(QPoint(canvas.width() // 2, canvas.height() // 2))
        self._do("mousemove", point.x(), point.y())

    def press(self):
        self._do("mousedown", 1)

    def move(self, x, y):
        self._do("mousemove_relative", "--", x, y)

    def release(self):
        self._do("mouseup", 1)

    def _do(self, *words):
        subprocess.run(["xdotool", *map(str, words)], check=True)
