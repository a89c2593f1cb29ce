"""The plugins run inside editors whose Python is as old as 3.8: so does link, all of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("old_editor.py")


_PYENV = "versions/3.8.*/bin/python"


def _account_pyenv() -> str:
    if sys.platform == "win32":
        return ""
    import pwd

    return str(Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv")


def python_3_8() -> str | None:
    """The first that runs, of $SCUMBLE_PYTHON38, python3.8 on the path, and pyenv's."""
    # $HOME may be a test's own: pyenv lies in the account's home too
    folders = [os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv"), _account_pyenv()]
    pyenv = [each for folder in folders if folder for each in sorted(Path(folder).glob(_PYENV))]
    named = [os.environ.get("SCUMBLE_PYTHON38"), shutil.which("python3.8"), *map(str, pyenv)]
    for python in filter(None, named):
        done = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
        if done.stdout.startswith("Python 3.8."):
            return python
    return None


def test_an_editor_on_python_3_8_fills_a_selection(tmp_path: Path) -> None:
    python = python_3_8()
    if python is None:
        warnings.warn("no Python 3.8 here: link was NOT run on it", stacklevel=1)
        pytest.skip("no Python 3.8 here; $SCUMBLE_PYTHON38 may name one")
    plugin = tmp_path / "plugin"
    shutil.copytree(
        ROOT / "plugin" / "link", plugin / "link", ignore=shutil.ignore_patterns("__pycache__")
    )
    done = subprocess.run(
        [python, "-I", str(SCRIPT), str(plugin), str(tmp_path / "home"), sys.executable],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    layers = "['red apple (seed 7)', 'red apple (seed 8)']"
    assert done.stdout == f"(3, 8) [] {layers} True\n", done.stderr
