"""What a session is told, whatever it holds."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

from desk import Desk
from hypothesis import given
from hypothesis import strategies as st
from small_daemon import CAPABILITIES, PLACE, SmallDaemon, submitted

from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ErrorInfo
from scumble.link.form import Form
from scumble.link.home import Home
from scumble.link.values import (
    Job,
    JobState,
    Progress,
    Result,
    Size,
    WorkerState,
    WorkerStatus,
)


def test_progress_and_previews_are_shown_newest_only(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    daemon.move(request.id, JobState.RUNNING)

    def tell(seq: int, preview: bytes = b"", job_id: str = request.id) -> None:
        size = Size(2, 1) if preview else None
        progress = Progress(job_id, seq, seq, 20, 3.5, size)
        blobs = (preview,) if preview else ()
        daemon.emit("progress", {"progress": to_wire(progress)}, blobs)
        daemon.emit("worker", {"worker": to_wire(WorkerStatus(WorkerState.RUNNING))})
        count = len(desk.view.workers) + 1
        desk.until(lambda: len(desk.view.workers) == count)

    tell(2, b"rgbRGB")
    tell(1)
    tell(3, b"not six")
    tell(4, job_id="somebody else's")
    shown = [(progress.seq, preview) for progress, preview in desk.view.steps]
    assert shown == [(2, b"rgbRGB"), (3, b"")]
    assert desk.view.steps[1][0].preview is None
    daemon.move(request.id, JobState.QUEUED)  # tried again: it counts anew
    daemon.move(request.id, JobState.RUNNING)
    tell(0)
    assert [progress.seq for progress, _ in desk.view.steps] == [2, 3, 0]


def test_a_failure_is_told_once(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    error = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "Too large.", "Take a smaller one.", True)
    daemon.move(request.id, JobState.FAILED, error)
    daemon.emit("job", {"job": to_wire(replace(daemon.jobs[request.id], results=1))})
    daemon.emit("worker", {"worker": to_wire(WorkerStatus(WorkerState.READY, "seen"))})
    desk.until(lambda: desk.view.workers[-1].model == "seen")
    assert desk.view.errors == [error]


def test_events_that_cannot_be_read_or_are_unknown_change_nothing(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    daemon.emit("job", {"job": {"id": 7}})
    daemon.emit("weather", {"sun": True})
    desk.until(lambda: desk.view.errors)
    assert desk.view.errors[0].code is ErrorCode.BAD_REQUEST
    request = submitted(desk, daemon)
    daemon.finish(request.id)
    desk.until(lambda: desk.view.done)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)
VALID: dict[str, Any] = {
    "connection": {"state": "lost", "error": to_wire(ErrorInfo(ErrorCode.BUSY, "Later."))},
    "resumed": {
        "jobs": [to_wire(Job("j", "editor", JobState.RUNNING))],
        "results": [to_wire(Result("j", 0, PLACE, "blob"))],
    },
    "job": {"job": to_wire(Job("j", "editor", JobState.QUEUED))},
    "progress": {"progress": to_wire(Progress("j", 1, 1, 20, None, Size(2, 1)))},
    "result": {"result": to_wire(Result("j", 0, PLACE, "blob"))},
    "worker": {"worker": to_wire(WorkerStatus(WorkerState.READY))},
    "weather": {"sun": True},
}


@given(st.sampled_from(sorted(VALID)), st.data(), JSON, st.binary(max_size=8))
def test_no_event_whatever_it_holds_brings_the_editor_down(
    kind: str, data: st.DataObject, wrong: Any, blob: bytes
) -> None:
    desk = Desk(Home(Path("/nowhere")), environ={})
    fields = copy.deepcopy(VALID[kind])
    place = fields
    while data.draw(st.booleans(), "deeper"):
        inner = [value for value in place.values() if isinstance(value, dict) and value]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    place[data.draw(st.sampled_from(sorted(place)))] = wrong
    desk.session.handle("resumed", VALID["resumed"], ())
    desk.session.handle(kind, fields, (blob,))
    assert all(error.code is ErrorCode.BAD_REQUEST for error in desk.view.errors)


def test_models_and_the_workers_state_are_told_on_connection(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    assert desk.view.capabilities == [CAPABILITIES]
    assert desk.view.workers == [WorkerStatus(WorkerState.READY)]
    assert desk.view.states == ["connecting", "ready"]


def test_models_that_change_while_the_connection_holds_are_told(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    added = replace(CAPABILITIES.models[0], id="big", name="Big")
    daemon.capabilities = replace(CAPABILITIES, models=(*CAPABILITIES.models, added))
    daemon.emit("capabilities", {})
    desk.until(lambda: len(desk.view.capabilities) == 2)
    assert desk.view.capabilities[-1] == desk.session.capabilities == daemon.capabilities
    assert desk.start(Form(prompt="fig", model="big")).model == "big"
