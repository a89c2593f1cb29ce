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
    leaving it. Time in which another program had the processor does not count,
    neither in visits nor in gaps.
    """

    def __init__(self):
        self.gaps = []
        self.visits = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._outermost = None

    def start(self):
        self._last = (time.perf_counter(), queued())
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
        now = (time.perf_counter(), queued())
        self.gaps.append(_between(self._last, now))
        self._last = now

    def _profile(self, frame, event, argument):
        if event == "call" and self._outermost is None:
            if PLUGIN_FOLDER in frame.f_code.co_filename:
                self._outermost = frame
                self._entered = (time.perf_counter(), queued())
        elif event == "return" and frame is self._outermost:
            took = _between(self._entered, (time.perf_counter(), queued()))
            self.visits.append((took, frame.f_code.co_name))
            self._outermost = None


def _between(before, after):
    """Milliseconds on the processor or waiting for something in Krita."""
    return (after[0] - before[0] - (after[1] - before[1])) * 1000.0
