"""Runs a real Krita under Xvfb with the plugin as the installer puts it, and a probe beside it.

The probe (krita_probe/) is a second plugin. It runs scenarios on Krita's main
thread while the event loop lives, and writes what it saw as JSON. The Krita is
this system's own, or that of a Debian folder (debian.py); there the plugin
finds a daemon that runs outside, because it could not start this test's own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from debian import NOT_IN_SHORT_RUN, Folder, display

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "plugin"
PROBE = Path(__file__).resolve().parent / "krita_probe"
CODE_ONLY = shutil.ignore_patterns("__pycache__", "*.desktop", "*.action", "*.png")


def copy_plugin(folder: Path) -> None:
    """The plugin's module as an editor sees it: plugin/krita with plugin/link inside."""
    shutil.copytree(PLUGIN / "krita", folder, ignore=CODE_ONLY)
    shutil.copytree(PLUGIN / "link", folder / "link", ignore=CODE_ONLY)


def missing(suite: str) -> str:
    """Why this system's Krita ("") or that of a Debian folder cannot run; "" when it can."""
    if suite:
        return Folder(suite).missing()
    absent = [name for name in ("krita", "Xvfb", "xdotool") if shutil.which(name) is None]
    return "there is no " + " and no ".join(absent) if absent else ""


@dataclass(frozen=True)
class KritaHome:
    """A home folder of Krita's own in which plugin and probe are turned on.

    suite: the Debian folder whose Krita it is for; "" is this system's.
    """

    path: Path
    suite: str = ""

    @property
    def resources(self) -> Path:
        return self.path / ".local" / "share" / "krita"

    def create(self) -> None:
        modules = self.resources / "pykrita"
        actions = self.resources / "actions"
        config = self.path / ".config"
        for folder in (modules, actions, config):
            folder.mkdir(parents=True)
        copy_plugin(modules / "scumble")
        shutil.copy(PLUGIN / "krita" / "scumble.desktop", modules)
        shutil.copy(PLUGIN / "krita" / "scumble.action", actions)
        shutil.copytree(PROBE, modules / "scumble_probe", ignore=CODE_ONLY)
        shutil.copy(PROBE / "scumble_probe.desktop", modules)
        (config / "kritarc").write_text(
            "[python]\nenable_scumble=true\nenable_scumble_probe=true\n"
        )
        # Xvfb's OpenGL is software: each repaint of a large canvas would hold Krita up by itself
        (config / "kritadisplayrc").write_text(
            "[General]\nOpenGLRenderer=none\ncanvasState=OPENGL_SUCCESS\n"
        )


@dataclass(frozen=True)
class KritaRun:
    """What a Krita left behind. report: scenario's name -> {facts, error}. asked: all names."""

    asked: list[str]
    report: dict[str, dict[str, Any]]
    returncode: int
    output: str
    pictures: Path

    def facts(self, scenario: str) -> dict[str, Any]:
        """What the scenario saw. Raises AssertionError when it did not come to its end."""
        if scenario not in self.asked:
            pytest.skip(NOT_IN_SHORT_RUN)
        assert scenario in self.report, f"Krita ended before {scenario}:\n{self.output[-4000:]}"
        entry = self.report[scenario]
        assert not entry["error"], f"{scenario} in Krita:\n{entry['error']}"
        return dict(entry["facts"])


def run_krita(
    home: KritaHome, scenarios: list[str], environ: dict[str, str], limit: float
) -> KritaRun:
    """Start Krita, let the probe run the scenarios in order, and wait until it has closed.

    limit: seconds after which Krita is killed.
    """
    report_file = home.path / "report.json"
    report_file.unlink(missing_ok=True)
    pictures = home.path / "pictures"
    pictures.mkdir(exist_ok=True)
    log = home.path / "krita.log"
    variables = {
        "HOME": str(home.path),
        "XDG_DATA_HOME": str(home.path / ".local" / "share"),
        "XDG_CONFIG_HOME": str(home.path / ".config"),
        "XDG_CACHE_HOME": str(home.path / ".cache"),
        "SCUMBLE_PROBE_SCENARIOS": ",".join(scenarios),
        "SCUMBLE_PROBE_REPORT": str(report_file),
        "SCUMBLE_PROBE_PICTURES": str(pictures),
        **environ,
    }
    with contextlib.ExitStack() as stack:
        variables["DISPLAY"] = stack.enter_context(display(1600, 1000))
        command = ["krita", "--nosplash"]
        if home.suite:
            folder = Folder(home.suite)
            stack.enter_context(folder.entered(home.path, Path(environ["SCUMBLE_HOME"])))
            command = folder.command(variables, *command)
        process = subprocess.Popen(
            command,
            env={**_own_environment(), **variables},
            cwd=home.path,
            stdin=subprocess.DEVNULL,
            stdout=stack.enter_context(log.open("wb")),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            returncode = process.wait(limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            returncode = process.wait()
    text = log.read_text(errors="replace")
    report = json.loads(report_file.read_text()) if report_file.exists() else {}
    return KritaRun(scenarios, report, returncode, text, pictures)


def _own_environment() -> dict[str, str]:
    """This process's variables as Krita of this system may have them.

    A python that comes first in PATH (a virtual environment's) would give
    Krita's own interpreter its packages instead of the system's, and PyQt with
    them.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**own, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def install_record(home: Path) -> None:
    """What the installer writes: this test's own python runs the daemon."""
    home.mkdir(parents=True, exist_ok=True)
    record = {"python": sys.executable, "home": str(home), "version": "0"}
    (home / "install.json").write_text(json.dumps(record))
