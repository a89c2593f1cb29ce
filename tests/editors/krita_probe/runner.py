"""Runs scenarios one after the other without ever holding up Krita's event loop.

A scenario is a generator function that is given a dict for its facts. It
yields a number (wait so many milliseconds) or a function (wait until it
returns something true).
"""

import json
import os
import time
import traceback

from krita import Krita
from PyQt5.QtCore import QObject, QTimer

START_MS = 2500  # Krita builds its window meanwhile
POLL_MS = 10
PATIENCE = 120.0  # seconds


class Runner(QObject):
    def __init__(self, scenarios):
        super().__init__()
        self._left = list(scenarios)
        self._report = {}
        self._running = None

    def start(self):
        QTimer.singleShot(START_MS, self._next)

    def _next(self):
        if not self._left:
            self._finish()
            return
        name, scenario = self._left.pop(0)
        self._entry = {"facts": {}, "error": ""}
        self._report[name] = self._entry
        self._running = scenario(self._entry["facts"])
        self._resume()

    def _resume(self, error=None):
        try:
            wish = self._running.throw(error) if error else next(self._running)
        except StopIteration:
            self._write()
            QTimer.singleShot(0, self._next)
        except Exception:
            self._entry["error"] = traceback.format_exc()
            self._write()
            QTimer.singleShot(0, self._next)
        else:
            self._wait(wish, time.monotonic() + PATIENCE)

    def _wait(self, wish, deadline):
        if not callable(wish):
            QTimer.singleShot(int(wish), self._resume)
            return
        try:
            done = wish()
        except Exception as error:
            self._resume(error)
            return
        if done:
            self._resume()
        elif time.monotonic() > deadline:
            self._resume(TimeoutError(f"waited {PATIENCE} s in vain"))
        else:
            QTimer.singleShot(POLL_MS, lambda: self._wait(wish, deadline))

    def _write(self):
        with open(os.environ["SCUMBLE_PROBE_REPORT"], "w") as file:
            json.dump(self._report, file, indent=1, default=str)

    def _finish(self):
        self._write()
        for document in Krita.instance().documents():
            document.setModified(False)
        Krita.instance().activeWindow().qwindow().close()
