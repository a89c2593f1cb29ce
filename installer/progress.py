"""Long work shown on the terminal: a bar where the share is known, a spinner where not.

Without a terminal (a log file, CI) each task is one line when it begins and one when it ends.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
PLAIN_SPINNER = "|/-\\"  # for terminals that cannot write the other one
BAR_WIDTH = 24  # columns
TICK = 0.1  # seconds between two frames


class Task:
    """One piece of work on screen. `note` and `share` may be set from any thread."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.note = ""
        self.share: float | None = None  # 0 … 1, None while it is not known
        self.began = time.monotonic()
        self.warnings: list[str] = []

    def warn(self, sentence: str) -> None:
        """To be read when the task is over."""
        self.warnings.append(sentence)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began


class Display:
    """Shows one task at a time on `stream`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        encoding = (self._stream.encoding or "ascii").lower()
        self._fancy = encoding.startswith("utf")

    @contextlib.contextmanager
    def task(self, title: str) -> Iterator[Task]:
        task = Task(title)
        ended = threading.Event()
        painter = threading.Thread(target=self._paint, args=(task, ended), daemon=True)
        if self._live:
            painter.start()
        else:
            self._line(f"{title} …")
        word = "failed"
        try:
            yield task
            word = "done"
        finally:
            ended.set()
            if self._live:
                painter.join()
                self._erase()
            mark = {"done": "✓", "failed": "✗"}[word] if self._fancy else word
            self._line(f"{mark} {title} ({duration(task.seconds)})")
            for sentence in task.warnings:
                self._line(f"  {sentence}")

    def say(self, text: str) -> None:
        self._line(text)

    def _paint(self, task: Task, ended: threading.Event) -> None:
        frames = SPINNER if self._fancy else PLAIN_SPINNER
        number = 0
        while not ended.wait(TICK):
            self._erase()
            columns = shutil.get_terminal_size().columns
            self._stream.write(frame(task, frames[number % len(frames)], columns, self._fancy))
            self._stream.flush()
            number += 1

    def _erase(self) -> None:
        self._stream.write("\r\033[K")

    def _line(self, text: str) -> None:
        if not self._fancy:
            text = text.encode("ascii", "replace").decode("ascii")
        self._stream.write(text + "\n")
        self._stream.flush()


def frame(task: Task, spinner: str, columns: int, fancy: bool = True) -> str:
    """One line of at most columns - 1 characters for `task` as it stands."""
    parts = [spinner, task.title]
    if task.share is not None:
        share = min(max(task.share, 0.0), 1.0)
        filled = round(share * BAR_WIDTH)
        full, empty = ("█", "░") if fancy else ("#", ".")
        parts.append(f"{full * filled}{empty * (BAR_WIDTH - filled)} {share:4.0%}")
    parts.append(duration(task.seconds))
    if task.note:
        parts.append(task.note)
    return " ".join(parts)[: max(columns - 1, 1)]


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"
