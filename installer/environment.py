"""A virtual environment: made, filled by pip, and stamped with what it was filled from."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from installer.failure import InstallError
from installer.progress import Task

STAMP = "scumble-environment.json"
OLDEST_PIP = (24, 1)  # the first whose download progress can be read by a program
PROBE_SECONDS = 8  # how long an index may take to answer before it counts as out of reach

# Variables that would make the environment's Python find something else than its own packages
_MISLEADING = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True)
class Stamp:
    """Fingerprints of what the environment holds (see checkout.py), and how torch got there.

    dependencies and source are empty while that part is not there or not whole.
    """

    dependencies: str = ""
    source: str = ""
    python: str = ""
    torch: str = ""
    torch_kind: str = ""


@dataclass(frozen=True)
class Environment:
    folder: Path

    @property
    def python(self) -> Path:
        if sys.platform == "win32":
            return self.folder / "Scripts" / "python.exe"
        return self.folder / "bin" / "python"

    def works(self) -> bool:
        """Its Python starts and has pip: it stops doing so when the system's Python goes."""
        if not self.python.exists():
            return False
        return self._quietly("-c", "import pip").returncode == 0

    def stamp(self) -> Stamp:
        try:
            data = json.loads((self.folder / STAMP).read_text(encoding="utf-8"))
            return Stamp(**data)
        except (OSError, ValueError, TypeError):
            return Stamp()

    def write_stamp(self, stamp: Stamp) -> None:
        unfinished = self.folder / (STAMP + ".part")
        unfinished.write_text(json.dumps(asdict(stamp), indent=1), encoding="utf-8")
        unfinished.replace(self.folder / STAMP)

    def make(self) -> None:
        """A new, empty environment with pip, in place of whatever stood there.

        Raises InstallError with the package to install where Python lacks venv.
        """
        remove_folder(self.folder)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        said = ""
        for command in _ways_to_make(self.folder):
            done = _run(command)
            if done.returncode == 0 and self._gets_pip():
                return
            said = (done.stderr or done.stdout).strip() or said
            remove_folder(self.folder)
        raise InstallError(
            "This Python cannot make a virtual environment.",
            _hint_for_venv(),
            said,
        )

    def _gets_pip(self) -> bool:
        """True once pip is in; asks another pip to put it there where Python brought none."""
        if self.works():
            return True
        if importlib.util.find_spec("pip") is None:
            return False
        _run([sys.executable, "-m", "pip", "--python", str(self.python), "install", "-q", "pip"])
        return self.works()

    def pip_version(self) -> tuple[int, ...]:
        said = self._quietly("-c", "import pip; print(pip.__version__)").stdout
        return tuple(int(part) for part in re.findall(r"\d+", said)[:2])

    def offered(self, package: str, index: str | None) -> list[str]:
        """The versions of `package` that fit this Python, local ones such as 2.13.0+cpu included.

        index: an index URL; None asks what the user's pip configuration names.
        Empty when the index does not answer.
        """
        options = ["--retries", "0", "--timeout", str(PROBE_SECONDS)]
        if index is None:
            options = []
        done = self._quietly(
            "-m", "pip", "index", "versions", package, *options, *index_options(index)
        )
        found = re.search(r"^Available versions:\s*(.+)$", done.stdout, re.MULTILINE)
        return [part.strip() for part in found.group(1).split(",")] if found else []

    def install(self, task: Task, arguments: Sequence[str]) -> None:
        """pip install with its download progress shown on `task`. Raises InstallError."""
        command = [str(self.python), "-m", "pip", "install", "--no-input", *arguments]
        if self.pip_version() >= OLDEST_PIP:
            command.append("--progress-bar=raw")
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=clean_environ(),
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        last: deque[str] = deque(maxlen=15)
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if not show(task, line.strip()):
                    last.append(line.rstrip())
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        if code != 0:
            raise InstallError(
                "pip could not install what Scumble needs.",
                "Check the network, and the index if you named one; then start this again.",
                "\n".join(last),
            )

    def displace(self, old: str, new: str) -> None:
        """Take the package `old` out where it is, for `new`, which brings the same modules.

        pip would leave both in, and whichever went first would take the other's
        files along; so `new` goes too, and is to be installed after this.
        """
        if self._quietly("-m", "pip", "show", "-q", old).returncode == 0:
            self._quietly("-m", "pip", "uninstall", "-y", "-q", old, new)

    def _quietly(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _run([str(self.python), *arguments])


def index_options(index: str | None) -> list[str]:
    """pip's options for `index` and nothing else; none for the user's own configuration."""
    return [] if index is None else ["--index-url", index]


def show(task: Task, line: str) -> bool:
    """Bring one line of pip's on screen; True when it was progress and nothing to keep."""
    progress = re.match(r"Progress (\d+) of (\d+)$", line)
    if progress:
        total = int(progress.group(2))
        task.share = int(progress.group(1)) / total if total else None
        return True
    download = re.match(r"\s*Downloading (\S+?)(-\d\S*)?( \(.*\))?$", line)
    if download:
        task.note = f"{download.group(1).rpartition('/')[2]}{download.group(3) or ''}"
        return True
    collecting = re.match(r"Collecting ([A-Za-z0-9._-]+)", line)
    if collecting:
        task.note, task.share = collecting.group(1), None
        return True
    if line.startswith("Installing collected packages:"):
        task.note, task.share = f"unpacking {line.count(',') + 1} packages", None
        return True
    return False


def clean_environ() -> dict[str, str]:
    """This process's variables, pip's own (PIP_FIND_LINKS) among them, but misleading ones."""
    environ = {k: v for k, v in os.environ.items() if k not in _MISLEADING}
    environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    environ["PIP_REQUIRE_VIRTUALENV"] = "0"
    return environ


def remove_folder(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _ways_to_make(folder: Path) -> list[list[str]]:
    ways = [[sys.executable, "-m", "venv", str(folder)]]
    if importlib.util.find_spec("virtualenv") is not None:
        ways.append([sys.executable, "-m", "virtualenv", "-q", str(folder)])
    if importlib.util.find_spec("pip") is not None:
        ways.append([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    return ways


def _hint_for_venv() -> str:
    if shutil.which("apt-get"):
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"Install it with: sudo apt-get install python3-venv (or python{version}-venv)"
    return "Install Python's venv and ensurepip modules, or virtualenv, then start this again."


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=clean_environ(),
        )
    except OSError as error:
        return subprocess.CompletedProcess(list(command), 127, "", str(error))
