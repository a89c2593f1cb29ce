"""The docker's contents: one widget that fulfils the session's View and knows no Krita."""

from __future__ import annotations

from typing import Dict, List, Optional

from .activity import MessageArea, PreviewLabel, ProgressLine
from .fields import Fields
from .link.errors import ErrorInfo
from .link.form import Form
from .link.jobs import is_over
from .link.values import (
    Capabilities,
    Job,
    JobState,
    Progress,
    Result,
    WorkerState,
    WorkerStatus,
)
from .link.wording import (
    CONNECTION_WORDS,
    TIPS,
    WORKER_WORDS,
    estimate_words,
    model_hint,
    note_words,
)
from .prompt import PromptEdit
from .qt import Qt, QtWidgets, Signal
from .recovered import RecoveredButton


class Panel(QtWidgets.QWidget):
    """Prompts, the button, what happens now, and the fields.

    Signals: `start` (the button or Ctrl+Enter), `cancel` (a job's id), `edited`
    (the form changed), `paste` (a Result to be pasted by hand), `discard` (a
    list of Results not to be offered any more), `ended` (a job is over, so the
    time of the next one is known better).
    """

    start = Signal()
    cancel = Signal(str)
    edited = Signal()
    paste = Signal(object)
    discard = Signal(object)
    ended = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._jobs: Dict[str, Job] = {}  # not over, oldest first
        self._recovered: List[Result] = []
        self._action_enabled = False
        self.prompt = PromptEdit("What do you want to see?", 3, 8)
        self.prompt.setToolTip(TIPS["prompt"])
        self.negative_prompt = PromptEdit("And what not?", 1, 4)
        self.negative_prompt.setToolTip(TIPS["negative_prompt"])
        self.button = QtWidgets.QPushButton("Generate")
        self.cancel_button = QtWidgets.QPushButton("Cancel")
        self.cancel_button.setToolTip(TIPS["cancel"])
        self.estimate = _quiet_label("")
        self.progress_line = ProgressLine()
        self.preview = PreviewLabel()
        self.message = MessageArea()
        self.fields = Fields()
        self.model_hint = _quiet_label("")
        self.state = _quiet_label("Connecting")
        self.recovered_button = RecoveredButton()
        self._lay_out()
        self.button.clicked.connect(self._ask_start)
        self.prompt.submitted.connect(self._ask_start)
        self.negative_prompt.submitted.connect(self._ask_start)
        self.cancel_button.clicked.connect(self.cancel_shown)
        self.recovered_button.paste.connect(self.paste)
        self.recovered_button.discard.connect(self.discard)
        self.prompt.textChanged.connect(self.edited)
        self.negative_prompt.textChanged.connect(self.edited)
        self.fields.changed.connect(self.edited)
        self._show_jobs()

    def form(self) -> Form:
        return self.fields.form(self.prompt.toPlainText(), self.negative_prompt.toPlainText())

    def show_form(self, form: Form) -> None:
        self.prompt.setPlainText(form.prompt)
        self.negative_prompt.setPlainText(form.negative_prompt)
        self.fields.show_form(form)

    def show_action(self, label: str, enabled: bool, tip: str = "") -> None:
        """What the button will do. tip: a sentence on it, or on why it is disabled."""
        self.button.setText(label)
        self.button.setEnabled(enabled)
        self.button.setToolTip("%s (Ctrl+Enter)" % (tip or label) if enabled else tip)
        self._action_enabled = enabled

    def show_estimate(self, seconds: Optional[float]) -> None:
        self.estimate.setText(estimate_words(seconds))

    def show_seed(self, seed: int) -> None:
        self.fields.seed.show_last(seed)

    def started(self) -> None:
        """The artist's request was taken: what was said before is over, the picture is read."""
        self.message.forget()
        self.button.setEnabled(False)
        if not self._jobs:
            self.progress_line.show_words("Reading the picture")

    def submitted(self) -> None:
        """What `started` began is over: it is a job now, or an error was shown."""
        self.button.setEnabled(self._action_enabled)
        self._show_jobs()

    def cancel_shown(self) -> None:
        """Cancel the job that the progress line is about."""
        job = self._shown()
        if job is not None:
            self.cancel.emit(job.id)

    # the session's View

    def connection_changed(self, state: str, error: Optional[ErrorInfo]) -> None:
        self.state.setText(CONNECTION_WORDS.get(state, state))
        if error is not None:
            self.message.show_error(error)
        elif state == "ready":
            self.message.forget()

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        self.fields.show_capabilities(capabilities)
        hint = model_hint(capabilities)
        self.model_hint.setText(hint)
        self.model_hint.setVisible(bool(hint))

    def job_changed(self, job: Job) -> None:
        if is_over(job):
            self._jobs.pop(job.id, None)
            self.ended.emit()
        else:
            self._jobs[job.id] = job
        self._show_jobs()

    def progress(self, progress: Progress, preview: bytes) -> None:
        shown = self._shown()
        if shown is None or progress.job_id != shown.id:
            return
        self.progress_line.show_progress(progress, len(self._jobs) - 1)
        if progress.preview is not None and preview:
            self.preview.show_picture(preview, progress.preview.width, progress.preview.height)

    def failed(self, error: ErrorInfo) -> None:
        self.message.show_error(error)

    def finished(self, result: Result, layer_name: str) -> None:
        seed = result.metadata.get("seed")
        if isinstance(seed, int):
            self.fields.seed.show_last(seed)
        note = note_words(result)
        if note:
            self.message.show_note(note)

    def recovered(self, results: List[Result]) -> None:
        self._recovered = list(results)
        self.recovered_button.offer(self._recovered)

    def worker_changed(self, status: WorkerStatus) -> None:
        text = WORKER_WORDS[status.state]
        if status.device and status.state is not WorkerState.FAILED:
            text += " (%s)" % status.device
        self.state.setText(text)
        self.state.setToolTip(status.message or status.model)

    def paste_first_recovered(self) -> None:
        if self._recovered:
            self.paste.emit(self._recovered[0])

    def _ask_start(self) -> None:
        if self._action_enabled:
            self.start.emit()

    def _shown(self) -> Optional[Job]:
        """The running job, else the oldest that waits."""
        jobs = list(self._jobs.values())
        running = [job for job in jobs if job.state is not JobState.QUEUED]
        return (running or jobs or [None])[0]

    def _show_jobs(self) -> None:
        job = self._shown()
        self.cancel_button.setVisible(job is not None)
        self.estimate.setVisible(job is None)
        if job is None:
            self.progress_line.hide()
            self.preview.forget()
        elif self.progress_line.isHidden() or job.state is not JobState.RUNNING:
            self.progress_line.show_state(job, len(self._jobs) - 1)

    def _lay_out(self) -> None:
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.button, 1)
        buttons.addWidget(self.cancel_button)
        bottom = QtWidgets.QHBoxLayout()
        bottom.addWidget(self.state, 1)
        bottom.addWidget(self.recovered_button)
        self.model_hint.hide()
        self.model_hint.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        contents = QtWidgets.QWidget()
        column = QtWidgets.QVBoxLayout(contents)
        column.setContentsMargins(6, 6, 6, 6)
        column.setSpacing(6)
        column.addWidget(self.prompt)
        column.addWidget(self.negative_prompt)
        column.addLayout(buttons)
        column.addWidget(self.estimate)
        column.addWidget(self.progress_line)
        column.addWidget(self.message)
        column.addWidget(self.preview)
        column.addWidget(self.fields)
        column.addStretch(1)
        column.addWidget(self.model_hint)
        column.addLayout(bottom)
        scroll = QtWidgets.QScrollArea(self)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(contents)
        outer = QtWidgets.QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)


def _quiet_label(text: str) -> QtWidgets.QLabel:
    label = QtWidgets.QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setEnabled(False)  # the palette's quiet text colour
    return label
