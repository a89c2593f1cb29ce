"""Brings calls from the client's threads to Krita's main thread."""

from __future__ import annotations

from typing import Callable

from .qt import QObject, Qt, Signal


class MainThread(QObject):
    """`post` may be called from any thread; the function runs later on the thread that made this.

    on_error gets what a function raises: an exception that leaves a slot ends Krita.
    """

    _posted = Signal(object)

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        super().__init__()
        self._on_error = on_error
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, function: Callable[[], None]) -> None:
        self._posted.emit(function)

    def _run(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:
            self._on_error(error)
