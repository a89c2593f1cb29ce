"""What a verb says while it works: a bar for people, one JSON object a line for scripts."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Protocol

from tqdm import tqdm

from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorInfo
from scumble.link.values import Job, JobState, Progress, Result, WorkerState, WorkerStatus
from scumble.link.wording import note_words

_JOB_WORDS = {
    JobState.QUEUED: "waiting",
    JobState.LOADING: "loading the model",
    JobState.RUNNING: "drawing",
}
_BAR = "{desc} {percentage:3.0f}% |{bar:30}| step {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_WORKER_WORDS = {
    WorkerState.STARTING: "starting the worker",
    WorkerState.LOADING: "loading the model",
}


class Output(Protocol):
    def connection(self, state: str) -> None: ...

    def job(self, job: Job) -> None: ...

    def worker(self, status: WorkerStatus) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def result(self, result: Result, layer_name: str) -> None: ...

    def written(self, path: Path) -> None: ...

    def error(self, info: ErrorInfo) -> None: ...

    def close(self) -> None: ...


class TextOutput:
    """A progress bar on a terminal's stderr; what was written, on stdout."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._live = sys.stderr.isatty()
        self._word = ""
        self._notes: set[str] = set()

    def connection(self, state: str) -> None:
        if state == "lost":
            self._describe("the backend is gone, connecting again")

    def job(self, job: Job) -> None:
        if job.state in _JOB_WORDS:
            self._describe(_JOB_WORDS[job.state])

    def worker(self, status: WorkerStatus) -> None:
        if status.state in _WORKER_WORDS:
            self._describe(_WORKER_WORDS[status.state])

    def progress(self, progress: Progress) -> None:
        if self._bar is None:
            self._erase()
            self._bar = tqdm(total=progress.steps, disable=not self._live, bar_format=_BAR)
        self._describe(_JOB_WORDS[JobState.RUNNING])
        self._bar.total = progress.steps
        self._bar.update(progress.step - self._bar.n)

    def result(self, result: Result, layer_name: str) -> None:
        """Only what is special about it; the file that holds it is told by `written`."""
        note = note_words(result)
        if note and note not in self._notes:
            self._notes.add(note)
            self._erase()
            tqdm.write(note, file=sys.stderr)

    def written(self, path: Path) -> None:
        if self._bar is None:
            self._erase()
        tqdm.write(str(path))  # above the bar, where one is

    def error(self, info: ErrorInfo) -> None:
        self.close()  # the sentence itself is said once, where the program ends

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        else:
            self._erase()
        self._word = ""

    def _describe(self, word: str) -> None:
        if self._bar is not None:
            self._bar.set_description_str(word)
        elif word != self._word:
            self._erase()
            print(f"{word} …", end="" if self._live else "\n", file=sys.stderr, flush=True)
        self._word = word

    def _erase(self) -> None:
        """Take the words away that stand where the bar or the next words go."""
        if self._live and self._word:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class JsonOutput:
    """One JSON object a line on stdout, each with the key "event"."""

    def connection(self, state: str) -> None:
        self._line("connection", {"state": state})

    def job(self, job: Job) -> None:
        self._line("job", {"job": to_wire(job)})

    def worker(self, status: WorkerStatus) -> None:
        self._line("worker", {"worker": to_wire(status)})

    def progress(self, progress: Progress) -> None:
        self._line(
            "progress",
            {
                "job_id": progress.job_id,
                "step": progress.step,
                "steps": progress.steps,
                "seconds_left": progress.seconds_left,
            },
        )

    def result(self, result: Result, layer_name: str) -> None:
        self._line("result", {"layer": layer_name, "result": to_wire(result)})

    def written(self, path: Path) -> None:
        self._line("written", {"path": str(path)})

    def error(self, info: ErrorInfo) -> None:
        self._line("error", {"error": to_wire(info)})

    def close(self) -> None:
        """Every line was complete by itself."""

    def _line(self, event: str, fields: dict[str, Any]) -> None:
        print(json.dumps({"event": event, **fields}), flush=True)


def chosen_output(as_json: bool) -> Output:
    return JsonOutput() if as_json else TextOutput()
