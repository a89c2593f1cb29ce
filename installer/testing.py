"""The project's own checks: lint, types, the plugin's oldest Python, then the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from installer.environment import clean_environ
from installer.plan import Facts
from installer.progress import Display

# Krita 5.1 for Windows brings Python 3.8
OLDEST_PLUGIN_PYTHON = "3.8"


def run(facts: Facts, pytest_arguments: Sequence[str], display: Display) -> int:
    """0 when all is well. With arguments for pytest, pytest alone runs; its summary comes last."""
    root = facts.checkout.root
    python = str(facts.environment.python)
    failed = [] if pytest_arguments else _check(root, python, display)
    arguments = [argument for argument in pytest_arguments if argument != "--"]
    code = _run([python, "-m", "pytest", *arguments], root)
    if code == 0 and failed:
        # said above, where it happened; pytest's summary stays the last thing on screen
        return 1
    return code


def _check(root: Path, python: str, display: Display) -> list[str]:
    failed = []
    with tempfile.TemporaryDirectory(prefix="scumble-types-") as folder:
        tree = typed_tree(root, Path(folder))
        config = ["--config-file", str(root / "pyproject.toml")]
        vermin = ["-q", f"-t={OLDEST_PLUGIN_PYTHON}-", "--no-tips", "--violations"]
        checks: list[tuple[str, list[str], Path]] = [
            ("lint", ["ruff", "check", "."], root),
            ("format", ["ruff", "format", "--check", "."], root),
            ("types of scumble", ["mypy", *config, "-p", "scumble"], tree),
            ("types of installer", ["mypy", *config, "-p", "installer"], root),
            (f"plugin on Python {OLDEST_PLUGIN_PYTHON}", ["vermin", *vermin, "plugin"], root),
        ]
        for title, command, where in checks:
            display.say(f"== {title}")
            tool = str(Path(python).with_name(command[0]))
            if _run([tool, *command[1:]], where, {"MYPYPATH": str(tree)}) != 0:
                failed.append(title)
    if failed:
        display.say(f"== Not clean: {', '.join(failed)}")
    return failed


def typed_tree(root: Path, folder: Path) -> Path:
    """The package `scumble` as it is installed, for mypy, which cannot follow pyproject's map."""
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "backend", folder / "scumble", ignore=skip)
    shutil.copytree(root / "plugin" / "link", folder / "scumble" / "link", ignore=skip)
    return folder


def _run(command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> int:
    variables = {**clean_environ(), **(environ or {})}
    if variables.get("CI") == "true":
        variables.setdefault("SCUMBLE_REQUIRE_EDITORS", "1")
    variables["PATH"] = os.pathsep.join([str(Path(command[0]).parent), variables.get("PATH", "")])
    return subprocess.run(list(command), cwd=folder, env=variables).returncode
