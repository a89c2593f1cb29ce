"""A request's way into the daemon's journal, whatever the connection does meanwhile.

It is held until the models are known, sent, and sent again when the connection
went before the answer came: submitting is idempotent by the job's id.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import AbstractSet, Callable, Dict, List, Optional, Set, Tuple

from .channel import DisconnectedError, Reply
from .client import Client
from .delivery import ask
from .encoding import from_wire, to_wire
from .errors import ErrorInfo, ScumbleError
from .form import with_model
from .values import Capabilities, GenerationRequest, Job

_ATTEMPTS = 3  # a request that the connection goes with this often may be why it goes


@dataclass
class _Submission:
    request: GenerationRequest
    blobs: Tuple[bytes, ...]
    attempts: int = 0
    held: bool = True  # not sent: the models are not known yet
    lost: bool = False  # sent, and the connection went before the answer came


class Submissions:
    """All requests that the daemon has not answered yet.

    accepted(job) is called with the daemon's answer, refused(job_id, error)
    when there will be no job.
    """

    def __init__(
        self,
        client: Client,
        accepted: Callable[[Job], None],
        refused: Callable[[str, ErrorInfo], None],
    ) -> None:
        self._client = client
        self._accepted = accepted
        self._refused = refused
        self._open: Dict[str, _Submission] = {}

    @property
    def ids(self) -> Set[str]:
        return set(self._open)

    def add(
        self,
        request: GenerationRequest,
        blobs: Tuple[bytes, ...],
        capabilities: Optional[Capabilities],
    ) -> None:
        self._open[request.id] = _Submission(request, blobs)
        if capabilities is not None:
            self.models_known(capabilities)

    def models_known(self, capabilities: Capabilities) -> None:
        """Send what was held, its model and sampler settled."""
        for job_id, submission in list(self._open.items()):
            if not submission.held:
                continue
            try:
                submission.request = with_model(submission.request, capabilities)
            except ScumbleError as error:
                self._refuse(job_id, error.info)
            else:
                self._send(submission)

    def unreachable(self, error: ErrorInfo) -> bool:
        """There is nothing to wait for: what was held is refused; whether anything was."""
        held = [job_id for job_id, submission in self._open.items() if submission.held]
        for job_id in held:
            self._refuse(job_id, error)
        return bool(held)

    def resumed(self, listed: AbstractSet[str], cancelled: AbstractSet[str]) -> List[str]:
        """After a new connection, send again what did not arrive.

        listed: the jobs that the daemon has. Gives the ids in `cancelled` that
        were lost on the way and are not sent again.
        """
        dropped: List[str] = []
        for job_id, submission in list(self._open.items()):
            if job_id in listed:
                del self._open[job_id]
            elif submission.lost and job_id in cancelled:
                del self._open[job_id]
                dropped.append(job_id)
            elif submission.lost:
                self._send(submission)
        return dropped

    def withdraw(self, job_id: str) -> bool:
        """Take a request back that was not sent yet; whether there was one."""
        submission = self._open.get(job_id)
        if submission is None or not submission.held:
            return False
        del self._open[job_id]
        return True

    def _send(self, submission: _Submission) -> None:
        submission.held = submission.lost = False
        submission.attempts += 1
        request = submission.request
        then = partial(self._answered, request.id)
        ask(self._client, "submit", then, {"request": to_wire(request)}, submission.blobs)

    def _answered(self, job_id: str, reply: Optional[Reply], error: Optional[ScumbleError]) -> None:
        submission = self._open.get(job_id)
        if reply is not None:
            job = from_wire(Job, reply.fields.get("job"))
            self._open.pop(job_id, None)
            self._accepted(job)
        elif submission is None or error is None:
            return  # the daemon has listed it meanwhile
        elif isinstance(error, DisconnectedError) and submission.attempts < _ATTEMPTS:
            submission.lost = True
        else:
            self._refuse(job_id, error.info)

    def _refuse(self, job_id: str, error: ErrorInfo) -> None:
        del self._open[job_id]
        self._refused(job_id, error)
