"""SHA-256 of models, computed once and kept by size and time of change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHUNK = 4 * 1024 * 1024  # bytes

Report = Callable[[int, int], None]  # (bytes done, bytes in all)


def files(path: Path) -> list[Path]:
    """What a model's hash covers: the file itself, or a folder's weights and configurations."""
    if not path.is_dir():
        return [path]
    return sorted(
        item
        for item in path.rglob("*")
        if item.suffix in (".safetensors", ".json", ".txt")
        and not any(part.startswith(".") for part in item.relative_to(path).parts)
        and item.is_file()
    )


def known(path: Path, digests: dict[str, Any]) -> str:
    """The hash of `path` as far as `digests` still holds for it, else ""."""
    parts = []
    for file in files(path):
        record = digests.get(str(file))
        if not isinstance(record, dict) or record.get("stamp") != _stamp(file):
            return ""
        parts.append(str(record.get("sha256", "")))
    return _join(path, parts) if parts else ""


def compute(path: Path, digests: dict[str, Any], report: Report | None = None) -> str:
    """The hash of `path`; what had to be read is recorded in `digests`.

    A file's hash is that of its bytes. A folder's is that of one line a file,
    "name sha256", in order of names.
    """
    found = files(path)
    total = sum(file.stat().st_size for file in found)
    done = 0
    parts = []
    for file in found:
        stamp = _stamp(file)
        record = digests.get(str(file))
        if isinstance(record, dict) and record.get("stamp") == stamp:
            parts.append(str(record.get("sha256", "")))
            done += file.stat().st_size
        else:
            digest = hashlib.sha256()
            with open(file, "rb") as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    done += len(chunk)
                    if report is not None:
                        report(done, total)
            parts.append(digest.hexdigest())
            digests[str(file)] = {"stamp": stamp, "sha256": digest.hexdigest()}
        if report is not None:
            report(done, total)
    return _join(path, parts)


def remember(path: Path, value: str, digests: dict[str, Any]) -> None:
    """Record a hash that was found elsewhere for the file as it is now."""
    digests[str(path)] = {"stamp": _stamp(path), "sha256": value}


def forget(path: Path, digests: dict[str, Any]) -> None:
    """Drop what is recorded of `path` and of what lies within it."""
    inside = str(path) + os.sep
    for key in [key for key in digests if key == str(path) or key.startswith(inside)]:
        del digests[key]


def _join(path: Path, parts: list[str]) -> str:
    if not path.is_dir():
        return parts[0]
    names = [file.relative_to(path).as_posix() for file in files(path)]
    lines = "".join(f"{name} {part}\n" for name, part in zip(names, parts, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def _stamp(file: Path) -> str:
    try:
        status = file.stat()
    except OSError:
        return "absent"
    return f"{status.st_size}:{status.st_mtime_ns}"
