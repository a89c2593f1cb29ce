"""Where Scumble lives on this computer: paths, the connection file, the install record.

The same folder has to come out in an editor's embedded Python, in a Flatpak
and in the backend, so it is computed here and nowhere else. It equals
`platformdirs.user_data_dir("scumble", appauthor=False)` (a test proves it).
"""

from __future__ import annotations

import contextlib
import errno
import json
import ntpath
import os
import posixpath
import secrets
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional, Type, TypeVar

from .encoding import from_wire, to_wire
from .errors import ErrorCode, ScumbleError

NAME = "scumble"
MAX_RECORD = 64 * 1024  # bytes; connection file and install record are far smaller

R = TypeVar("R")


@dataclass(frozen=True)
class Connection:
    """What the running daemon advertises; a stale one may lie about after a crash.

    token: the shared secret, 64 hex digits. boot_id changes with every start.
    """

    host: str
    port: int
    token: str
    pid: int
    boot_id: str
    protocol: int


@dataclass(frozen=True)
class Install:
    """What the installer wrote: the environment's python, Scumble's home, the version."""

    python: str
    home: str
    version: str


@dataclass(frozen=True)
class Home:
    """Scumble's data folder. It need not exist yet; `create` makes it."""

    path: Path

    @property
    def connection_file(self) -> Path:
        return self.path / "connection.json"

    @property
    def lock_file(self) -> Path:
        return self.path / "daemon.lock"

    @property
    def journal_file(self) -> Path:
        return self.path / "journal.sqlite"

    @property
    def store_dir(self) -> Path:
        return self.path / "store"

    @property
    def log_file(self) -> Path:
        return self.path / "logs" / "daemon.log"

    @property
    def models_dir(self) -> Path:
        return self.path / "models"

    @property
    def models_file(self) -> Path:
        """The list of models, replaced by another file at every change."""
        return self.models_dir / "registry.json"

    @property
    def install_record(self) -> Path:
        return self.path / "install.json"

    @property
    def environment_dir(self) -> Path:
        return self.path / "env"

    def create(self) -> None:
        """Make the folder, private to the user. Raises ScumbleError (disk_full, internal)."""
        _make_folder(self.path)


def find_home(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Home:
    """$SCUMBLE_HOME, else the user's data folder for Scumble.

    A Flatpak points XDG_DATA_HOME into its sandbox, where no other editor
    looks; there the host's own value counts, else ~/.local/share.
    Raises ScumbleError (internal) when the user has no home folder.
    """
    chosen = environ.get("SCUMBLE_HOME", "")
    if chosen.strip():
        return Home(Path(os.path.abspath(os.path.expanduser(chosen))))
    if platform == "win32":
        return Home(Path(ntpath.join(_windows_data(environ), NAME)))
    return Home(Path(posixpath.join(_posix_data(environ, platform), NAME)))


def find_plugin_home(plugin_folder: Path, environ: Mapping[str, str] = os.environ) -> Home:
    """The home of a plugin: $SCUMBLE_HOME, else what its own install record names, else the usual.

    The record wins over the usual place because a sandboxed editor may see
    another home folder than the installer did.
    """
    if not environ.get("SCUMBLE_HOME", "").strip():
        install = _read_record(plugin_folder / "install.json", Install)
        if install is not None:
            return Home(Path(install.home))
    return find_home(environ)


def read_connection(home: Home) -> Optional[Connection]:
    """The advertised daemon; None without a file or with one that cannot be read."""
    return _read_record(home.connection_file, Connection)


def write_connection(home: Home, connection: Connection) -> None:
    """Advertise the daemon. Raises ScumbleError (disk_full, internal)."""
    write_private(home.connection_file, to_wire(connection))


def remove_connection(home: Home, boot_id: str) -> None:
    """Take the advertisement back, but only one's own."""
    connection = read_connection(home)
    if connection is not None and connection.boot_id == boot_id:
        with contextlib.suppress(OSError):  # it only advertises; a stale file does no harm
            home.connection_file.unlink()


def read_install(home: Home) -> Optional[Install]:
    return _read_record(home.install_record, Install)


def find_install(plugin_folder: Optional[Path], home: Home) -> Optional[Install]:
    """The plugin folder's own record (written by the installer), else the home's."""
    if plugin_folder is not None:
        own = _read_record(plugin_folder / "install.json", Install)
        if own is not None:
            return own
    return read_install(home)


def write_private(path: Path, data: Any) -> None:
    """Write JSON that only the user can read: a temporary file, mode 0600, then a rename.

    A reader sees the old file or the new one, never half of one.
    Raises ScumbleError (disk_full, internal).
    """
    _make_folder(path.parent)
    temporary = path.with_name(".%s.%s" % (path.name, secrets.token_hex(6)))
    try:
        handle = os.open(str(temporary), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except OSError as error:
        raise _storage_error(path, error) from error
    finally:
        if temporary.exists():
            temporary.unlink()


def _replace(temporary: Path, path: Path) -> None:
    # Windows refuses to replace a file that another process is just reading
    for _ in range(20):
        try:
            os.replace(str(temporary), str(path))
            return
        except PermissionError:
            time.sleep(0.02)
    os.replace(str(temporary), str(path))


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _storage_error(path, error) from error


def _storage_error(path: Path, error: OSError) -> ScumbleError:
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return ScumbleError(
            ErrorCode.DISK_FULL, "The disk is full.", "Free some space at %s." % path.parent
        )
    reason = error.strerror or str(error)
    return ScumbleError(
        ErrorCode.INTERNAL,
        "%s cannot be written: %s." % (path, reason),
        "Check who owns that folder, or set SCUMBLE_HOME to another one.",
    )


def _read_record(path: Path, cls: Type[R]) -> Optional[R]:
    try:
        with open(str(path), "rb") as file:
            text = file.read(MAX_RECORD + 1)
        if len(text) > MAX_RECORD:
            return None
        return from_wire(cls, json.loads(text.decode("utf-8")))
    except (OSError, ValueError, RecursionError, ScumbleError):
        return None


def _windows_data(environ: Mapping[str, str]) -> str:
    local = environ.get("LOCALAPPDATA", "")
    if not local:
        local = ntpath.join(environ.get("USERPROFILE", "") or _home_folder(), "AppData", "Local")
    return ntpath.normpath(local)


def _posix_data(environ: Mapping[str, str], platform: str) -> str:
    names = ["XDG_DATA_HOME"]
    if environ.get("FLATPAK_ID") or environ.get("container") == "flatpak":
        names = ["HOST_XDG_DATA_HOME"]
    for name in names:
        if posixpath.isabs(environ.get(name, "")):
            return environ[name]
    user = environ.get("HOME", "")
    if not posixpath.isabs(user):
        user = _home_folder()
    below = "Library/Application Support" if platform == "darwin" else ".local/share"
    return posixpath.join(user, below)


def _home_folder() -> str:
    # a missing or relative HOME: ask the system's user database instead
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_dir
    except (ImportError, KeyError):
        raise ScumbleError(
            ErrorCode.INTERNAL,
            "The user's home folder is not known.",
            "Set SCUMBLE_HOME to the folder that Scumble may use.",
        ) from None
