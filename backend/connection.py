"""One client's connection: prove who is there, then read requests and send what comes."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from scumble.link import auth
from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError, bad_request
from scumble.link.protocol import HANDSHAKE_SECONDS, MAGIC, MAX_FRAME, MAX_FRAME_BEFORE_AUTH
from scumble.link.wire import Decoder, Frame, WireError, encode
from scumble.outbox import Outbox
from scumble.routes import Routes, fields_of

log = logging.getLogger(__name__)

RECEIVE_BYTES = 512 * 1024
FLUSH_SECONDS = 1.0  # for what is still to be sent when the daemon leaves


class Connection:
    """A socket, a thread that reads (`serve`) and a thread that writes."""

    def __init__(self, sock: socket.socket) -> None:
        self.client_id = ""  # until it said hello
        self.asked: set[str] = set()  # the jobs that are its own to paste
        self._socket = sock
        self._decoder = Decoder(MAX_FRAME_BEFORE_AUTH)
        self._outbox = Outbox()
        self._writer = threading.Thread(target=self._write, name="to client", daemon=True)

    def authenticate(self, token: str, seconds: float = HANDSHAKE_SECONDS) -> bool:
        """Both sides prove the token; false when the other one did not in time.

        Until then the other side is a stranger: it can send 1 KiB a message
        and gets one error at most.
        """
        deadline = time.monotonic() + seconds
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self._receive_magic(deadline):
                return False
            theirs = self._expect("greet", deadline).get("nonce")
            if not isinstance(theirs, str) or not auth.is_nonce(theirs):
                raise bad_request("A nonce is 64 hexadecimal digits.")
            ours = auth.new_nonce()
            proof = auth.proof(token, auth.SERVER, ours, theirs)
            self._send_now({"type": "challenge", "nonce": ours, "proof": proof})
            given = self._expect("prove", deadline).get("proof")
            if not auth.verify(token, auth.CLIENT, ours, theirs, given):
                raise ScumbleError(ErrorCode.AUTH_FAILED, "The token is not this daemon's.")
            self._send_now({"type": "reply"})
        except ScumbleError as error:
            with contextlib.suppress(OSError):
                self._send_now({"type": "error", "error": to_wire(error.info)})
            return False
        except OSError:
            return False
        self._decoder.max_frame = MAX_FRAME
        self._socket.settimeout(None)
        return True

    def serve(self, routes: Routes, on_hello: Callable[[Connection], None]) -> bool:
        """Answer requests until the other side leaves; true when it asked for the daemon's end."""
        self._writer.start()
        try:
            while True:
                for frame in self._decoder.frames():
                    self._answer(routes, frame, on_hello)
                    if frame.type == "shutdown" and self.client_id:
                        return True
                data = self._socket.recv(RECEIVE_BYTES)
                if not data:
                    return False
                self._decoder.feed(data)
        except WireError as error:
            # where the next message begins is not known any more
            self._outbox.put({"type": "error", "to": None, "error": to_wire(error.info)})
            return False
        except OSError:
            return False

    def publish(self, kind: str, fields: dict[str, Any], blobs: Sequence[bytes]) -> None:
        """Send an event, some time. Of a job's progress only the newest is kept."""
        key = fields["progress"]["job_id"] if kind == "progress" else ""
        try:
            in_time = self._outbox.put({"type": kind, **fields}, blobs, key)
        except WireError as error:
            log.error("an event %s cannot be sent: %s", kind, error)
            return
        if not in_time:
            log.warning("client %s does not read; it may come back and resume", self.client_id)
            self._shut()

    def close(self) -> None:
        """Send what waits, for a moment, then leave. The writing thread ends."""
        self._outbox.close()
        if self._writer.is_alive():
            self._writer.join(FLUSH_SECONDS)
        self._shut()
        self._socket.close()

    def _answer(self, routes: Routes, frame: Frame, on_hello: Callable[[Connection], None]) -> None:
        to = frame.header.get("id")
        try:
            if isinstance(to, bool) or not isinstance(to, int):
                to = None
                raise bad_request("A request needs a whole number as its id.")
            if not self.client_id:
                if frame.type != "hello":
                    raise bad_request("The first request is hello.")
                self.client_id, fields = routes.hello(fields_of(frame))
                on_hello(self)
                blobs: Sequence[bytes] = ()
            else:
                fields, blobs = routes.answer(self, frame)
            self._outbox.put({"type": "reply", "to": to, **fields}, blobs)
        except ScumbleError as error:
            self._outbox.put({"type": "error", "to": to, "error": to_wire(error.info)})
        except Exception:
            log.exception("request %s failed", frame.type)
            info = ErrorInfo(
                ErrorCode.INTERNAL,
                "Scumble's backend stumbled over this request.",
                "The log, logs/daemon.log in Scumble's folder, says more.",
            )
            self._outbox.put({"type": "error", "to": to, "error": to_wire(info)})
        self._outbox.wait_for_room()

    def _write(self) -> None:
        try:
            while (buffers := self._outbox.take()) is not None:
                for buffer in buffers:  # without Nagle's delay the pieces leave as they come
                    self._socket.sendall(buffer)
        except OSError:
            self._outbox.close()
            self._shut()  # wakes the thread that reads

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _receive_magic(self, deadline: float) -> bool:
        received = b""
        while len(received) < len(MAGIC):
            data = self._receive_until(deadline, len(MAGIC) - len(received))
            received += data
            if not data or not MAGIC.startswith(received):
                return False
        return True

    def _expect(self, kind: str, deadline: float) -> dict[str, Any]:
        while (frame := self._decoder.next_frame()) is None:
            data = self._receive_until(deadline, MAX_FRAME_BEFORE_AUTH)
            if not data:
                raise ConnectionError
            self._decoder.feed(data)
        if frame.type != kind:
            raise bad_request(f"Expected {kind}.")
        return frame.header

    def _receive_until(self, deadline: float, size: int) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._socket.recv(size)

    def _send_now(self, header: dict[str, Any]) -> None:
        for buffer in encode(header):
            self._socket.sendall(buffer)
