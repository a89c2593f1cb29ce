"""What comes back to a session and becomes a layer, once, or an offer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk import Desk, Document
from small_daemon import PLACE, SmallDaemon, submitted

from scumble.link.canvas import PasteOutcome
from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode
from scumble.link.form import Form
from scumble.link.values import (
    Job,
    JobState,
    Result,
    Size,
)

# -- what comes back


def test_a_result_becomes_a_layer_and_is_acknowledged(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    daemon.finish(request.id)
    desk.until(lambda: daemon.acknowledged())
    name = "red apple (seed 7)"
    assert desk.canvas.open["one"].layers == {(request.id, 0): (name, PLACE, b"\x80" * 48)}
    assert desk.view.done[0][1] == name
    assert desk.view.done[0][0].metadata  # fetch brought it
    assert daemon.acknowledged() == [(request.id, 0)]
    assert desk.view.states_of(request.id)[-1] == "done"
    assert (desk.view.errors, desk.view.offered) == ([], [])


def test_each_of_a_batch_is_a_layer_with_its_own_seed(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon, Form(prompt="red apple", seed=7, batch=3))
    daemon.finish(request.id, 3)
    desk.until(lambda: len(daemon.acknowledged()) == 3)
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
    daemon.finish(second.id)
    daemon.finish(first.id)
    desk.until(lambda: len(daemon.acknowledged()) == 2)
    assert list(desk.canvas.open["one"].layers) == [(first.id, 0)]
    assert list(desk.canvas.open["two"].layers) == [(second.id, 0)]


def test_nothing_is_acknowledged_before_it_is_pasted(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    desk.canvas.broken = RuntimeError("no")
    daemon.finish(request.id)
    desk.until(lambda: desk.view.offered)
    assert desk.view.errors[-1].code is ErrorCode.INTERNAL
    assert daemon.acknowledged() == []
    desk.canvas.broken = None
    desk.session.paste_recovered(desk.session.recovered()[0])
    desk.until(lambda: daemon.acknowledged())
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    assert desk.view.offered == []


def test_a_closed_documents_result_waits_and_is_pasted_where_the_artist_wants(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    del desk.canvas.open["one"]
    desk.canvas.front = None
    daemon.finish(request.id)
    desk.until(lambda: desk.view.offered)
    (waiting,) = desk.session.recovered()
    assert desk.session.name_of(waiting) == "red apple (seed 7)"
    desk.session.paste_recovered(waiting)
    assert desk.view.errors[-1].message == "No document is open."
    desk.canvas.front = "two"  # which closes before the picture is here
    desk.session.paste_recovered(waiting)
    desk.until(lambda: len(desk.view.errors) == 2)
    assert desk.session.recovered() == [waiting]
    desk.canvas.open["two"] = Document()
    desk.session.paste_recovered(waiting)
    desk.until(lambda: daemon.acknowledged())
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
    desk.until(lambda: daemon.acknowledged())
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
    desk.until(lambda: daemon.acknowledged())
    assert desk.canvas.open["one"].layers["old", 0] == ("kept", PLACE, b"painted over")
    assert desk.view.done == []


def test_an_offer_can_be_discarded(desk: Desk, daemon: SmallDaemon) -> None:
    daemon.jobs["old"] = Job("old", "editor", JobState.DONE)
    daemon.add_result("old", 0, PLACE, told=False)
    desk.connect()
    desk.until(lambda: desk.view.offered)
    desk.session.discard_recovered(desk.view.offered[:1])
    desk.until(lambda: daemon.acknowledged() == [("old", 0)])
    assert desk.view.offered == []
    assert daemon.requests("fetch") == []


def test_all_offers_can_be_discarded_and_nothing_else_is(desk: Desk, daemon: SmallDaemon) -> None:
    old = daemon.add_waiting(3)
    desk.connect()
    desk.until(lambda: len(desk.view.offered) == 3)
    shown = desk.session.recovered()
    late = Job("late", "editor", JobState.DONE)
    daemon.jobs["late"] = late  # while the artist was asked
    daemon.add_result("late", 0, PLACE)
    request = submitted(desk, daemon)
    desk.canvas.broken = RuntimeError("no")
    daemon.finish(request.id)
    desk.until(lambda: len(desk.view.offered) == 5)
    desk.session.discard_recovered(shown)
    assert [result.job_id for result in desk.view.offered] == ["late", request.id]
    desk.until(lambda: len(daemon.acknowledged()) == 3)
    desk.session.refresh()  # what is answered after all that was asked before
    told = len(desk.view.capabilities)
    desk.until(lambda: len(desk.view.capabilities) > told)
    assert sorted(daemon.acknowledged()) == [(name, 0) for name in old]
    assert daemon.jobs["late"].unacknowledged == daemon.jobs[request.id].unacknowledged == (0,)


@pytest.mark.parametrize("paste", [True, False])
def test_what_one_list_has_no_room_for_is_offered_when_the_list_is_done(
    paste: bool, desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.most_results = 2
    first, second, third, fourth, fifth = daemon.add_waiting(5)
    desk.connect()
    for pair in ([first, second], [third, fourth], [fifth]):
        desk.until(lambda pair=pair: [result.job_id for result in desk.view.offered] == pair)
        if paste:
            for result in desk.session.recovered():
                desk.session.paste_recovered(result)
        else:
            desk.session.discard_recovered(desk.session.recovered())
    desk.until(lambda: len(set(daemon.acknowledged())) == 5 and not desk.view.offered)
    assert len(desk.canvas.open["one"].layers) == (5 if paste else 0)


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
    assert daemon.acknowledged() == []


# -- cancel


def test_cancel_reaches_the_daemon_and_leaves_no_layer(desk: Desk, daemon: SmallDaemon) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    daemon.move(request.id, JobState.RUNNING)
    daemon.add_result(request.id, 0, PLACE)  # it was just finished when cancel was pressed
    desk.session.cancel(request.id)
    desk.session.cancel(request.id)
    desk.until(lambda: daemon.acknowledged())
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
    desk.until(lambda: daemon.acknowledged())
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

    def busy(
        document: str, result: Result, pixels: bytes, name: str, canvas: Size | None
    ) -> PasteOutcome:
        asked.append(result.index)
        return PasteOutcome.BUSY

    with monkeypatch.context() as stroke:
        stroke.setattr(desk.canvas, "paste", busy)
        daemon.finish(request.id, 2)
        desk.until(lambda: asked == [0, 1])
        desk.session.paste_held()
        assert asked == [0, 1, 0, 1]
        daemon.drop()  # told again after the resume, it is not fetched again
        desk.connect(2)
        assert (daemon.acknowledged(), desk.view.done, desk.view.offered) == ([], [], [])
    desk.session.paste_held()
    desk.until(lambda: len(daemon.acknowledged()) == 2)
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
        daemon.finish(request.id)
        desk.until(lambda: busy)
    desk.canvas.open = {"two": Document()}
    desk.session.paste_held()
    assert [result.job_id for result in desk.view.offered] == [request.id]
    assert (daemon.acknowledged(), desk.view.errors) == ([], [])
