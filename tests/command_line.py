"""The command line as a person runs it: real processes, a daemon of their own, the fake engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble.link.home import Home

SECONDS = 120.0


class Scumble:
    """Runs `scumble …` with a home of its own and the fake engine."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.folder = folder
        self.environ = {**os.environ, "SCUMBLE_HOME": str(self.home.path), "SCUMBLE_ENGINE": "fake"}

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "scumble", *map(str, arguments)],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "scumble", *map(str, arguments)],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a shell that runs the tests in the background has its children ignore Ctrl-C
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )


def rgb(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("RGB"))


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Every line of stdout is one JSON object with an event."""
    return [json.loads(line) for line in done.stdout.splitlines()]
