"""Real daemons in processes of their own, and a plain client, for tests that need both."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from scumble.link.channel import Channel, Reply, open_channel, raise_error
from scumble.link.encoding import from_wire, to_wire
from scumble.link.home import Connection, Home, read_connection
from scumble.link.values import (
    GenerationRequest,
    Job,
    JobState,
    Mode,
    Region,
    Result,
    Size,
    WorkerState,
)
from scumble.link.wire import Frame

AREA = Region(4, 6, 10, 5)
PIXELS = bytes(range(200))
MASK = bytes(5 * [0] + 45 * [255])
SECONDS = 60.0  # nothing here takes longer, on any machine
FAKE_WORKER = """
import os
os.environ["SCUMBLE_ENGINE"] = "fake"
import scumble.worker
scumble.worker.main()
"""
# for `running`: the real list of models, and a worker that needs none of them
REAL_LIST = {"command": f"[sys.executable, '-c', {FAKE_WORKER!r}]", "SCUMBLE_ENGINE": "real"}
# for `running`: a daemon that cannot list its models
NO_LIST = {"prelude": "import scumble.server as s; s.offer = lambda home: lambda: 1 / 0\n"}
SERVE = """
import sys
from scumble.link.home import find_home
from scumble.server import Options, serve
from scumble.supervisor import Patience
sys.exit(serve(find_home(), {command}, {options}))
"""


class Daemon:
    """A daemon with the fake engine, started in a process of its own."""

    def __init__(
        self,
        home: Home,
        options: str = "Options()",
        command: str = "None",
        prelude: str = "",
        **environ: str,
    ) -> None:
        """options, command: source of what `serve` gets. prelude: code that runs before it."""
        environ = {**os.environ, "SCUMBLE_HOME": str(home.path), **environ}
        environ.setdefault("SCUMBLE_ENGINE", "fake")
        self.home = home
        self.log = home.path / "printed.log"
        home.create()
        with open(self.log, "ab") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-c", prelude + SERVE.format(command=command, options=options)],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
            )

    def connection(self) -> Connection:
        """What it advertises, as soon as it does."""

        def advertised() -> Connection | None:
            assert self.process.poll() is None, self.log.read_text()
            found = read_connection(self.home)
            return found if found is not None and found.pid == self.process.pid else None

        return until(advertised)

    def connect(self, client_id: str = "editor") -> Client:
        client = Client(self.connection())
        client.hello(client_id)
        return client

    def kill(self) -> None:
        """As a power cut would: nobody is asked."""
        self.process.kill()
        self.process.wait(SECONDS)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@contextmanager
def running(home: Home, options: str = "Options()", **more: str) -> Iterator[Daemon]:
    daemon = Daemon(home, options, **more)
    try:
        yield daemon
    finally:
        daemon.kill()


class Client:
    """Asks one thing at a time and keeps all events in order."""

    def __init__(self, connection: Connection) -> None:
        self.channel: Channel = open_channel(connection)
        self.channel.limit(SECONDS)
        self.events: list[Frame] = []
        self._ids = itertools.count(1)

    def hello(self, client_id: str) -> dict[str, Any]:
        return self.channel.hello(client_id, "a test")

    def ask(self, kind: str, blobs: tuple[bytes, ...] = (), **fields: Any) -> Reply:
        """Raises ScumbleError for an error reply."""
        number = next(self._ids)
        self.channel.send({"type": kind, "id": number, **fields}, blobs)
        while True:
            frame = self.channel.receive()
            if frame.type in ("reply", "error"):
                assert frame.header["to"] == number
                raise_error(frame)
                return Reply(frame.header, frame.blobs)
            self.events.append(frame)

    def submit(self, request: GenerationRequest, *blobs: bytes) -> Job:
        return from_wire(Job, self.ask("submit", blobs, request=to_wire(request)).fields["job"])

    def cancel(self, job_id: str) -> Job:
        return from_wire(Job, self.ask("cancel", job_id=job_id).fields["job"])

    def job(self, job_id: str) -> Job:
        listed = self.ask("jobs", all=True).fields["jobs"]
        return next(job for job in (from_wire(Job, each) for each in listed) if job.id == job_id)

    def fetch(self, job_id: str, index: int) -> bytes:
        reply = self.ask("fetch", job_id=job_id, index=index)
        assert from_wire(Result, reply.fields["result"]).index == index
        return reply.blobs[0]

    def resume(self) -> tuple[list[Job], list[Result]]:
        fields = self.ask("resume").fields
        return (
            [from_wire(Job, each) for each in fields["jobs"]],
            [from_wire(Result, each) for each in fields["results"]],
        )

    def wait(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The first event, past or to come, that is wanted."""
        seen = 0
        while True:
            while seen < len(self.events):
                seen += 1
                if wanted(self.events[seen - 1]):
                    return self.events[seen - 1]
            self.events.append(self.channel.receive())

    def wait_for(self, job_id: str, state: JobState) -> Job:
        def reached(frame: Frame) -> bool:
            job = frame.header.get("job", {})
            return job.get("id") == job_id and job["state"] == state.value

        return from_wire(Job, self.wait(reached).header["job"])

    def wait_for_progress(self, job_id: str) -> Frame:
        return self.wait(
            lambda frame: frame.type == "progress" and frame.header["progress"]["job_id"] == job_id
        )

    def wait_for_worker(self, state: WorkerState) -> dict[str, Any]:
        """Until it is so, from now on or already."""
        until(lambda: self.ask("status").fields["worker"]["state"] == state.value)
        return dict(self.ask("status").fields["worker"])

    def states(self, job_id: str) -> list[str]:
        """All states that were told of this job, in order."""
        jobs = [frame.header["job"] for frame in self.events if frame.type == "job"]
        return [job["state"] for job in jobs if job["id"] == job_id]

    def close(self) -> None:
        self.channel.close()


def until(find: Callable[[], Any]) -> Any:
    """What `find` gives as soon as it gives something."""
    deadline = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found


def request(job_id: str, prompt: str = "a boat", **changes: Any) -> GenerationRequest:
    """A text to image request that the fake engine can carry out at once."""
    plain = GenerationRequest(
        id=job_id,
        mode=Mode.TEXT_TO_IMAGE,
        prompt=prompt,
        negative_prompt="",
        model="fake",
        sampler="euler",
        steps=4,
        guidance_scale=7.0,
        strength=1.0,
        seed=1,
        batch=1,
        canvas=Size(64, 48),
        region=Region(0, 0, 16, 8),
        document="picture.kra",
    )
    return replace(plain, **changes)


def inpaint(job_id: str, **changes: Any) -> GenerationRequest:
    """One that PIXELS and MASK fit."""
    return request(job_id, mode=Mode.INPAINT, region=AREA, **changes)


def home_in(folder: Path) -> Home:
    return Home(folder / "home")
