"""Why GIMP would not show a plug-in that lies on the disk: it leaves out in silence what is wrong.

Each reason was brought about in a real GIMP (tests/editors/test_gimp_doctor.py).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from installer.editors import Editor
from installer.environment import clean_environ
from installer.plugins import NAME, module_folder

_INSTALL = "Run: python3 installer install"
_SECONDS = 30.0
# what the plug-in needs of the Python that GIMP starts it with
_BINDINGS = """
import gi
gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gegl", "0.4")
"""


def why_hidden(editor: Editor) -> Iterator[tuple[str, str]]:
    """What keeps this GIMP from showing the plug-in, and what mends it, one after the other."""
    folder = editor.resources / module_folder(editor.kind)
    entry = folder / f"{NAME}.py"
    for stray in sorted(folder.parent.glob(f"*/{NAME}.py")):
        if stray != entry:
            yield (
                f"{stray} is not seen, since GIMP starts the file that is named like its folder.",
                f"Remove {stray.parent}, then run: python3 installer install",
            )
    if not entry.is_file():
        return
    if sys.platform != "win32" and not os.access(entry, os.X_OK):
        yield (f"{entry} may not be run as a program, so GIMP leaves it out.", _INSTALL)
        return
    if not _is_searched(editor.resources / "gimprc", folder.parent):
        yield (
            f"GIMP is set to look for plug-ins elsewhere than in {folder.parent}.",
            "Add that folder in GIMP under Edit > Preferences > Folders > Plug-ins.",
        )
        return
    if editor.origin == "native" and sys.platform == "linux":
        reason = python_fails()
        if reason:
            yield (
                f"The system's python3 cannot start plug-ins of GIMP: {reason}.",
                "Install python3-gi and gir1.2-gimp-3.0 (Debian, Ubuntu) or python3-gobject "
                "(Fedora, Arch); an environment of Python's must not come first in PATH.",
            )
            return
    if _was_left_out(editor.resources / "pluginrc", entry):
        yield (
            "GIMP has asked the plug-in what it offers and got no answer.",
            "Start GIMP from a terminal; what went wrong is printed there.",
        )


def python_fails(command: Sequence[str] = ("python3",)) -> str:
    """Why this Python is no use to GIMP's plug-ins, "" when it is. GIMP takes the first in PATH."""
    if shutil.which(command[0]) is None:
        return "there is none"
    try:
        done = subprocess.run(
            [*command, "-c", _BINDINGS],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=clean_environ(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    told = done.stderr.strip().splitlines() or ["it ended without a word"]
    return told[-1].rstrip(".") if done.returncode else ""


def _is_searched(gimprc: Path, folder: Path) -> bool:
    """Whether GIMP looks for plug-ins in this folder, as it does unless its settings say not to."""
    try:
        text = gimprc.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    chosen = re.search(r'^\(plug-in-path "(.*)"\)', text, re.MULTILINE)
    if chosen is None:
        return True
    written = chosen.group(1).replace("\\\\", "\\").replace("${gimp_dir}", str(folder.parent))
    return folder in [Path(part) for part in written.split(os.pathsep)]


def _was_left_out(pluginrc: Path, entry: Path) -> bool:
    """Whether GIMP wrote its list of plug-ins after the plug-in was put there, and without it."""
    try:
        if pluginrc.stat().st_mtime <= entry.stat().st_mtime:
            return False
        # GIMP on Windows writes backslashes, each of them escaped by another
        written = pluginrc.read_bytes().replace(b"\\\\", b"/").replace(b"\\", b"/")
        return f"plug-ins/{NAME}/{NAME}.py".encode() not in written
    except OSError:
        return False
