"""The plugin's one connection to Scumble's daemon, shared by the dockers of all windows."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Any, Callable, List, Optional

from krita import Krita

from .canvas import KritaCanvas
from .documents import Documents
from .link.client import Client
from .link.errors import ErrorCode, ErrorInfo, ScumbleError
from .link.home import find_install, find_plugin_home
from .link.session import Session, View
from .mainthread import MainThread
from .qt import QTimer

_SETTINGS = "scumble"
_AGAIN_MS = 20  # until a layer that had to wait is tried again
_CLIENT_ID = "krita"  # of every Krita of this user, so that each finds what another one left


class Backend:
    """Session, canvas and the views of it. Main thread only."""

    def __init__(self) -> None:
        folder = Path(__file__).resolve().parent
        home = find_plugin_home(folder)
        self._views = _Views()
        self._documents = Documents()
        self._main_thread = MainThread(self._show_exception)
        self._client = Client(
            home,
            _CLIENT_ID,
            "Krita %s" % Krita.instance().version(),
            self._ignore,
            self._main_thread.post,
            find_install(folder, home),
        )
        self._connected = False
        self._again = QTimer()
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN_MS)
        self.canvas = KritaCanvas(self._documents, self._again.start)
        self.session = Session(self._client, self.canvas, self._views)
        self._again.timeout.connect(lambda: self.guard(self.session.paste_held))

    @property
    def ready(self) -> bool:
        return self._views.ready

    def add_view(self, view: View) -> None:
        self._views.add(view)

    def connect(self) -> None:
        """Look for the daemon, or start it; once, when a docker is first seen."""
        if not self._connected:
            self._connected = True
            self._client.start()

    def close(self) -> None:
        self._client.close()

    def guard(self, function: Callable[[], Any]) -> None:
        """Run it; what it raises becomes a message in the docker. (Out of a slot it ends Krita.)"""
        try:
            function()
        except ScumbleError as error:
            self._views.failed(error.info)
        except Exception as error:
            self._show_exception(error)

    def read_default_form(self) -> str:
        return Krita.instance().readSetting(_SETTINGS, "form", "")

    def read_form(self) -> str:
        """What the document in front was last asked for, "" when it never was."""
        front = self._documents.front()
        return "" if front is None else self._documents.read_form(front)

    def remember(self, form: str) -> None:
        """Keep the form's JSON in the document in front and for new ones."""
        Krita.instance().writeSetting(_SETTINGS, "form", form)
        front = self._documents.front()
        if front is not None:
            self._documents.write_name(front)
            self._documents.write_form(front, form)

    def _show_exception(self, error: Exception) -> None:
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
        text = "Scumble met an error of its own: %s." % (str(error) or type(error).__name__)
        hint = "Your document is as it was. Please report it."
        self._views.failed(ErrorInfo(ErrorCode.INTERNAL, text, hint))

    def _ignore(self, *_: Any) -> None:
        """Until the session takes the client's events over."""


class _Views:
    """The session's View, passed on to the docker of every window."""

    def __init__(self) -> None:
        self._views: List[View] = []
        self._news: dict = {}  # what a docker that is made later has to be told
        self.ready = False

    def add(self, view: View) -> None:
        self._views.append(view)
        for name, arguments in self._news.items():
            getattr(view, name)(*arguments)

    def connection_changed(self, state: str, error: Optional[ErrorInfo]) -> None:
        self.ready = state == "ready"
        self._tell_and_keep("connection_changed", state, error)

    def capabilities_changed(self, *arguments: Any) -> None:
        self._tell_and_keep("capabilities_changed", *arguments)

    def worker_changed(self, *arguments: Any) -> None:
        self._tell_and_keep("worker_changed", *arguments)

    def recovered(self, *arguments: Any) -> None:
        self._tell_and_keep("recovered", *arguments)

    def job_changed(self, *arguments: Any) -> None:
        self._tell("job_changed", *arguments)

    def progress(self, *arguments: Any) -> None:
        self._tell("progress", *arguments)

    def failed(self, error: ErrorInfo) -> None:
        self._tell("failed", error)

    def finished(self, *arguments: Any) -> None:
        self._tell("finished", *arguments)

    def _tell_and_keep(self, name: str, *arguments: Any) -> None:
        self._news[name] = arguments
        self._tell(name, *arguments)

    def _tell(self, name: str, *arguments: Any) -> None:
        for view in list(self._views):
            try:
                getattr(view, name)(*arguments)
            except RuntimeError:  # Qt has deleted the docker with its window
                self._views.remove(view)
