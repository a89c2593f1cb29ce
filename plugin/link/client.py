"""The editor's end of the connection: it never blocks and it comes back by itself.

A reader thread connects (starting the daemon when none is there), says hello
and resume, and reads; a writer thread sends, so that a snapshot of 30 MB does
not hold up whoever asks. Everything is handed over by the injected `post`,
which runs a function on the editor's main thread.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Callable, Deque, Dict, Mapping, Optional, Sequence, Tuple

from .channel import Channel, DisconnectedError, Reply, open_channel, raise_error, read_error
from .encoding import to_wire
from .errors import ScumbleError
from .home import Home, Install, read_connection
from .launch import reach
from .wire import Buffer, Frame, WireError

OnEvent = Callable[[str, Dict[str, Any], Tuple[bytes, ...]], None]
Post = Callable[[Callable[[], None]], None]

_DELAYS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)  # seconds before each further attempt
_STABLE_SECONDS = 5.0  # a connection that held this long begins the delays anew
_JOIN_SECONDS = 1.0


@dataclass
class _Request:
    id: int
    header: Dict[str, Any]
    blobs: Sequence[Buffer]
    future: Future[Reply]


class Client:
    """One editor's connection to the daemon.

    on_event(type, fields, blobs) gets the protocol's events and two of its own:
    `connection` {state: "connecting" | "ready" | "lost", error: ErrorInfo or
    absent} and, after each ready, `resumed` {jobs, results, boot_id, new_boot}
    (new_boot: another daemon than before answered). Of a job's progress only
    the newest is kept while the main thread is busy.
    """

    def __init__(
        self,
        home: Home,
        client_id: str,
        name: str,
        on_event: OnEvent,
        post: Post,
        install: Optional[Install] = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.home = home
        self.client_id = client_id
        self.name = name
        self.on_event = on_event
        self._post = post
        self._install = install
        self._environ = environ
        self._ids = itertools.count(1)
        self._changed = threading.Condition()
        self._waiting: Deque[_Request] = deque()
        self._sent: Dict[int, _Request] = {}
        self._progress: Dict[str, Frame] = {}
        self._channel: Optional[Channel] = None
        self._closed = False
        self._boot_id = ""
        self._resume_id = 0
        self._resumed: Dict[str, Any] = {}
        self._reader = threading.Thread(target=self._run, name="scumble-reader", daemon=True)

    def start(self) -> None:
        """Begin to connect. Call once."""
        self._reader.start()

    def request(
        self, kind: str, fields: Optional[Dict[str, Any]] = None, blobs: Sequence[Buffer] = ()
    ) -> Future[Reply]:
        """Send a request; its future ends with the Reply or a ScumbleError, by way of `post`.

        Asked for while there is no connection, it waits for the attempt that is
        under way or begins one at once. DisconnectedError: it was sent, and the
        connection went before the answer came. Cancelled: the client was closed.
        """
        future: Future[Reply] = Future()
        header = {"type": kind, "id": next(self._ids), **(fields or {})}
        with self._changed:
            if self._closed:
                future.cancel()
                return future
            self._waiting.append(_Request(header["id"], header, blobs, future))
            self._changed.notify_all()
        return future

    def close(self) -> None:
        """End the connection and both threads; futures that are not done are cancelled."""
        self._abandon()
        if self._reader.is_alive() and self._reader is not threading.current_thread():
            self._reader.join(_JOIN_SECONDS)

    def _abandon(self) -> None:
        with self._changed:
            self._closed = True
            channel = self._channel
            left = [*self._sent.values(), *self._waiting]
            self._sent.clear()
            self._waiting.clear()
            self._changed.notify_all()
        if channel is not None:
            channel.close()
        for request in left:
            request.future.cancel()

    # -- the reader thread

    def _run(self) -> None:
        try:
            self._keep_connected()
        finally:  # also when the editor's `post` raises: nobody may wait for ever
            self._abandon()

    def _keep_connected(self) -> None:
        attempt = 0
        while not self._closed:
            began = time.monotonic()
            self._tell("connection", {"state": "connecting"})
            error = self._connect_and_read()
            if self._closed:
                return
            self._tell("connection", {"state": "lost", "error": to_wire(error.info)})
            stable = time.monotonic() - began > _STABLE_SECONDS and isinstance(
                error, DisconnectedError
            )
            attempt = 0 if stable else attempt + 1
            self._pause(_DELAYS[min(attempt, len(_DELAYS) - 1)])

    def _connect_and_read(self) -> ScumbleError:
        """Connect, then read until the connection is gone; what ended it."""
        try:
            channel = reach(self.home, self._install, self._environ, lambda: self._closed)
        except ScumbleError as error:
            self._fail(error, waiting_too=True)
            return error
        with self._changed:
            self._channel = channel
        try:
            self._greet(channel)
        except ScumbleError as error:
            self._drop(channel)
            self._fail(error, waiting_too=True)
            return error
        writer = threading.Thread(
            target=self._write, args=(channel,), name="scumble-writer", daemon=True
        )
        writer.start()
        lost = DisconnectedError(hint="It is being started again, and what was asked for goes on.")
        try:
            while not self._closed:
                self._dispatch(channel.receive())
        except ScumbleError:
            pass  # what was not yet sent waits for the next connection
        finally:
            self._drop(channel)
            writer.join()
            self._fail(lost, waiting_too=False)
        return lost

    def _drop(self, channel: Channel) -> None:
        channel.close()
        with self._changed:
            self._channel = None
            self._changed.notify_all()

    def _greet(self, channel: Channel) -> None:
        try:
            welcome = channel.hello(self.client_id, self.name)
        except WireError as error:
            raise DisconnectedError() from error
        channel.limit(None)
        boot_id = str(welcome.get("boot_id", ""))
        self._resumed = {"boot_id": boot_id, "new_boot": boot_id != self._boot_id}
        self._boot_id = boot_id
        self._resume_id = next(self._ids)
        channel.send({"type": "resume", "id": self._resume_id})
        self._tell("connection", {"state": "ready"})

    def _dispatch(self, frame: Frame) -> None:
        if frame.type not in ("reply", "error"):
            self._event(frame)
            return
        to = frame.header.get("to")
        if to == self._resume_id:
            raise_error(frame)
            self._tell("resumed", {**_fields(frame), **self._resumed})
            return
        with self._changed:
            request = self._sent.pop(to, None) if isinstance(to, int) else None
        if request is None:
            raise WireError("An answer to a question that nobody asked.")
        if frame.type == "error":
            self._settle(request.future, None, read_error(frame))
        else:
            self._settle(request.future, Reply(_fields(frame), frame.blobs), None)

    def _event(self, frame: Frame) -> None:
        if frame.type != "progress":
            self._tell(frame.type, _fields(frame), frame.blobs)
            return
        progress = frame.header.get("progress")
        job_id = str(progress.get("job_id")) if isinstance(progress, dict) else ""
        with self._changed:
            on_its_way = job_id in self._progress
            self._progress[job_id] = frame
        if not on_its_way:
            self._hand_over(lambda: self._newest_progress(job_id))

    def _newest_progress(self, job_id: str) -> None:
        with self._changed:
            frame = self._progress.pop(job_id)
        self.on_event(frame.type, _fields(frame), frame.blobs)

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, shorter when somebody asks for something."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, _DELAYS[0])
            self._changed.wait_for(lambda: self._closed or self._waiting, seconds - _DELAYS[0])

    # -- the writer thread

    def _write(self, channel: Channel) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._channel is not channel or self._waiting)
                if self._channel is not channel:
                    return
                request = self._waiting.popleft()
                self._sent[request.id] = request
            try:
                channel.send(request.header, request.blobs)
                request.blobs = ()  # the pixels are over there now
            except WireError as error:
                with self._changed:
                    self._sent.pop(request.id, None)
                self._settle(request.future, None, error)
            except DisconnectedError:
                channel.close()  # wakes the reader, which fails what was sent
                return

    # -- to the editor

    def _fail(self, error: ScumbleError, waiting_too: bool) -> None:
        with self._changed:
            failed = list(self._sent.values())
            self._sent.clear()
            if waiting_too:
                failed += self._waiting
                self._waiting.clear()
        for request in failed:
            self._settle(request.future, None, error)

    def _settle(
        self, future: Future[Reply], reply: Optional[Reply], error: Optional[ScumbleError]
    ) -> None:
        def settle() -> None:
            if not future.set_running_or_notify_cancel():
                return
            if error is not None:
                future.set_exception(error)
            elif reply is not None:
                future.set_result(reply)

        self._hand_over(settle)

    def _tell(self, kind: str, fields: Dict[str, Any], blobs: Tuple[bytes, ...] = ()) -> None:
        self._hand_over(lambda: self.on_event(kind, fields, blobs))

    def _hand_over(self, function: Callable[[], None]) -> None:
        def unless_closed() -> None:
            if not self._closed:
                function()

        self._post(unless_closed)


def call(
    home: Home,
    kind: str,
    fields: Optional[Dict[str, Any]] = None,
    blobs: Sequence[Buffer] = (),
    client_id: str = "command-line",
    name: str = "command line",
    start: bool = True,
    install: Optional[Install] = None,
) -> Reply:
    """One request and its reply, waited for; for the command line.

    start: whether a daemon is started when none answers, else DisconnectedError is
    raised. Raises ScumbleError.
    """
    if start:
        channel = reach(home, install)
    else:
        connection = read_connection(home)
        if connection is None:
            raise DisconnectedError("Scumble's backend is not running.")
        channel = open_channel(connection)
    try:
        channel.hello(client_id, name)
        channel.limit(None)
        channel.send({"type": kind, "id": 1, **(fields or {})}, blobs)
        while True:
            frame = channel.receive()
            if frame.header.get("to") == 1:
                raise_error(frame)
                return Reply(_fields(frame), frame.blobs)
    finally:
        channel.close()


def _fields(frame: Frame) -> Dict[str, Any]:
    return {key: value for key, value in frame.header.items() if key not in ("type", "to")}
