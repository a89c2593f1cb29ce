"""Fetches models: what is needed only, resumed where it stopped, checked at the end.

huggingface_hub moves the bytes; that a broken download goes on where it
stopped even after a restart is seen to here, since huggingface_hub drops
partial files when its process ends.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ScumbleError
from scumble.models.copying import require_space
from scumble.models.digest import CHUNK, Report
from scumble.models.hub import Plan, RemoteFile, translated
from scumble.models.ledger import cannot_write
from scumble.models.safetensors_header import rejected

RECORD = ".scumble-download.json"
PARTIAL = ".partial"


@dataclass(frozen=True)
class Damage:
    """A file that is not what the hub has. reason: one short phrase."""

    path: str
    reason: str


def fetch(
    plan: Plan, folder: Path, report: Report | None = None, *, endpoint: str | None = None
) -> None:
    """Bring all files of `plan` into `folder`, whole and checked.

    Files that are there already and right are kept; a partial file goes on
    where it stopped. report: (bytes there, bytes in all). Raises ScumbleError:
    disk_full, model_missing (network), model_rejected (wrong bytes).
    """
    there = sum(_present(folder, file) for file in plan.files)
    require_space(folder, plan.size - there)
    done = 0
    for file in plan.files:
        target = folder / file.path
        if target.is_file() and not _damage(target, file):
            done += file.size
        else:
            _fetch_file(plan, file, target, done, report, endpoint)
            done += file.size
        if report is not None:
            report(done, plan.size)
    _write_record(plan, folder)


def _fetch_file(
    plan: Plan,
    file: RemoteFile,
    target: Path,
    before: int,
    report: Report | None,
    endpoint: str | None,
) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers, disable_progress_bars

    disable_progress_bars("huggingface_hub.http_get")  # the caller shows its own
    partial = target.with_name(target.name + PARTIAL)
    url = hf_hub_url(plan.repository, file.path, revision=plan.commit, endpoint=endpoint)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with open(partial, "ab") as output, translated(plan.repository):
            if output.tell() > file.size:  # of another revision
                output.truncate(0)
            counting = _Counting(output, lambda size: _tell(report, before + size, plan.size))
            http_get(
                url,
                counting,  # type: ignore[arg-type]
                resume_size=output.tell(),
                headers=headers,
                expected_size=file.size,
            )
    except OSError as error:
        if "Consistency check failed" in str(error):
            raise _wrong(plan, file, "it ended early") from error
        raise cannot_write(partial, error) from error
    reason = _damage(partial, file)
    if reason:
        partial.unlink(missing_ok=True)
        raise _wrong(plan, file, reason)
    os.replace(partial, target)


def _tell(report: Report | None, done: int, total: int) -> None:
    if report is not None:
        report(done, total)


class _Counting:
    """A file that reports its length after each write."""

    def __init__(self, file: IO[bytes], told: Any) -> None:
        self._file = file
        self._told = told

    def write(self, data: bytes) -> int:
        written = self._file.write(data)
        self._told(self._file.tell())
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def truncate(self, size: int | None = None) -> int:
        return self._file.truncate(size)


def _present(folder: Path, file: RemoteFile) -> int:
    for path in (folder / file.path, folder / (file.path + PARTIAL)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


def _wrong(plan: Plan, file: RemoteFile, reason: str) -> ScumbleError:
    return rejected(
        f"The file {file.path} of {plan.repository} arrived damaged: {reason}.",
        "Start the download again; the rest is kept.",
    )


def _damage(path: Path, file: RemoteFile) -> str:
    """What is wrong with a file on disk, "" if it is the one that the hub has."""
    if path.stat().st_size != file.size:
        return "its size is another"
    if file.sha256:
        digest = hashlib.sha256()
        expected = file.sha256
    elif file.blob_id:
        # git names a small file by the SHA-1 of this line and its bytes
        digest = hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
        expected = file.blob_id
    else:
        return ""
    with open(path, "rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return "" if digest.hexdigest() == expected else "its hash is another"


def _write_record(plan: Plan, folder: Path) -> None:
    text = json.dumps(to_wire(plan), indent=1)
    temporary = folder / (RECORD + PARTIAL)
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, folder / RECORD)


def read_record(folder: Path) -> Plan | None:
    """What was downloaded into `folder`; None where no download is recorded."""
    try:
        return from_wire(Plan, json.loads((folder / RECORD).read_bytes()))
    except (OSError, ValueError, ScumbleError):
        return None


def verify(folder: Path, report: Report | None = None) -> tuple[Damage, ...] | None:
    """Read every downloaded file again; what is missing or wrong. None: no download here."""
    plan = read_record(folder)
    if plan is None:
        return None
    found, done = [], 0
    for file in plan.files:
        path = folder / file.path
        reason = _damage(path, file) if path.is_file() else "it is missing"
        if reason:
            found.append(Damage(file.path, reason))
        done += file.size
        _tell(report, done, plan.size)
    return tuple(found)


def repair(folder: Path, report: Report | None = None, *, endpoint: str | None = None) -> None:
    """Fetch again what `verify` finds wrong; the rest stays. Raises what `fetch` raises."""
    plan = read_record(folder)
    if plan is None:
        raise rejected(
            f"“{folder.name}” was not downloaded by Scumble and cannot be repaired.",
            "Copy its files again from where they came from.",
        )
    fetch(plan, folder, report, endpoint=endpoint)
