"""One editor's work with the daemon: from a form to a request, from a result to a layer.

Everything runs on the editor's main thread (the client's `post` brings it
there), and nothing waits: answers come as calls to the `View`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from .background import is_background
from .canvas import Canvas, Looking, PasteOutcome, View
from .channel import DisconnectedError, Reply
from .client import Client
from .delivery import Delivery, ask
from .encoding import from_wire, list_from_wire, to_wire
from .errors import ErrorCode, ErrorInfo, ScumbleError
from .form import Action, Form, action_for
from .geometry import whole
from .jobs import Changed, Finished, advance, is_over
from .naming import request_name, result_name
from .offering import read_capabilities
from .reading import look, read, settle
from .submission import Submissions
from .values import (
    Capabilities,
    GenerationRequest,
    Job,
    JobState,
    Mode,
    Progress,
    Region,
    Result,
    WorkerStatus,
)

__all__ = ["Action", "Canvas", "Form", "PasteOutcome", "Session", "View"]


class Session:
    """Connects a client, a canvas and a view; takes over the client's `on_event`.

    Results of jobs that this session started are pasted by themselves into the
    document they were asked from. Results of earlier sessions and of documents
    that were closed or have another size by now are offered (`View.recovered`)
    and pasted by `paste_recovered`.
    """

    def __init__(self, client: Client, canvas: Canvas, view: View) -> None:
        self._client = client
        self._canvas = canvas
        self._view = view
        self._delivery = Delivery(client, canvas, view, self.name_of, self._ask_for_more)
        self._asked: Dict[str, GenerationRequest] = {}
        self._submissions = Submissions(client, self._change, self._fail_job)
        self._cancelling: Set[str] = set()
        self._seen: Dict[str, Tuple[int, int]] = {}
        self._connected = False
        self._resumed_before = False
        self._estimating = False
        self._next_estimate: Optional[Callable[[], None]] = None
        self.jobs: Dict[str, Job] = {}
        self.capabilities: Optional[Capabilities] = None
        client.on_event = self.handle

    # -- what the artist does

    def action(self, form: Form) -> Action:
        """What `start` would do now; its label stands on the button.

        Where the canvas cannot tell quickly whether it is empty or a background,
        only `start` finds out, which reads it.
        """
        selection = self._canvas.selection() if self._canvas.document() is not None else None
        if selection is None or form.intent is not None or not isinstance(self._canvas, Looking):
            return action_for(form, selection is not None)
        size = self._canvas.size()
        background = selection == whole(size) and is_background(size, self._canvas.selected)
        return action_for(form, True, self._canvas.mostly_empty(selection), background)

    def start(self, form: Form) -> Optional[GenerationRequest]:
        """Read the canvas and submit; the request holds the seed that was drawn.

        What is wrong is told to the view; then None is returned and nothing was changed.
        """
        try:
            request, blobs = read(self._canvas, form, self.capabilities)
        except ScumbleError as error:
            self._view.failed(error.info)
            return None
        self._asked[request.id] = request
        self._change(
            Job(
                request.id,
                self._client.client_id,
                JobState.QUEUED,
                prompt=request.prompt,
                document=request.document,
            )
        )
        self._submissions.add(request, blobs, self.capabilities)
        if self.capabilities is None and self._connected:
            self.refresh()  # what was asked when the connection came may have failed
        return request

    def cancel(self, job_id: str) -> None:
        """Ask for the end of a job. Results that come after this are not pasted."""
        job = self.jobs.get(job_id)
        if job is None or is_over(job):
            return
        self._cancelling.add(job_id)
        self._delivery.forsake(job_id)
        if self._submissions.withdraw(job_id):
            self._take(replace(job, state=JobState.CANCELLED))
            return
        ask(self._client, "cancel", partial(self._cancelled, job_id), {"job_id": job_id})

    def estimate(self, form: Form, callback: Callable[[Optional[float]], None]) -> None:
        """How many seconds `start` would take; None when that is not known.

        While one question is under way only the newest of the others is kept.
        """
        if self._estimating:
            self._next_estimate = partial(self.estimate, form, callback)
            return
        try:
            if not self._connected:  # a guess is no reason to start a daemon
                raise DisconnectedError()
            request, _ = look(self._canvas, form, self.capabilities)
        except ScumbleError:
            callback(None)
            return
        self._estimating = True
        ask(
            self._client,
            "estimate",
            partial(self._estimated, callback),
            {"request": to_wire(request)},
        )

    def settle(self, form: Form) -> Form:
        """The form with all that `start` would look for in the document's layers.

        For an editor that reads over several turns, so that `region` before and
        `start` after them mean the same. Raises ScumbleError.
        """
        return settle(self._canvas, form)

    def region(self, form: Form) -> Optional[Region]:
        """What `start` would read of the canvas; None: nothing, or it would say what is wrong."""
        try:
            request, _ = look(self._canvas, form, self.capabilities)
        except ScumbleError:
            return None
        return None if request.mode is Mode.TEXT_TO_IMAGE else request.region

    def recovered(self) -> List[Result]:
        """Results that wait to be pasted by hand."""
        return self._delivery.waiting()

    def paste_recovered(self, result: Result) -> None:
        """Paste into the result's own document where it is open, else into the one in front."""
        job = self.jobs.get(result.job_id)
        front = self._canvas.document()
        documents = [name for name in (job.document if job else "", front) if name]
        if front is None:
            self._view.failed(ErrorInfo(ErrorCode.BAD_REQUEST, "No document is open.", "Open one."))
            return
        self._delivery.deliver(result, documents)

    def paste_held(self) -> None:
        """Paste what the canvas was too busy for; for the canvas to call when it is at rest."""
        self._delivery.paste_held()

    def discard_recovered(self, results: Sequence[Result]) -> None:
        """Do not offer these results any more."""
        self._delivery.discard(results)

    def name_of(self, result: Result) -> str:
        """The name of the result's layer: prompt and seed, as far as they are known."""
        request = self._asked.get(result.job_id)
        if request is not None:
            return request_name(request, result.index)
        job = self.jobs.get(result.job_id)
        return result_name(result, job.prompt if job else "")

    def refresh(self) -> None:
        """Ask for models, samplers and the worker's state again."""
        ask(self._client, "capabilities", self._told_capabilities)
        ask(self._client, "status", self._told_status)

    # -- from canvas to daemon

    def _cancelled(
        self, job_id: str, reply: Optional[Reply], error: Optional[ScumbleError]
    ) -> None:
        if reply is not None:
            self._change(from_wire(Job, reply.fields.get("job")))
        elif error is not None and not isinstance(error, DisconnectedError):
            self._cancelling.discard(job_id)
            self._view.failed(error.info)

    def _estimated(
        self,
        callback: Callable[[Optional[float]], None],
        reply: Optional[Reply],
        error: Optional[ScumbleError],
    ) -> None:
        self._estimating = False
        seconds = reply.fields.get("seconds") if reply is not None else None
        callback(float(seconds) if isinstance(seconds, (int, float)) else None)
        following, self._next_estimate = self._next_estimate, None
        if following is not None:
            following()

    # -- from daemon to view

    def handle(self, kind: str, fields: Dict[str, Any], blobs: Tuple[bytes, ...]) -> None:
        """One of the client's events; kinds that are not known are a newer daemon's."""
        handlers: Dict[str, Callable[[Dict[str, Any], Tuple[bytes, ...]], None]] = {
            "connection": self._connection,
            "resumed": self._resumed,
            "job": self._job,
            "progress": self._progress,
            "result": self._result,
            "worker": self._worker,
            "capabilities": lambda *_: self.refresh(),
        }
        handler = handlers.get(kind)
        if handler is None:
            return
        try:
            handler(fields, blobs)
        except ScumbleError as error:
            self._view.failed(error.info)

    def _connection(self, fields: Dict[str, Any], _: Tuple[bytes, ...]) -> None:
        error = fields.get("error")
        info = from_wire(ErrorInfo, error) if error is not None else None
        state = str(fields.get("state", ""))
        self._connected = state == "ready"
        if info is not None and not info.retryable:
            self._submissions.unreachable(info)
        self._view.connection_changed(state, info)
        if self._connected:
            self.refresh()

    def _resumed(self, fields: Dict[str, Any], _: Tuple[bytes, ...]) -> None:
        jobs = list_from_wire(Job, fields.get("jobs"))
        results = list_from_wire(Result, fields.get("results"))
        listed = {job.id for job in jobs}
        for job in jobs:
            # unknown after a first time, it is another window's, which comes back as well
            if job.id in self.jobs or not self._resumed_before:
                self._take(job)
        self._resumed_before = True
        self._claim({result.job_id for result in results})
        for job_id in self._submissions.resumed(listed, self._cancelling):
            self._take(replace(self.jobs[job_id], state=JobState.CANCELLED))
        for job_id in self._cancelling & listed:
            ask(self._client, "cancel", partial(self._cancelled, job_id), {"job_id": job_id})
        self._arrived(*results)
        unknown = {result.job_id for result in results} - set(self.jobs)
        running = {job_id for job_id, job in self.jobs.items() if not is_over(job)}
        mine = {(job_id, i) for job_id in self._asked for i in self.jobs[job_id].unacknowledged}
        untold = mine - {(result.job_id, result.index) for result in results}
        if unknown or untold or running - listed - self._submissions.ids:
            ask(self._client, "jobs", self._listed, {"all": False})

    def _claim(self, waiting: Set[str]) -> None:
        """Tell the daemon which jobs are this session's, so that no other window is offered them.

        waiting: jobs that have results. An older daemon refuses, which does no harm.
        """
        going = {job_id for job_id, job in self.jobs.items() if not is_over(job)}
        mine = set(self._asked) & (going | waiting)
        if mine:
            self._client.request("claim", {"job_ids": sorted(mine)})

    def _listed(self, reply: Optional[Reply], error: Optional[ScumbleError]) -> None:
        """What became of the jobs that ended while there was no connection."""
        if reply is None:
            return
        jobs = list_from_wire(Job, reply.fields.get("jobs"))
        for job in jobs:
            if is_over(job) or job.id in self.jobs:  # else another window is at it
                self._take(job)
        known = {job.id for job in jobs} | self._submissions.ids
        sought = {job.id for job in jobs if job.id in self._asked and job.unacknowledged}
        for job_id, job in self.jobs.items():
            if not is_over(job) and job_id not in known:  # forgotten, or the list is cut
                sought.add(job_id)
        for job_id in sorted(sought):  # a resume that has many pictures to tell of leaves some out
            ask(self._client, "results", partial(self._sought, job_id), {"job_id": job_id})
        if self._delivery.waiting():
            self._delivery.tell_waiting()  # their prompts are known now

    def _sought(self, job_id: str, reply: Optional[Reply], error: Optional[ScumbleError]) -> None:
        if reply is not None:
            results = list_from_wire(Result, reply.fields.get("results"))
            waiting = self.jobs[job_id].unacknowledged
            self._arrived(*(result for result in results if result.index in waiting))
        if error is not None and not isinstance(error, DisconnectedError):
            self._fail_job(
                job_id,
                ErrorInfo(
                    ErrorCode.INTERNAL,
                    "The backend does not know this job any more.",
                    "Start it again.",
                ),
            )

    def _job(self, fields: Dict[str, Any], _: Tuple[bytes, ...]) -> None:
        job = from_wire(Job, fields.get("job"))
        self._delivery.settled_elsewhere(job)
        if job.id in self.jobs:  # another editor with this client id has jobs of its own
            self._change(job)

    def _progress(self, fields: Dict[str, Any], blobs: Tuple[bytes, ...]) -> None:
        progress = from_wire(Progress, fields.get("progress"))
        job = self.jobs.get(progress.job_id)
        if job is None or is_over(job):
            return
        now = (job.attempt, progress.seq)
        if now <= self._seen.get(job.id, (0, -1)):
            return
        self._seen[job.id] = now
        preview = blobs[0] if blobs else b""
        wanted = progress.preview.pixels * 3 if progress.preview is not None else 0
        if len(preview) != wanted:
            progress, preview = replace(progress, preview=None, preview_region=None), b""
        self._view.progress(progress, preview)

    def _result(self, fields: Dict[str, Any], _: Tuple[bytes, ...]) -> None:
        self._arrived(from_wire(Result, fields.get("result")))

    def _worker(self, fields: Dict[str, Any], _: Tuple[bytes, ...]) -> None:
        self._view.worker_changed(from_wire(WorkerStatus, fields.get("worker")))

    def _told_capabilities(self, reply: Optional[Reply], error: Optional[ScumbleError]) -> None:
        if reply is not None:
            self.capabilities = read_capabilities(reply)
            self._view.capabilities_changed(self.capabilities)
            self._submissions.models_known(self.capabilities)
        elif error is None or isinstance(error, DisconnectedError):
            return  # asked again with the next connection
        elif self.capabilities is None and not self._submissions.unreachable(error.info):
            self._view.failed(error.info)

    def _told_status(self, reply: Optional[Reply], _: Optional[ScumbleError]) -> None:
        if reply is not None:
            self._worker(reply.fields, ())

    def _arrived(self, *results: Result) -> None:
        for result in results:
            self.jobs = advance(self.jobs, Finished(result))
            request = self._asked.get(result.job_id)
            if request is not None:
                self._delivery.deliver(result, [request.document], request.canvas)
        self._delivery.offer([result for result in results if result.job_id not in self._asked])

    def _ask_for_more(self) -> None:
        """Nothing waits any more: a long list of results may go on."""
        ask(self._client, "resume", self._told_more)

    def _told_more(self, reply: Optional[Reply], _: Optional[ScumbleError]) -> None:
        if reply is not None:
            self._arrived(*list_from_wire(Result, reply.fields.get("results")))

    # -- the jobs that are known

    def _change(self, job: Job) -> None:
        """Take news of a job, unless they are old."""
        self._keep(advance(self.jobs, Changed(job)), job.id)

    def _take(self, job: Job) -> None:
        """Take a job as it was listed: whatever was known before."""
        self._keep({**self.jobs, job.id: job}, job.id)

    def _keep(self, jobs: Dict[str, Job], job_id: str) -> None:
        before, self.jobs = self.jobs.get(job_id), jobs
        job = jobs[job_id]
        if job == before:
            return
        self._view.job_changed(job)
        failed = job.state is JobState.FAILED and (before is None or before.state is not job.state)
        if failed and job.error is not None and job_id in self._asked:
            self._view.failed(job.error)

    def _fail_job(self, job_id: str, error: ErrorInfo) -> None:
        self._take(replace(self.jobs[job_id], state=JobState.FAILED, error=error))
