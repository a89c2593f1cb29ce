"""Clients that are slow, silent, dead or no clients at all: they hold nobody else up."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from daemons import Client, Daemon, home_in, request, running, until

from scumble.link import auth
from scumble.link.encoding import to_wire
from scumble.link.home import Connection
from scumble.link.protocol import HANDSHAKE_SLOTS, MAGIC, MAX_FRAME
from scumble.link.values import JobState, Region
from scumble.link.wire import encode, read_frame

GREET = b"".join(encode({"type": "greet", "nonce": auth.new_nonce()}))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(home_in(tmp_path_factory.mktemp("daemon"))) as daemon:
        yield daemon


def dial(connection: Connection) -> socket.socket:
    sock = socket.create_connection((connection.host, connection.port), timeout=20)
    sock.settimeout(20)
    return sock


def says_until_it_hangs_up(sock: socket.socket) -> bytes:
    said = b""
    try:
        while data := sock.recv(4096):
            said += data
    except ConnectionResetError:
        pass
    return said


@pytest.mark.parametrize(
    "bytes_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\0" * 100,
        MAGIC[:-1] + b"2",
        b"",
    ],
    ids=["a browser", "zeros", "another version", "nothing"],
)
def test_a_stranger_hears_nothing(daemon: Daemon, bytes_: bytes) -> None:
    with dial(daemon.connection()) as sock:
        sock.sendall(bytes_)
        if not bytes_:
            sock.shutdown(socket.SHUT_WR)
        assert says_until_it_hangs_up(sock) == b""


@pytest.mark.parametrize(
    "bytes_",
    [
        struct.pack(">II", 1025, 10),
        struct.pack(">II", 2**32 - 1, 2**32 - 1),
        struct.pack(">II", 10, 6) + b"nojson",
        b"".join(encode({"type": "prove", "proof": "ab" * 32})),
        b"".join(encode({"type": "greet", "nonce": "short"})),
        b"".join(encode({"type": "greet", "nonce": 5})),
        b"".join(encode({"type": "hello", "id": 1, "protocol": 1, "client_id": "x", "name": ""})),
    ],
)
def test_a_bad_handshake_gets_one_error_and_the_end(daemon: Daemon, bytes_: bytes) -> None:
    with dial(daemon.connection()) as sock:
        sock.sendall(MAGIC + bytes_)
        said = says_until_it_hangs_up(sock)
    total, length = struct.unpack(">II", said[:8])
    assert json.loads(said[8 : 8 + length])["error"]["code"] == "bad_request"
    assert len(said) == 4 + total < 1024


def test_the_daemon_proves_itself_first_and_wants_a_proof_in_turn(daemon: Daemon) -> None:
    connection = daemon.connection()
    nonce = auth.new_nonce()
    with dial(connection) as sock:
        sock.sendall(MAGIC + b"".join(encode({"type": "greet", "nonce": nonce})))
        challenge = read_frame(sock.recv)
        assert challenge is not None
        theirs, given = challenge.header["nonce"], challenge.header["proof"]
        assert auth.verify(connection.token, auth.SERVER, theirs, nonce, given)
        # sent back to its maker it proves nothing
        sock.sendall(b"".join(encode({"type": "prove", "proof": given})))
        refused = read_frame(sock.recv)
        assert refused is not None
        assert refused.header["error"]["code"] == "auth_failed"


def test_those_who_say_nothing_are_sent_away_and_their_slots_come_back(daemon: Daemon) -> None:
    connection = daemon.connection()
    client = daemon.connect()
    silent = [dial(connection) for _ in range(HANDSHAKE_SLOTS)]
    with dial(connection) as one_too_many:
        assert says_until_it_hangs_up(one_too_many) == b""
    assert client.ask("status").fields["clients"] == 1  # those who are in notice nothing
    for sock in silent:
        assert says_until_it_hangs_up(sock) == b""
        sock.close()
    daemon.connect().close()
    client.close()


def test_a_frame_beyond_the_limit_ends_the_connection_before_it_is_sent(daemon: Daemon) -> None:
    client, other = daemon.connect("greedy"), daemon.connect("modest")
    client.channel._socket.sendall(struct.pack(">II", MAX_FRAME + 1, 10))
    error = client.channel.receive()
    while error.type != "error":
        error = client.channel.receive()
    assert error.header["error"]["code"] == "bad_request"
    assert error.header["to"] is None
    other.ask("status")
    other.close()


def test_one_who_does_not_read_holds_nobody_up_and_loses_nothing(tmp_path: Path) -> None:
    with running(home_in(tmp_path)) as daemon:
        slow, quick = daemon.connect("slow"), daemon.connect("quick")
        slow.submit(request("large", region=Region(0, 0, 1500, 1000)))
        slow.wait_for("large", JobState.DONE)
        for number in range(10):  # 60 MB of answers that nobody takes
            slow.channel.send({"type": "fetch", "id": 100 + number, "job_id": "large", "index": 0})
        for number in range(5):
            slow.channel.send(
                {
                    "type": "submit",
                    "id": 200 + number,
                    "request": to_wire(request(f"slow-{number}")),
                }
            )
        quick.submit(request("quick"))
        quick.wait_for("quick", JobState.DONE)
        until(lambda: quick.ask("jobs", all=True).fields["jobs"][-1]["id"] == "slow-4")
        until(lambda: quick.job("slow-4").state is JobState.DONE)
        slow.wait_for("slow-4", JobState.DONE)
        answers = [frame for frame in slow.events if frame.type == "reply"]
        assert [len(frame.blobs[0]) for frame in answers[:10]] == [6_000_000] * 10
        assert [frame.header["to"] for frame in answers] == [*range(100, 110), *range(200, 205)]
        for number in range(5):
            assert slow.states(f"slow-{number}") == ["queued", "loading", "running", "done"]


def test_one_who_vanishes_in_the_middle_of_a_message_leaves_nothing_behind(daemon: Daemon) -> None:
    client = daemon.connect("torn")
    client.channel._socket.sendall(struct.pack(">II", 1_000_000, 100) + b"{")
    client.close()
    other = daemon.connect("whole")
    until(lambda: other.ask("status").fields["clients"] == 1)
    assert other.ask("jobs", all=True).fields["jobs"] == []
    other.close()


def test_many_editors_at_once_all_get_their_pictures(tmp_path: Path) -> None:
    with running(home_in(tmp_path)) as daemon:
        clients: list[Client] = [daemon.connect(f"editor-{number}") for number in range(12)]
        for number, client in enumerate(clients):
            client.submit(request(f"job-{number}", seed=number))
        pictures = set()
        for number, client in enumerate(clients):
            client.wait_for(f"job-{number}", JobState.DONE)
            pictures.add(client.fetch(f"job-{number}", 0))
        assert len(pictures) == 12
