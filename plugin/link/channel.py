"""A connected and authenticated socket that sends and receives frames; it blocks.

`open_channel` dials what the connection file advertises. Nothing but nonces is
sent before the server has proved that it knows the token.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import Any, Dict, Optional, Sequence, Tuple

from . import auth
from .encoding import from_wire
from .errors import ErrorCode, ErrorInfo, ScumbleError
from .home import Connection
from .protocol import HANDSHAKE_SECONDS, MAGIC, MAX_FRAME, MAX_FRAME_BEFORE_AUTH, PROTOCOL
from .wire import Buffer, Decoder, Frame, WireError, encode

RECEIVE_BYTES = 512 * 1024
REPLY_SECONDS = 5.0  # for the requests that every daemon answers at once


class DisconnectedError(ScumbleError):
    """The connection is gone; whether the other side acted on what was under way is not known."""

    def __init__(
        self,
        message: str = "The connection to Scumble's backend was lost.",
        hint: str = "It is being started again; try once more.",
    ) -> None:
        super().__init__(ErrorCode.BUSY, message, hint)


@dataclass(frozen=True)
class Reply:
    """The answer to one request: the reply's fields and blobs."""

    fields: Dict[str, Any]
    blobs: Tuple[bytes, ...] = ()


class Channel:
    """Frames over one socket. One thread may send while another receives."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._decoder = Decoder(MAX_FRAME_BEFORE_AUTH)
        self._sending = threading.Lock()

    def send(self, header: Dict[str, Any], blobs: Sequence[Buffer] = ()) -> None:
        """Raises WireError before anything was sent, DisconnectedError."""
        buffers = encode(header, blobs)
        try:
            with self._sending:
                for buffer in buffers:
                    self._socket.sendall(buffer)
        except OSError as error:
            raise DisconnectedError() from error

    def receive(self) -> Frame:
        """The next frame.

        Raises WireError, and DisconnectedError at the end or after the time limit.
        """
        while True:
            frame = self._decoder.next_frame()
            if frame is not None:
                return frame
            try:
                data = self._socket.recv(RECEIVE_BYTES)
            except OSError as error:
                raise DisconnectedError() from error
            if not data:
                raise DisconnectedError()
            self._decoder.feed(data)

    def limit(self, seconds: Optional[float]) -> None:
        """How long one send or receive may take; None: for ever."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Wakes a thread that is sending or receiving, too."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def authenticate(self, token: str) -> None:
        """Both sides prove the token.

        Raises ScumbleError (auth_failed), WireError, DisconnectedError.
        """
        nonce = auth.new_nonce()
        with self._sending:
            try:
                self._socket.sendall(MAGIC)
            except OSError as error:
                raise DisconnectedError() from error
        self.send({"type": "greet", "nonce": nonce})
        challenge = self.receive()
        raise_error(challenge)
        theirs = challenge.header.get("nonce")
        given = challenge.header.get("proof")
        if not isinstance(theirs, str) or not auth.verify(token, auth.SERVER, theirs, nonce, given):
            raise ScumbleError(
                ErrorCode.AUTH_FAILED, "What answered there is not this user's Scumble."
            )
        self.send({"type": "prove", "proof": auth.proof(token, auth.CLIENT, theirs, nonce)})
        raise_error(self.receive())
        self._decoder.max_frame = MAX_FRAME

    def hello(self, client_id: str, name: str) -> Dict[str, Any]:
        """The first request of a connection; its reply's fields. Raises ScumbleError."""
        self.send(
            {"type": "hello", "id": 0, "protocol": PROTOCOL, "client_id": client_id, "name": name}
        )
        welcome = self.receive()
        while welcome.type not in ("reply", "error"):  # an event that crossed the greeting
            welcome = self.receive()
        raise_error(welcome)
        return welcome.header


def open_channel(connection: Connection) -> Channel:
    """Connect and authenticate; what comes back has no time limit left but REPLY_SECONDS.

    Raises DisconnectedError (nobody is there), ScumbleError (auth_failed), WireError.
    """
    try:
        sock = socket.create_connection(
            (connection.host, connection.port), timeout=HANDSHAKE_SECONDS
        )
    except (OSError, OverflowError, ValueError) as error:  # a stale file may hold any port
        raise DisconnectedError("Scumble's backend is not running.") from error
    channel = Channel(sock)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.authenticate(connection.token)
        channel.limit(REPLY_SECONDS)
    except BaseException:
        channel.close()
        raise
    return channel


def raise_error(frame: Frame) -> None:
    """Raise the ScumbleError that an error frame carries."""
    if frame.type == "error":
        raise read_error(frame)


def read_error(frame: Frame) -> ScumbleError:
    try:
        return ScumbleError.from_info(from_wire(ErrorInfo, frame.header.get("error")))
    except ScumbleError:
        return WireError("The backend sent an error that cannot be read.")
