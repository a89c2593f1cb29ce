"""What a session needs of an editor: a canvas to read and paste, a view to tell.

Everything here is called on the editor's main thread.
"""

from __future__ import annotations

from enum import Enum
from typing import List, Optional, Protocol, runtime_checkable

from .errors import ErrorInfo
from .values import Capabilities, Job, Progress, Region, Result, Size, Snapshot, WorkerStatus


class PasteOutcome(Enum):
    PASTED = "pasted"
    ALREADY_THERE = "already_there"  # a layer of the document carries the marker of this result
    CLOSED = "closed"  # the document is not open
    RESIZED = "resized"  # the document has another size than was asked for
    BUSY = "busy"  # not yet: ask again with `Session.paste_held`, nothing was changed for good


class Canvas(Protocol):
    """The editor's documents. Any method may raise ScumbleError, which the view is told."""

    def document(self) -> Optional[str]:
        """A name of the document in front that stays the same while it is open; None without one.

        Where the editor can keep it in the file, it also survives closing.
        """

    def size(self) -> Size:
        """Of the document in front, in pixels."""

    def selection(self) -> Optional[Region]:
        """The selection's bounds in the document in front, within its canvas.

        None when nothing is selected.
        """

    def snapshot(self, region: Region, with_mask: bool) -> Snapshot:
        """The visible pixels of `region`, and with_mask the selection over it.

        The region lies within the canvas.
        """

    def paste(
        self,
        document: str,
        result: Result,
        pixels: bytes,
        name: str,
        canvas: Optional[Size] = None,
    ) -> PasteOutcome:
        """A new layer named `name` from the RGBA8 `pixels` of result.region: one undo step.

        canvas: the size at which result.region is the right place; a document
        of another size stays as it is (RESIZED). None: any size will do, and
        the layer goes `onto` the document's canvas.

        The layer is marked with result.job_id and result.index, so that the
        same result is never pasted twice (ALREADY_THERE). The document need
        not be the one in front. A canvas that answers BUSY (the artist's hand
        is on it) sees to it that `Session.paste_held` is called soon.
        """


@runtime_checkable
class Looking(Protocol):
    """What a canvas may tell beside; a session does without where it does not."""

    def layer_bounds(self, name: str) -> Optional[Region]:
        """Where the layer `name` has pixels, hidden or not; None without such a layer.

        The region may reach beyond the canvas, and is empty for an empty layer.
        """

    def layer_names(self) -> List[str]:
        """Of the document in front, the active layer first, then from the top down."""

    def mostly_empty(self, selection: Region) -> bool:
        """Whether most of what is selected is empty canvas, by a look at a few points.

        selection: its bounds. Has to be quick: it is asked whenever the selection changes.
        """

    def selected(self, line: Region) -> bytes:
        """How much each pixel of a row or a column is selected, a byte each.

        Has to be quick: some 20 are asked for when all edges of the canvas are selected.
        """


class View(Protocol):
    """What the artist sees of a session."""

    def connection_changed(self, state: str, error: Optional[ErrorInfo]) -> None:
        """state: "connecting", "ready" or "lost"; error says why it was lost."""

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        """Models and samplers to choose from."""

    def job_changed(self, job: Job) -> None:
        """A job of this session began or changed its state."""

    def progress(self, progress: Progress, preview: bytes) -> None:
        """preview: RGB8 of progress.preview's size, b"" when there is none."""

    def failed(self, error: ErrorInfo) -> None:
        """Something the artist asked for did not work: one sentence and what to do next."""

    def finished(self, result: Result, layer_name: str) -> None:
        """The result is a layer now."""

    def recovered(self, results: List[Result]) -> None:
        """All results that wait to be pasted by hand (closed documents', for example)."""

    def worker_changed(self, status: WorkerStatus) -> None:
        """What the worker does: starting, ready, loading, running, out of memory."""
