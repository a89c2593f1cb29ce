"""Tells Krita of the docker and of the actions that shortcuts can start."""

from __future__ import annotations

from typing import Any, Callable, List, Optional

from krita import DockWidgetFactory, DockWidgetFactoryBase, Extension, Krita

from .backend import Backend
from .docker import Docker

_DOCKER_ID = "scumble"


class ScumbleExtension(Extension):
    """Owns the backend and makes the dockers."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self._backend: Optional[Backend] = None
        self._dockers: List[Docker] = []

    def setup(self) -> None:
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self._close)

    def make_docker(self) -> Docker:
        if self._backend is None:
            self._backend = Backend()
        docker = Docker(self._backend)
        self._dockers.append(docker)
        return docker

    def createActions(self, window: Any) -> None:
        """Names and default shortcuts stand in scumble.action."""
        for name, text, act in (
            ("scumble_start", "Scumble: Generate or Fill", Docker.start),
            ("scumble_cancel", "Scumble: Cancel", lambda docker: docker.panel.cancel_shown()),
            (
                "scumble_paste_recovered",
                "Scumble: Paste Recovered Result",
                lambda docker: docker.panel.paste_first_recovered(),
            ),
        ):
            action = window.createAction(name, text, "tools/scripts")
            action.triggered.connect(lambda _=False, act=act: self._on_front_docker(act))

    def _on_front_docker(self, act: Callable[[Docker], None]) -> None:
        # asked for now: Krita soon deletes the Window that createActions was given
        front = Krita.instance().activeWindow()
        if front is None:  # no window of Krita's is active: a script's doing
            return
        for docker in self._dockers:
            if docker.belongs_to(front.qwindow()):
                act(docker)

    def _close(self) -> None:
        if self._backend is not None:
            self._backend.close()


def register() -> None:
    krita = Krita.instance()
    extension = ScumbleExtension(krita)
    krita.addExtension(extension)
    krita.addDockWidgetFactory(
        DockWidgetFactory(_DOCKER_ID, DockWidgetFactoryBase.DockRight, extension.make_docker)
    )
