"""Servers that misbehave on purpose: each is a function that is given the accepted socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType

from scumble.link import auth
from scumble.link.home import Connection, Home, write_connection
from scumble.link.protocol import MAGIC, PROTOCOL
from scumble.link.wire import encode, read_frame

TOKEN = "5c" * 32
Behaviour = Callable[[socket.socket], None]


class BadServer:
    """Advertises itself like a daemon and behaves as told; keeps all bytes it hears in `heard`."""

    def __init__(self, home: Home, behave: Behaviour) -> None:
        self.heard = bytearray()
        self.connections = 0
        self._behave = behave
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        write_connection(home, Connection("127.0.0.1", port, TOKEN, 1, "boot-bad", PROTOCOL))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._behave(connection)
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(65536):
                self.heard += data
        connection.close()

    def __enter__(self) -> BadServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()


def frame(**header: object) -> bytes:
    return b"".join(encode(dict(header)))


def handshake(connection: socket.socket, proof_token: str = TOKEN) -> None:
    """The server's half, up to and with its agreement."""
    connection.recv(len(MAGIC), socket.MSG_WAITALL)
    greet = read_frame(connection.recv)
    assert greet is not None
    nonce = auth.new_nonce()
    proof = auth.proof(proof_token, auth.SERVER, nonce, greet.header["nonce"])
    connection.sendall(frame(type="challenge", nonce=nonce, proof=proof))
    if proof_token == TOKEN:
        read_frame(connection.recv)
        connection.sendall(frame(type="reply"))


def welcome(connection: socket.socket) -> None:
    """Handshake, hello and resume, as they should be."""
    handshake(connection)
    for fields in ({"boot_id": "bad", "protocol": PROTOCOL}, {"jobs": [], "results": []}):
        request = read_frame(connection.recv)
        assert request is not None
        connection.sendall(frame(type="reply", to=request.header["id"], **fields))


def closes_at_once(connection: socket.socket) -> None:
    connection.close()


def closes_after_the_greeting(connection: socket.socket) -> None:
    connection.recv(len(MAGIC), socket.MSG_WAITALL)
    read_frame(connection.recv)
    connection.close()


def sends_garbage(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20)


def promises_a_giant_frame(connection: socket.socket) -> None:
    connection.sendall(b"\x7f\xff\xff\xff\x00\x00\x00\x10")


def sends_half_a_frame(connection: socket.socket) -> None:
    connection.sendall(frame(type="challenge", nonce="00")[:11])


def has_another_token(connection: socket.socket) -> None:
    handshake(connection, "6d" * 32)


def sends_our_nonce_back_as_its_own(connection: socket.socket) -> None:
    connection.recv(len(MAGIC), socket.MSG_WAITALL)
    greet = read_frame(connection.recv)
    assert greet is not None
    connection.sendall(frame(type="challenge", nonce=greet.header["nonce"], proof="0" * 64))


def refuses_us(connection: socket.socket) -> None:
    error = {"code": "busy", "message": "Too many.", "hint": "", "retryable": True}
    connection.recv(len(MAGIC), socket.MSG_WAITALL)
    read_frame(connection.recv)
    connection.sendall(frame(type="error", error=error))


def never_answers(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    threading.Event().wait(30)


STRANGERS = [
    closes_at_once,
    closes_after_the_greeting,
    sends_garbage,
    promises_a_giant_frame,
    sends_half_a_frame,
    has_another_token,
    sends_our_nonce_back_as_its_own,
    refuses_us,
    never_answers,
]


def leaves_after_the_handshake(connection: socket.socket) -> None:
    handshake(connection)
    connection.close()


def answers_hello_with_garbage(connection: socket.socket) -> None:
    handshake(connection)
    connection.sendall(b"\x00\x00\x00\x06\x00\x00\x00\x02[]")


def answers_hello_with_an_unreadable_error(connection: socket.socket) -> None:
    handshake(connection)
    connection.sendall(frame(type="error", to=0, error={"code": "nonsense"}))


RUDE_HOSTS = [
    leaves_after_the_handshake,
    answers_hello_with_garbage,
    answers_hello_with_an_unreadable_error,
]


def leaves_in_the_middle_of_an_answer(connection: socket.socket) -> None:
    welcome(connection)
    read_frame(connection.recv)
    connection.sendall(frame(type="reply", to=2)[:9])
    connection.close()


def answers_what_nobody_asked(connection: socket.socket) -> None:
    welcome(connection)
    read_frame(connection.recv)
    connection.sendall(frame(type="reply", to=9999))


def answers_with_garbage(connection: socket.socket) -> None:
    welcome(connection)
    read_frame(connection.recv)
    connection.sendall(b"\x00" * 64)


def answers_without_saying_to_whom(connection: socket.socket) -> None:
    welcome(connection)
    read_frame(connection.recv)
    connection.sendall(frame(type="reply", to=["x"]))


BAD_TALKERS = [
    leaves_in_the_middle_of_an_answer,
    answers_what_nobody_asked,
    answers_with_garbage,
    answers_without_saying_to_whom,
]


def reads_nothing(connection: socket.socket) -> None:
    welcome(connection)
    threading.Event().wait(30)
