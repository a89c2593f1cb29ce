"""What a session sends: the button, the canvas, early requests, estimates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import Desk, Document
from small_daemon import CAPABILITIES, SmallDaemon, submitted

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.form import Action, Form
from scumble.link.geometry import context_region, union
from scumble.link.values import (
    Intent,
    Mode,
    Region,
)

SELECTION = Region(300, 200, 100, 80)
STUMBLED = ScumbleError(ErrorCode.INTERNAL, "Stumbled.", "See the log.")


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
    assert daemon.last_request() == request
    assert (request.mode, request.document) == (mode, "one")
    pixels = request.region.size.pixels
    assert [len(blob) for blob in daemon.blobs[request.id]] == [4 * pixels, pixels][:blobs]
    assert (request.model, request.sampler) == ("starter", "ddim")


def test_what_is_read_fits_the_model_once_it_is_known(desk: Desk) -> None:
    desk.canvas.open["one"].selection = SELECTION
    early = desk.start(Form(prompt="fig"))
    assert early.region == context_region(SELECTION, early.canvas)
    small = replace(CAPABILITIES.models[0], native=128)
    desk.session.capabilities = replace(CAPABILITIES, models=(small,))
    request = desk.start(Form(prompt="fig"))
    assert request.region == context_region(SELECTION, request.canvas, native=128)
    assert request.region.width < early.region.width


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


def test_what_lies_round_a_subject_gets_another_background(desk: Desk) -> None:
    desk.connect()
    one = desk.canvas.open["one"] = Document(subject=Region(300, 200, 400, 600))
    one.selection = Region(0, 0, 1000, 800)
    beach = Form(prompt="a beach")
    assert desk.session.action(beach).label == "Replace background"
    request = desk.start(beach)
    assert (request.intent, request.prompt) == (Intent.REPLACE_BACKGROUND, "a beach")
    one.subject = None
    assert desk.session.action(beach).label == "Fill"
    assert desk.start(beach).intent is Intent.FILL


def test_the_prompts_first_word_says_what_the_fill_is_for(desk: Desk) -> None:
    desk.connect()
    desk.canvas.open["one"] = Document(selection=SELECTION)
    assert desk.session.action(Form(prompt="add a hat")).label == "Add"
    added = desk.start(Form(prompt="add a hat"))
    assert (added.intent, added.prompt, added.model) == (Intent.ADD, "a hat", "starter")
    assert desk.session.action(Form(prompt="remove the hat")).label == "Remove"
    removed = desk.start(Form(prompt="remove the hat"))
    assert (removed.intent, removed.model) == (Intent.REMOVE, "")
    by_hand = desk.start(Form(prompt="add a hat", intent=Intent.FILL))
    assert (by_hand.intent, by_hand.prompt) == (Intent.FILL, "add a hat")


def test_without_a_prompt_what_is_selected_is_removed_and_no_model_is_named(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    desk.canvas.open["one"] = Document(selection=SELECTION)
    assert desk.session.action(Form()).label == "Remove"
    request = desk.start(Form(seed=3))
    assert (request.intent, request.model, request.sampler) == (Intent.REMOVE, "", "")
    desk.until(lambda: request.id in daemon.jobs)
    assert daemon.last_request() == request


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
    assert (daemon.last_request().model, daemon.last_request().sampler) == ("starter", "ddim")
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


@pytest.mark.parametrize("unreadable", [False, True])
def test_where_the_models_cannot_be_told_an_early_request_fails_and_the_next_asks_again(
    desk: Desk, daemon: SmallDaemon, unreadable: bool
) -> None:
    if unreadable:
        daemon.capabilities = {"models": "of a later version"}
    else:
        daemon.refuse["capabilities"] = STUMBLED
    first = desk.start()
    desk.client.start()
    desk.until(lambda: desk.view.errors)
    assert desk.view.states_of(first.id) == ["queued", "failed"]
    second = desk.start()
    desk.until(lambda: len(desk.view.errors) == 2)
    assert desk.view.states_of(second.id) == ["queued", "failed"]
    assert all(error.hint for error in desk.view.errors)
    daemon.refuse.clear()
    daemon.capabilities = CAPABILITIES
    third = submitted(desk, daemon)
    assert daemon.last_request() == replace(third, model="starter", sampler="ddim")
    assert (list(daemon.jobs), len(desk.view.errors)) == ([third.id], 2)


def test_models_that_cannot_be_told_are_one_error_though_nothing_waits_for_them(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.refuse["capabilities"] = STUMBLED
    desk.client.start()
    desk.until(lambda: desk.view.errors and desk.view.workers)
    assert desk.view.errors == [STUMBLED.info]
    daemon.refuse.clear()
    daemon.drop()
    desk.until(lambda: desk.view.capabilities)
    assert len(desk.view.errors) == 1


def test_models_that_are_known_stay_when_they_cannot_be_told_again(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    daemon.refuse["capabilities"] = STUMBLED
    daemon.emit("capabilities", {})
    desk.until(lambda: len(desk.view.workers) == 2)  # asked for after the models
    assert (desk.session.capabilities, desk.view.errors) == (CAPABILITIES, [])
    assert submitted(desk, daemon).model == "starter"


def test_a_request_that_the_daemon_refuses_fails_with_its_sentence(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.refuse["submit"] = ScumbleError(ErrorCode.DISK_FULL, "Full.", "Free some.")
    desk.connect()
    request = desk.start()
    desk.until(lambda: desk.view.errors)
    assert desk.view.errors == [daemon.refuse["submit"].info]
    assert desk.view.states_of(request.id) == ["queued", "failed"]


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
