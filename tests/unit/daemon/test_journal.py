from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from daemons import request

from scumble import journal as journal_module
from scumble.journal import KEPT_TIMINGS, Journal, Timing
from scumble.link.errors import ErrorCode, ErrorInfo, ScumbleError
from scumble.link.jobs import move
from scumble.link.values import JobState, Region, Result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Journal:
    return Journal(path)


def result(job_id: str, index: int) -> Result:
    return Result(job_id, index, Region(1, 2, 3, 4), f"{job_id}.{index}.rgba", {"seed": 7})


def test_what_was_added_is_there_in_another_process_at_once(path: Path, journal: Journal) -> None:
    assert journal.add("krita", request("a"), "a.pixels", "a.mask")
    entry = Journal(path).entry("a")
    assert entry is not None
    assert entry.request == request("a")
    assert (entry.pixels, entry.mask) == ("a.pixels", "a.mask")
    assert entry.job.state is JobState.QUEUED
    assert entry.job.document == "picture.kra"


def test_an_id_is_added_once(journal: Journal) -> None:
    assert journal.add("krita", request("a"), "", "")
    assert not journal.add("gimp", request("a", "another"), "", "")
    job = journal.job("a")
    assert job is not None
    assert (job.client_id, job.prompt) == ("krita", "a boat")


def test_a_failure_is_written_down_with_its_reason(journal: Journal) -> None:
    journal.add("krita", request("a"), "", "")
    job = journal.job("a")
    assert job is not None
    error = ErrorInfo(ErrorCode.OUT_OF_MEMORY, "No memory.", "Less.", retryable=True)
    failed = replace(move(job, JobState.FAILED, error), attempt=2)
    journal.update(failed)
    assert journal.job("a") == failed


def test_open_jobs_come_in_the_order_they_were_asked_for(journal: Journal) -> None:
    for name in ("c", "a", "b"):
        journal.add("gimp" if name == "a" else "krita", request(name), "", "")
    job = journal.job("c")
    assert job is not None
    journal.update(move(job, JobState.CANCELLED))
    assert [entry.job.id for entry in journal.open_entries()] == ["a", "b"]
    assert [entry.job.id for entry in journal.open_entries("krita")] == ["b"]
    assert [job.id for job in journal.jobs()] == ["c", "a", "b"]
    assert [job.id for job in journal.jobs(limit=2)] == ["a", "b"]


def test_pictures_wait_for_their_own_client_until_acknowledged(journal: Journal) -> None:
    for name, client in (("a", "krita"), ("b", "gimp")):
        journal.add(client, request(name, batch=2), "", "")
        for index in (0, 1):
            journal.add_result(result(name, index))
    journal.acknowledge("a", 0)
    journal.acknowledge("a", 0)
    assert journal.unacknowledged("krita") == [result("a", 1)]
    assert [each.index for each in journal.unacknowledged("gimp")] == [0, 1]
    job = journal.job("a")
    assert job is not None
    assert (job.results, job.unacknowledged) == (2, (1,))


def test_what_numbered_kritas_left_waits_for_every_krita(path: Path, journal: Journal) -> None:
    for number, client in enumerate(("krita-0", "krita-13", "gimp-1", "krita-desk")):
        journal.add(client, request(client), "", "")
        journal.add_result(result(client, number))
    journal.close()
    later = Journal(path)
    assert [each.job_id for each in later.unacknowledged("krita")] == ["krita-0", "krita-13"]
    assert [entry.job.id for entry in later.open_entries("krita")] == ["krita-0", "krita-13"]
    for client in ("gimp-1", "krita-desk"):
        assert [each.job_id for each in later.unacknowledged(client)] == [client]


def test_only_acknowledged_pictures_may_go_and_their_settings_stay(journal: Journal) -> None:
    journal.add("krita", request("a", batch=3), "", "")
    for index in range(3):
        journal.add_result(result("a", index))
    journal.acknowledge("a", 2)
    journal.acknowledge("a", 0)
    assert [each.index for each in journal.spare()] == [2, 0]
    journal.drop_blob(result("a", 2))
    assert [each.index for each in journal.spare()] == [0]
    assert journal.results("a")[2].blob == ""
    assert journal.results("a")[2].metadata == {"seed": 7}
    assert journal.blobs() == {"a.0.rgba", "a.1.rgba"}


def test_pixels_are_needed_until_the_job_is_over(journal: Journal) -> None:
    journal.add("krita", request("a"), "a.pixels", "")
    assert journal.blobs() == {"a.pixels"}
    job = journal.job("a")
    assert job is not None
    journal.update(move(job, JobState.CANCELLED))
    assert journal.blobs() == set()


def test_old_jobs_are_forgotten_unless_a_picture_waits(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "KEPT_JOBS", 2)
    for name in ("waits", "pasted", "open", "new", "newer"):
        journal.add("krita", request(name), "", "")
        job = journal.job(name)
        assert job is not None
        if name != "open":
            journal.update(move(job, JobState.CANCELLED))
    journal.add_result(result("waits", 0))
    journal.prune()
    assert [job.id for job in journal.jobs()] == ["waits", "open", "new", "newer"]


def test_the_newest_measurements_of_each_device_stay(journal: Journal) -> None:
    for number in range(KEPT_TIMINGS + 5):
        journal.add_timing(Timing("fake", "cpu", "euler", 1.0, float(number), 0.5))
    journal.add_timing(Timing("fake", "cuda", "euler", 1.0, 0.01, 0.5))
    timings = journal.timings("fake")
    assert timings[0].device == "cuda"
    assert [timing.step for timing in timings[1:]] == [
        float(number) for number in range(KEPT_TIMINGS + 4, 4, -1)
    ]
    assert journal.timings("other") == []


def test_a_journal_of_a_newer_scumble_is_left_alone(path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(ScumbleError) as caught:
        Journal(path)
    assert caught.value.code is ErrorCode.VERSION_MISMATCH
    assert path.read_bytes() == before


def test_an_older_journal_is_brought_up_to_date_step_by_step(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Journal(path)
    first.add("krita", request("old"), "", "")
    first.close()
    steps = (*journal_module.MIGRATIONS, "ALTER TABLE jobs ADD COLUMN note TEXT DEFAULT 'none';")
    monkeypatch.setattr(journal_module, "MIGRATIONS", steps)
    for _ in range(2):  # the second time there is nothing left to do
        newer = Journal(path)
        assert newer.job("old") is not None
        newer.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT note FROM jobs").fetchone() == ("none",)


def test_a_migration_that_fails_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal(path).close()
    broken = "ALTER TABLE jobs ADD COLUMN note TEXT; ALTER TABLE nowhere ADD COLUMN x TEXT;"
    with monkeypatch.context() as patch:
        patch.setattr(journal_module, "MIGRATIONS", (*journal_module.MIGRATIONS, broken))
        with pytest.raises(ScumbleError):
            Journal(path)
    again = Journal(path)
    assert again.broken == ""
    with sqlite3.connect(path) as db:
        assert "note" not in {row[1] for row in db.execute("PRAGMA table_info(jobs)")}


def test_a_damaged_journal_is_put_aside_whole(path: Path) -> None:
    damaged = Journal(path)
    for number in range(200):
        damaged.add("krita", request(f"job-{number}", "x" * 400), "", "")
    damaged.close()
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 4096 * 3)
    fresh = Journal(path)
    assert fresh.jobs() == []
    aside = path.with_name(f"{path.name}.{fresh.broken}")
    assert aside.stat().st_size == size
    assert fresh.add("krita", request("a"), "", "")
