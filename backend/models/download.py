"""Fetches models: what is needed only, resumed where it stopped, checked at the end.

huggingface_hub moves the bytes; that a broken download goes on where it
stopped even after a restart is seen to here, since huggingface_hub drops
partial files when its process ends.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ScumbleError
from scumble.models.copying import require_space
from scumble.models.digest import CHUNK, Report
from scumble.models.hub import Plan, RemoteFile, is_network, translated
from scumble.models.ledger import cannot_write
from scumble.models.safetensors_header import rejected

RECORD = ".scumble-download.json"
PARTIAL = ".partial"
RETRIES = 5  # connections in a row that bring nothing
RETRY_SECONDS = 1.0


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

    partial = target.with_name(target.name + PARTIAL)
    url = hf_hub_url(plan.repository, file.path, revision=plan.commit, endpoint=endpoint)
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with open(partial, "ab") as output, translated(plan.repository):
            if output.tell() > file.size:  # of another revision
                output.truncate(0)
            _receive(url, output, file.size, lambda size: _tell(report, before + size, plan.size))
    except OSError as error:
        raise cannot_write(partial, error) from error
    reason = _damage(partial, file)
    if reason:
        partial.unlink(missing_ok=True)
        raise rejected(
            f"The file {file.path} of {plan.repository} arrived damaged: {reason}.",
            "Start the download again; the rest is kept.",
        )
    os.replace(partial, target)


def _receive(url: str, output: IO[bytes], size: int, told: Callable[[int], None]) -> None:
    """Append what `output` lacks of `size` bytes, over as many connections as it takes."""
    failures = 0
    while output.tell() < size:
        before = output.tell()
        try:
            _receive_once(url, output, size, told)
        except Exception as error:
            failures = 0 if output.tell() > before else failures + 1
            if not is_network(error) or failures > RETRIES:
                raise
            time.sleep(RETRY_SECONDS)
        else:
            if output.tell() <= before:  # the server has no more; the size check will tell
                return


def _receive_once(url: str, output: IO[bytes], size: int, told: Callable[[int], None]) -> None:
    from huggingface_hub import constants, get_session
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if output.tell():
        headers["Range"] = f"bytes={output.tell()}-"
    timeout = constants.HF_HUB_DOWNLOAD_TIMEOUT
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        hf_raise_for_status(response)
        if response.status_code == 200:  # from the start, whatever was asked for
            output.seek(0)
            output.truncate()
        for chunk in response.iter_bytes():
            output.write(chunk)
            told(min(output.tell(), size))
            if output.tell() > size:  # another file; the size check will tell
                return


def _tell(report: Report | None, done: int, total: int) -> None:
    if report is not None:
        report(done, total)


def _present(folder: Path, file: RemoteFile) -> int:
    for path in (folder / file.path, folder / (file.path + PARTIAL)):
        if path.is_file():
            return min(path.stat().st_size, file.size)
    return 0


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
