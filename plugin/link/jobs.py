"""What can happen to a job, as pure functions on values.

`MOVES` is the one table of legal state moves. The daemon moves a job with
`move`; an editor folds the daemon's messages into its picture of all jobs with
`advance`, which tolerates what a network does: late, doubled and missed ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Mapping, Optional, Tuple, Union

from .errors import ErrorCode, ErrorInfo, ScumbleError
from .values import Job, JobState, Result

MOVES: Mapping[JobState, FrozenSet[JobState]] = {
    JobState.QUEUED: frozenset(
        {JobState.LOADING, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}
    ),
    # back to queued: the worker died and the job is tried again
    JobState.LOADING: frozenset(
        {JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.RUNNING: frozenset(
        {JobState.DONE, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED}
    ),
    JobState.DONE: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELLED: frozenset(),
}

OVER = frozenset(state for state, moves in MOVES.items() if not moves)

# what may come within one attempt, each state before those to its right
_ORDER = (JobState.QUEUED, JobState.LOADING, JobState.RUNNING)


def is_over(job: Job) -> bool:
    """Whether the job will not change state any more."""
    return job.state in OVER


def move(job: Job, state: JobState, error: Optional[ErrorInfo] = None) -> Job:
    """The job in its new state; going back to queued is the next attempt.

    `error` belongs to failed, and failed needs one. Raises ScumbleError
    (internal) for a move that the table does not have.
    """
    if state not in MOVES[job.state]:
        raise ScumbleError(
            ErrorCode.INTERNAL, "A job cannot go from %s to %s." % (job.state.value, state.value)
        )
    if (state is JobState.FAILED) != (error is not None):
        raise ScumbleError(ErrorCode.INTERNAL, "A job fails with an error, and only then has one.")
    attempt = job.attempt + 1 if state is JobState.QUEUED else job.attempt
    return replace(job, state=state, attempt=attempt, error=error)


def with_result(job: Job, index: int) -> Job:
    """The job after result `index` lay in the store; idempotent."""
    waiting = tuple(sorted({*job.unacknowledged, index}))
    return replace(job, results=max(job.results, index + 1), unacknowledged=waiting)


def without_result(job: Job, index: int) -> Job:
    """The job after result `index` was acknowledged; idempotent."""
    return replace(job, unacknowledged=tuple(i for i in job.unacknowledged if i != index))


@dataclass(frozen=True)
class Listed:
    """All jobs, as the daemon told them after a (re)connection; others are forgotten."""

    jobs: Tuple[Job, ...]


@dataclass(frozen=True)
class Changed:
    """A job's new state, from an event or a reply."""

    job: Job


@dataclass(frozen=True)
class Finished:
    """A picture lies in the store."""

    result: Result


@dataclass(frozen=True)
class Acknowledged:
    """A picture was pasted and the daemon knows it."""

    job_id: str
    index: int


Event = Union[Listed, Changed, Finished, Acknowledged]


def advance(jobs: Mapping[str, Job], event: Event) -> Dict[str, Job]:
    """The jobs after `event`; `jobs` itself stays as it is.

    A job that is over stays over, and news of an earlier attempt or an earlier
    state of the same attempt is old news. States may be skipped: an editor
    that was away has missed some.
    """
    if isinstance(event, Listed):
        return {job.id: job for job in event.jobs}
    after = dict(jobs)
    if isinstance(event, Changed):
        known = after.get(event.job.id)
        if known is None or _is_newer(known, event.job):
            after[event.job.id] = event.job
    elif isinstance(event, Finished):
        result = event.result
        if result.job_id in after:
            after[result.job_id] = with_result(after[result.job_id], result.index)
    elif event.job_id in after:
        after[event.job_id] = without_result(after[event.job_id], event.index)
    return after


def _is_newer(known: Job, job: Job) -> bool:
    if known.state in OVER:
        return job.state is known.state
    if job.state in OVER or job.attempt != known.attempt:
        return job.state in OVER or job.attempt > known.attempt
    return _ORDER.index(job.state) >= _ORDER.index(known.state)
