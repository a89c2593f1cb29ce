"""A session between a canvas in memory, a real client and a small real daemon."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, Document
from hypothesis import given
from hypothesis import strategies as st
from small_daemon import CAPABILITIES, SmallDaemon

from scumble.link import client as client_module
from scumble.link.canvas import PasteOutcome
from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError
from scumble.link.form import Action, Form
from scumble.link.geometry import union
from scumble.link.home import Home
from scumble.link.values import (
    GenerationRequest,
    Intent,
    Job,
    JobState,
    Mode,
    Progress,
    Region,
    Result,
    Size,
    WorkerState,
    WorkerStatus,
)

SELECTION = Region(300, 200, 100, 80)
PLACE = Region(310, 210, 4, 3)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def daemon(home: Home) -> Iterator[SmallDaemon]:
    daemon = SmallDaemon(home)
    yield daemon
    daemon.stop()


@pytest.fixture
def desk(home: Home, daemon: SmallDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(client_module, "_DELAYS", (0.01, 0.05))
    desk = Desk(home, environ={})
    yield desk
    desk.client.close()


def submitted(desk: Desk, daemon: SmallDaemon, form: Form | None = None) -> GenerationRequest:
    request = desk.start(form)
    desk.until(lambda: request.id in daemon.jobs)
    return request


def finish(daemon: SmallDaemon, job_id: str, count: int = 1) -> None:
    """What a worker would do: run, lay results into the store, be done."""
    daemon.move(job_id, JobState.RUNNING)
    for index in range(count):
        daemon.add_result(job_id, index, PLACE)
    daemon.move(job_id, JobState.DONE)


def acknowledged(daemon: SmallDaemon) -> list[tuple[str, int]]:
    frames = daemon.requests("acknowledge")
    return [(frame.header["job_id"], frame.header["index"]) for frame in frames]


def sent(daemon: SmallDaemon) -> GenerationRequest:
    return from_wire(GenerationRequest, daemon.requests("submit")[-1].header["request"])


# -- what is sent


@pytest.mark.parametrize(
    ("selection", "strength", "action", "mode", "blobs"),
    [
        (None, 1.0, Action.GENERATE, Mode.TEXT_TO_IMAGE, 0),
        (None, 0.5, Action.REFINE, Mode.IMAGE_TO_IMAGE, 1),
        (SELECTION, 1.0, Action.FILL, Mode.INPAINT, 2),
        (SELECTION, 0.5, Action.REFINE_SELECTION, Mode.INPAINT, 2),
    ],
)
def test_the_button_keeps_its_word(
    desk: Desk,
    daemon: SmallDaemon,
    selection: Region | None,
    strength: float,
    action: Action,
    mode: Mode,
    blobs: int,
) -> None:
    desk.canvas.open["one"].selection = selection
    form = Form(prompt="red apple", strength=strength)
    assert desk.session.action(form) is action
    desk.connect()
    request = submitted(desk, daemon, form)
    assert sent(daemon) == request
    assert (request.mode, request.document) == (mode, "one")
    pixels = request.region.size.pixels
    assert [len(blob) for blob in daemon.blobs[request.id]] == [4 * pixels, pixels][:blobs]
    assert (request.model, request.sampler) == ("starter", "ddim")


def test_without_a_document_the_button_generates_and_says_what_is_missing(desk: Desk) -> None:
    desk.canvas.front = None
    assert desk.session.action(Form()) is Action.GENERATE
    assert desk.refused(Form()).message == "No document is open."


def test_what_is_wrong_is_told_and_nothing_is_read_or_sent(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    desk.canvas.open["one"].selection = SELECTION
    assert desk.refused(Form(steps=0)).code is ErrorCode.BAD_REQUEST
    assert desk.refused(Form(strength=float("nan"))).code is ErrorCode.BAD_REQUEST
    assert desk.refused(Form(prompt="fig", model="gone")).code is ErrorCode.MODEL_MISSING
    assert desk.refused(Form(prompt="fig", model="texts")).code is ErrorCode.UNSUPPORTED
    assert (desk.canvas.snapshots, daemon.requests("submit"), desk.view.jobs) == (0, [], [])


def test_an_editor_that_raises_anything_is_one_sentence(desk: Desk) -> None:
    desk.canvas.open["one"].selection = SELECTION
    desk.canvas.broken = RuntimeError("wrapped C/C++ object has been deleted")
    error = desk.refused(Form())
    assert error.code is ErrorCode.INTERNAL
    assert error.hint


def test_a_snapshot_of_another_size_is_not_sent(
    desk: Desk, daemon: SmallDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.canvas.open["one"].selection = SELECTION
    whole = desk.canvas.snapshot
    for change in (
        {"mask": None},
        {"mask": b"\xff"},
        {"pixels": b"1234"},
        {"region": Region(0, 0, 1, 1)},
    ):
        monkeypatch.setattr(
            desk.canvas, "snapshot", lambda *a, change=change: replace(whole(*a), **change)
        )
        assert "another size" in desk.refused(Form()).message
    monkeypatch.setattr(
        desk.canvas,
        "snapshot",
        lambda region, _: replace(whole(region, True), mask=bytes(region.size.pixels)),
    )
    assert desk.refused(Form()).message == "The selection is empty."


def test_a_selection_of_empty_canvas_expands_unless_the_artist_says_otherwise(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    desk.canvas.open["one"] = Document(selection=SELECTION, alpha=0)
    assert desk.session.action(Form()).label == "Expand"
    expansion = desk.start(Form())
    assert (expansion.intent, expansion.model, expansion.sampler) == (
        Intent.EXPAND,
        "starter",
        "ddim",
    )
    assert desk.start(Form(intent=Intent.REMOVE)).intent is Intent.REMOVE
    desk.canvas.open["one"].alpha = 255
    assert desk.session.action(Form(prompt="pear")).label == "Fill"
    assert desk.start(Form(prompt="pear")).intent is Intent.FILL


def test_without_a_prompt_what_is_selected_is_removed_and_no_model_is_named(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    desk.canvas.open["one"] = Document(selection=SELECTION)
    assert desk.session.action(Form()).label == "Remove"
    request = desk.start(Form(seed=3))
    assert (request.intent, request.model, request.sampler) == (Intent.REMOVE, "", "")
    desk.until(lambda: request.id in daemon.jobs)
    assert sent(daemon) == request


def test_a_layer_marks_the_context_wherever_it_lies_now(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    form = Form(prompt="pear", marked_by="context")
    document = desk.canvas.open["one"] = Document(selection=SELECTION)
    for bounds in (Region(20, 30, 500, 400), Region(0, 0, 700, 600)):
        document.marks["context"] = bounds
        assert desk.start(form).region == union(bounds, SELECTION)


def test_a_layer_that_is_painted_on_while_the_picture_is_read_marks_what_it_did_before(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    document = desk.canvas.open["one"] = Document(selection=SELECTION)
    document.marks["context"] = Region(20, 30, 500, 400)
    settled = desk.session.settle(Form(prompt="pear", marked_by="context"))
    region = desk.session.region(settled)
    document.marks["context"] = Region(0, 0, 700, 600)
    assert desk.start(settled).region == region == union(Region(20, 30, 500, 400), SELECTION)


def test_without_a_selection_no_layer_is_looked_for(desk: Desk) -> None:
    form = Form(prompt="pear", marked_by="context")
    assert desk.session.settle(form) == form


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        ({}, "There is no layer “context” to mark the context."),
        ({"context": Region(0, 0, 0, 0)}, "The layer “context” marks nothing within the picture."),
        ({"context": Region(5000, 0, 9, 9)}, "The layer “context” marks nothing within"),
    ],
)
def test_a_context_layer_that_is_missing_or_empty_is_told_and_nothing_is_read(
    desk: Desk, daemon: SmallDaemon, marks: dict[str, Region], said: str
) -> None:
    desk.connect()
    desk.canvas.open["one"] = Document(selection=SELECTION, marks=marks)
    error = desk.refused(Form(prompt="pear", marked_by="context"))
    assert error.message.startswith(said)
    assert error.hint
    assert desk.canvas.snapshots == 0
    assert daemon.requests("submit") == []


def test_a_request_made_before_the_backend_is_there_is_sent_when_it_is(
    desk: Desk, daemon: SmallDaemon
) -> None:
    request = desk.start(Form(prompt="early"))
    assert desk.view.states_of(request.id) == ["queued"]
    desk.connect()
    desk.until(lambda: request.id in daemon.jobs)
    assert (sent(daemon).model, sent(daemon).sampler) == ("starter", "ddim")
    assert len(daemon.requests("submit")) == 1


def test_an_early_request_that_the_model_cannot_do_fails_when_the_models_are_known(
    desk: Desk, daemon: SmallDaemon
) -> None:
    request = desk.start(Form(model="gone"))
    desk.connect()
    assert desk.view.states_of(request.id) == ["queued", "failed"]
    assert [error.code for error in desk.view.errors] == [ErrorCode.MODEL_MISSING]


def test_an_early_request_can_be_cancelled(desk: Desk, daemon: SmallDaemon) -> None:
    request = desk.start()
    desk.session.cancel(request.id)
    desk.connect()
    assert desk.view.states_of(request.id) == ["queued", "cancelled"]
    assert daemon.requests("submit") == []


def test_without_a_backend_to_wait_for_an_early_request_fails(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.stop()
    request = desk.start()
    desk.client.start()
    desk.until(lambda: desk.view.errors)
    assert desk.view.states_of(request.id) == ["queued", "failed"]
    assert desk.view.errors[0].hint == "Run: python3 installer install"


def test_a_request_that_the_daemon_refuses_fails_with_its_sentence(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.refuse["submit"] = ScumbleError(ErrorCode.DISK_FULL, "Full.", "Free some.")
    desk.connect()
    request = desk.start()
    desk.until(lambda: desk.view.errors)
    assert desk.view.errors == [daemon.refuse["submit"].info]
    assert desk.view.states_of(request.id) == ["queued", "failed"]


# -- what comes back


def test_a_result_becomes_a_layer_and_is_acknowledged(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    finish(daemon, request.id)
    desk.until(lambda: acknowledged(daemon))
    name = "red apple (seed 7)"
    assert desk.canvas.open["one"].layers == {(request.id, 0): (name, PLACE, b"\x80" * 48)}
    assert desk.view.done[0][1] == name
    assert desk.view.done[0][0].metadata  # fetch brought it
    assert acknowledged(daemon) == [(request.id, 0)]
    assert desk.view.states_of(request.id)[-1] == "done"
    assert (desk.view.errors, desk.view.offered) == ([], [])


def test_each_of_a_batch_is_a_layer_with_its_own_seed(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon, Form(prompt="red apple", seed=7, batch=3))
    finish(daemon, request.id, 3)
    desk.until(lambda: len(acknowledged(daemon)) == 3)
    names = [name for name, _, _ in desk.canvas.open["one"].layers.values()]
    assert names == [f"red apple (seed {seed})" for seed in (7, 8, 9)]


def test_a_result_goes_where_it_was_asked_from_whatever_is_in_front(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    desk.canvas.open["two"] = Document()
    first = submitted(desk, daemon)
    desk.canvas.front = "two"
    second = submitted(desk, daemon)
    finish(daemon, second.id)
    finish(daemon, first.id)
    desk.until(lambda: len(acknowledged(daemon)) == 2)
    assert list(desk.canvas.open["one"].layers) == [(first.id, 0)]
    assert list(desk.canvas.open["two"].layers) == [(second.id, 0)]


def test_nothing_is_acknowledged_before_it_is_pasted(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    desk.canvas.broken = RuntimeError("no")
    finish(daemon, request.id)
    desk.until(lambda: desk.view.offered)
    assert desk.view.errors[-1].code is ErrorCode.INTERNAL
    assert acknowledged(daemon) == []
    desk.canvas.broken = None
    desk.session.paste_recovered(desk.session.recovered()[0])
    desk.until(lambda: acknowledged(daemon))
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    assert desk.view.offered == []


def test_a_closed_documents_result_waits_and_is_pasted_where_the_artist_wants(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    del desk.canvas.open["one"]
    desk.canvas.front = None
    finish(daemon, request.id)
    desk.until(lambda: desk.view.offered)
    (waiting,) = desk.session.recovered()
    assert desk.session.name_of(waiting) == "red apple (seed 7)"
    desk.session.paste_recovered(waiting)
    assert desk.view.errors[-1].message == "No document is open."
    desk.canvas.open["two"] = Document()
    desk.canvas.front = "two"
    desk.session.paste_recovered(waiting)
    desk.until(lambda: acknowledged(daemon))
    assert list(desk.canvas.open["two"].layers) == [(request.id, 0)]
    assert desk.session.recovered() == []


def test_an_earlier_sessions_results_are_offered_and_pasted_once(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.jobs["old"] = Job("old", "editor", JobState.DONE, 1, None, "blue pear", "one")
    daemon.add_result("old", 0, PLACE, told=False)
    desk.connect()
    desk.until(lambda: "old" in desk.session.jobs and desk.view.offered)
    (waiting,) = desk.view.offered
    assert desk.session.name_of(waiting) == "blue pear"
    assert desk.canvas.open["one"].layers == {}
    desk.session.paste_recovered(waiting)
    desk.session.paste_recovered(waiting)
    desk.until(lambda: acknowledged(daemon))
    assert [layer[0] for layer in desk.canvas.open["one"].layers.values()] == ["blue pear (seed 9)"]
    assert len(desk.view.done) == 1
    assert desk.view.offered == []


def test_a_layer_that_is_there_already_is_only_acknowledged(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.jobs["old"] = Job("old", "editor", JobState.DONE, 1, None, "blue pear", "one")
    daemon.add_result("old", 0, PLACE, told=False)
    desk.canvas.open["one"].layers["old", 0] = ("kept", PLACE, b"painted over")
    desk.connect()
    desk.until(lambda: "old" in desk.session.jobs and desk.view.offered)
    desk.session.paste_recovered(desk.view.offered[0])
    desk.until(lambda: acknowledged(daemon))
    assert desk.canvas.open["one"].layers["old", 0] == ("kept", PLACE, b"painted over")
    assert desk.view.done == []


def test_an_offer_can_be_discarded(desk: Desk, daemon: SmallDaemon) -> None:
    daemon.jobs["old"] = Job("old", "editor", JobState.DONE)
    daemon.add_result("old", 0, PLACE, told=False)
    desk.connect()
    desk.until(lambda: desk.view.offered)
    desk.session.discard_recovered(desk.view.offered[0])
    desk.until(lambda: acknowledged(daemon) == [("old", 0)])
    assert desk.view.offered == []
    assert daemon.requests("fetch") == []


def test_an_offer_that_another_editor_took_goes_away(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    daemon.jobs["theirs"] = Job("theirs", "editor", JobState.RUNNING)
    daemon.add_result("theirs", 0, PLACE)
    desk.until(lambda: desk.view.offered)
    daemon.jobs["theirs"] = replace(daemon.jobs["theirs"], unacknowledged=())
    daemon.move("theirs", JobState.DONE)
    desk.until(lambda: not desk.view.offered)
    assert desk.view.jobs == []  # it is not this session's


def test_a_picture_of_another_size_is_told_and_waits(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    result = daemon.add_result(request.id, 0, PLACE, told=False)
    daemon.pictures[request.id, 0] = (result, b"short")
    daemon.emit("result", {"result": to_wire(result)})
    desk.until(lambda: desk.view.errors)
    assert "another size" in desk.view.errors[0].message
    assert desk.canvas.open["one"].layers == {}
    assert acknowledged(daemon) == []


# -- cancel


def test_cancel_reaches_the_daemon_and_leaves_no_layer(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    daemon.move(request.id, JobState.RUNNING)
    daemon.add_result(request.id, 0, PLACE)  # it was just finished when cancel was pressed
    desk.session.cancel(request.id)
    desk.session.cancel(request.id)
    desk.until(lambda: acknowledged(daemon))
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "cancelled")
    assert desk.canvas.open["one"].layers == {}
    assert desk.view.errors == []
    asked = len(daemon.requests("cancel"))
    desk.session.cancel(request.id)
    desk.session.cancel("never heard of")
    assert len(daemon.requests("cancel")) == asked


def test_a_picture_that_is_on_its_way_when_cancel_is_pressed_is_not_pasted(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = submitted(desk, daemon, Form(prompt="red apple", batch=2))

    def press_cancel() -> bool:
        desk.main.post(lambda: desk.session.cancel(request.id))
        return False

    daemon.before_answer["fetch"] = press_cancel
    daemon.move(request.id, JobState.RUNNING)
    daemon.add_result(request.id, 0, PLACE)
    desk.until(lambda: acknowledged(daemon))
    assert len(daemon.requests("fetch")) == 1
    assert desk.canvas.open["one"].layers == {}
    assert (desk.view.done, desk.view.offered, desk.view.errors) == ([], [], [])


# -- a canvas that is busy


def test_a_busy_canvas_is_asked_again_and_nothing_is_acknowledged_before(
    desk: Desk, daemon: SmallDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect()
    request = submitted(desk, daemon, Form(prompt="red apple", seed=7, batch=2))
    asked: list[int] = []

    def busy(document: str, result: Result, pixels: bytes, name: str) -> PasteOutcome:
        asked.append(result.index)
        return PasteOutcome.BUSY

    with monkeypatch.context() as stroke:
        stroke.setattr(desk.canvas, "paste", busy)
        finish(daemon, request.id, 2)
        desk.until(lambda: asked == [0, 1])
        desk.session.paste_held()
        assert asked == [0, 1, 0, 1]
        daemon.drop()  # told again after the resume, it is not fetched again
        desk.connect(2)
        assert (acknowledged(daemon), desk.view.done, desk.view.offered) == ([], [], [])
    desk.session.paste_held()
    desk.until(lambda: len(acknowledged(daemon)) == 2)
    desk.session.paste_held()
    names = [name for name, _, _ in desk.canvas.open["one"].layers.values()]
    assert names == ["red apple (seed 7)", "red apple (seed 8)"]
    assert len(daemon.requests("fetch")) == 2


def test_a_document_that_closes_while_it_was_busy_leaves_an_offer(
    desk: Desk, daemon: SmallDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    busy: list[str] = []
    with monkeypatch.context() as stroke:
        stroke.setattr(desk.canvas, "paste", lambda *a: busy.append(a[0]) or PasteOutcome.BUSY)
        finish(daemon, request.id)
        desk.until(lambda: busy)
    desk.canvas.open = {"two": Document()}
    desk.session.paste_held()
    assert [result.job_id for result in desk.view.offered] == [request.id]
    assert (acknowledged(daemon), desk.view.errors) == ([], [])


# -- progress


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
    finish(daemon, request.id)
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


# -- estimates


def test_the_estimate_is_the_daemons_and_the_newest_question_wins(
    desk: Desk, daemon: SmallDaemon
) -> None:
    answers: list[tuple[int, float | None]] = []
    desk.session.estimate(Form(), lambda seconds: answers.append((0, seconds)))
    assert answers == [(0, None)]  # no connection: not known
    desk.connect()
    for number in range(1, 30):
        desk.session.estimate(
            Form(steps=number), lambda seconds, number=number: answers.append((number, seconds))
        )
    desk.until(lambda: len(answers) == 3)
    assert answers[1:] == [(1, 12.5), (29, 12.5)]
    assert len(daemon.requests("estimate")) == 2
    desk.session.estimate(Form(steps=0), lambda seconds: answers.append((99, seconds)))
    assert answers[-1] == (99, None)
    assert desk.view.errors == []
    assert desk.canvas.snapshots == 0


# -- the connection goes and comes back


def test_a_submission_that_was_lost_on_the_way_is_sent_again(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()

    def lose() -> bool:
        del daemon.before_answer["submit"]
        daemon.drop()
        return True

    daemon.before_answer["submit"] = lose
    request = desk.start()
    desk.until(lambda: request.id in daemon.jobs)
    finish(daemon, request.id)
    desk.until(lambda: acknowledged(daemon))
    assert len(daemon.requests("submit")) == 2
    assert desk.view.errors == []


def test_a_submission_that_arrived_though_its_answer_was_lost_is_not_sent_again(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()

    def lose_answer() -> bool:
        daemon._on_submit(daemon.requests("submit")[-1])
        daemon.drop()
        return True

    daemon.before_answer["submit"] = lose_answer
    request = desk.start()
    desk.connect(2)
    finish(daemon, request.id)
    desk.until(lambda: acknowledged(daemon))
    assert len(daemon.requests("submit")) == 1


def test_a_request_that_takes_the_connection_with_it_each_time_is_given_up(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()

    def lose() -> bool:
        daemon.drop()
        return True

    daemon.before_answer["submit"] = lose
    request = desk.start()
    desk.until(lambda: desk.view.errors)
    assert desk.view.states_of(request.id) == ["queued", "failed"]
    assert len(daemon.requests("submit")) == 3


def test_a_cancelled_submission_that_was_lost_is_not_sent_again(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    daemon.before_answer["submit"] = lambda: True
    daemon.before_answer["cancel"] = lambda: True
    request = desk.start()
    desk.until(lambda: daemon.requests("submit"))
    desk.session.cancel(request.id)
    desk.until(lambda: daemon.requests("cancel"))
    daemon.drop()
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "cancelled")
    assert len(daemon.requests("submit")) == 1


def test_a_cancel_that_was_lost_is_said_again(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)

    def lose() -> bool:
        del daemon.before_answer["cancel"]
        daemon.drop()
        return True

    daemon.before_answer["cancel"] = lose
    desk.session.cancel(request.id)
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "cancelled")
    assert len(daemon.requests("cancel")) == 2


def test_what_finished_while_the_connection_was_gone_is_pasted_afterwards(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    desk.until(lambda: not desk.session._submissions.ids)
    daemon.drop()
    finish(daemon, request.id)
    desk.until(lambda: acknowledged(daemon))
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "done")


def test_a_picture_that_was_lost_on_its_way_is_fetched_again(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = submitted(desk, daemon)

    def lose() -> bool:
        del daemon.before_answer["fetch"]
        daemon.drop()
        return True

    daemon.before_answer["fetch"] = lose
    finish(daemon, request.id)
    desk.until(lambda: acknowledged(daemon))
    assert len(daemon.requests("fetch")) == 2
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    assert (desk.view.errors, desk.view.offered) == ([], [])


def test_a_pasted_result_whose_acknowledgement_was_lost_is_not_pasted_again(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = submitted(desk, daemon)

    def lose() -> bool:
        del daemon.before_answer["acknowledge"]
        daemon.drop()
        return True

    daemon.before_answer["acknowledge"] = lose
    finish(daemon, request.id)
    desk.until(lambda: not daemon.jobs[request.id].unacknowledged)
    assert len(daemon.requests("acknowledge")) == 2
    assert len(daemon.requests("fetch")) == 1
    assert len(desk.view.done) == 1


def test_a_daemon_that_lost_its_journal_is_told_honestly(
    desk: Desk, daemon: SmallDaemon, home: Home
) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    desk.until(lambda: not desk.session._submissions.ids)
    daemon.stop()
    other = SmallDaemon(home, "boot-2")
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "failed")
    other.stop()
    assert "does not know this job" in desk.view.errors[-1].message
