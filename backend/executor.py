"""The seam between the queue and whatever carries jobs out.

Here that is the local worker (`supervisor.Supervisor`); a cluster would fulfil
the same three calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from scumble.link.errors import ErrorInfo
from scumble.link.values import GenerationRequest, JobState, Progress, Region, WorkerStatus


@dataclass(frozen=True)
class Task:
    """A request with its pixels: RGBA8 and L8 of request.region, b"" where the mode has none."""

    request: GenerationRequest
    pixels: bytes
    mask: bytes


@dataclass(frozen=True)
class RunTimes:
    """How long one run took, in seconds.

    load: bringing the model into memory, 0 when it was there. step: the
    median of the time between two steps. steps: how many there were. total:
    everything but the load.
    """

    load: float
    step: float
    steps: int
    total: float
    device: str


class Executor(Protocol):
    """Carries out one task at a time. No call waits for work."""

    def wake(self) -> None:
        """Somebody is here who will want something soon: get ready."""

    def run(self, task: Task) -> None:
        """Carry the task out; everything about it comes back through `Reports`."""

    def cancel(self, job_id: str) -> None:
        """Stop this task; `Reports.ended` follows. A task that is not here is no error."""


class Reports(Protocol):
    """What an executor tells. Calls come from one thread, in order."""

    def worker_changed(self, status: WorkerStatus) -> None:
        """What the worker does now."""

    def advanced(self, job_id: str, state: JobState) -> None:
        """The task is loading its model, or running."""

    def progressed(self, progress: Progress, preview: bytes) -> None:
        """One denoising step was made; preview: RGB8, b"" without one."""

    def produced(
        self, job_id: str, index: int, region: Region, pixels: bytes, metadata: dict[str, Any]
    ) -> None:
        """A picture is finished; when this returns it may be forgotten."""

    def ended(self, job_id: str, error: ErrorInfo | None, times: RunTimes | None) -> None:
        """The task is over; error None: all its pictures were produced. times: if measured."""
