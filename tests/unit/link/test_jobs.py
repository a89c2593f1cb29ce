"""What can happen to a job: every pair of states, and every order of news."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble.link import jobs
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError
from scumble.link.jobs import Acknowledged, Changed, Finished, Listed, advance, move
from scumble.link.values import Job, JobState, Region, Result

BROKEN = ErrorInfo(ErrorCode.WORKER_CRASHED, "The worker died.", retryable=True)
LEGAL = {
    ("queued", "loading"),
    ("queued", "running"),
    ("queued", "failed"),
    ("queued", "cancelled"),
    ("loading", "running"),
    ("loading", "queued"),
    ("loading", "failed"),
    ("loading", "cancelled"),
    ("running", "done"),
    ("running", "queued"),
    ("running", "failed"),
    ("running", "cancelled"),
}


def job(state: JobState = JobState.QUEUED, attempt: int = 1, id: str = "a") -> Job:
    error = BROKEN if state is JobState.FAILED else None
    return Job(id, "editor", state, attempt, error, "a red apple", "doc")


@pytest.mark.parametrize(("old", "new"), list(product(JobState, JobState)))
def test_exactly_the_moves_of_the_table_are_legal(old: JobState, new: JobState) -> None:
    error = BROKEN if new is JobState.FAILED else None
    if (old.value, new.value) in LEGAL:
        assert move(job(old), new, error).state is new
    else:
        with pytest.raises(ScumbleError, match=f"from {old.value} to {new.value}"):
            move(job(old), new, error)


def test_going_back_to_the_queue_is_the_next_attempt() -> None:
    again = move(job(JobState.RUNNING), JobState.QUEUED)
    assert (again.attempt, again.error) == (2, None)


def test_a_failure_has_an_error_and_nothing_else_has() -> None:
    assert move(job(), JobState.FAILED, BROKEN).error == BROKEN
    with pytest.raises(ScumbleError):
        move(job(), JobState.FAILED)
    with pytest.raises(ScumbleError):
        move(job(), JobState.RUNNING, BROKEN)


def test_results_are_counted_once_however_often_they_are_told() -> None:
    told = jobs.with_result(jobs.with_result(jobs.with_result(job(), 1), 0), 1)
    assert (told.results, told.unacknowledged) == (2, (0, 1))
    pasted = jobs.without_result(jobs.without_result(told, 0), 0)
    assert (pasted.results, pasted.unacknowledged) == (2, (1,))


def test_events_leave_the_jobs_they_were_given_alone() -> None:
    before = {"a": job()}
    after = advance(before, Changed(job(JobState.RUNNING)))
    assert before == {"a": job()}
    assert after["a"].state is JobState.RUNNING


def test_a_list_replaces_everything_that_was_known() -> None:
    after = advance({"a": job(), "b": job(id="b")}, Listed((job(JobState.RUNNING, id="b"),)))
    assert after == {"b": job(JobState.RUNNING, id="b")}


def test_results_and_acknowledgements_of_unknown_jobs_change_nothing() -> None:
    result = Result("z", 0, Region(0, 0, 1, 1), "blob")
    assert advance({"a": job()}, Finished(result)) == {"a": job()}
    assert advance({"a": job()}, Acknowledged("z", 0)) == {"a": job()}


def test_a_result_and_its_acknowledgement_reach_their_job() -> None:
    told = advance({"a": job()}, Finished(Result("a", 0, Region(0, 0, 1, 1), "blob")))
    assert told["a"].unacknowledged == (0,)
    assert advance(told, Acknowledged("a", 0))["a"].unacknowledged == ()


@pytest.mark.parametrize(
    ("known", "news", "taken"),
    [
        (job(JobState.QUEUED), job(JobState.RUNNING), True),
        (job(JobState.QUEUED), job(JobState.DONE), True),  # what lay between was missed
        (job(JobState.RUNNING), job(JobState.QUEUED), False),  # a reply that came late
        (job(JobState.RUNNING), job(JobState.QUEUED, attempt=2), True),
        (job(JobState.LOADING, attempt=2), job(JobState.RUNNING, attempt=1), False),
        (job(JobState.CANCELLED), job(JobState.RUNNING), False),
        (job(JobState.DONE), job(JobState.CANCELLED), False),
        (job(JobState.DONE), replace(job(JobState.DONE), results=1), True),
    ],
)
def test_news_is_taken_when_it_is_newer(known: Job, news: Job, taken: bool) -> None:
    assert advance({"a": known}, Changed(news))["a"] == (news if taken else known)


def walks() -> st.SearchStrategy[list[Job]]:
    """Lives of a job along legal moves, from its submission on."""

    def live(choices: list[int]) -> list[Job]:
        life = [job()]
        for choice in choices:
            moves = sorted(jobs.MOVES[life[-1].state])
            if not moves:
                break
            state = moves[choice % len(moves)]
            life.append(move(life[-1], state, BROKEN if state is JobState.FAILED else None))
        return life

    return st.lists(st.integers(0, 3), max_size=9).map(live)


@given(walks(), st.data())
def test_late_doubled_and_missed_news_end_where_the_job_is(
    life: list[Job], data: st.DataObject
) -> None:
    news = data.draw(st.lists(st.sampled_from(life), max_size=12))
    at = data.draw(st.integers(0, len(news)))
    known: dict[str, Job] = {}
    for item in [*news[:at], life[-1], *news[at:]]:
        known = advance(known, Changed(item))
    assert known["a"] == life[-1]
