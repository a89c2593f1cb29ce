"""An editor as a test plays it: documents in memory, a view that remembers, a real client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from main_thread import MainThread

from scumble.link.canvas import PasteOutcome
from scumble.link.client import Client
from scumble.link.errors import ErrorInfo
from scumble.link.form import Form
from scumble.link.geometry import intersect, onto
from scumble.link.home import Home
from scumble.link.session import Session
from scumble.link.values import (
    Capabilities,
    GenerationRequest,
    Job,
    Progress,
    Region,
    Result,
    Size,
    Snapshot,
    WorkerStatus,
)


@dataclass
class Document:
    size: Size = field(default_factory=lambda: Size(1000, 800))
    selection: Region | None = None
    subject: Region | None = None
    alpha: int = 255
    layers: dict[tuple[str, int], tuple[str, Region, bytes]] = field(default_factory=dict)
    marks: dict[str, Region] = field(default_factory=dict)


class MemoryCanvas:
    """Documents in memory that keep the promises of `Canvas`."""

    def __init__(self) -> None:
        self.open: dict[str, Document] = {"one": Document()}
        self.front: str | None = "one"
        self.snapshots = 0
        self.broken: Exception | None = None

    def document(self) -> str | None:
        return self.front

    def size(self) -> Size:
        return self._front.size

    def selection(self) -> Region | None:
        return self._front.selection

    def layer_bounds(self, name: str) -> Region | None:
        return self._front.marks.get(name)

    def layer_names(self) -> list[str]:
        return list(self._front.marks)

    def mostly_empty(self, selection: Region) -> bool:
        return self._front.alpha == 0

    def selected(self, line: Region) -> bytes:
        return self._mask(line)

    def _mask(self, region: Region) -> bytes:
        """All of the selection's rectangle but the document's subject."""
        mask = bytearray(region.size.pixels)
        for value, part in ((255, self._front.selection), (0, self._front.subject)):
            inside = intersect(part, region) if part else None
            for y in range(inside.y, inside.bottom) if inside else ():
                at = (y - region.y) * region.width + inside.x - region.x
                mask[at : at + inside.width] = bytes((value,)) * inside.width
        return bytes(mask)

    def snapshot(self, region: Region, with_mask: bool) -> Snapshot:
        if self.broken is not None:
            raise self.broken
        self.snapshots += 1
        count = region.size.pixels
        pixels = bytes((10, 20, 30, self._front.alpha)) * count
        mask = self._mask(region) if with_mask else None
        return Snapshot(self._front.size, region, pixels, mask)

    def paste(
        self,
        document: str,
        result: Result,
        pixels: bytes,
        name: str,
        canvas: Size | None = None,
    ) -> PasteOutcome:
        if self.broken is not None:
            raise self.broken
        if document not in self.open:
            return PasteOutcome.CLOSED
        layers = self.open[document].layers
        if (result.job_id, result.index) in layers:
            return PasteOutcome.ALREADY_THERE
        size = self.open[document].size
        if canvas not in (None, size):
            return PasteOutcome.RESIZED
        layers[result.job_id, result.index] = (name, onto(result.region, size), pixels)
        return PasteOutcome.PASTED

    @property
    def _front(self) -> Document:
        assert self.front is not None
        return self.open[self.front]


class RecordingView:
    """What the artist was shown."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.capabilities: list[Capabilities] = []
        self.jobs: list[Job] = []
        self.steps: list[tuple[Progress, bytes]] = []
        self.errors: list[ErrorInfo] = []
        self.done: list[tuple[Result, str]] = []
        self.offered: list[Result] = []
        self.workers: list[WorkerStatus] = []

    def connection_changed(self, state: str, error: ErrorInfo | None) -> None:
        self.states.append(state)

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        self.capabilities.append(capabilities)

    def job_changed(self, job: Job) -> None:
        self.jobs.append(job)

    def progress(self, progress: Progress, preview: bytes) -> None:
        self.steps.append((progress, preview))

    def failed(self, error: ErrorInfo) -> None:
        self.errors.append(error)

    def finished(self, result: Result, layer_name: str) -> None:
        self.done.append((result, layer_name))

    def recovered(self, results: list[Result]) -> None:
        self.offered = results

    def worker_changed(self, status: WorkerStatus) -> None:
        self.workers.append(status)

    def states_of(self, job_id: str) -> list[str]:
        return [job.state.value for job in self.jobs if job.id == job_id]


class Desk:
    """One editor at work: its canvas, view, client and session."""

    def __init__(self, home: Home, environ: Mapping[str, str], client_id: str = "editor") -> None:
        self.main = MainThread()
        self.canvas = MemoryCanvas()
        self.view = RecordingView()
        self.client = Client(
            home, client_id, "Test", lambda *_: None, self.main.post, environ=environ
        )
        self.session = Session(self.client, self.canvas, self.view)

    def until(self, done: Any) -> None:
        self.main.run_until(done)

    def connect(self, times: int = 1) -> None:
        if times == 1:
            self.client.start()
        self.until(lambda: len(self.view.capabilities) >= times and self.view.workers)

    def start(self, form: Form | None = None) -> GenerationRequest:
        request = self.session.start(form or Form(prompt="red apple", seed=7))
        assert request is not None, self.view.errors
        return request

    def refused(self, form: Form) -> ErrorInfo:
        assert self.session.start(form) is None
        return self.view.errors[-1]
