"""Measures how long Krita's main thread was away, and how long the plugin kept it."""

import os
import sys
import time

from PyQt5.QtCore import Qt, QTimer

TICK_MS = 5
PLUGIN_FOLDER = os.sep + os.path.join("pykrita", "scumble") + os.sep


def queued():
    """Seconds that this thread has waited for a processor so far: other programs' doing."""
    with open("/proc/thread-self/schedstat") as file:
        return int(file.read().split()[1]) / 1e9


class Watch:
    """Between start and stop: the gaps of a 5 ms timer, and each visit to the plugin's code.

    A visit lasts from entering the plugin's outermost Python function to
    leaving it; time in which another program had the processor does not count.
    """

    def __init__(self):
        self.gaps = []
        self.visits = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._outermost = None

    def start(self):
        self._last = time.perf_counter()
        self._timer.start(TICK_MS)
        sys.setprofile(self._profile)

    def stop(self):
        sys.setprofile(None)
        self._timer.stop()

    def facts(self):
        longest = sorted(self.visits, reverse=True)[:5]
        return {
            "ticks": len(self.gaps),
            "longest_gap_ms": max(self.gaps, default=0.0),
            "longest_visit_ms": max((visit[0] for visit in self.visits), default=0.0),
            "visits": len(self.visits),
            "longest_visits": longest,
        }

    def _tick(self):
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1000.0)
        self._last = now

    def _profile(self, frame, event, argument):
        if event == "call" and self._outermost is None:
            if PLUGIN_FOLDER in frame.f_code.co_filename:
                self._outermost = frame
                self._entered = (time.perf_counter(), queued())
        elif event == "return" and frame is self._outermost:
            took = time.perf_counter() - self._entered[0] - (queued() - self._entered[1])
            self.visits.append((took * 1000.0, frame.f_code.co_name))
            self._outermost = None
