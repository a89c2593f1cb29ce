"""The editor's main thread, as a test plays it: what is posted runs when the test says so."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable


class MainThread:
    def __init__(self) -> None:
        self._posted: queue.Queue[Callable[[], None]] = queue.Queue()

    def post(self, function: Callable[[], None]) -> None:
        self._posted.put(function)

    def run_until(self, done: Callable[[], object], seconds: float = 20.0) -> None:
        """Run what is posted until `done()` is true; fails when that never happens."""
        deadline = time.monotonic() + seconds
        while not done():
            try:
                self._posted.get(timeout=0.02)()
            except queue.Empty:
                assert time.monotonic() < deadline, "it never came to that"

    def wait_posted(self, count: int, seconds: float = 20.0) -> None:
        """Wait, without running anything, until `count` functions are posted."""
        deadline = time.monotonic() + seconds
        while self._posted.qsize() < count:
            assert time.monotonic() < deadline, "it was never posted"
            time.sleep(0.01)

    def run_all(self) -> None:
        while not self._posted.empty():
            self._posted.get()()
