"""The registry's file: JSON records under a lock, replaced as a whole or not at all."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from scumble.link.errors import ErrorCode, ScumbleError

log = logging.getLogger(__name__)

VERSION = 1
LOCK_SECONDS = 10.0


class Ledger:
    """`models`: a list of records as they stand in the file; `digests`: path -> known hash."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> dict[str, Any]:
        """{"models": [...], "digests": {...}}; empty where no file is or it cannot be read."""
        data = self._load()
        return data if data is not None else {"models": [], "digests": {}}

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """The records, to be changed in place; written when the block ends without an error.

        Raises ScumbleError: busy when another process holds the file for long,
        disk_full when it cannot be written.
        """
        lock = self._lock()
        try:
            data = self._load()
            if data is None:
                self._keep_broken_file()
                data = {"models": [], "digests": {}}
            yield data
            self._write(data)
        finally:
            lock.release()

    def _lock(self) -> BaseFileLock:
        lock = FileLock(str(self.path) + ".lock", timeout=LOCK_SECONDS)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise ScumbleError(
                ErrorCode.BUSY,
                "Another Scumble is changing the list of models.",
                "Wait for it to finish and try again.",
            ) from None
        except OSError as error:
            raise cannot_write(self.path.parent, error) from error
        return lock

    def _load(self) -> dict[str, Any] | None:
        """None: there is a file, and it is not ours to understand."""
        try:
            data = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {"models": [], "digests": {}}
        except (OSError, ValueError, RecursionError):
            log.warning("the list of models %s cannot be read", self.path)
            return None
        if not isinstance(data, dict) or not isinstance(data.get("models"), list):
            log.warning("the list of models %s is not one", self.path)
            return None
        models = [record for record in data["models"] if isinstance(record, dict)]
        digests = data.get("digests")
        return {"models": models, "digests": digests if isinstance(digests, dict) else {}}

    def _keep_broken_file(self) -> None:
        if self.path.exists():
            os.replace(self.path, self.path.with_suffix(".broken.json"))

    def _write(self, data: dict[str, Any]) -> None:
        text = json.dumps({"version": VERSION, **data}, indent=1, ensure_ascii=False)
        temporary = ""
        try:
            handle, temporary = tempfile.mkstemp(prefix=".registry-", dir=self.path.parent)
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
            raise cannot_write(self.path, error) from error


def cannot_write(path: Path, error: OSError) -> ScumbleError:
    return ScumbleError(
        ErrorCode.DISK_FULL,
        f"Cannot write to {path} ({error.strerror or error}).",
        "Free some space or check the folder's permissions.",
    )
