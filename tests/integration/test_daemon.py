"""A daemon and its clients: real processes, real sockets, an engine that draws at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from daemons import AREA, MASK, PIXELS, Client, Daemon, home_in, inpaint, request, running, until

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.jobs import MOVES
from scumble.link.protocol import MAX_FRAME, MAX_HEADER, PROTOCOL
from scumble.link.values import (
    Capabilities,
    JobState,
    Mode,
    Size,
    WorkerState,
)


def test_the_welcome_says_who_is_there_and_what_it_takes(daemon: Daemon) -> None:
    client = Client(daemon.connection())
    welcome = client.hello("anybody")
    assert welcome["protocol"] == PROTOCOL
    assert welcome["boot_id"] == daemon.connection().boot_id
    assert welcome["pid"] == daemon.process.pid
    assert welcome["limits"] == {"header": MAX_HEADER, "frame": MAX_FRAME}
    client.close()


def test_text_to_image_takes_no_pixels(client: Client) -> None:
    client.submit(request("text"))
    client.wait_for("text", JobState.DONE)
    assert len(client.fetch("text", 0)) == 16 * 8 * 4


def test_image_to_image_sees_the_picture(client: Client) -> None:
    for name, pixels in (("light", b"\xff" * 200), ("dark", b"\0" * 200)):
        client.submit(request(name, mode=Mode.IMAGE_TO_IMAGE, region=AREA), pixels)
        client.wait_for(name, JobState.DONE)
    assert client.fetch("light", 0) != client.fetch("dark", 0)


def test_an_inpaint_sees_picture_and_mask(client: Client) -> None:
    client.submit(inpaint("fill"), PIXELS, MASK)
    client.wait_for("fill", JobState.DONE)
    assert client.fetch("fill", 0)[3::4] == MASK


def test_the_same_request_gives_the_same_bytes(client: Client) -> None:
    for name in ("once", "twice"):
        client.submit(request(name, batch=2))
        client.wait_for(name, JobState.DONE)
    assert client.fetch("once", 0) == client.fetch("twice", 0)
    assert client.fetch("once", 0) != client.fetch("once", 1)


def test_states_come_in_order_and_the_pictures_before_the_end(client: Client) -> None:
    client.submit(request("ordered", batch=2))
    done = client.wait_for("ordered", JobState.DONE)
    states = [JobState(state) for state in client.states("ordered")]
    assert all(after in MOVES[before] for before, after in pairwise(states))
    kinds = [frame.type for frame in client.events if frame.type in ("job", "result")]
    assert kinds == ["job", "job", "job", "result", "result", "job"]
    assert (done.results, done.unacknowledged) == (2, (0, 1))


def test_progress_counts_up_and_brings_a_preview(client: Client) -> None:
    client.submit(request("steps", "slow", steps=3))
    client.wait_for("steps", JobState.DONE)
    shown = [frame for frame in client.events if frame.type == "progress"]
    steps = [frame.header["progress"]["step"] for frame in shown]
    assert steps == sorted(set(steps))
    assert steps[-1] == 3
    assert all(len(frame.blobs[0]) == 8 * 8 * 3 for frame in shown)


def test_two_editors_hear_of_their_own_jobs_only(daemon: Daemon) -> None:
    krita, gimp = daemon.connect("krita"), daemon.connect("gimp")
    krita.submit(request("from-krita"))
    gimp.submit(request("from-gimp"))
    krita.wait_for("from-krita", JobState.DONE)
    gimp.wait_for("from-gimp", JobState.DONE)
    assert krita.states("from-gimp") == gimp.states("from-krita") == []
    own = {job["id"] for job in krita.ask("jobs", all=False).fields["jobs"]}
    assert own == {"from-krita"}
    everybody = {job["id"] for job in krita.ask("jobs", all=True).fields["jobs"]}
    assert everybody >= {"from-krita", "from-gimp"}
    krita.close()
    gimp.close()


def test_jobs_run_in_the_order_in_which_they_were_asked_for(client: Client) -> None:
    names = [f"in-turn-{number}" for number in range(5)]
    for name in names:
        client.submit(request(name))
    client.wait_for(names[-1], JobState.DONE)
    results = [
        frame.header["result"]["job_id"] for frame in client.events if frame.type == "result"
    ]
    assert results == names


def test_submitting_again_changes_nothing(client: Client) -> None:
    client.submit(request("again"))
    client.wait_for("again", JobState.DONE)
    assert client.submit(request("again", "another prompt")).state is JobState.DONE
    assert client.job("again").prompt == "a boat"
    assert client.job("again").results == 1


def test_a_queued_job_is_cancelled_at_once(client: Client) -> None:
    client.submit(request("ahead", "slow", steps=200))
    client.submit(request("behind"))
    assert client.cancel("behind").state is JobState.CANCELLED
    client.cancel("ahead")
    client.wait_for("ahead", JobState.CANCELLED)
    assert client.states("behind") == ["queued", "cancelled"]


def test_a_running_job_stops_within_a_step_and_the_next_one_runs(client: Client) -> None:
    client.submit(request("endless", "slow", steps=200))
    client.submit(request("next"))
    client.wait_for_progress("endless")
    client.cancel("endless")
    client.wait_for("endless", JobState.CANCELLED)
    client.wait_for("next", JobState.DONE)
    assert client.job("endless").attempt == 1
    assert client.job("endless").results == 0


def test_cancelling_what_is_over_changes_nothing(client: Client) -> None:
    client.submit(request("over"))
    client.wait_for("over", JobState.DONE)
    assert client.cancel("over").state is JobState.DONE
    client.submit(request("stopped", "slow", steps=200))
    client.cancel("stopped")
    client.wait_for("stopped", JobState.CANCELLED)
    assert client.cancel("stopped").state is JobState.CANCELLED


def test_pictures_wait_until_they_were_pasted(daemon: Daemon) -> None:
    first = daemon.connect("painter")
    first.submit(request("waiting", batch=2))
    first.wait_for("waiting", JobState.DONE)
    first.close()
    back = daemon.connect("painter")
    jobs, results = back.resume()
    assert jobs == []
    assert [(result.job_id, result.index) for result in results] == [("waiting", 0), ("waiting", 1)]
    assert results[0].metadata["prompt"] == "a boat"
    assert back.ask("acknowledge", job_id="waiting", index=0).fields["job"]["unacknowledged"] == [1]
    assert back.ask("acknowledge", job_id="waiting", index=0).fields["job"]["unacknowledged"] == [1]
    assert [result.index for result in back.resume()[1]] == [1]
    assert len(back.fetch("waiting", 0)) == 16 * 8 * 4  # the history still has it
    back.close()


def test_a_picture_goes_to_the_window_that_asked_and_to_the_others_when_it_is_gone(
    daemon: Daemon,
) -> None:
    asked, other = daemon.connect("one-gimp"), daemon.connect("one-gimp")
    asked.submit(request("mine", batch=2))
    other.wait_for("mine", JobState.DONE)
    assert not [frame for frame in other.events if frame.type == "result"]
    asked.wait_for("mine", JobState.DONE)
    assert [frame.type for frame in asked.events].count("result") == 2
    asked.ask("acknowledge", job_id="mine", index=0)
    asked.close()
    left = other.wait(lambda frame: frame.type == "result").header["result"]
    assert (left["job_id"], left["index"]) == ("mine", 1), "what is pasted is not offered"
    other.close()


def test_a_window_that_opens_is_not_offered_what_another_one_is_at(daemon: Daemon) -> None:
    asked = daemon.connect("two-kritas")
    asked.submit(request("pasted-soon"))
    asked.wait_for("pasted-soon", JobState.DONE)
    asked.submit(request("running", "slow", steps=200))
    asked.wait_for_progress("running")
    other = daemon.connect("two-kritas")
    assert other.resume() == ([], [])
    jobs, results = asked.resume()
    assert [job.id for job in jobs] == ["running"]
    assert [result.job_id for result in results] == ["pasted-soon"]
    asked.close()
    left = other.wait(lambda frame: frame.type == "result").header["result"]
    assert left["job_id"] == "pasted-soon"
    assert [job.id for job in other.resume()[0]] == ["running"]
    other.cancel("running")
    other.wait_for("running", JobState.CANCELLED)
    other.close()


def test_a_window_that_comes_back_claims_its_job_from_the_next_daemon(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        asked = daemon.connect("two-kritas")
        asked.submit(request("claimed", "slow", steps=60))
        asked.wait_for_progress("claimed")
    with running(home) as daemon:
        other, back = daemon.connect("two-kritas"), daemon.connect("two-kritas")
        back.ask("claim", job_ids=["claimed"])
        other.wait_for("claimed", JobState.DONE)
        back.wait_for("claimed", JobState.DONE)
        assert [frame.type for frame in back.events].count("result") == 1
        assert [frame.type for frame in other.events].count("result") == 0
        assert other.resume() == ([], [])


def test_an_editor_that_comes_back_hears_how_its_job_ends(daemon: Daemon) -> None:
    away = daemon.connect("wanderer")
    away.submit(request("meanwhile", "slow"))
    away.close()
    back = daemon.connect("wanderer")
    jobs, _ = back.resume()
    assert [job.id for job in jobs] == ["meanwhile"]
    back.wait_for("meanwhile", JobState.DONE)
    back.close()


def test_nobody_knows_how_long_before_it_was_measured(client: Client) -> None:
    blank = to_wire(request("guess", model="blank"))
    assert client.ask("estimate", request=blank).fields["seconds"] is None
    client.submit(request("measure", "slow", model="blank"))
    client.wait_for("measure", JobState.DONE)
    assert client.ask("estimate", request=blank).fields["seconds"] > 0
    longer = to_wire(request("guess", model="blank", steps=40))
    assert (
        client.ask("estimate", request=longer).fields["seconds"]
        > 5 * client.ask("estimate", request=blank).fields["seconds"]
    )


def test_the_offer_lists_models_and_samplers(client: Client) -> None:
    offer = from_wire(Capabilities, client.ask("capabilities").fields["capabilities"])
    assert [model.id for model in offer.models] == ["fake", "blank"]
    assert {sampler.id for sampler in offer.samplers} == {"euler", "lcm"}


def test_the_status_is_the_truth(client: Client) -> None:
    client.submit(request("status", "slow", steps=200))
    client.wait_for_progress("status")
    status = client.ask("status").fields
    assert status["worker"] == {"state": "running", "model": "fake", "device": "cpu", "message": ""}
    assert status["jobs"] == 1
    assert status["clients"] >= 1
    client.cancel("status")
    assert client.wait_for_worker(WorkerState.READY)["model"] == "fake"


def test_an_empty_prompt_is_no_mistake(client: Client) -> None:
    client.submit(inpaint("silent", prompt=""), PIXELS, MASK)
    client.wait_for("silent", JobState.DONE)


def test_the_longest_prompts_in_any_script_travel_whole(client: Client) -> None:
    client.submit(request("long", prompt="画" * 8192, negative_prompt="筆" * 8192))
    client.wait_for("long", JobState.DONE)
    assert len(client.fetch("long", 0)) == 16 * 8 * 4
    assert client.resume()[1][0].job_id == "long"


def test_lists_that_are_too_long_for_a_header_are_cut(daemon: Daemon) -> None:
    client = daemon.connect("busy")
    client.submit(request("blocker", "slow", steps=200))
    for number in range(60):
        client.submit(request(f"many-{number}", "x" * 400, document="d" * 1000))
    jobs, _ = client.resume()
    assert jobs[0].id == "blocker"  # what runs now is never cut
    newest = client.ask("jobs", all=False).fields["jobs"]
    assert newest[-1]["id"] == "many-59"
    for number in range(60):
        client.cancel(f"many-{number}")
    client.cancel("blocker")
    client.wait_for("blocker", JobState.CANCELLED)
    client.close()


def test_pictures_and_requests_are_the_users_own(daemon: Daemon, client: Client) -> None:
    client.submit(inpaint("private", prompt="slow"), PIXELS, MASK)
    store = daemon.home.store_dir
    blobs = [store / "private.pixels", store / "private.mask"]
    assert [blob.stat().st_mode & 0o777 for blob in blobs] == [0o600, 0o600]
    client.wait_for("private", JobState.DONE)
    until(lambda: not any(blob.exists() for blob in blobs))  # a finished job needs them no more
    for path in (daemon.home.journal_file, daemon.home.connection_file):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (store / "private.0.rgba").stat().st_mode & 0o777 == 0o600
    assert store.stat().st_mode & 0o777 == 0o700


def test_shutdown_is_answered_and_cancels_what_runs(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        client = daemon.connect()
        client.submit(request("cut", "slow", steps=200))
        client.submit(request("kept"))
        client.wait_for_progress("cut")
        client.ask("shutdown")
        assert daemon.process.wait(10) == 0
        assert not home.connection_file.exists()
    with running(home) as daemon:
        client = daemon.connect()
        assert client.job("cut").state is JobState.CANCELLED
        until(lambda: client.job("kept").state is JobState.DONE)


def test_it_leaves_when_nobody_needs_it(tmp_path: Path) -> None:
    with running(home_in(tmp_path), "Options(leave=0.4)") as daemon:
        client = daemon.connect()
        client.submit(request("last", "slow", steps=10))
        client.wait_for("last", JobState.DONE)
        assert daemon.process.poll() is None  # the client is still there
        client.close()
        assert daemon.process.wait(10) == 0


def test_it_never_imports_what_is_slow_to_import(tmp_path: Path) -> None:
    heavy = "{'torch', 'diffusers', 'transformers', 'numpy'}"
    prelude = f"import atexit, sys; atexit.register(lambda: print({heavy} & set(sys.modules)))\n"
    # the real list of models, but a worker that needs none of them
    fake = "import os; os.environ['SCUMBLE_ENGINE'] = 'fake'; import scumble.worker as w; w.main()"
    command = f"[sys.executable, '-c', {fake!r}]"
    with running(
        home_in(tmp_path), command=command, prelude=prelude, SCUMBLE_ENGINE="real"
    ) as daemon:
        client = daemon.connect()
        client.wait_for_worker(WorkerState.READY)
        client.ask("capabilities")
        with pytest.raises(ScumbleError) as caught:
            client.submit(request("unknown", model="nobody", canvas=Size(1, 1)))
        assert caught.value.code is ErrorCode.MODEL_MISSING
        client.ask("shutdown")
        assert daemon.process.wait(10) == 0
        assert daemon.log.read_text().strip().splitlines()[-1] == "set()"
