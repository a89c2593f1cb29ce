"""A Debian system in a folder (debian_folder.sh), for editors that are newer than this system's.

Programs run in it by chroot. It shares this system's loopback and X displays,
so the daemon runs outside; folders that both sides write to are bound to the
same path inside.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

GIMP_OF = {"trixie": "3.0", "forky": "3.2"}
KRITA_OF = {"trixie": "5.2", "forky": "5.3"}
SUITES = tuple(GIMP_OF)
ALWAYS = "trixie"  # the one that CI makes where it is missing
# every version runs every scenario, instead of the other versions a short choice of them
THOROUGH = bool(os.environ.get("SCUMBLE_EVERY_EDITOR"))
NOT_IN_SHORT_RUN = "left out of this version's short run; SCUMBLE_EVERY_EDITOR=1 runs it"
REQUIRED = bool(os.environ.get("SCUMBLE_REQUIRE_EDITORS") or os.environ.get("CI"))


@dataclass(frozen=True)
class Folder:
    suite: str

    @property
    def root(self) -> Path:
        """Kept between runs: below $SCUMBLE_DEBIAN_FOLDERS or the cache."""
        chosen = os.environ.get("SCUMBLE_DEBIAN_FOLDERS") or "/var/cache/scumble-editors"
        return Path(chosen) / self.suite

    def missing(self) -> str:
        """Why nothing can run in it here; "" when it can."""
        if os.geteuid() != 0:
            return "needs root for chroot"
        absent = [name for name in ("debootstrap", "Xvfb", "xdotool") if not shutil.which(name)]
        if absent:
            return "needs " + ", ".join(absent)
        if not (self.root / ".complete").exists():
            return f"needs tests/editors/debian_folder.sh {self.suite} {self.root}"
        return ""

    def command(self, environ: Mapping[str, str], *words: str) -> list[str]:
        """What runs `words` inside, with these variables and no others."""
        every = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/sbin", **environ}
        variables = [f"{name}={value}" for name, value in every.items()]
        return ["chroot", str(self.root), "env", "-i", *variables, "dbus-run-session", *words]

    @contextlib.contextmanager
    def entered(self, *shared: Path) -> Iterator[None]:
        """While it lasts, programs can run inside and find these folders at their own paths."""
        with contextlib.ExitStack() as stack:
            for part in shared:
                stack.enter_context(_bound(part, self.root / part.relative_to("/")))
            stack.enter_context(_bound(Path("/dev"), self.root / "dev"))
            proc = self.root / "proc"
            if not (proc / "self").exists():
                subprocess.run(["mount", "-t", "proc", "proc", str(proc)], check=True)
                stack.callback(subprocess.run, ["umount", "-l", str(proc)], check=False)
            yield


@contextlib.contextmanager
def display(width: int = 1400, height: int = 900) -> Iterator[str]:
    """An X display of its own, reachable from inside a folder by the abstract socket."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-noreset", "-screen", "0", f"{width}x{height}x24"],
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


@contextlib.contextmanager
def _bound(source: Path, target: Path) -> Iterator[None]:
    target.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "--bind", str(source), str(target)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(target)], check=True)
