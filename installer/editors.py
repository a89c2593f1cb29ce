"""Where Krita and GIMP keep their plugins on this computer, for each way they are installed.

Nothing is started and nothing written: an editor counts as found when its own
folder, its program or its package lies where it belongs.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

KRITA_FLATPAK = "org.kde.krita"
GIMP_FLATPAK = "org.gimp.GIMP"
# Krita's package in Microsoft's store; a random part follows
KRITA_STORE = "49800Krita_*"
APPIMAGE_FOLDERS = ("Applications", "AppImages", ".local/bin", "bin", "Downloads", "Desktop")


class Kind(str, Enum):
    KRITA = "Krita"
    GIMP = "GIMP"


@dataclass(frozen=True)
class Editor:
    """One place that an editor reads plugins from.

    resources: Krita's resource folder (it holds pykrita/ and actions/), or
    GIMP's configuration folder of one version (it holds plug-ins/).
    kritarc: the file in which Krita's plugins are turned on; None for GIMP.
    """

    kind: Kind
    origin: str
    resources: Path
    kritarc: Path | None = None

    @property
    def title(self) -> str:
        version = f" {self.resources.name}" if self.kind is Kind.GIMP else ""
        return f"{self.kind.value}{version} ({self.origin})"


@dataclass(frozen=True)
class System:
    """Where editors are looked for. root: where / is, so that tests can build a whole tree."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    platform: str = sys.platform
    root: Path = Path("/")
    which: Callable[[str], str | None] = shutil.which

    @property
    def home(self) -> Path:
        name = "USERPROFILE" if self.platform == "win32" else "HOME"
        return Path(self.environ.get(name) or Path.home())

    def folder(self, variable: str, *otherwise: str) -> Path:
        """An absolute folder that a variable names, else one below the user's home."""
        named = self.environ.get(variable, "")
        if named and Path(named).is_absolute():
            return Path(named)
        return self.home.joinpath(*otherwise)


def find_editors(system: System) -> tuple[Editor, ...]:
    """Every place on this computer that Krita or a GIMP 3 reads plugins from."""
    finders = {"win32": _on_windows, "darwin": _on_macos}
    found: dict[Path, Editor] = {}
    for editor in finders.get(system.platform, _on_linux)(system):
        found.setdefault(editor.resources, editor)
    return tuple(found.values())


def _on_linux(system: System) -> Iterator[Editor]:
    data = system.folder("XDG_DATA_HOME", ".local", "share")
    config = system.folder("XDG_CONFIG_HOME", ".config")
    images = tuple(_appimages(system))

    krita_image = any(re.match(r"krita", name, re.IGNORECASE) for name in images)
    if system.which("krita") or (data / "krita").is_dir():
        yield _krita("native", data / "krita", config / "kritarc")
    elif krita_image:
        yield _krita("AppImage", data / "krita", config / "kritarc")

    sandbox = system.home / ".var" / "app" / KRITA_FLATPAK
    if sandbox.is_dir() or any(_flatpaks(system, KRITA_FLATPAK)):
        yield _krita("Flatpak", sandbox / "data" / "krita", sandbox / "config" / "kritarc")

    shares = [system.root / "usr/share/gimp", system.root / "usr/local/share/gimp"]
    yield from _gimps("native", config / "GIMP", *shares)
    for name in images:
        version = re.match(r"gimp\D*(3\.\d+)", name, re.IGNORECASE)
        if version:
            yield Editor(Kind.GIMP, "AppImage", config / "GIMP" / version.group(1))
    shares = [folder / "share" / "gimp" for folder in _flatpaks(system, GIMP_FLATPAK)]
    sandbox = system.home / ".var" / "app" / GIMP_FLATPAK
    yield from _gimps("Flatpak", sandbox / "config" / "GIMP", *shares)


def _on_windows(system: System) -> Iterator[Editor]:
    roaming = system.folder("APPDATA", "AppData", "Roaming")
    local = system.folder("LOCALAPPDATA", "AppData", "Local")
    programs = [
        Path(system.environ[name])
        for name in ("ProgramFiles", "ProgramW6432", "ProgramFiles(x86)")
        if system.environ.get(name)
    ]
    installed = any(
        (folder / name / "bin" / "krita.exe").is_file()
        for folder in programs
        for name in ("Krita (x64)", "Krita")
    )
    if installed or (roaming / "krita").is_dir() or system.which("krita"):
        yield _krita("native", roaming / "krita", local / "kritarc")
    for package in sorted((local / "Packages").glob(KRITA_STORE)):
        cache = package / "LocalCache"
        yield _krita("Microsoft Store", cache / "Roaming" / "krita", cache / "Local" / "kritarc")
    shares = [folder / "GIMP 3" / "share" / "gimp" for folder in [*programs, local / "Programs"]]
    yield from _gimps("native", roaming / "GIMP", *shares)


def _on_macos(system: System) -> Iterator[Editor]:
    library = system.home / "Library"
    support = library / "Application Support"
    applications = [system.root / "Applications", system.home / "Applications"]
    installed = any((folder / "krita.app").is_dir() for folder in applications)
    if installed or (support / "krita").is_dir():
        yield _krita("native", support / "krita", library / "Preferences" / "kritarc")
    shares = [
        folder / name / "Contents" / "Resources" / "share" / "gimp"
        for folder in applications
        for name in ("GIMP.app", "Gimp.app")
    ]
    yield from _gimps("native", support / "GIMP", *shares)


def _krita(origin: str, resources: Path, kritarc: Path) -> Editor:
    return Editor(Kind.KRITA, origin, _moved(resources, kritarc), kritarc)


def _moved(resources: Path, kritarc: Path) -> Path:
    """The resource folder that the user chose in Krita's settings, else the usual one."""
    try:
        text = kritarc.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return resources
    before_groups = re.split(r"^\s*\[", text, maxsplit=1, flags=re.MULTILINE)[0]
    chosen = re.search(r"^ResourceDirectory=(.+)$", before_groups, re.MULTILINE)
    if chosen is None:
        return resources
    folder = Path(chosen.group(1).strip().replace("\\\\", "\\"))
    return folder if folder.is_absolute() and folder.is_dir() else resources


def _gimps(origin: str, config: Path, *shares: Path) -> Iterator[Editor]:
    """A GIMP 3 for each version that has settings in `config` or its data in `shares`."""
    versions = {
        folder.name
        for parent in (config, *shares)
        if parent.is_dir()
        for folder in parent.iterdir()
        if re.fullmatch(r"3\.\d+", folder.name) and folder.is_dir()
    }
    for version in sorted(versions):
        yield Editor(Kind.GIMP, origin, config / version)


def _flatpaks(system: System, name: str) -> Iterator[Path]:
    """The files of a Flatpak, installed for all or for this user."""
    user = system.folder("XDG_DATA_HOME", ".local", "share")
    for base in (system.root / "var/lib/flatpak", user / "flatpak"):
        app = base / "app" / name
        if app.is_dir():
            yield app / "current" / "active" / "files"


def _appimages(system: System) -> Iterator[str]:
    folders = [system.home / name for name in APPIMAGE_FOLDERS]
    for folder in [*folders, system.root / "opt"]:
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix.lower() == ".appimage":
                    yield path.name
