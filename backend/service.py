"""What the daemon does for its clients: takes requests in, keeps their order, keeps what came.

Everything that must not be lost is in journal and store before anybody is told
of it. The service knows no sockets (it publishes through a function) and no
processes (it hands tasks to an `Executor`, and is its `Reports`).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from scumble import admission, estimate
from scumble.archive import Archive
from scumble.executor import Executor, RunTimes, Task
from scumble.journal import Entry
from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError, bad_request
from scumble.link.jobs import MOVES, is_over, move
from scumble.link.values import (
    Capabilities,
    GenerationRequest,
    Job,
    JobState,
    Progress,
    Region,
    Result,
    WorkerState,
    WorkerStatus,
)

log = logging.getLogger(__name__)

CRASH_ATTEMPTS = 2  # a job whose worker died is tried once more
MAX_ATTEMPTS = 3  # a job that was under way when the daemon ended, as often as this
INTERRUPTED = ErrorInfo(
    ErrorCode.WORKER_CRASHED,
    "The job was interrupted too often.",
    "Start it again; the log, logs/daemon.log in Scumble's folder, says more.",
    retryable=True,
)

# client_id (None: everybody), type, fields, blobs; never waits
Publish = Callable[[str | None, str, dict[str, Any], Sequence[bytes]], None]


@dataclass
class Current:
    """The task in the executor's hands. offset: pictures that an earlier attempt made."""

    entry: Entry
    offset: int
    cancelled: bool = False
    failure: ErrorInfo | None = None

    @property
    def id(self) -> str:
        return self.entry.job.id

    def remaining(self) -> GenerationRequest:
        """The request for what is still missing: result i has the seed plus i either way."""
        request = self.entry.request
        return replace(request, seed=request.seed + self.offset, batch=request.batch - self.offset)


