"""The child process that holds the model: commands in, progress and pictures out.

Commands (frames on standard input):

    run     {request}  blobs [pixels, mask]
    cancel  {job_id}                          heard at once, even in the middle of a run
    unload  {}
    the end of the stream                     the daemon is gone: leave at once

What it says (frames on what was standard output; prints of libraries go to the log):

    ready    {}                               imports are done
    unable   {error}                          imports failed; the process ends
    status   {worker}
    progress {progress}  blobs [preview] or []
    picture  {job_id, index, region, metadata}  blobs [RGBA8]
    finished {job_id, times}                times: RunTimes or null
    failed   {job_id, error}
"""

from __future__ import annotations

import os
import queue
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from scumble.engine.base import Engine, Hooks, Picture
from scumble.executor import RunTimes, Task
from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError
from scumble.link.home import find_home
from scumble.link.protocol import MAX_HEADER
from scumble.link.values import (
    GenerationRequest,
    Progress,
    WorkerState,
    WorkerStatus,
)
from scumble.link.wire import Frame, WireError, read_frame, write_frame

SENTENCE = 200  # characters
NICENESS = 5  # the editor's own threads come first
LOG_HINT = "The log says more: logs/daemon.log in Scumble's folder."


class Worker:
    """Runs one task after the other on the thread that calls `work`."""

    def __init__(self, make_engine: Callable[[], Engine], source: BinaryIO, sink: BinaryIO) -> None:
        """make_engine may import for seconds and may fail; it is called by `work`."""
        self._make_engine = make_engine
        self._source = source
        self._sink = sink
        self._writing = threading.Lock()
        self._commands: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._status = WorkerStatus(WorkerState.READY)

    def work(self) -> None:
        """Make the engine ready, then obey until the process ends."""
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        try:
            engine = self._make_engine()
            engine.prepare()
        except Exception as error:
            traceback.print_exc()
            self._say("unable", error=to_wire(_start_error(error)))
            return
        self._say("ready")
        while True:
            task = self._commands.get()
            if task is None:
                engine.unload()
                self._tell(replace(self._status, state=WorkerState.READY, model="", message=""))
            else:
                self._run(engine, task)

    def _listen(self) -> None:
        try:
            while True:
                frame = read_frame(self._source.read)
                if frame is None:
                    break
                self._obey(frame)
        except Exception:
            traceback.print_exc()
        # No daemon to work for: leave now, whatever the engine's thread is in the middle of
        os._exit(0)

    def _obey(self, frame: Frame) -> None:
        if frame.type == "run":
            request = from_wire(GenerationRequest, frame.header["request"])
            self._cancelled.discard(request.id)
            self._commands.put(Task(request, *frame.blobs))
        elif frame.type == "cancel":
            self._cancelled.add(frame.header["job_id"])
        elif frame.type == "unload":
            self._commands.put(None)
        else:
            raise WireError(f"The worker knows no command {frame.type!r}.")

    def _run(self, engine: Engine, task: Task) -> None:
        request = task.request
        watch = Stopwatch()
        error: ErrorInfo | None = None
        try:
            if request.id in self._cancelled:
                raise ScumbleError(ErrorCode.CANCELLED, "The job was cancelled.")
            hooks = Hooks(
                progress=lambda progress, preview: self._progress(watch, progress, preview),
                status=lambda status: self._running(watch, status),
                cancelled=lambda: request.id in self._cancelled,
            )
            for picture in engine.run(request, task.pixels, task.mask, hooks):
                self._deliver(request.id, picture)
        except Exception as raised:
            error = _run_error(raised)
            if error.code is ErrorCode.INTERNAL:
                traceback.print_exc()
        self._cancelled.discard(request.id)
        times = watch.times(self._status.device)
        self._settle(error)
        if error is None:
            self._say("finished", job_id=request.id, times=to_wire(times))
        else:
            self._say("failed", job_id=request.id, error=to_wire(error))

    def _settle(self, error: ErrorInfo | None) -> None:
        """Say what is true now that no task runs, unless the engine has said it."""
        # a load that failed leaves no model behind
        model = "" if self._status.state is WorkerState.LOADING else self._status.model
        if error is not None and error.code is ErrorCode.OUT_OF_MEMORY:
            told = replace(
                self._status, state=WorkerState.OUT_OF_MEMORY, model=model, message=error.message
            )
        else:
            told = replace(self._status, state=WorkerState.READY, model=model, message="")
        if told != self._status:
            self._tell(told)

    def _progress(self, watch: Stopwatch, progress: Progress, preview: bytes) -> None:
        watch.step(progress.step)
        self._say("progress", [preview] if preview else [], progress=to_wire(progress))

    def _running(self, watch: Stopwatch, status: WorkerStatus) -> None:
        watch.status(status.state)
        self._tell(status)

    def _tell(self, status: WorkerStatus) -> None:
        self._status = status
        self._say("status", worker=to_wire(status))

    def _deliver(self, job_id: str, picture: Picture) -> None:
        header = {"job_id": job_id, "index": picture.index, "region": to_wire(picture.region)}
        try:
            self._say("picture", [picture.pixels], **header, metadata=picture.metadata)
        except WireError:
            # what made it is not worth losing the picture for
            print(f"metadata beyond {MAX_HEADER} bytes left out", file=sys.stderr)
            self._say("picture", [picture.pixels], **header, metadata={})

    def _say(self, kind: str, blobs: Sequence[bytes] = (), **fields: Any) -> None:
        with self._writing:
            write_frame(self._sink.write, {"type": kind, **fields}, blobs)


