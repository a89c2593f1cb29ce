"""What was asked for and what came of it, in SQLite, so that nothing is lost.

Every method commits before it returns. Pixels are not here: rows name blobs of
the store.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError
from scumble.link.jobs import OVER
from scumble.link.values import GenerationRequest, Job, JobState, Region, Result

MIGRATIONS = (
    """
    CREATE TABLE jobs (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        client_id TEXT NOT NULL,
        state TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        request TEXT NOT NULL,
        pixels TEXT NOT NULL,
        mask TEXT NOT NULL,
        error TEXT,
        asked REAL NOT NULL,
        over REAL
    );
    CREATE INDEX jobs_by_client ON jobs (client_id, place);
    CREATE INDEX jobs_by_end ON jobs (over, place);
    CREATE TABLE results (
        job_id TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        region TEXT NOT NULL,
        blob TEXT NOT NULL,
        metadata TEXT NOT NULL,
        made REAL NOT NULL,
        acknowledged REAL,
        PRIMARY KEY (job_id, number)
    );
    CREATE TABLE timings (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        model TEXT NOT NULL,
        device TEXT NOT NULL,
        sampler TEXT NOT NULL,
        load_seconds REAL NOT NULL,
        step_seconds REAL NOT NULL,
        overhead_seconds REAL NOT NULL
    );
    CREATE INDEX timings_by_model ON timings (model, device, place);
    """,
)
# Krita's plugin once had a number for each Krita that ran. No migration: such a plugin may still
# be running, and an older daemon must not be kept from the journal.
_ONE_KRITA = "UPDATE jobs SET client_id = 'krita' WHERE client_id GLOB 'krita-[0-9]*'"
SHOWN_PROMPT = 200  # characters of the prompt in a Job: it names the job, it does not repeat it
KEPT_JOBS = 1000  # finished jobs whose rows stay, for the history
KEPT_TIMINGS = 20  # measurements per model and device


@dataclass(frozen=True)
class Entry:
    """A job with what is needed to carry it out; pixels and mask name blobs ("": none)."""

    job: Job
    request: GenerationRequest
    pixels: str
    mask: str


@dataclass(frozen=True)
class Timing:
    """One run as it was measured, in seconds.

    load: to bring the model into memory (0: it was there). step: one call
    of the denoiser for one megapixel of working size, guidance counting as two
    calls. overhead: everything else for one picture of one megapixel.
    """

    model: str
    device: str
    sampler: str
    load: float
    step: float
    overhead: float


class Journal:
    """One file, one writer; safe to call from many threads."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file and brings it to the newest form.

        Raises ScumbleError: version_mismatch when a newer Scumble wrote it,
        disk_full. A file that is no database is moved aside, never overwritten.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.broken = ""  # the mark under which an unreadable file was put aside
        self._lock = threading.RLock()
        try:
            self._db = _open(path)
        except sqlite3.OperationalError as error:
            raise _translated(error) from error
        except sqlite3.DatabaseError:
            self.broken = f"broken-{time.time_ns()}"
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                if (part := path.with_name(name)).exists():
                    part.replace(path.with_name(f"{name}.{self.broken}"))
            self._db = _open(path)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def add(self, client_id: str, request: GenerationRequest, pixels: str, mask: str) -> bool:
        """Write a new queued job down; false when its id is there already."""
        with self._commit() as db:
            done = db.execute(
                "INSERT OR IGNORE INTO jobs"
                " (id, client_id, state, attempt, request, pixels, mask, asked)"
                " VALUES (?, ?, ?, 1, ?, ?, ?, ?)",
                (
                    request.id,
                    client_id,
                    JobState.QUEUED.value,
                    json.dumps(to_wire(request)),
                    pixels,
                    mask,
                    time.time(),
                ),
            )
            return done.rowcount == 1

    def update(self, job: Job) -> None:
        """Write down a job's state, attempt and error."""
        with self._commit() as db:
            db.execute(
                "UPDATE jobs SET state = ?, attempt = ?, error = ?, over = ? WHERE id = ?",
                (
                    job.state.value,
                    job.attempt,
                    None if job.error is None else json.dumps(to_wire(job.error)),
                    time.time() if job.state in OVER else None,
                    job.id,
                ),
            )

    def entry(self, job_id: str) -> Entry | None:
        rows = self._read("SELECT * FROM jobs WHERE id = ?", job_id)
        return self._entry(rows[0]) if rows else None

    def job(self, job_id: str) -> Job | None:
        found = self.entry(job_id)
        return found.job if found else None

    def jobs(self, client_id: str | None = None, limit: int = 100) -> list[Job]:
        """The newest jobs, oldest first; client_id None: everybody's."""
        rows = self._read(
            "SELECT * FROM jobs WHERE ?1 IS NULL OR client_id = ?1 ORDER BY place DESC LIMIT ?2",
            client_id,
            limit,
        )
        return [self._entry(row).job for row in reversed(rows)]

    def open_entries(self, client_id: str | None = None) -> list[Entry]:
        """All jobs that are not over, in the order they were asked for."""
        rows = self._read(
            "SELECT * FROM jobs WHERE over IS NULL AND (?1 IS NULL OR client_id = ?1)"
            " ORDER BY place",
            client_id,
        )
        return [self._entry(row) for row in rows]

    def add_result(self, result: Result) -> None:
        with self._commit() as db:
            db.execute(
                "INSERT OR REPLACE INTO results (job_id, number, region, blob, metadata, made)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    result.job_id,
                    result.index,
                    json.dumps(to_wire(result.region)),
                    result.blob,
                    json.dumps(result.metadata),
                    time.time(),
                ),
            )

    def results(self, job_id: str) -> list[Result]:
        """A job's pictures in order; blob "" where the bytes went to make room."""
        return [
            _result(row)
            for row in self._read("SELECT * FROM results WHERE job_id = ? ORDER BY number", job_id)
        ]

    def unacknowledged(self, client_id: str) -> list[Result]:
        """All pictures that this client has not pasted yet, oldest first."""
        rows = self._read(
            "SELECT results.* FROM results JOIN jobs ON jobs.id = results.job_id"
            " WHERE client_id = ? AND acknowledged IS NULL ORDER BY place, number",
            client_id,
        )
        return [_result(row) for row in rows]

    def acknowledge(self, job_id: str, index: int) -> None:
        with self._commit() as db:
            db.execute(
                "UPDATE results SET acknowledged = ?"
                " WHERE job_id = ? AND number = ? AND acknowledged IS NULL",
                (time.time(), job_id, index),
            )

    def spare(self) -> Iterator[Result]:
        """Acknowledged pictures whose bytes are still there, oldest acknowledgement first."""
        rows = self._read(
            "SELECT * FROM results WHERE acknowledged IS NOT NULL AND blob != ''"
            " ORDER BY acknowledged, number"
        )
        return map(_result, rows)

    def drop_blob(self, result: Result) -> None:
        """Note that the bytes of a picture are gone; what made it stays known."""
        with self._commit() as db:
            db.execute(
                "UPDATE results SET blob = '' WHERE job_id = ? AND number = ?",
                (result.job_id, result.index),
            )

    def blobs(self) -> set[str]:
        """Every blob that some row still needs."""
        rows = self._read("SELECT blob FROM results WHERE blob != ''")
        names = {row["blob"] for row in rows}
        for entry in self.open_entries():
            names |= {entry.pixels, entry.mask} - {""}
        return names

    def prune(self) -> None:
        """Forget the oldest finished jobs of which nobody waits for a picture."""
        with self._commit() as db:
            db.execute(
                "DELETE FROM jobs WHERE over IS NOT NULL"
                " AND NOT EXISTS (SELECT 1 FROM results WHERE job_id = jobs.id"
                "  AND (acknowledged IS NULL OR blob != ''))"
                " AND place <= (SELECT MAX(place) FROM jobs) - ?",
                (KEPT_JOBS,),
            )

    def add_timing(self, timing: Timing) -> None:
        with self._commit() as db:
            db.execute(
                "INSERT INTO timings"
                " (model, device, sampler, load_seconds, step_seconds, overhead_seconds)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    timing.model,
                    timing.device,
                    timing.sampler,
                    timing.load,
                    timing.step,
                    timing.overhead,
                ),
            )
            db.execute(
                "DELETE FROM timings WHERE model = ?1 AND device = ?2 AND place NOT IN"
                " (SELECT place FROM timings WHERE model = ?1 AND device = ?2"
                "  ORDER BY place DESC LIMIT ?3)",
                (timing.model, timing.device, KEPT_TIMINGS),
            )

    def timings(self, model: str) -> list[Timing]:
        """The model's measurements on whatever device, newest first."""
        rows = self._read(
            "SELECT model, device, sampler, load_seconds, step_seconds, overhead_seconds"
            " FROM timings WHERE model = ? ORDER BY place DESC",
            model,
        )
        return [Timing(*row) for row in rows]

    @contextmanager
    def _commit(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with self._db:
                    yield self._db
            except sqlite3.OperationalError as error:
                raise _translated(error) from error

    def _read(self, query: str, *values: Any) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def _entry(self, row: sqlite3.Row) -> Entry:
        made = self._read(
            "SELECT number, blob, acknowledged FROM results WHERE job_id = ? ORDER BY number",
            row["id"],
        )
        request = from_wire(GenerationRequest, json.loads(row["request"]))
        error = None if row["error"] is None else from_wire(ErrorInfo, json.loads(row["error"]))
        job = Job(
            id=row["id"],
            client_id=row["client_id"],
            state=JobState(row["state"]),
            attempt=row["attempt"],
            error=error,
            prompt=request.prompt[:SHOWN_PROMPT],
            document=request.document,
            results=sum(1 for each in made if each["blob"]),
            unacknowledged=_numbers(each for each in made if each["acknowledged"] is None),
        )
        return Entry(job, request, row["pixels"], row["mask"])


def _numbers(rows: Iterable[sqlite3.Row]) -> tuple[int, ...]:
    return tuple(row["number"] for row in rows)


def _result(row: sqlite3.Row) -> Result:
    return Result(
        job_id=row["job_id"],
        index=row["number"],
        region=from_wire(Region, json.loads(row["region"])),
        blob=row["blob"],
        metadata=json.loads(row["metadata"]),
    )


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
    try:
        path.chmod(0o600)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # an answered submit survives a power cut
        db.execute("PRAGMA foreign_keys = ON")
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("the file is damaged")
        _migrate(db)
        with db:
            db.execute(_ONE_KRITA)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(MIGRATIONS):
        raise ScumbleError(
            ErrorCode.VERSION_MISMATCH,
            "The history was written by a newer Scumble.",
            "Update Scumble.",
        )
    for number, migration in enumerate(MIGRATIONS[version:], version + 1):
        db.executescript(f"BEGIN; {migration} PRAGMA user_version = {number}; COMMIT;")


def _translated(error: sqlite3.OperationalError) -> ScumbleError:
    if "full" in str(error) or "disk I/O" in str(error):
        return ScumbleError(
            ErrorCode.DISK_FULL,
            "There is no space left on the disk for the history.",
            "Free some disk space and try again.",
        )
    return ScumbleError(ErrorCode.INTERNAL, f"The history cannot be written: {error}.")
