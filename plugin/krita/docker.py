"""The docker "Scumble": the panel in Krita's window, and what ties it to the session."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from krita import DockWidget

from .backend import Backend
from .link.errors import ErrorCode, ScumbleError
from .link.form import Form, for_another_document, form_from_json, form_to_json
from .link.values import GenerationRequest, Result
from .panel import Panel
from .qt import QtGui, QTimer, QtWidgets

_LOOK_MS = 300  # Krita tells of no change of the selection, so it is looked at
_ESTIMATE_MS = 400  # the form rests this long before the time is asked for
_IDLE_MS = 20
_IDLE_TRIES = 250  # a stroke may be under way for as long as the artist's hand is


class Docker(DockWidget):
    """One for each window of Krita; the backend is shared."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend
        self._forms: Dict[str, Form] = {}  # of documents that were in front before
        self._document: Optional[str] = None
        self._seen: Tuple[Any, ...] = ()
        self._reading = False
        self.setWindowTitle("Scumble")
        self.panel = Panel()
        self.setWidget(self.panel)
        stored = backend.read_default_form()
        if stored:
            self.panel.show_form(for_another_document(form_from_json(stored)))
        self._look_timer = QTimer(self)
        self._look_timer.setInterval(_LOOK_MS)
        self._look_timer.timeout.connect(self.look)
        self._estimate_timer = QTimer(self)
        self._estimate_timer.setSingleShot(True)
        self._estimate_timer.setInterval(_ESTIMATE_MS)
        self._estimate_timer.timeout.connect(self._estimate)
        self.panel.start.connect(self.start)
        self.panel.cancel.connect(self.cancel)
        self.panel.paste.connect(self.paste)
        self.panel.discard.connect(self.discard)
        self.panel.edited.connect(self.look)
        self.panel.fields.context.layers_wanted.connect(self._offer_layers)
        self.panel.ended.connect(self._estimate_timer.start)
        backend.add_view(self.panel)

    def canvasChanged(self, canvas: Any) -> None:
        """Krita: another document is in front, or none."""
        self.look()

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        self._backend.guard(self._backend.connect)
        self._look_timer.start()
        self.look()

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        super().hideEvent(event)
        self._look_timer.stop()

    def belongs_to(self, window: QtWidgets.QWidget) -> bool:
        return not self._gone() and self.parent() is window

    def start(self) -> None:
        if not self._reading:  # a second press while the first one waits or reads is none
            self._reading = True
            self._backend.guard(lambda: self._start(_IDLE_TRIES))

    def cancel(self, job_id: str) -> None:
        self._backend.guard(lambda: self._backend.session.cancel(job_id))

    def paste(self, result: Result) -> None:
        self._backend.guard(lambda: self._backend.session.paste_recovered(result))

    def discard(self, results: List[Result]) -> None:
        self._backend.guard(lambda: self._backend.session.discard_recovered(results))

    def look(self) -> None:
        """Let the button say what it would do now."""
        self._backend.guard(self._look)

    def _look(self) -> None:
        canvas = self._backend.canvas
        document = canvas.document()
        if document != self._document:
            self._show_form_of(document)
        if document is None:
            self._seen = ()
            self.panel.show_action("Generate", False, "Open or create a picture first.")
            return
        form = self.panel.form()
        seen = (document, canvas.size(), canvas.selection(), form)
        if seen == self._seen:
            return
        self._seen = seen
        action = self._backend.session.action(form)
        self.panel.show_action(action.label, True, action.tip)
        self._estimate_timer.start()

    def _offer_layers(self) -> None:
        context, canvas = self.panel.fields.context, self._backend.canvas
        self._backend.guard(lambda: context.offer_layers(canvas.layer_names()))

    def _estimate(self) -> None:
        if self._backend.ready and self._backend.canvas.document() is not None:
            self._backend.guard(
                lambda: self._backend.session.estimate(self.panel.form(), self._show_estimate)
            )

    def _show_estimate(self, seconds: Optional[float]) -> None:
        if not self._gone():
            self.panel.show_estimate(seconds)

    def _start(self, tries: int, document: Optional[str] = None) -> None:
        """document: what was in front when the button was pressed, where that was earlier."""
        if self._gone():
            return
        try:
            front = self._backend.canvas.document()
            if document not in (None, front):
                raise ScumbleError(
                    ErrorCode.BUSY,
                    "Another picture came to the front before this one was at rest.",
                    "Press the button again.",
                )
            # what a stroke or filter is still painting belongs to the picture that is read
            if self._backend.canvas.busy() and tries:
                again = lambda: self._start(tries - 1, front)  # noqa: E731
                QTimer.singleShot(_IDLE_MS, lambda: self._backend.guard(again))
                return
            self.panel.fields.commit()  # a shortcut leaves the focus where it is
            form = self.panel.form()
            self._backend.remember(form_to_json(form))
            # where a layer marks the context now, whatever is painted on it while it is read
            settled = self._backend.session.settle(form)
            region = self._backend.session.region(settled)
            self.panel.started()
            submit = lambda: self._backend.guard(lambda: self._submit(settled))  # noqa: E731
            self._backend.canvas.hold(region, submit)
        except Exception:  # whatever it was, the next press has to work
            self._submitted(None)
            raise

    def _submit(self, form: Form) -> None:
        request = None
        try:
            request = self._backend.session.start(form)
        finally:
            self._submitted(request)

    def _submitted(self, request: Optional[GenerationRequest]) -> None:
        """request: None when there is none after all."""
        self._reading = False
        if self._gone():  # what was asked for goes on, and there is nobody to tell
            return
        self.panel.submitted()
        if request is not None:
            self.panel.show_seed(request.seed)

    def _gone(self) -> bool:
        """Whether Qt has deleted the docker with its window, which may be closed at any time."""
        try:
            self.parent()
        except RuntimeError:
            return True
        return False

    def _show_form_of(self, document: Optional[str]) -> None:
        """The fields follow the document: what stood in them there, else what its file tells."""
        if self._document is not None:
            self._forms[self._document] = self.panel.form()
        self._document = document
        if document is None:
            return
        stored = self._backend.read_form()
        if document in self._forms:
            self.panel.show_form(self._forms[document])
        elif stored:
            self.panel.show_form(form_from_json(stored))
        else:
            self.panel.show_form(for_another_document(self.panel.form()))
