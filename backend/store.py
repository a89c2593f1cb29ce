"""Blobs on disk: the pixels of requests and the pictures that came of them.

A blob is written to a temporary file, flushed to the disk and renamed, so that
a name either holds all its bytes or does not exist. The store counts what it
holds against a quota; what may go to make room is the journal's knowledge.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

from scumble.link.errors import ErrorCode, ScumbleError

DEFAULT_QUOTA = 4 * 1024**3  # bytes
RESERVE = 64 * 1024**2  # bytes of the disk that stay free for the journal and everybody else
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
HINT = (
    "Free some disk space, or paste or discard what waits under Recovered results "
    "(scumble jobs lists it)."
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\Z")
TEMPORARY = ".part"


def disk_full(message: str) -> ScumbleError:
    return ScumbleError(ErrorCode.DISK_FULL, message, HINT)


class Store:
    """Blobs by name in one folder; safe to call from many threads."""

    def __init__(self, folder: Path, quota: int = DEFAULT_QUOTA) -> None:
        """folder: made when missing, mode 0700. quota: bytes that all blobs together may take."""
        self.folder = folder
        self.quota = quota
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}
        self._parts = 0
        for entry in os.scandir(folder):
            if entry.name.endswith(TEMPORARY):
                os.unlink(entry.path)
            elif entry.is_file(follow_symlinks=False) and NAME.match(entry.name):
                self._sizes[entry.name] = entry.stat().st_size

    @property
    def used(self) -> int:
        """Bytes of all blobs."""
        with self._lock:
            return sum(self._sizes.values())

    def names(self) -> set[str]:
        with self._lock:
            return set(self._sizes)

    def lacking(self, size: int) -> int:
        """How many bytes must go before `size` more fit into quota and disk; 0: they fit."""
        free = shutil.disk_usage(self.folder).free - RESERVE
        return max(0, self.used + size - self.quota, size - free)

    def put(self, name: str, data: bytes) -> None:
        """Keep `data` under `name`, on the disk when this returns.

        Raises ScumbleError (disk_full) when quota or disk do not hold it; what
        stood under the name before is then still there.
        """
        path = self._path(name)
        with self._lock:
            others = sum(self._sizes.values()) - self._sizes.get(name, 0)
            if others + len(data) > self.quota:
                raise disk_full("The history's share of the disk is used up.")
            before = self._sizes.get(name)
            self._sizes[name] = len(data)  # claimed now, so that two writers cannot both fit
            self._parts += 1
            part = self.folder / f"{name}.{self._parts}{TEMPORARY}"
        try:
            _write(part, data)
            os.replace(part, path)
            _sync_folder(self.folder)
        except OSError as error:
            part.unlink(missing_ok=True)
            with self._lock:
                if before is None:
                    self._sizes.pop(name, None)
                else:
                    self._sizes[name] = before
            if error.errno in FULL:
                raise disk_full("There is no space left on the disk.") from error
            raise

    def get(self, name: str) -> bytes:
        """The blob's bytes; KeyError when there is none of that name."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise KeyError(name) from None

    def remove(self, names: Iterable[str]) -> None:
        """Forget these blobs; names that are not there are no error."""
        for name in names:
            self._path(name).unlink(missing_ok=True)
            with self._lock:
                self._sizes.pop(name, None)

    def _path(self, name: str) -> Path:
        if not NAME.match(name) or name.endswith(TEMPORARY):
            raise ValueError(f"{name!r} cannot name a blob")
        return self.folder / name


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
    )
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut; systems without open folders do it themselves."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
