"""The connection goes and comes back; nothing is lost, sent or pasted twice."""

from __future__ import annotations

from desk import Desk
from small_daemon import PLACE, SmallDaemon, submitted

from scumble.link.home import Home
from scumble.link.values import Job, JobState


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
    daemon.finish(request.id)
    desk.until(lambda: daemon.acknowledged())
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
    daemon.finish(request.id)
    desk.until(lambda: daemon.acknowledged())
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
    daemon.finish(request.id)
    desk.until(lambda: daemon.acknowledged())
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    desk.until(lambda: desk.view.states_of(request.id)[-1] == "done")


def test_after_a_new_connection_a_session_claims_what_it_asked_for(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.jobs["old"] = Job("old", "editor", JobState.RUNNING, 1, None, "an earlier session's")
    desk.connect()
    pasted, running = submitted(desk, daemon), submitted(desk, daemon)
    daemon.finish(pasted.id)
    desk.until(lambda: desk.view.states_of(pasted.id)[-1] == "done" and daemon.acknowledged())
    assert daemon.requests("claim") == []
    daemon.drop()
    desk.until(lambda: daemon.requests("claim"))
    assert daemon.requests("claim")[0].header["job_ids"] == [running.id]


def test_a_job_that_another_window_is_at_is_not_shown_after_a_new_connection(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.jobs["left"] = Job("left", "editor", JobState.RUNNING, 1, None, "by a session before")
    desk.connect()
    desk.until(lambda: "left" in desk.session.jobs)
    daemon.jobs["other"] = Job("other", "editor", JobState.RUNNING, 1, None, "another window's")
    daemon.jobs["old"] = Job("old", "editor", JobState.DONE, 1, None, "of before")
    daemon.drop()
    daemon.add_result("old", 0, PLACE, told=False)  # so that all jobs are listed as well
    desk.until(lambda: "old" in desk.session.jobs)
    assert set(desk.session.jobs) == {"left", "old"}


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
    daemon.finish(request.id)
    desk.until(lambda: daemon.acknowledged())
    assert len(daemon.requests("fetch")) == 2
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    assert (desk.view.errors, desk.view.offered) == ([], [])


def finish_while_away(desk: Desk, daemon: SmallDaemon, job_id: str) -> None:
    """The connection goes, and the job is done before it is there again."""

    def finish() -> bool:
        del daemon.before_answer["hello"]
        daemon.finish(job_id)
        return False

    daemon.before_answer["hello"] = finish
    daemon.drop()


def test_what_finished_meanwhile_is_pasted_though_many_others_wait(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.most_results = 150
    daemon.add_waiting(200)
    desk.connect()
    request = submitted(desk, daemon)
    desk.until(lambda: not desk.session._submissions.ids)
    finish_while_away(desk, daemon, request.id)
    desk.until(lambda: daemon.acknowledged())
    assert daemon.acknowledged() == [(request.id, 0)]
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    assert desk.view.states_of(request.id)[-1] == "done"
    assert len(desk.view.offered) == 150


def test_a_picture_that_was_lost_on_its_way_is_fetched_again_though_many_others_wait(
    desk: Desk, daemon: SmallDaemon
) -> None:
    daemon.most_results = 150
    daemon.add_waiting(200)
    desk.connect()
    request = submitted(desk, daemon)

    def lose() -> bool:
        if desk.view.states_of(request.id)[-1] != "done":
            return False
        del daemon.before_answer["fetch"]
        daemon.drop()
        return True

    daemon.before_answer["fetch"] = lose
    daemon.finish(request.id)
    desk.until(lambda: daemon.acknowledged())
    assert list(desk.canvas.open["one"].layers) == [(request.id, 0)]
    assert desk.view.errors == []


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
    daemon.finish(request.id)
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
