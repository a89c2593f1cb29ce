"""The client against real sockets: good daemons, absent ones, and ones that misbehave."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import misbehaving
import pytest
from main_thread import MainThread
from misbehaving import BadServer, Behaviour
from small_daemon import SmallDaemon

from scumble.link import client as client_module
from scumble.link.channel import DisconnectedError
from scumble.link.client import Client, call
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.link.protocol import MAGIC
from scumble.link.wire import Frame, read_frame

Event = tuple[str, dict[str, Any], tuple[bytes, ...]]
NOT_INSTALLED: dict[str, str] = {}  # an environment that names no python


class Editor:
    """A client, what it was told, and the main thread it is told on."""

    def __init__(self, home: Home) -> None:
        self.main = MainThread()
        self.events: list[Event] = []
        self.client = Client(
            home,
            "editor",
            "Test",
            lambda *event: self.events.append(event),
            self.main.post,
            environ=NOT_INSTALLED,
        )

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [fields for name, fields, _ in self.events if name == kind]

    def states(self) -> list[str]:
        return [fields["state"] for fields in self.of("connection")]

    def until_resumed(self, times: int = 1) -> None:
        self.main.run_until(lambda: len(self.of("resumed")) >= times)

    def error_of(self, kind: str, blobs: tuple[bytes, ...] = ()) -> ScumbleError:
        future = self.client.request(kind, {}, blobs)
        self.main.run_until(future.done)
        error = future.exception()
        assert isinstance(error, ScumbleError)
        return error


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def editor(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Editor]:
    monkeypatch.setattr(client_module, "_DELAYS", (0.01, 0.05))
    editor = Editor(home)
    yield editor
    editor.client.close()


@pytest.fixture
def daemon(home: Home) -> Iterator[SmallDaemon]:
    daemon = SmallDaemon(home)
    yield daemon
    daemon.stop()


def test_hello_comes_first_and_resume_second(editor: Editor, daemon: SmallDaemon) -> None:
    editor.client.start()
    editor.until_resumed()
    assert [frame.type for frame in daemon.received] == ["hello", "resume"]
    assert daemon.received[0].header["client_id"] == "editor"
    assert editor.states() == ["connecting", "ready"]
    assert editor.of("resumed") == [
        {"jobs": [], "results": [], "boot_id": "boot-1", "new_boot": True}
    ]


def test_each_answer_finds_its_question(editor: Editor, daemon: SmallDaemon) -> None:
    editor.client.start()
    futures = [editor.client.request(kind) for kind in ("status", "capabilities", "estimate")]
    editor.main.run_until(lambda: all(future.done() for future in futures))
    keys = [set(future.result().fields) for future in futures]
    assert keys == [{"worker", "jobs", "clients"}, {"capabilities"}, {"seconds"}]


def test_an_error_reply_is_the_error_itself(editor: Editor, daemon: SmallDaemon) -> None:
    daemon.refuse["status"] = ScumbleError(ErrorCode.DISK_FULL, "Full.", "Free some.")
    editor.client.start()
    assert editor.error_of("status").info == daemon.refuse["status"].info


def test_futures_and_events_come_on_the_main_thread_only(
    editor: Editor, daemon: SmallDaemon
) -> None:
    threads: set[str] = set()
    editor.client.on_event = lambda *_: threads.add(threading.current_thread().name)
    editor.client.start()
    future = editor.client.request("status")
    future.add_done_callback(lambda _: threads.add(threading.current_thread().name))
    editor.main.run_until(future.done)
    assert threads == {threading.current_thread().name}


def test_events_that_cross_the_greeting_do_no_harm(editor: Editor, daemon: SmallDaemon) -> None:
    daemon.greeting_events.append(Frame({"type": "worker", "worker": {}}))
    editor.client.start()
    editor.until_resumed()


def test_a_large_snapshot_arrives_whole(editor: Editor, daemon: SmallDaemon) -> None:
    pixels = bytes(range(256)) * (120_000)  # 30 MB
    editor.client.start()
    future = editor.client.request("status", {}, [pixels, b"mask"])
    editor.main.run_until(future.done)
    assert daemon.requests("status")[0].blobs == (pixels, b"mask")


def test_what_is_too_large_fails_alone(editor: Editor, daemon: SmallDaemon) -> None:
    editor.client.start()
    assert editor.error_of("status", (b"",) * 9).code is ErrorCode.BAD_REQUEST
    future = editor.client.request("status")
    editor.main.run_until(future.done)
    assert future.exception() is None
    assert editor.states() == ["connecting", "ready"]


def test_asking_never_waits_for_a_daemon_that_does_not_read(home: Home, editor: Editor) -> None:
    with BadServer(home, misbehaving.reads_nothing):
        editor.client.start()
        editor.until_resumed()
        future = editor.client.request("submit", {}, [bytes(64 << 20)])
        editor.client.close()
        with pytest.raises(CancelledError):
            future.result(timeout=10)


@pytest.mark.parametrize("behave", misbehaving.STRANGERS, ids=lambda behave: behave.__name__)
def test_a_stranger_on_the_port_learns_nothing(
    home: Home, editor: Editor, behave: Behaviour
) -> None:
    with BadServer(home, behave) as stranger:
        editor.client.start()
        error = editor.error_of("submit", (b"secret pixels",))
        assert error.code is ErrorCode.UNSUPPORTED  # nobody is there, and nothing is installed
        assert error.info.hint == "Run: python3 installer install"
        editor.client.close()
        heard = bytes(stranger.heard)
    assert b"prove" not in heard
    assert b"secret" not in heard
    assert misbehaving.TOKEN.encode() not in heard


def test_a_stranger_hears_a_fresh_nonce_and_no_more(home: Home, editor: Editor) -> None:
    greetings: list[bytes] = []

    def listen(connection: Any) -> None:
        greetings.append(connection.recv(1 << 16, 0))
        connection.settimeout(0.3)
        while data := connection.recv(1 << 16):
            greetings[-1] += data

    with BadServer(home, listen):
        editor.client.start()
        editor.main.run_until(lambda: editor.states().count("lost") >= 2)
    nonces = set()
    for greeting in greetings[:2]:
        assert greeting.startswith(MAGIC)
        rest = greeting[len(MAGIC) :]
        pieces = iter([rest, b""])
        frame = read_frame(lambda _, pieces=pieces: next(pieces))
        assert frame is not None
        assert set(frame.header) == {"type", "nonce"}
        nonces.add(frame.header["nonce"])
    assert len(nonces) == 2


@pytest.mark.parametrize("behave", misbehaving.RUDE_HOSTS, ids=lambda behave: behave.__name__)
def test_a_host_that_ends_the_greeting_badly_fails_what_waits(
    home: Home, editor: Editor, behave: Behaviour
) -> None:
    with BadServer(home, behave):
        editor.client.start()
        assert editor.error_of("status").info.message
        assert "ready" not in editor.states()


@pytest.mark.parametrize("behave", misbehaving.BAD_TALKERS, ids=lambda behave: behave.__name__)
def test_a_host_that_talks_nonsense_is_left_and_its_answers_are_lost(
    home: Home, editor: Editor, behave: Behaviour
) -> None:
    with BadServer(home, behave) as host:
        editor.client.start()
        assert isinstance(editor.error_of("status"), DisconnectedError)
        editor.main.run_until(lambda: host.connections > 1)  # and tried again


def test_another_version_is_told_as_that(editor: Editor, daemon: SmallDaemon) -> None:
    daemon.protocol = 99
    editor.client.start()
    assert editor.error_of("status").code is ErrorCode.VERSION_MISMATCH
    editor.main.run_until(lambda: "lost" in editor.states())
    assert editor.of("connection")[1]["error"]["code"] == "version_mismatch"


def test_what_was_sent_fails_with_the_connection_and_the_next_one_works(
    editor: Editor, daemon: SmallDaemon
) -> None:
    daemon.before_answer["status"] = lambda: True
    editor.client.start()
    futures = [editor.client.request("status") for _ in range(3)]
    editor.main.run_until(lambda: len(daemon.requests("status")) == 3)
    daemon.drop()
    editor.main.run_until(lambda: all(future.done() for future in futures))
    assert all(isinstance(future.exception(), DisconnectedError) for future in futures)
    again = editor.client.request("capabilities")
    editor.main.run_until(again.done)
    assert again.exception() is None
    assert editor.states() == ["connecting", "ready", "lost", "connecting", "ready"]


def test_the_same_daemon_is_no_new_boot_and_another_is(
    home: Home, editor: Editor, daemon: SmallDaemon
) -> None:
    editor.client.start()
    editor.until_resumed()
    daemon.drop()
    editor.until_resumed(2)
    daemon.stop()
    other = SmallDaemon(home, "boot-2")
    editor.until_resumed(3)
    other.stop()
    assert [fields["new_boot"] for fields in editor.of("resumed")] == [True, False, True]


def test_a_question_asked_while_nobody_is_there_begins_an_attempt_at_once(
    home: Home, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_DELAYS", (0.01, 3600.0))
    editor.client.start()
    editor.main.run_until(lambda: editor.states() == ["connecting", "lost"])
    daemon = SmallDaemon(home)
    future = editor.client.request("status")
    editor.main.run_until(future.done)
    daemon.stop()
    assert future.exception() is None


def test_of_progress_only_the_newest_waits_for_a_busy_main_thread(
    editor: Editor, daemon: SmallDaemon
) -> None:
    editor.client.start()
    editor.until_resumed()
    for seq in range(40):
        for job in ("a", "b"):
            daemon.emit("progress", {"progress": {"job_id": job, "seq": seq}}, (b"preview",))
    daemon.emit("job", {"job": {}})
    daemon.emit("job", {"job": {}})
    editor.main.wait_posted(4)
    editor.main.run_all()
    assert [(kind, fields) for kind, fields, _ in editor.events[-4:]] == [
        ("progress", {"progress": {"job_id": "a", "seq": 39}}),
        ("progress", {"progress": {"job_id": "b", "seq": 39}}),
        ("job", {"job": {}}),
        ("job", {"job": {}}),
    ]
    assert editor.events[-4][2] == (b"preview",)


def test_closing_cancels_what_is_open_and_ends_the_threads(
    editor: Editor, daemon: SmallDaemon
) -> None:
    daemon.before_answer["status"] = lambda: True
    editor.client.start()
    sent = editor.client.request("status")
    editor.main.run_until(lambda: daemon.requests("status"))
    before = len(editor.events)
    editor.client.close()
    assert sent.cancelled()
    assert editor.client.request("status").cancelled()
    names = [thread.name for thread in threading.enumerate()]
    assert "scumble-reader" not in names
    assert "scumble-writer" not in names
    daemon.emit("worker", {"worker": {}})
    editor.main.run_all()
    assert len(editor.events) == before


def test_an_editor_whose_main_thread_is_gone_leaves_nobody_waiting(
    home: Home, daemon: SmallDaemon
) -> None:
    posted: list[Any] = []

    def post(function: Any) -> None:
        posted.append(function)
        if len(posted) > 1:
            raise RuntimeError("the application is gone")

    client = Client(home, "editor", "Test", lambda *_: None, post, environ=NOT_INSTALLED)
    silence = threading.excepthook
    threading.excepthook = lambda _: None
    try:
        client.start()
        future = client.request("status")
        with pytest.raises(CancelledError):
            future.result(timeout=20)
    finally:
        threading.excepthook = silence


def test_the_command_line_asks_and_waits(home: Home, daemon: SmallDaemon) -> None:
    assert call(home, "estimate").fields == {"seconds": 12.5}
    daemon.refuse["estimate"] = ScumbleError(ErrorCode.BUSY, "Later.")
    with pytest.raises(ScumbleError, match="Later"):
        call(home, "estimate")


def test_the_command_line_need_not_start_a_daemon(home: Home) -> None:
    with pytest.raises(DisconnectedError, match="not running"):
        call(home, "status", start=False)
