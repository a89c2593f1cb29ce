"""The local executor: one worker process, spawned, watched, killed and replaced.

One thread owns all state here and reads a queue: commands of the service, what
the worker says, and its end. So nothing is locked, and a hung worker, a pipe
that does not drain or a slow disk holds up nobody who calls.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.child import Child
from scumble.executor import Reports, RunTimes, Task
from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError, bad_request
from scumble.link.protocol import CANCEL_SECONDS
from scumble.link.values import JobState, Progress, Region, WorkerState, WorkerStatus
from scumble.link.wire import Frame

log = logging.getLogger(__name__)

CANCELLED = ErrorInfo(ErrorCode.CANCELLED, "The job was cancelled.")


@dataclass(frozen=True)
class Patience:
    """How long the supervisor waits for what, in seconds.

    cancel: for a run to stop before the worker is killed. start: for the
    imports. idle: without a task before the model is unloaded. stable: a worker
    that was ready for so long was not broken from the start. deaths: after so
    many early ends in a row no worker is spawned for `rest`.
    """

    cancel: float = CANCEL_SECONDS
    start: float = 300.0
    idle: float = 600.0
    stable: float = 60.0
    deaths: int = 3
    rest: float = 30.0


PATIENCE = Patience()


class Supervisor:
    """Fulfils `executor.Executor`."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        log_file: Path,
        patience: Patience = PATIENCE,
    ) -> None:
        """command: starts the worker. log_file: gets what it prints."""
        self._command = list(command)
        self._environ = dict(environ)
        self._log_file = log_file
        self._patience = patience
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._reports: Reports
        self._child: Child | None = None
        self._ready = False
        self._ready_since = 0.0
        self._start_error: ErrorInfo | None = None
        self._task: Task | None = None
        self._sent = False
        self._killing = ""  # why we kill it ourselves, "" otherwise
        self._deadlines: dict[str, tuple[float, Callable[[], None]]] = {}
        self._early_deaths = 0
        self._last_death = 0.0
        self._status = WorkerStatus(WorkerState.STOPPED)

    # Executor: called from anywhere, waits for nothing

    @property
    def status(self) -> WorkerStatus:
        return self._status

    def wake(self) -> None:
        self._inbox.put(self._wake)

    def run(self, task: Task) -> None:
        self._inbox.put(lambda: self._run(task))

    def cancel(self, job_id: str) -> None:
        self._inbox.put(lambda: self._cancel(job_id))

    def close(self) -> None:
        """Let `watch` return; the worker ends with it."""
        self._inbox.put(None)

    # The thread that owns everything

    def watch(self, reports: Reports) -> None:
        """Do all the work; returns after `close`."""
        self._reports = reports
        while True:
            try:
                act = self._inbox.get(timeout=self._pause())
            except queue.Empty:
                self._act(self._expire)
                continue
            if act is None:
                break
            self._act(act)
        if self._child is not None:
            self._child.end()

    def _act(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception:
            # one bad message must not leave the queue without anybody who watches
            log.exception("the supervisor stumbled")

    def _pause(self) -> float | None:
        if not self._deadlines:
            return None
        soonest = min(when for when, _ in self._deadlines.values())
        return max(0.0, soonest - time.monotonic())

    def _expire(self) -> None:
        now = time.monotonic()
        for name, (when, act) in list(self._deadlines.items()):
            if when <= now:
                del self._deadlines[name]
                act()

    def _in(self, name: str, seconds: float, act: Callable[[], None]) -> None:
        self._deadlines[name] = (time.monotonic() + seconds, act)

    # Commands

    def _wake(self) -> None:
        if self._child is None and not self._resting():
            self._spawn()

    def _run(self, task: Task) -> None:
        self._task, self._sent = task, False
        self._deadlines.pop("idle", None)
        if self._child is None:
            if self._resting():
                self._over(self._start_error or _crashed("The part that draws ends at once."))
                return
            self._spawn()
        elif self._ready:
            self._send_task()

    def _cancel(self, job_id: str) -> None:
        if self._task is None or self._task.request.id != job_id:
            return
        if not self._sent or self._child is None:
            self._over(CANCELLED)
            return
        self._child.send({"type": "cancel", "job_id": job_id})
        if "cancel" not in self._deadlines:
            self._in("cancel", self._patience.cancel, lambda: self._kill("cancel"))

    # The worker's life

    def _spawn(self) -> None:
        self._ready, self._killing, self._start_error = False, "", None
        self._set_status(WorkerStatus(WorkerState.STARTING))
        try:
            self._child = Child(
                self._command, self._environ, self._log_file, self._hear_frame, self._hear_end
            )
        except OSError as error:
            log.error("the worker cannot be spawned: %s", error)
            self._start_error = _crashed(f"The part that draws cannot be started: {error}.")
            self._died(self._start_error)
            return
        log.info("the worker is started")
        self._in("start", self._patience.start, lambda: self._kill("start"))

    def _hear_frame(self, child: Child, frame: Frame) -> None:
        self._inbox.put(lambda: self._heed(child, frame))

    def _hear_end(self, child: Child, code: int) -> None:
        self._inbox.put(lambda: self._ended(child, code))

    def _kill(self, why: str) -> None:
        if self._child is not None:
            log.warning("killing the worker: %s", why)
            self._killing = why
            self._child.kill()

    def _resting(self) -> bool:
        if self._early_deaths < self._patience.deaths:
            return False
        if time.monotonic() - self._last_death < self._patience.rest:
            return True
        self._early_deaths = 0
        return False

    def _ended(self, child: Child, code: int) -> None:
        if child is not self._child:
            return
        log.warning("the worker ended with code %d", code)
        self._child = None
        for name in ("start", "cancel", "idle"):
            self._deadlines.pop(name, None)
        if self._killing == "cancel":
            self._set_status(WorkerStatus(WorkerState.STOPPED))
            self._over(CANCELLED)
            self._wake()  # the next job should not wait for the imports
        else:
            self._died(self._start_error or self._obituary(code))

    def _died(self, error: ErrorInfo) -> None:
        now = time.monotonic()
        lived = self._ready and now - self._ready_since >= self._patience.stable
        # one that dies at work can start all the same: the service counts the job's attempts
        at_work = self._ready and self._task is not None
        self._early_deaths = 0 if lived or at_work else self._early_deaths + 1
        self._last_death = now
        self._start_error = error
        self._set_status(WorkerStatus(WorkerState.FAILED, message=error.message))
        had_task = self._task is not None
        self._over(error)
        if self._ready and not had_task:
            self._wake()

    def _obituary(self, code: int) -> ErrorInfo:
        if self._killing == "start":
            return _crashed("The part that draws did not start in time.")
        if code in (-9, 137):
            return _crashed(
                "The part that draws was ended by the system.",
                "Most often memory ran out: close other programs or take a smaller selection.",
            )
        return _crashed("The part that draws has crashed.")

    # What the worker says

    def _heed(self, child: Child, frame: Frame) -> None:
        if child is not self._child or self._killing:
            return
        try:
            self._obey(frame)
        except (ScumbleError, KeyError, IndexError, TypeError):
            log.exception("the worker talks nonsense")
            self._kill("nonsense")

    def _obey(self, frame: Frame) -> None:
        header = frame.header
        if frame.type == "ready":
            self._ready, self._ready_since = True, time.monotonic()
            self._deadlines.pop("start", None)
            self._set_status(WorkerStatus(WorkerState.READY))
            if self._task is not None:
                self._send_task()
        elif frame.type == "unable":
            self._start_error = from_wire(ErrorInfo, header.get("error"))
        elif frame.type == "status":
            self._heed_status(from_wire(WorkerStatus, header.get("worker")))
        elif self._task is not None:
            self._heed_task(self._task, frame, header)

    def _heed_status(self, status: WorkerStatus) -> None:
        self._set_status(status)
        if self._task is not None and self._sent:
            state = {
                WorkerState.LOADING: JobState.LOADING,
                WorkerState.RUNNING: JobState.RUNNING,
            }.get(status.state)
            if state is not None:
                self._reports.advanced(self._task.request.id, state)

    def _heed_task(self, task: Task, frame: Frame, header: dict[str, Any]) -> None:
        job_id = task.request.id
        if frame.type == "progress":
            progress = from_wire(Progress, header.get("progress"))
            self._reports.progressed(progress, frame.blobs[0] if frame.blobs else b"")
        elif frame.type == "picture":
            region, pixels = from_wire(Region, header.get("region")), frame.blobs[0]
            if len(pixels) != region.size.pixels * 4:
                raise bad_request("The picture's bytes do not fill its region.")
            self._reports.produced(job_id, header["index"], region, pixels, header["metadata"])
        elif frame.type == "finished":
            times = header.get("times")
            self._over(None, None if times is None else from_wire(RunTimes, times))
        elif frame.type == "failed":
            self._over(from_wire(ErrorInfo, header.get("error")))

    # Tasks

    def _send_task(self) -> None:
        assert self._child is not None
        assert self._task is not None
        task = self._task
        self._sent = True
        self._child.send(
            {"type": "run", "request": to_wire(task.request)}, (task.pixels, task.mask)
        )

    def _over(self, error: ErrorInfo | None, times: RunTimes | None = None) -> None:
        self._deadlines.pop("cancel", None)
        task, self._task = self._task, None
        if self._child is not None and self._ready:
            self._in("idle", self._patience.idle, self._unload)
        if task is not None:
            self._reports.ended(task.request.id, error, times)

    def _unload(self) -> None:
        if self._child is not None and self._task is None:
            self._child.send({"type": "unload"})

    def _set_status(self, status: WorkerStatus) -> None:
        if status != self._status:
            self._status = status
            self._reports.worker_changed(status)


def _crashed(message: str, hint: str = "") -> ErrorInfo:
    return ScumbleError(
        ErrorCode.WORKER_CRASHED,
        message,
        hint or "Try again; the log, logs/daemon.log in Scumble's folder, says more.",
    ).info
