"""One job from form to file: the editors' own Session, driven by a plain loop instead of Qt's."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from scumble import __version__
from scumble.cli.canvas import FileCanvas
from scumble.cli.output import Output
from scumble.link.client import Client
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError, bad_request
from scumble.link.form import Form
from scumble.link.home import Home, Install
from scumble.link.jobs import is_over
from scumble.link.session import Session
from scumble.link.values import (
    Capabilities,
    Job,
    JobState,
    ModelInfo,
    Progress,
    Result,
    WorkerStatus,
)

CLIENT_ID = "command-line"
_TICK = 0.2  # seconds; a queue that blocks for ever cannot be interrupted on Windows

MakeForm = Callable[[ModelInfo | None], Form]


def own_install(home: Home) -> Install:
    """The daemon runs on the Python that this command runs on."""
    return Install(sys.executable, str(home.path), __version__)


@dataclass
class _View:
    """What the session tells; link's View. The loop in `run_job` looks at the fields."""

    output: Output
    capabilities: Capabilities | None = None
    job_id: str = ""
    job: Job | None = None
    error: ErrorInfo | None = None
    results: list[Result] = field(default_factory=list)
    ready: bool = False

    def connection_changed(self, state: str, error: ErrorInfo | None) -> None:
        self.output.connection(state)
        self.ready = self.ready or state == "ready"
        if state == "lost" and error is not None and not self.ready:
            self.error = error  # there is no backend that could come back

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities

    def job_changed(self, job: Job) -> None:
        if self.job_id in ("", job.id):
            self.job = job
            self.output.job(job)

    def progress(self, progress: Progress, preview: bytes) -> None:
        if progress.job_id == self.job_id:
            self.output.progress(progress)

    def failed(self, error: ErrorInfo) -> None:
        self.error = error

    def finished(self, result: Result, layer_name: str) -> None:
        self.results.append(result)
        self.output.result(result, layer_name)

    def recovered(self, results: list[Result]) -> None:
        """Other commands' results wait on; `scumble jobs` lists them."""

    def worker_changed(self, status: WorkerStatus) -> None:
        if self.job_id:
            self.output.worker(status)


def run_job(home: Home, canvas: FileCanvas, make_form: MakeForm, output: Output) -> list[Result]:
    """Start the daemon if none runs, submit what `make_form` makes of the model, wait for the end.

    make_form gets the chosen model with its defaults, None where there is none;
    what needs no model runs all the same. Ctrl-C cancels the job.
    Raises ScumbleError: cancelled, and whatever made the job fail.
    """
    inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    view = _View(output)
    client = Client(home, CLIENT_ID, "command line", lambda *_: None, inbox.put, own_install(home))
    session = Session(client, canvas, view)
    client.start()
    try:
        _wait(inbox, lambda: view.capabilities is not None or view.error is not None)
        if view.error is not None:
            raise ScumbleError.from_info(view.error)
        assert view.capabilities is not None
        form = make_form_for(view.capabilities, make_form)
        request = session.start(form)
        if request is None:
            raise ScumbleError.from_info(view.error or ErrorInfo(ErrorCode.INTERNAL, "No job."))
        view.job_id = request.id
        _finish(inbox, session, view, request.batch)
        # the answer to this one comes after those to the acknowledgements before it
        said = client.request("status")
        _wait(inbox, lambda: said.done() or view.error is not None)
    finally:
        output.close()
        client.close()
    return view.results


def make_form_for(capabilities: Capabilities, make_form: MakeForm) -> Form:
    """The form for the model that was asked for, "" being the first one."""
    if not capabilities.models:
        return make_form(None)  # the session says whether one is needed
    first = make_form(capabilities.models[0])
    for model in capabilities.models:
        if model.id == first.model or not first.model:
            return make_form(model)
    return first  # the session says what is wrong with it


def _finish(
    inbox: queue.SimpleQueue[Callable[[], None]], session: Session, view: _View, batch: int
) -> None:
    def over() -> bool:
        if view.error is not None or view.job is None:
            return view.error is not None
        if view.job.state is JobState.DONE:
            return len(view.results) >= batch
        return is_over(view.job)

    try:
        _wait(inbox, over)
    except KeyboardInterrupt:
        session.cancel(view.job_id)
        view.output.close()
        _wait(inbox, lambda: view.job is None or is_over(view.job) or view.error is not None)
    if view.error is not None:
        raise ScumbleError.from_info(view.error)
    if view.job is not None and view.job.state is JobState.CANCELLED:
        error = ScumbleError(ErrorCode.CANCELLED, "Cancelled.")
        view.output.error(error.info)
        raise error


def _wait(inbox: queue.SimpleQueue[Callable[[], None]], enough: Callable[[], bool]) -> None:
    """Run what the client hands over until `enough` says so."""
    while not enough():
        try:
            inbox.get(timeout=_TICK)()
        except queue.Empty:
            continue


def parse_pair(text: str, separator: str, what: str) -> tuple[int, ...]:
    """Whole numbers with a separator between them. Raises ScumbleError (bad_request)."""
    try:
        return tuple(int(part) for part in text.lower().split(separator))
    except ValueError:
        raise bad_request(f"{text!r} is not {what}.") from None
