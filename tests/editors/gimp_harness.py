"""Runs a real GIMP 3 under Xvfb, with the plug-in as the installer puts it and a probe beside it.

Debian 12 has no GIMP 3, so GIMP lives in a Debian folder (debian.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from daemons import Client
from debian import GIMP_OF, NOT_IN_SHORT_RUN, Folder, display

from installer.checkout import Checkout
from installer.editors import Kind
from installer.plugins import plugin_files
from scumble.link.encoding import from_wire
from scumble.link.home import Home, read_connection
from scumble.link.jobs import is_over
from scumble.link.values import Job

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
Report = dict[str, dict[str, Any]]  # by scenario: its facts, or the error that ended it
CODE_ONLY = shutil.ignore_patterns("__pycache__", "*.png")


@dataclass
class Gimp:
    """One GIMP in a Debian folder. home: GIMP's home folder, the same path inside and outside."""

    suite: str
    home: Path
    daemon_home: Path

    @property
    def folder(self) -> Folder:
        return Folder(self.suite)

    @property
    def plugins(self) -> Path:
        return self.home / ".config" / "GIMP" / GIMP_OF[self.suite] / "plug-ins"

    @property
    def flag(self) -> Path:
        """Through files of this name (and a suffix) the scenarios ask the test for something."""
        return self.home / "flag"

    def install(self) -> None:
        """The plug-in's files as the installer lays them out, and the probe."""
        for file in plugin_files(Checkout(ROOT), Kind.GIMP):
            target = self.plugins.parent / file.target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.source, target)
            target.chmod(0o755 if file.executable else 0o644)
        # without it GIMP asks what to do with a picture's profile, and converts where nobody is
        (self.plugins.parent / "gimprc").write_text("(color-profile-policy keep)\n")
        probe = self.plugins / "scumble_probe"
        shutil.copytree(HERE / "gimp_probe", probe, ignore=CODE_ONLY)

    @contextlib.contextmanager
    def program(
        self, screen: str, *words: str, **variables: str
    ) -> Iterator[subprocess.Popen[Any]]:
        """`words` run inside the folder with GIMP's home; killed at the end."""
        environ = {
            "HOME": str(self.home),
            "SCUMBLE_HOME": str(self.daemon_home),
            "SCUMBLE_PROBE_FLAG": str(self.flag),
            "DISPLAY": screen,
            **variables,
        }
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.folder.entered(self.home, self.daemon_home))
            log = stack.enter_context(open(self.home / "gimp.log", "wb"))
            process = subprocess.Popen(
                self.folder.command(environ, *words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                process.wait()

    def started(
        self, scenarios: list[str], screen: str, **variables: str
    ) -> contextlib.AbstractContextManager[subprocess.Popen[Any]]:
        """GIMP with its windows, the probe running the scenarios; killed at the end."""
        self._report.unlink(missing_ok=True)
        call = (
            "from gi.repository import Gimp; "
            "p = Gimp.get_pdb().lookup_procedure('scumble-probe'); c = p.create_config(); "
            f"c.set_property('scenarios', '{','.join(scenarios)}'); "
            f"c.set_property('report', '{self._report}'); p.run(c)"
        )
        words = ["gimp", "-d", "-f", "--no-splash", "--batch-interpreter=python-fu-eval"]
        return self.program(screen, *words, "-b", call, "--quit", **variables)

    def run(
        self,
        scenarios: list[str],
        limit: float,
        size: tuple[int, int] = (1400, 900),
        **variables: str,
    ) -> Report:
        """Facts by scenario, after GIMP has closed; does what the flags ask for meanwhile."""
        with display(*size) as screen, self.started(scenarios, screen, **variables) as process:
            stop = threading.Event()
            hand = threading.Thread(target=self._hand, args=(screen, stop))
            hand.start()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(limit)
            stop.set()
            hand.join()
        return self.report()

    def batch(self, *words: str, limit: float = 120.0) -> tuple[int, str]:
        """GIMP without windows: its exit status and all that it printed."""
        with display() as screen, self.program(screen, "gimp", "-i", "-d", "-f", *words) as gimp:
            status = gimp.wait(limit)
        return status, self.log()

    def told(self, name: str) -> bool:
        """Whether a scenario has come to the point of that name."""
        return self.flag.with_name(f"flag.told.{name}").exists()

    def client(self) -> Client:
        """Somebody else who asks the same daemon."""
        connection = read_connection(Home(self.daemon_home))
        assert connection is not None
        client = Client(connection)
        client.hello("somebody else")
        return client

    def report(self) -> Report:
        assert self._report.exists(), f"GIMP ended before the first scenario:\n{self.log()[-3000:]}"
        found: Report = json.loads(self._report.read_text())
        return found

    def log(self) -> str:
        return (self.home / "gimp.log").read_text(errors="replace")

    @property
    def _report(self) -> Path:
        return self.home / "report.json"

    def _hand(self, screen: str, stop: threading.Event) -> None:
        """Presses keys and takes pictures when a scenario asks for it by a file."""
        hand = Screen(screen)
        while not stop.wait(0.2):
            for asked in self.home.glob("flag.press.*"):
                keys = asked.read_text().split()
                asked.unlink()
                hand.press(*keys)
            for asked in self.home.glob("flag.picture.*"):
                hand.picture(self.home / (asked.name.rpartition(".")[2] + ".png"))
                asked.unlink()


@dataclass(frozen=True)
class Screen:
    """What a hand does at an X display. number: as in $DISPLAY."""

    number: str

    def press(self, *words: str) -> str:
        """xdotool's words; what it answers."""
        environ = {**os.environ, "DISPLAY": self.number}
        done = subprocess.run(["xdotool", *words], env=environ, capture_output=True, text=True)
        return done.stdout

    def focus(self, title: str) -> bool:
        """Give the keyboard to the window of that title; False where there is none yet."""
        found = self.press("search", "--onlyvisible", "--name", title).split()
        if found:
            self.press("windowfocus", "--sync", found[-1])
        return bool(found)

    def picture(self, target: Path) -> None:
        environ = {**os.environ, "DISPLAY": self.number}
        subprocess.run(["import", "-window", "root", target], env=environ, check=False)


def facts(report: Report, name: str) -> dict[str, Any]:
    """What the scenario saw; its test is skipped where it was left out."""
    if name not in report:
        pytest.skip(NOT_IN_SHORT_RUN)
    assert not report[name]["error"], report[name]["error"]
    return dict(report[name]["facts"])


def unfinished(client: Client) -> list[Job]:
    """All editors' jobs that are not over."""
    jobs = [from_wire(Job, each) for each in client.ask("jobs", all=True).fields["jobs"]]
    return [job for job in jobs if not is_over(job)]


def gone(pid: int, seconds: float) -> bool:
    """Whether the process ends within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.1)
    return False
