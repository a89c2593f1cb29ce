"""Copies a model into Scumble's own folder, whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models.digest import CHUNK, Report
from scumble.models.ledger import cannot_write

RESERVE = 256 * 1024 * 1024  # bytes that stay free for the editor and the system


def require_space(folder: Path, size: int) -> None:
    """Raise ScumbleError disk_full unless `size` bytes and a reserve fit on folder's disk."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < size + RESERVE:
        raise ScumbleError(
            ErrorCode.DISK_FULL,
            f"The model takes {gigabytes(size)}, and {gigabytes(free)} are free.",
            f"Make room on the disk of {existing}, or point SCUMBLE_HOME at another.",
        )


def gigabytes(size: int) -> str:
    """A size as a person reads it: "4.3 GB", "12 MB", "870 kB"."""
    for unit, word in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            value = size / unit
            return f"{value:.1f} {word}" if value < 10 else f"{value:.0f} {word}"
    return f"{size} bytes"


def copy_into(source: Path, folder: Path, report: Report | None = None) -> Path:
    """A copy of a file or folder under `folder`, by a name that is free there.

    Raises ScumbleError disk_full; nothing half copied stays behind.
    """
    files = [f for f in source.rglob("*") if f.is_file()] if source.is_dir() else [source]
    total = sum(file.stat().st_size for file in files)
    require_space(folder, total)
    target = _free_name(folder, source)
    partial = target.with_name(f".{target.name}.partial")
    done = 0
    try:
        for file in files:
            place = partial / file.relative_to(source) if source.is_dir() else partial
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(file, "rb") as origin, open(place, "wb") as copy:
                while chunk := origin.read(CHUNK):
                    copy.write(chunk)
                    done += len(chunk)
                    if report is not None:
                        report(done, total)
        os.replace(partial, target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)
    return target


def _free_name(folder: Path, source: Path) -> Path:
    target, number = folder / source.name, 2
    while target.exists():
        target, number = folder / f"{source.stem}-{number}{source.suffix}", number + 1
    return target
