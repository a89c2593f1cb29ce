"""A document that was cropped, resized or rotated while a result for it was drawn."""

from __future__ import annotations

import pytest
from desk import Desk, Document
from small_daemon import PLACE, SmallDaemon, submitted

from scumble.link.canvas import PasteOutcome
from scumble.link.values import GenerationRequest, Job, JobState, Region, Size

CROPPED = Size(900, 800)
SMALL = Size(200, 100)  # PLACE lies outside


def cropped_meanwhile(desk: Desk, daemon: SmallDaemon, size: Size) -> GenerationRequest:
    """A result whose document has this size when it comes; the artist was told."""
    request = submitted(desk, daemon)
    desk.canvas.open["one"].size = size
    daemon.finish(request.id)
    desk.until(lambda: desk.view.errors or daemon.acknowledged())
    return request


def test_a_result_for_a_document_of_another_size_is_offered_and_not_pasted(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = cropped_meanwhile(desk, daemon, CROPPED)
    (error,) = desk.view.errors
    assert "cropped" in error.message
    assert "recovered results" in error.hint
    assert [result.job_id for result in desk.view.offered] == [request.id]
    assert desk.canvas.open["one"].layers == {}
    assert (daemon.acknowledged(), desk.view.done) == ([], [])


def test_it_is_told_once_and_waits_through_a_new_connection(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = cropped_meanwhile(desk, daemon, CROPPED)
    daemon.drop()
    desk.connect(2)
    desk.until(lambda: len(daemon.requests("fetch")) == 2)
    last = submitted(desk, daemon)  # answered after the fetch
    assert last.canvas == CROPPED
    assert len(desk.view.errors) == 1
    assert [result.job_id for result in desk.view.offered] == [request.id]
    assert daemon.acknowledged() == []


def test_by_hand_it_goes_where_it_was_while_that_is_on_the_canvas(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = cropped_meanwhile(desk, daemon, CROPPED)
    desk.session.paste_recovered(desk.view.offered[0])
    desk.until(lambda: daemon.acknowledged())
    assert desk.canvas.open["one"].layers[request.id, 0][1] == PLACE
    assert desk.view.offered == []


def test_by_hand_it_goes_onto_the_canvas_when_its_place_is_gone(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = cropped_meanwhile(desk, daemon, SMALL)
    desk.session.paste_recovered(desk.view.offered[0])
    desk.until(lambda: daemon.acknowledged())
    corner = Region(200 - PLACE.width, 100 - PLACE.height, PLACE.width, PLACE.height)
    assert desk.canvas.open["one"].layers[request.id, 0][1] == corner


def test_an_earlier_sessions_result_goes_onto_the_smaller_document_in_front(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.jobs["old"] = Job("old", "editor", JobState.DONE, 1, None, "blue pear", "closed")
    daemon.add_result("old", 0, Region(3000, 2000, 64, 48), told=False)
    desk.canvas.open["one"] = Document(size=SMALL)
    desk.connect()
    desk.until(lambda: "old" in desk.session.jobs and desk.view.offered)
    desk.session.paste_recovered(desk.view.offered[0])
    desk.until(lambda: daemon.acknowledged())
    assert desk.canvas.open["one"].layers["old", 0][1] == Region(136, 52, 64, 48)


def test_when_the_document_has_its_size_again_it_gets_the_layer_after_a_new_connection(
    desk: Desk, daemon: SmallDaemon
) -> None:
    desk.connect()
    request = cropped_meanwhile(desk, daemon, CROPPED)
    desk.canvas.open["one"].size = request.canvas
    daemon.drop()
    desk.connect(2)
    desk.until(lambda: daemon.acknowledged())
    assert desk.canvas.open["one"].layers[request.id, 0][1] == PLACE
    assert desk.view.offered == []


def test_a_crop_while_the_canvas_is_busy_counts_too(
    desk: Desk, daemon: SmallDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.connect()
    request = submitted(desk, daemon)
    busy: list[str] = []
    with monkeypatch.context() as stroke:
        stroke.setattr(desk.canvas, "paste", lambda *a: busy.append(a[0]) or PasteOutcome.BUSY)
        daemon.finish(request.id)
        desk.until(lambda: busy)
    desk.canvas.open["one"].size = CROPPED
    desk.session.paste_held()
    assert "cropped" in desk.view.errors[0].message
    assert [result.job_id for result in desk.view.offered] == [request.id]
    assert desk.canvas.open["one"].layers == {}
    assert daemon.acknowledged() == []
