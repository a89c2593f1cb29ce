from __future__ import annotations

import threading

import pytest

from scumble import outbox as outbox_module
from scumble.link.wire import Buffer, Decoder, WireError
from scumble.outbox import Outbox


def read(buffers: list[Buffer] | None) -> dict[str, object]:
    assert buffers is not None
    decoder = Decoder()
    for buffer in buffers:
        decoder.feed(buffer)
    (frame,) = decoder.frames()
    return {**frame.header, "blobs": frame.blobs}


def test_messages_leave_in_the_order_they_came() -> None:
    outbox = Outbox()
    for number in range(5):
        outbox.put({"type": "job", "number": number})
    assert [read(outbox.take())["number"] for _ in range(5)] == [0, 1, 2, 3, 4]


def test_newer_progress_takes_the_place_of_older() -> None:
    outbox = Outbox()
    outbox.put({"type": "progress", "step": 1}, [b"old"], key="a")
    outbox.put({"type": "progress", "step": 1}, key="b")
    outbox.put({"type": "job", "state": "running"})
    outbox.put({"type": "progress", "step": 2}, [b"new"], key="a")
    outbox.put({"type": "job", "state": "done"})
    outbox.close()
    taken = []
    while (buffers := outbox.take()) is not None:
        taken.append(read(buffers))
    assert taken == [
        {"type": "progress", "step": 2, "blobs": (b"new",)},
        {"type": "progress", "step": 1, "blobs": ()},
        {"type": "job", "state": "running", "blobs": ()},
        {"type": "job", "state": "done", "blobs": ()},
    ]


def test_progress_after_one_that_has_left_is_sent_too() -> None:
    outbox = Outbox()
    for step in (1, 2):
        outbox.put({"type": "progress", "step": step}, key="a")
        assert read(outbox.take())["step"] == step


def test_one_who_never_reads_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MAX_WAITING", 3)
    outbox = Outbox()
    assert all(outbox.put({"type": "job"}) for _ in range(3))
    assert not outbox.put({"type": "job"})


def test_a_message_that_is_none_is_refused_to_whoever_sends_it() -> None:
    with pytest.raises(WireError):
        Outbox().put({"type": "job", "seconds": float("nan")})


def test_questions_wait_until_answers_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "MAX_REPLY_BYTES", 1000)
    outbox = Outbox()
    outbox.put({"type": "reply"}, [bytes(2000)])
    asked = threading.Event()

    def ask() -> None:
        outbox.wait_for_room()
        asked.set()

    threading.Thread(target=ask, daemon=True).start()
    assert not asked.wait(0.05)
    outbox.take()
    assert asked.wait(10)
