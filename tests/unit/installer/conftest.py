"""A small source tree, and a task that is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.checkout import Checkout
from installer.progress import Task


@pytest.fixture
def task() -> Task:
    return Task("a step")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A tree with the rooms of the real one and a few files in each."""
    root = tmp_path / "source"
    files = {
        "pyproject.toml": '[project]\nname = "scumble"\n',
        "README.md": "",
        "LICENSE": "",
        "installer/constraints.txt": "torch==2.13.0\nnumpy==2.4.6; python_version >= '3.11'\n",
        "backend/__init__.py": '__version__ = "1.2.3"\n',
        "plugin/link/__init__.py": "",
        "plugin/link/values.py": "A = 1\n",
        "plugin/link/__pycache__/values.cpython-311.pyc": "",
        "plugin/krita/__init__.py": "from .link import values\n",
        "plugin/krita/Manual.html": "<p>",
        "plugin/krita/scumble.desktop": "[Desktop Entry]\nX-KDE-Library=scumble\nName=Scumble\n",
        "plugin/krita/scumble.action": "<ActionCollection/>",
        "plugin/gimp/scumble.py": "#!/usr/bin/env python3\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Checkout(root)