class Service:
    """Safe to call from many threads; only `submit` and `fetch` wait for the disk."""

    def __init__(
        self,
        archive: Archive,
        executor: Executor,
        publish: Publish,
        capabilities: Callable[[], Capabilities],
    ) -> None:
        self._archive = archive
        self._journal = archive.journal
        self._executor = executor
        self._publish = publish
        self.capabilities = capabilities
        self._changed = threading.Condition(threading.RLock())
        self._queue: deque[str] = deque()
        self._current: Current | None = None
        self._closed = False
        self.worker = WorkerStatus(WorkerState.STOPPED)

    # Life

    def recover(self) -> None:
        """Take up what the last daemon left: open jobs go on in their order."""
        with self._changed:
            for entry in self._journal.open_entries():
                job = entry.job
                if job.state is JobState.QUEUED:
                    self._queue.append(job.id)
                elif job.attempt >= MAX_ATTEMPTS:
                    self._move(entry, JobState.FAILED, INTERRUPTED)
                else:
                    self._move(entry, JobState.QUEUED)
                    self._queue.append(job.id)
            self._archive.tidy()

    def work(self) -> None:
        """Hand over one job after the other; returns after `close`."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._closed or (self._current is None and bool(self._queue))
                )
                if self._closed:
                    return
                job_id = self._queue.popleft()
                try:
                    current = self._begin(job_id)
                except Exception:
                    log.exception("job %s cannot begin", job_id)
                    self._fail(job_id, _internal("The job cannot be started."))
                    continue
            if current is not None:
                self._hand_over(current)

    def close(self, cancel: bool = False) -> None:
        """Let `work` return. cancel: the running job is over, not to be gone on with later."""
        with self._changed:
            if cancel and self._current is not None:
                self._executor.cancel(self._current.id)
                self._move(self._current.entry, JobState.CANCELLED)
                self._current = None
            self._closed = True
            self._changed.notify_all()

    # Requests

    def greet(self) -> None:
        """An editor is here: its artist will want the worker soon."""
        self._executor.wake()

    def submit(self, client_id: str, request: GenerationRequest, blobs: Sequence[bytes]) -> Job:
        """Take a request in; what was answered will not be lost.

        Idempotent by the request's id. Raises ScumbleError: what
        `admission.check` raises, and disk_full.
        """
        known = self._journal.job(request.id)
        if known is not None:
            return known
        admission.check(request, blobs, self.capabilities)
        if self._archive.keep_request(client_id, request, blobs):
            with self._changed:
                self._queue.append(request.id)
                self._announce(self._known(request.id))
                self._changed.notify_all()
        return self._known(request.id)

    def cancel(self, job_id: str) -> Job:
        """Stop a job; one that is over stays as it is. Returns before a running one has ended."""
        with self._changed:
            job = self._known(job_id)
            if is_over(job):
                return job
            if self._current is not None and self._current.id == job_id:
                self._current.cancelled = True
                self._executor.cancel(job_id)
                return job
            with suppress(ValueError):
                self._queue.remove(job_id)
            return self._move(self._entry(job_id), JobState.CANCELLED)

    def jobs(self, client_id: str | None) -> list[Job]:
        """The newest jobs, oldest first; client_id None: everybody's."""
        return self._journal.jobs(client_id)

    def resume(self, client_id: str) -> tuple[list[Job], list[Result]]:
        """What a client that was away has to know: open jobs and pictures not acknowledged."""
        jobs = [entry.job for entry in self._journal.open_entries(client_id)]
        return jobs, self._journal.unacknowledged(client_id)

    def results(self, job_id: str) -> list[Result]:
        self._known(job_id)
        return self._journal.results(job_id)

    def fetch(self, job_id: str, index: int) -> tuple[Result, bytes]:
        """A picture and its bytes. bad_request when there is none, or none any more."""
        return self._archive.fetch(job_id, index)

    def acknowledge(self, job_id: str, index: int) -> Job:
        """The picture was pasted: it may go when room is needed. Idempotent."""
        with self._changed:
            self._archive.result(job_id, index)
            self._journal.acknowledge(job_id, index)
            job = self._known(job_id)
            self._announce(job)  # the client's other windows stop offering it as recovered
            return job

    def estimate(self, request: GenerationRequest) -> float | None:
        """Seconds that the request will take, None when nothing like it was measured here."""
        admission.check_values(request)
        native, worker = self._native(request), self.worker
        return estimate.seconds(
            request,
            native,
            self._journal.timings(estimate.subject(request)),
            worker.device if request.needs_model else "",
            loaded=worker.model == request.model or not request.needs_model,
        )

    def waiting(self) -> int:
        """How many jobs are not over."""
        with self._changed:
            return len(self._queue) + (self._current is not None)

    # Reports of the executor

    def worker_changed(self, status: WorkerStatus) -> None:
        with self._changed:
            self.worker = status
            self._publish(None, "worker", {"worker": to_wire(status)}, ())

    def advanced(self, job_id: str, state: JobState) -> None:
        with self._changed:
            current = self._of(job_id)
            if current is not None and state in MOVES[current.entry.job.state]:
                self._move(current.entry, state)

    def progressed(self, progress: Progress, preview: bytes) -> None:
        self.advanced(progress.job_id, JobState.RUNNING)
        current = self._of(progress.job_id)
        if current is not None:
            self._publish(
                current.entry.job.client_id,
                "progress",
                {"progress": to_wire(progress)},
                (preview,) if preview else (),
            )

    def produced(
        self, job_id: str, index: int, region: Region, pixels: bytes, metadata: dict[str, Any]
    ) -> None:
        current = self._of(job_id)
        if current is None:
            return
        index += current.offset
        try:
            result = self._archive.keep_picture(job_id, index, region, pixels, metadata)
        except (ScumbleError, OSError) as error:
            log.error("picture %d of job %s cannot be kept: %s", index, job_id, error)
            current.failure = (
                error.info if isinstance(error, ScumbleError) else _internal(f"{error}.")
            )
            self._executor.cancel(job_id)  # the rest of the batch would have no place either
            return
        with self._changed:
            client_id = current.entry.job.client_id
            self._publish(client_id, "result", {"result": to_wire(result)}, ())

    def ended(self, job_id: str, error: ErrorInfo | None, times: RunTimes | None) -> None:
        with self._changed:
            current = self._of(job_id)
            if current is None:
                return
            try:
                self._conclude(current, error, times)
            finally:
                self._current = None
                self._changed.notify_all()

    # The queue

    def _begin(self, job_id: str) -> Current | None:
        entry = self._entry(job_id)
        if is_over(entry.job):  # cancelled between being written down and standing here
            return None
        made = len(self._journal.results(job_id))
        self._move(entry, JobState.LOADING)
        current = Current(self._entry(job_id), made)
        if made >= entry.request.batch:  # the daemon ended between the last picture and the end
            self._conclude(current, None, None)
            return None
        self._current = current
        return current

    def _hand_over(self, current: Current) -> None:
        entry = current.entry
        try:
            pixels, mask = self._archive.pixels(entry)
        except (KeyError, OSError) as error:
            log.error("the pixels of job %s are gone: %s", current.id, error)
            self.ended(current.id, _internal("The job's picture is gone from the disk."), None)
            return
        with self._changed:
            if self._current is not current:
                return
            self._executor.run(Task(current.remaining(), pixels, mask))
            if current.cancelled:  # while its pixels were read: the executor knew nothing of it
                self._executor.cancel(current.id)

    def _conclude(self, current: Current, error: ErrorInfo | None, times: RunTimes | None) -> None:
        entry = replace(current.entry, job=self._known(current.id))
        error = current.failure or error
        if error is None and len(self._journal.results(current.id)) < entry.request.batch:
            error = _internal("The part that draws made fewer pictures than asked for.")
        if error is None:
            if entry.job.state is not JobState.RUNNING:
                entry = replace(entry, job=self._move(entry, JobState.RUNNING))
            self._move(entry, JobState.DONE)
            if times is not None:
                self._measure(current.remaining(), times)
        elif error.code is ErrorCode.CANCELLED or (
            current.cancelled and error.code is ErrorCode.WORKER_CRASHED
        ):
            self._move(entry, JobState.CANCELLED)
        elif error.code is ErrorCode.WORKER_CRASHED and entry.job.attempt < CRASH_ATTEMPTS:
            self._move(entry, JobState.QUEUED)
            self._queue.appendleft(current.id)
        else:
            self._move(entry, JobState.FAILED, error)

    def _measure(self, request: GenerationRequest, times: RunTimes) -> None:
        with suppress(ScumbleError):  # a measurement is not worth an error
            native = self._native(request)
            self._journal.add_timing(estimate.measured(request, native, times))

    def _native(self, request: GenerationRequest) -> int:
        """The side in pixels that its model was trained at, 0 where it needs none."""
        if not request.needs_model:
            return 0
        return admission.check_model(request, self.capabilities()).native

    def _fail(self, job_id: str, error: ErrorInfo) -> None:
        with suppress(ScumbleError):
            self._move(self._entry(job_id), JobState.FAILED, error)

    def _move(self, entry: Entry, state: JobState, error: ErrorInfo | None = None) -> Job:
        """Write a job's new state down and tell its editor; whoever calls holds the lock."""
        job = move(entry.job, state, error)
        try:
            self._journal.update(job)
        except ScumbleError as failure:
            # The state is told all the same. What the journal still says makes the next
            # daemon do the job again, which is better than losing it.
            log.error("job %s cannot be written down as %s: %s", job.id, state.value, failure)
        if self._current is not None and self._current.id == job.id:
            self._current.entry = replace(entry, job=job)
        self._announce(job)
        if is_over(job):
            self._archive.drop_pixels(entry)
        return job

    def _announce(self, job: Job) -> None:
        self._publish(job.client_id, "job", {"job": to_wire(job)}, ())

    # Looking things up

    def _of(self, job_id: str) -> Current | None:
        current = self._current
        return current if current is not None and current.id == job_id else None

    def _entry(self, job_id: str) -> Entry:
        entry = self._journal.entry(job_id)
        if entry is None:
            raise bad_request("There is no such job.")
        return entry

    def _known(self, job_id: str) -> Job:
        return self._entry(job_id).job


def _internal(message: str) -> ErrorInfo:
    hint = "Try again; the log, logs/daemon.log in Scumble's folder, says more."
    return ErrorInfo(ErrorCode.INTERNAL, message, hint)