class Stopwatch:
    """Measures one run from what the engine reports anyway."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._start = clock()
        self._load = 0.0
        self._loading: float | None = None
        self._last: tuple[int, float] | None = None
        self._pauses: list[float] = []
        self._steps = 0

    def status(self, state: WorkerState) -> None:
        now = self._clock()
        if self._loading is not None:
            self._load += now - self._loading
            self._loading = None
        if state is WorkerState.LOADING:
            self._loading = now

    def step(self, step: int) -> None:
        """Step number `step` was finished."""
        now = self._clock()
        if self._last is not None and step > self._last[0]:
            self._pauses.append((now - self._last[1]) / (step - self._last[0]))
        self._last = (step, now)
        self._steps = max(self._steps, step)

    def times(self, device: str) -> RunTimes | None:
        """None when there were too few steps to tell."""
        if not self._pauses:
            return None
        total = self._clock() - self._start - self._load
        return RunTimes(self._load, statistics.median(self._pauses), self._steps, total, device)


def _start_error(error: Exception) -> ErrorInfo:
    if isinstance(error, ScumbleError):
        return error.info
    return ErrorInfo(
        ErrorCode.WORKER_CRASHED,
        f"The part that draws cannot start: {_sentence(error)}.",
        "Run: python3 installer doctor",
        retryable=True,
    )


def _run_error(error: Exception) -> ErrorInfo:
    if isinstance(error, ScumbleError):
        return error.info
    if isinstance(error, MemoryError):
        return ScumbleError(
            ErrorCode.OUT_OF_MEMORY,
            "The computer's memory is not enough for this.",
            "Close other programs, or take a smaller selection.",
        ).info
    return ErrorInfo(ErrorCode.INTERNAL, f"Drawing failed: {_sentence(error)}.", LOG_HINT)


def _sentence(error: Exception) -> str:
    """What the libraries say at length belongs into the log; an artist gets its beginning."""
    lines = str(error).strip().splitlines()
    return lines[0][:SENTENCE].rstrip(" .:") if lines else type(error).__name__


def _engine() -> Engine:
    if os.environ.get("SCUMBLE_ENGINE") == "fake":
        from scumble.engine.fake import FakeEngine

        return FakeEngine()
    from scumble.engine.diffusion import DiffusionEngine

    return DiffusionEngine(find_home())


def main() -> None:
    """Take the pipes away from everybody else, then work."""
    source = os.fdopen(os.dup(0), "rb", buffering=0)
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)  # below Python too: C code prints as well
    sys.stdout = sys.stderr
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    Worker(_engine, source, sink).work()


if __name__ == "__main__":
    main()
