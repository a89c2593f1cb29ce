"""A daemon small enough to read: real sockets and handshake, jobs in a dict, no worker.

The test decides when a job runs, finishes or fails; `serve_small.py` runs the
same in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scumble.link import auth, jobs
from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError, bad_request
from scumble.link.form import Form
from scumble.link.home import Connection, Home, write_connection
from scumble.link.protocol import MAGIC, PROTOCOL
from scumble.link.values import (
    Capabilities,
    GenerationRequest,
    Job,
    JobState,
    Mode,
    ModelInfo,
    Region,
    Result,
    SamplerInfo,
    WorkerState,
    WorkerStatus,
)
from scumble.link.wire import Frame, encode, read_frame

if TYPE_CHECKING:  # serve_small.py runs without the desk's folder
    from desk import Desk

Answer = tuple[dict[str, Any], tuple[bytes, ...]]

CAPABILITIES = Capabilities(
    models=(
        ModelInfo("starter", "Starter", "sd", 512, tuple(Mode), ("euler", "ddim"), "ddim", 12, 4.0),
        ModelInfo("texts", "Texts", "sd", 512, (Mode.TEXT_TO_IMAGE,), ("euler",), "euler", 20, 7.0),
    ),
    samplers=(SamplerInfo("euler", "Euler"), SamplerInfo("ddim", "DDIM")),
)
PLACE = Region(310, 210, 4, 3)  # of the results that `finish` makes


class SmallDaemon:
    """Serves until `stop`. `received` holds every request; `refuse[type]` is raised for it."""

    def __init__(self, home: Home, boot_id: str = "boot-1") -> None:
        self.boot_id = boot_id
        self.protocol = PROTOCOL
        self.token = auth.new_token()
        self.received: list[Frame] = []
        self.refuse: dict[str, ScumbleError] = {}
        self.before_answer: dict[str, Callable[[], bool]] = {}  # true: no answer is sent
        self.greeting_events: list[Frame] = []
        self.capabilities: object = CAPABILITIES
        self.jobs: dict[str, Job] = {}
        self.blobs: dict[str, tuple[bytes, ...]] = {}
        self.pictures: dict[tuple[str, int], tuple[Result, bytes]] = {}
        self.most_results: int | None = None  # that a resume tells of, the oldest
        self._lock = threading.RLock()
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        port = self._listener.getsockname()[1]
        connection = Connection("127.0.0.1", port, self.token, os.getpid(), boot_id, PROTOCOL)
        write_connection(home, connection)

    # -- what the test does

    def drop(self) -> None:
        """Break all connections; the daemon itself goes on."""
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self._connections.clear()

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()

    def emit(self, kind: str, fields: dict[str, Any], blobs: tuple[bytes, ...] = ()) -> None:
        self.emit_raw(b"".join(encode({"type": kind, **fields}, blobs)))

    def emit_raw(self, data: bytes) -> None:
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.sendall(data)

    def move(self, job_id: str, state: JobState, error: ErrorInfo | None = None) -> None:
        with self._lock:
            self.jobs[job_id] = jobs.move(self.jobs[job_id], state, error)
            self.emit("job", {"job": to_wire(self.jobs[job_id])})

    def add_result(self, job_id: str, index: int, region: Region, told: bool = True) -> Result:
        """A grey picture lies in the store."""
        result = Result(job_id, index, region, f"{job_id}-{index}", {"prompt": "old", "seed": 9})
        with self._lock:
            self.pictures[job_id, index] = (result, b"\x80" * (4 * region.size.pixels))
            self.jobs[job_id] = jobs.with_result(self.jobs[job_id], index)
            if told:
                self.emit("result", {"result": to_wire(replace(result, metadata={}))})
        return result

    def add_waiting(self, count: int) -> list[str]:
        """As many jobs of an earlier session, each with a picture that nobody has pasted."""
        names = [f"old-{number}" for number in range(count)]
        for name in names:
            self.jobs[name] = Job(name, "editor", JobState.DONE, 1, None, "blue pear", "one")
            self.add_result(name, 0, PLACE, told=False)
        return names

    def finish(self, job_id: str, count: int = 1) -> None:
        """What a worker would do: run, lay results into the store, be done."""
        self.move(job_id, JobState.RUNNING)
        for index in range(count):
            self.add_result(job_id, index, PLACE)
        self.move(job_id, JobState.DONE)

    def requests(self, kind: str) -> list[Frame]:
        return [frame for frame in list(self.received) if frame.type == kind]

    def last_request(self) -> GenerationRequest:
        """The last request that came."""
        return from_wire(GenerationRequest, self.requests("submit")[-1].header["request"])

    def acknowledged(self) -> list[tuple[str, int]]:
        frames = self.requests("acknowledge")
        return [(frame.header["job_id"], frame.header["index"]) for frame in frames]

    # -- the protocol

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, ScumbleError):
            self._greet(connection)
            while (frame := read_frame(connection.recv)) is not None:
                self.received.append(frame)
                if self.before_answer.get(frame.type, lambda: False)():
                    continue
                with self._lock:
                    header, blobs = self._reply(frame)
                    for event in self.greeting_events if frame.type == "hello" else ():
                        connection.sendall(b"".join(encode(event.header)))
                    connection.sendall(
                        b"".join(encode({**header, "to": frame.header["id"]}, blobs))
                    )
                    if frame.type == "hello":
                        self._connections.append(connection)
        connection.close()

    def _greet(self, connection: socket.socket) -> None:
        assert connection.recv(len(MAGIC), socket.MSG_WAITALL) == MAGIC
        greet = read_frame(connection.recv)
        assert greet is not None
        theirs, mine = greet.header["nonce"], auth.new_nonce()
        proof = auth.proof(self.token, auth.SERVER, mine, theirs)
        connection.sendall(b"".join(encode({"type": "challenge", "nonce": mine, "proof": proof})))
        prove = read_frame(connection.recv)
        assert prove is not None
        assert auth.verify(self.token, auth.CLIENT, mine, theirs, prove.header["proof"])
        connection.sendall(b"".join(encode({"type": "reply"})))

    def _reply(self, frame: Frame) -> Answer:
        try:
            if frame.type in self.refuse:
                raise self.refuse[frame.type]
            fields, blobs = getattr(self, f"_on_{frame.type}")(frame)
        except ScumbleError as error:
            return {"type": "error", "error": to_wire(error.info)}, ()
        return {"type": "reply", **fields}, blobs

    def _on_hello(self, frame: Frame) -> Answer:
        if frame.header["protocol"] != self.protocol:
            raise ScumbleError(ErrorCode.VERSION_MISMATCH, "The backend is another version.")
        return {"protocol": self.protocol, "boot_id": self.boot_id, "pid": os.getpid()}, ()

    def _on_resume(self, frame: Frame) -> Answer:
        going = [to_wire(job) for job in self.jobs.values() if not jobs.is_over(job)]
        waiting = [
            to_wire(replace(result, metadata={}))
            for (job_id, index), (result, _) in self.pictures.items()
            if index in self.jobs[job_id].unacknowledged
        ]
        return {"jobs": going, "results": waiting[: self.most_results]}, ()

    def _on_claim(self, frame: Frame) -> Answer:
        return {}, ()

    def _on_capabilities(self, frame: Frame) -> Answer:
        return {"capabilities": to_wire(self.capabilities)}, ()

    def _on_status(self, frame: Frame) -> Answer:
        return {"worker": to_wire(WorkerStatus(WorkerState.READY)), "jobs": 0, "clients": 1}, ()

    def _on_jobs(self, frame: Frame) -> Answer:
        return {"jobs": [to_wire(job) for job in list(self.jobs.values())[-100:]]}, ()

    def _on_estimate(self, frame: Frame) -> Answer:
        return {"seconds": 12.5}, ()

    def _on_submit(self, frame: Frame) -> Answer:
        request = from_wire(GenerationRequest, frame.header["request"])
        if request.id not in self.jobs:
            self.jobs[request.id] = Job(
                request.id, "editor", JobState.QUEUED, 1, None, request.prompt, request.document
            )
            self.blobs[request.id] = frame.blobs
        return {"job": to_wire(self.jobs[request.id])}, ()

    def _on_cancel(self, frame: Frame) -> Answer:
        job = self._job(frame)
        if not jobs.is_over(job):
            self.jobs[job.id] = job = jobs.move(job, JobState.CANCELLED)
        return {"job": to_wire(job)}, ()

    def _on_results(self, frame: Frame) -> Answer:
        job = self._job(frame)
        return {
            "results": [to_wire(r) for (id, _), (r, _) in self.pictures.items() if id == job.id]
        }, ()

    def _on_fetch(self, frame: Frame) -> Answer:
        result, pixels = self.pictures[frame.header["job_id"], frame.header["index"]]
        return {"result": to_wire(result)}, (pixels,)

    def _on_acknowledge(self, frame: Frame) -> Answer:
        job = jobs.without_result(self._job(frame), frame.header["index"])
        self.jobs[job.id] = job
        return {"job": to_wire(job)}, ()

    def _job(self, frame: Frame) -> Job:
        job = self.jobs.get(frame.header["job_id"])
        if job is None:
            raise bad_request("There is no such job.")
        return job


def submitted(desk: Desk, daemon: SmallDaemon, form: Form | None = None) -> GenerationRequest:
    """What the artist starts, once the daemon has it."""
    request = desk.start(form)
    desk.until(lambda: request.id in daemon.jobs)
    return request
