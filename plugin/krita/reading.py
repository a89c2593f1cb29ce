"""A region of a document, read in strips over several turns of Krita's event loop.

`Document.projection` takes 0.2 s for 12 megapixels of 8-bit RGB and ten times
that for float, in which Krita's main thread would stand still. So it is read
in strips, between which the artist goes on. A large region is read from
`Document.clone`, which shares the pixels until one side changes them (4 ms,
and half a millisecond for each further layer): all strips show one moment,
whatever is painted between them.
"""

from __future__ import annotations

import io
import math
import time
from typing import Callable, List, Optional

from krita import Document

from .link.errors import ErrorCode, ScumbleError
from .link.values import Region, Size, Snapshot
from .qt import QtGui, QTimer

TURN_SECONDS = 0.012  # of work between two looks at the event loop
STRIP_PIXELS = 1 << 17  # 8-bit documents take 2 ms for so many, float ones 25 and at times 80
_FIRST_PIXELS = 1 << 14  # until it is known how long this document takes
_ONE_TURN_PIXELS = 1 << 18  # up to here it is read at once

Then = Callable[[Optional[Snapshot], Optional[Exception]], None]


def read_in_turns(document: Document, region: Region, with_mask: bool, then: Then) -> None:
    """`then(snapshot, error)` gets one of the two; for a small region before this returns."""
    large = region.size.pixels > _ONE_TURN_PIXELS
    # Krita gives no clone of a document that is busy: then the document itself is read
    clone = document.clone() if large else None
    reading = _Reading(document, clone or document, region, with_mask)
    if large:  # the clone has taken its time of this turn
        QTimer.singleShot(0, lambda: _turn(reading, clone, large, then))
    else:
        _turn(reading, clone, large, then)


def read_at_once(document: Document, region: Region, with_mask: bool) -> Snapshot:
    """Keeps the main thread for as long as it takes. Raises ScumbleError."""
    reading = _Reading(document, document, region, with_mask)
    reading.go_on(math.inf)
    return reading.snapshot()


def _turn(reading: _Reading, clone: Optional[Document], large: bool, then: Then) -> None:
    # nothing here may hold itself (a function that names itself would): what Python's collector
    # has to find may end on another thread, and Krita's documents must not
    snapshot, error = None, None
    try:
        if not reading.go_on(TURN_SECONDS if large else math.inf):
            QTimer.singleShot(0, lambda: _turn(reading, clone, large, then))
            return
        snapshot = reading.snapshot()
    except Exception as failure:  # out of a slot it would end Krita
        error = failure.with_traceback(None)
    if clone is not None:
        clone.close()
    then(snapshot, error)


def strips(region: Region) -> List[Region]:
    """The region in full-width pieces from the top down, each of some STRIP_PIXELS at most."""
    rows = _rows(region.width, STRIP_PIXELS)
    return [
        Region(region.x, y, region.width, min(rows, region.bottom - y))
        for y in range(region.y, region.bottom, rows)
    ]


def _rows(width: int, pixels: int) -> int:
    return max(1, pixels // width)


class _Reading:
    def __init__(
        self, document: Document, source: Document, region: Region, with_mask: bool
    ) -> None:
        """The pixels come from source: the document, or a clone of it."""
        self._size = Size(document.width(), document.height())
        self._source = source
        self._region = region
        self._row = region.y  # the next to be read
        self._rows = _rows(region.width, _FIRST_PIXELS)  # of the next strip
        # a BytesIO gives its bytes away uncopied; to join 48 MB would take 40 ms
        self._pixels = io.BytesIO()
        self._mask = io.BytesIO()
        selection = document.selection() if with_mask else None
        self._selection = selection.duplicate() if selection else None

    def go_on(self, seconds: float) -> bool:
        """Read for about so long; whether all is read. Raises ScumbleError."""
        until = time.perf_counter() + seconds
        region = self._region
        while self._row < region.bottom and time.perf_counter() < until:
            began = time.perf_counter()
            rows = min(self._rows, region.bottom - self._row)
            self._read(Region(region.x, self._row, region.width, rows))
            self._row += rows
            self._rows = self._next_rows(rows, time.perf_counter() - began)
        return self._row == region.bottom

    def _next_rows(self, rows: int, seconds: float) -> int:
        """Fewer than before where those took long, more where a call was hardly worth it."""
        if seconds > TURN_SECONDS / 2:
            return max(1, rows // 2)
        if seconds < TURN_SECONDS / 8:
            return min(2 * rows, _rows(self._region.width, STRIP_PIXELS))
        return rows

    def snapshot(self) -> Snapshot:
        mask = self._mask.getvalue() if self._selection else None
        return Snapshot(self._size, self._region, self._pixels.getvalue(), mask)

    def _read(self, strip: Region) -> None:
        rectangle = (strip.x, strip.y, strip.width, strip.height)
        image = self._source.projection(*rectangle)
        image = image.convertToFormat(QtGui.QImage.Format.Format_RGBA8888)
        if image.isNull() or image.width() != strip.width or image.height() != strip.height:
            raise ScumbleError(
                ErrorCode.OUT_OF_MEMORY, "Krita could not read the picture.", "Select less."
            )
        self._pixels.write(image.constBits().asstring(strip.size.pixels * 4))
        if self._selection:
            self._mask.write(bytes(self._selection.pixelData(*rectangle)))
