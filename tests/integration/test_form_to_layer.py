"""From a form to a layer through everything but the model: session, client, daemon, worker.

The client starts the daemon itself, as an editor does; only the engine is the
fake one.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daemons import until
from desk import Desk, Document

from scumble.link.client import call
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.form import Form
from scumble.link.home import Home, read_connection
from scumble.link.values import Mode, Region, Size

SELECTION = Region(40, 30, 20, 12)
OpenDesk = Callable[..., Desk]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "scumble")
    yield home
    try:
        call(home, "shutdown", start=False)
    except ScumbleError:
        return
    until(lambda: read_connection(home) is None)


@pytest.fixture
def open_desk(home: Home, tmp_path: Path) -> Iterator[OpenDesk]:
    desks: list[Desk] = []
    environ = {
        **os.environ,
        "SCUMBLE_PYTHON": sys.executable,
        "SCUMBLE_ENGINE": "fake",
        "SCUMBLE_FAKE_MARK": str(tmp_path / "crashed"),
    }

    def open_one(client_id: str = "editor") -> Desk:
        desk = Desk(home, environ, client_id)
        desk.canvas.open["one"] = Document(size=Size(160, 120))
        desks.append(desk)
        desk.client.start()
        return desk

    yield open_one
    for desk in desks:
        desk.client.close()


def layers(desk: Desk, document: str = "one") -> list[tuple[str, Region, bytes]]:
    return list(desk.canvas.open[document].layers.values())


def unacknowledged(home: Home) -> list[int]:
    """The pictures of all jobs that were not pasted."""
    jobs = call(home, "jobs", {"all": True}).fields["jobs"]
    return [index for job in jobs for index in job["unacknowledged"]]


@pytest.mark.parametrize(
    ("selection", "strength", "mode"),
    [
        (None, 1.0, Mode.TEXT_TO_IMAGE),
        (None, 0.5, Mode.IMAGE_TO_IMAGE),
        (SELECTION, 1.0, Mode.INPAINT),
        (SELECTION, 0.5, Mode.INPAINT),
    ],
)
def test_each_action_ends_in_a_layer(
    open_desk: OpenDesk, selection: Region | None, strength: float, mode: Mode
) -> None:
    desk = open_desk()
    desk.canvas.open["one"].selection = selection
    request = desk.start(Form(prompt="red apple", seed=7, strength=strength, steps=4, batch=2))
    desk.until(lambda: len(desk.view.done) == 2 or desk.view.errors)
    assert desk.view.errors == []
    assert request.mode is mode
    names = [name for name, _, _ in layers(desk)]
    assert names == ["red apple (seed 7)", "red apple (seed 8)"]
    assert all(region == request.region for _, region, _ in layers(desk))
    assert desk.view.steps
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "done")
    until(lambda: not unacknowledged(desk.client.home))


def test_cancel_ends_a_running_job_and_leaves_no_layer(open_desk: OpenDesk) -> None:
    desk = open_desk()
    request = desk.start(Form(prompt="slow", steps=200))
    desk.until(lambda: desk.view.steps)
    desk.session.cancel(request.id)
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "cancelled")
    assert desk.view.steps[-1][0].step < 200
    assert layers(desk) == []
    assert desk.view.errors == []


def test_the_daemon_may_be_killed_in_the_middle_and_the_layer_still_comes(
    open_desk: OpenDesk, home: Home
) -> None:
    desk = open_desk()
    request = desk.start(Form(prompt="slow apple", steps=40, seed=3))
    desk.until(lambda: desk.view.steps)
    connection = read_connection(home)
    assert connection is not None
    os.kill(connection.pid, signal.SIGKILL)
    desk.until(lambda: desk.view.done)
    assert [name for name, _, _ in layers(desk)] == ["slow apple (seed 3)"]
    assert desk.session.jobs[request.id].attempt == 2
    assert desk.view.errors == []
    assert desk.view.states.count("ready") == 2


def test_a_worker_that_dies_once_costs_nothing(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.start(Form(prompt="crash-once", steps=4))
    desk.until(lambda: desk.view.done or desk.view.errors)
    assert desk.view.errors == []
    assert len(layers(desk)) == 1


def test_a_worker_that_always_dies_is_one_sentence_and_the_queue_goes_on(
    open_desk: OpenDesk,
) -> None:
    desk = open_desk()
    desk.start(Form(prompt="crash", steps=4))
    desk.start(Form(prompt="apple", steps=4, seed=1))
    desk.until(lambda: desk.view.done)
    assert [error.code for error in desk.view.errors] == [ErrorCode.WORKER_CRASHED]
    assert [name for name, _, _ in layers(desk)] == ["apple (seed 1)"]


def test_what_finishes_after_the_editor_quit_is_offered_to_the_next_one_and_pasted_once(
    open_desk: OpenDesk, home: Home
) -> None:
    first = open_desk()
    request = first.start(Form(prompt="slow pear", steps=10, seed=5))
    first.until(lambda: first.view.steps)
    first.client.close()
    until(lambda: call(home, "results", {"job_id": request.id}).fields["results"])
    second = open_desk()
    second.until(lambda: second.view.offered and request.id in second.session.jobs)
    (waiting,) = second.view.offered
    assert second.session.name_of(waiting).startswith("slow pear")
    second.session.paste_recovered(waiting)
    second.until(lambda: second.view.done)
    assert [name for name, _, _ in layers(second)] == ["slow pear (seed 5)"]
    until(lambda: call(home, "resume", client_id="editor").fields["results"] == [])
    third = open_desk()
    third.until(lambda: third.view.workers)
    assert third.view.offered == []


def test_what_a_second_krita_left_is_offered_to_the_only_one_after_an_update(
    open_desk: OpenDesk, home: Home
) -> None:
    second = open_desk("krita-1")  # as plugins named it that numbered the Kritas that ran
    request = second.start(Form(prompt="slow plum", steps=10, seed=6))
    second.until(lambda: second.view.steps)
    second.client.close()
    until(lambda: call(home, "results", {"job_id": request.id}).fields["results"])
    call(home, "shutdown", start=False)
    until(lambda: read_connection(home) is None)
    only = open_desk("krita")
    only.until(lambda: only.view.offered and request.id in only.session.jobs)
    only.session.paste_recovered(only.view.offered[0])
    only.until(lambda: only.view.done)
    assert [name for name, _, _ in layers(only)] == ["slow plum (seed 6)"]
    until(lambda: not unacknowledged(home))


def test_two_kritas_at_once_paste_their_own_and_are_offered_what_the_other_one_leaves(
    open_desk: OpenDesk, home: Home
) -> None:
    first = open_desk("krita")
    first.start(Form(prompt="slow one", steps=20, seed=1))
    first.until(lambda: first.view.steps)
    second = open_desk("krita")
    offers: list[object] = []
    second.view.recovered = offers.append  # type: ignore[method-assign]
    second.start(Form(prompt="two", steps=4, seed=2))
    second.until(lambda: second.view.done)
    first.until(lambda: first.view.done)
    until(lambda: not unacknowledged(home))
    assert [name for name, _, _ in layers(first)] == ["slow one (seed 1)"]
    assert [name for name, _, _ in layers(second)] == ["two (seed 2)"]
    assert len(first.session.jobs) == len(second.session.jobs) == 1
    assert offers == []
    left = first.start(Form(prompt="slow left", steps=20, seed=3))
    first.until(lambda: first.view.steps[-1][0].job_id == left.id)
    first.client.close()
    second.until(lambda: offers)
    second.session.paste_recovered(second.session.recovered()[0])
    second.until(lambda: len(second.view.done) == 2)
    assert second.session.recovered() == []


def test_two_editors_start_one_daemon_and_each_gets_its_own(open_desk: OpenDesk) -> None:
    krita, gimp = open_desk("krita"), open_desk("gimp")
    krita.start(Form(prompt="for krita", steps=4, seed=1))
    gimp.start(Form(prompt="for gimp", steps=4, seed=2))
    krita.until(lambda: krita.view.done)
    gimp.until(lambda: gimp.view.done)
    assert [name for name, _, _ in layers(krita)] == ["for krita (seed 1)"]
    assert [name for name, _, _ in layers(gimp)] == ["for gimp (seed 2)"]
    assert len(krita.session.jobs) == len(gimp.session.jobs) == 1
    assert (krita.view.offered, gimp.view.offered) == ([], [])


def test_what_the_backend_refuses_is_one_sentence(open_desk: OpenDesk) -> None:
    desk = open_desk()
    desk.start(Form(prompt="fail-load", steps=4))
    desk.start(Form(prompt="oom", steps=4))
    desk.until(lambda: len(desk.view.errors) == 2)
    codes = [error.code for error in desk.view.errors]
    assert codes == [ErrorCode.MODEL_REJECTED, ErrorCode.OUT_OF_MEMORY]
    assert all(error.hint for error in desk.view.errors)
    assert layers(desk) == []
