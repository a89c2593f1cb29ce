"""A call without a window: submit, wait, paste, and say how it went."""

from __future__ import annotations

from typing import Callable, List, Optional

from gi.repository import Gimp, GLib

from .backend import open_session
from .canvas import GimpCanvas
from .link.errors import ErrorCode, ErrorInfo
from .link.form import Form
from .link.jobs import is_over
from .link.values import Capabilities, Job, JobState, Progress, Result, WorkerStatus

_CHECK = 100  # milliseconds


class BatchRun:
    """A `View` that waits. `error` tells afterwards what went wrong, `pasted` what is new."""

    def __init__(self, canvas: GimpCanvas) -> None:
        self.error: Optional[ErrorInfo] = None
        self.pasted: List[str] = []
        self._ready = False
        self._job_id = ""
        self._any_wait = False
        self._steps = 0
        self._batch = 0
        self._work: Callable[[], None] = self._paste_all
        self._loop = GLib.MainLoop()
        self._client, self._session = open_session(canvas, self)

    def fill(self, form: Form) -> None:
        """Start with `form` once the daemon answers; returns when the layers are there."""
        self._work = lambda: self._start(form)
        self._run()

    def paste_recovered(self) -> None:
        """Paste every result that waits, into its own image or the one given."""
        self._work = self._paste_all
        self._run()

    def _run(self) -> None:
        self._ready = False
        GLib.timeout_add(_CHECK, self._check)
        self._loop.run()
        self._client.close()

    def _start(self, form: Form) -> None:
        request = self._session.start(form)
        if request is None:
            self._loop.quit()
            return
        self._job_id = request.id
        self._batch = request.batch

    def _paste_all(self) -> None:
        self._job_id = "recovered"
        for result in self._session.recovered():
            self._session.paste_recovered(result)

    def _check(self) -> bool:
        if not self._loop.is_running():
            return False
        if self._job_id == "recovered":
            if not self._session.recovered():
                self._loop.quit()
            return True
        job = self._session.jobs.get(self._job_id)
        if job is None or not is_over(job):
            return True
        if job.state is JobState.CANCELLED and self.error is None:
            self.error = ErrorInfo(ErrorCode.CANCELLED, "The work was cancelled.")
        # pasted and acknowledged, or it would be offered again as recovered
        settled = len(self.pasted) >= self._batch and not job.unacknowledged
        if job.state is not JobState.DONE or settled or self.error:
            self._loop.quit()
        return True

    # -- View

    def connection_changed(self, state: str, error: Optional[ErrorInfo]) -> None:
        # a job that is under way goes on when the connection comes back, if it ever can
        if state == "lost" and error is not None and not (self._job_id and error.retryable):
            self.failed(error)

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        if not self._ready:
            self._ready = True
            self._work()

    def job_changed(self, job: Job) -> None:
        if job.id == self._job_id and job.state is JobState.LOADING:
            Gimp.progress_init("Loading the model")

    def progress(self, progress: Progress, preview: bytes) -> None:
        if self._steps != progress.steps:
            self._steps = progress.steps
            Gimp.progress_init("Painting")
        Gimp.progress_update(progress.step / max(progress.steps, 1))

    def failed(self, error: ErrorInfo) -> None:
        self.error = error
        self._loop.quit()

    def finished(self, result: Result, layer_name: str) -> None:
        self.pasted.append(layer_name)

    def recovered(self, results: List[Result]) -> None:
        """A result of this call's own waits only because it could not become a layer."""
        more, self._any_wait = bool(results) and not self._any_wait, bool(results)
        if more and self._job_id == "recovered":  # than one list holds
            self._paste_all()
        own = any(result.job_id == self._job_id for result in results)
        if own and self.error is None:
            self.failed(
                ErrorInfo(
                    ErrorCode.INTERNAL,
                    "The image was closed before its new layer came.",
                    "Paste it with Filters > Scumble > Recovered results.",
                )
            )

    def worker_changed(self, status: WorkerStatus) -> None:
        pass
