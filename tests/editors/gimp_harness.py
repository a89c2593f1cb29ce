"""Runs a real GIMP 3 under Xvfb, with the plug-in as the installer puts it and a probe beside it.

Debian 12 has no GIMP 3, so GIMP lives in a Debian folder (debian_folder.sh)
and runs there by chroot. It shares this system's loopback and X display; the
daemon runs outside, and its home is bound to the same path inside.
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

from installer.checkout import Checkout
from installer.editors import Kind
from installer.plugins import plugin_files

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
CODE_ONLY = shutil.ignore_patterns("__pycache__", "*.png")
GIMP_OF = {"trixie": "3.0", "forky": "3.2"}


def folders() -> Path:
    """Where the Debian folders are kept between runs: $SCUMBLE_DEBIAN_FOLDERS or the cache."""
    chosen = os.environ.get("SCUMBLE_DEBIAN_FOLDERS")
    return Path(chosen) if chosen else Path("/var/cache/scumble-editors")


def missing(suite: str) -> str:
    """Why this suite's GIMP cannot run here; "" when it can."""
    if os.geteuid() != 0:
        return "needs root for chroot"
    absent = [name for name in ("debootstrap", "Xvfb", "xdotool") if shutil.which(name) is None]
    if absent:
        return "needs " + ", ".join(absent)
    if not (folders() / suite / ".complete").exists():
        return f"needs tests/editors/debian_folder.sh {suite} {folders() / suite}"
    return ""


@contextlib.contextmanager
def bound(source: str | Path, target: Path) -> Iterator[None]:
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)


@contextlib.contextmanager
def display() -> Iterator[str]:
    """An X display of its own, reachable from inside the folder by the abstract socket."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1400x900x24"],
        pass_fds=[write],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with os.fdopen(read) as told:
            yield ":" + told.readline().strip()
    finally:
        server.kill()
        server.wait()
        os.close(write)


@dataclass
class Gimp:
    """One GIMP in a Debian folder. home: GIMP's home folder, the same path inside and outside."""

    suite: str
    home: Path
    daemon_home: Path

    @property
    def root(self) -> Path:
        return folders() / self.suite

    @property
    def plugins(self) -> Path:
        return self.home / ".config" / "GIMP" / GIMP_OF[self.suite] / "plug-ins"

    @property
    def flag(self) -> Path:
        return self.home / "flag"

    def install(self) -> None:
        """The plug-in's files as the installer lays them out, and the probe."""
        for file in plugin_files(Checkout(ROOT), Kind.GIMP):
            target = self.plugins.parent / file.target
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.source, target)
            target.chmod(0o755 if file.executable else 0o644)
        probe = self.plugins / "scumble_probe"
        shutil.copytree(HERE / "gimp_probe", probe, ignore=CODE_ONLY)

    @contextlib.contextmanager
    def started(self, scenarios: list[str], screen: str) -> Iterator[subprocess.Popen[bytes]]:
        """GIMP with its windows, the probe running the scenarios; killed at the end."""
        call = (
            "from gi.repository import Gimp; "
            "p = Gimp.get_pdb().lookup_procedure('scumble-probe'); c = p.create_config(); "
            f"c.set_property('scenarios', '{','.join(scenarios)}'); "
            f"c.set_property('report', '{self.home / 'report.json'}'); p.run(c)"
        )
        environ = {
            "HOME": str(self.home),
            "SCUMBLE_HOME": str(self.daemon_home),
            "SCUMBLE_PROBE_UNDO": str(self.flag),
            "LANG": "C.UTF-8",
            "PATH": "/usr/bin:/bin:/usr/sbin",
            "DISPLAY": screen,
        }
        command = ["chroot", str(self.root), "env", "-i"]
        command += [f"{name}={value}" for name, value in environ.items()]
        command += ["dbus-run-session", "gimp", "-d", "-f", "--no-splash"]
        command += ["--batch-interpreter=python-fu-eval", "-b", call, "--quit"]
        with contextlib.ExitStack() as stack:
            for part in (self.home, self.daemon_home):
                stack.enter_context(bound(part, self.root / part.relative_to("/")))
            stack.enter_context(bound("/dev", self.root / "dev"))
            proc = self.root / "proc"
            if not (proc / "self").exists():
                subprocess.run(["mount", "-t", "proc", "proc", str(proc)], check=True)
                stack.callback(subprocess.run, ["umount", "-l", str(proc)], check=False)
            log = stack.enter_context(open(self.home / "gimp.log", "wb"))
            process = subprocess.Popen(
                command,
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

    def run(self, scenarios: list[str], limit: float) -> dict[str, dict[str, Any]]:
        """Facts by scenario, after GIMP has closed. Presses Ctrl+Z when the flag asks for it."""
        with display() as screen, self.started(scenarios, screen) as process:
            stop = threading.Event()
            hand = threading.Thread(target=self._hand, args=(screen, stop))
            hand.start()
            try:
                process.wait(limit)
            except subprocess.TimeoutExpired:
                pass
            finally:
                stop.set()
                hand.join()
        return self.report()

    def report(self) -> dict[str, dict[str, Any]]:
        path = self.home / "report.json"
        log = (self.home / "gimp.log").read_text(errors="replace")[-3000:]
        assert path.exists(), f"GIMP ended before the first scenario:\n{log}"
        found: dict[str, dict[str, Any]] = json.loads(path.read_text())
        return found

    def _hand(self, screen: str, stop: threading.Event) -> None:
        environ = {**os.environ, "DISPLAY": screen}
        while not stop.wait(0.2):
            if self.flag.exists():
                self.flag.unlink()
                point = ["mousemove", "700", "500", "sleep", "0.3", "key", "ctrl+z"]
                subprocess.run(["xdotool", *point], env=environ, check=False)
            picture = self.flag.with_name("flag.picture")
            if picture.exists():
                picture.unlink()
                target = str(self.home / "window.png")
                subprocess.run(["import", "-window", "root", target], env=environ, check=False)


def appears(path: Path, seconds: float) -> bool:
    """Whether the file comes to hold something within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists() and path.read_text():
            return True
        time.sleep(0.1)
    return False


def gone(pid: int, seconds: float) -> bool:
    """Whether the process ends within that time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.1)
    return False
