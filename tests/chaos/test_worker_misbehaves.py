"""The worker dies, hangs, cannot start, runs out of memory: its job is told, the queue goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import Client, Daemon, home_in, request, running, until

from scumble.link.errors import ErrorCode, ErrorInfo
from scumble.link.values import Job, JobState, WorkerState

IMPATIENT = "Options(patience=Patience(start=0.5))"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("daemon")
    patience = "Options(patience=Patience(cancel=0.3))"
    with running(home_in(folder), patience, SCUMBLE_FAKE_MARK=str(folder / "mark")) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    client = daemon.connect()
    yield client
    client.close()


def error_of(job: Job) -> ErrorInfo:
    assert job.error is not None
    assert job.error.message.endswith(".")
    return job.error


def test_a_job_whose_worker_died_is_tried_once_more(client: Client) -> None:
    client.submit(request("unlucky", "crash-once"))
    done = client.wait_for("unlucky", JobState.DONE)
    assert done.attempt == 2
    assert client.states("unlucky") == ["queued", "loading", "running"] * 2 + ["done"]


def test_a_job_that_kills_every_worker_fails_and_the_next_one_runs(client: Client) -> None:
    client.submit(request("deadly", "crash"))
    client.submit(request("spared"))
    failed = client.wait_for("deadly", JobState.FAILED)
    assert failed.attempt == 2
    assert error_of(failed).code is ErrorCode.WORKER_CRASHED
    assert error_of(failed).retryable
    assert client.wait_for("spared", JobState.DONE).attempt == 1


def test_jobs_that_kill_their_workers_take_nobody_with_them(client: Client) -> None:
    for number in range(3):
        client.submit(request(f"killer-{number}", "crash"))
    client.submit(request("bystander"))
    assert client.wait_for("bystander", JobState.DONE).attempt == 1


def test_a_worker_that_hears_no_cancel_is_killed(client: Client) -> None:
    client.submit(request("deaf", "hang"))
    client.submit(request("patient"))
    client.wait_for_progress("deaf")
    client.cancel("deaf")
    cancelled = client.wait_for("deaf", JobState.CANCELLED)
    assert cancelled.error is None
    client.wait_for("patient", JobState.DONE)


def test_a_queued_job_is_cancelled_while_the_worker_hangs(client: Client) -> None:
    client.submit(request("stuck", "hang"))
    client.submit(request("queued"))
    client.wait_for_progress("stuck")
    assert client.cancel("queued").state is JobState.CANCELLED
    client.cancel("stuck")
    client.wait_for("stuck", JobState.CANCELLED)


def test_cancelling_a_job_that_crashes_does_not_bring_it_back(client: Client) -> None:
    client.submit(request("gone", "crash-late"))
    until(lambda: client.job("gone").state is JobState.RUNNING)
    client.cancel("gone")
    assert client.wait_for("gone", JobState.CANCELLED).attempt == 1


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("fail-load", ErrorCode.MODEL_REJECTED),
        ("oom", ErrorCode.OUT_OF_MEMORY),
        ("bug", ErrorCode.INTERNAL),
    ],
)
def test_what_goes_wrong_in_a_run_is_told_and_not_tried_again(
    client: Client, prompt: str, code: ErrorCode
) -> None:
    client.submit(request(f"job-{prompt}", f"{prompt} slow"))
    failed = client.wait_for(f"job-{prompt}", JobState.FAILED)
    assert error_of(failed).code is code
    assert error_of(failed).hint
    assert failed.attempt == 1
    client.submit(request(f"after-{prompt}"))
    client.wait_for(f"after-{prompt}", JobState.DONE)


def test_running_out_of_memory_is_what_the_status_says(client: Client) -> None:
    client.submit(request("too-much", "oom"))
    client.wait_for("too-much", JobState.FAILED)
    status = client.ask("status").fields["worker"]
    assert status["state"] == WorkerState.OUT_OF_MEMORY.value
    assert status["model"] == ""
    client.submit(request("enough"))
    client.wait_for("enough", JobState.DONE)
    assert client.wait_for_worker(WorkerState.READY)["model"] == "fake"


def test_a_model_that_did_not_load_is_not_in_memory(client: Client, daemon: Daemon) -> None:
    client.submit(request("broken", "fail-load", model="blank"))
    client.wait_for("broken", JobState.FAILED)
    assert client.ask("status").fields["worker"] == {
        "state": "ready",
        "model": "",
        "device": "cpu",
        "message": "",
    }


def test_what_libraries_print_does_not_disturb(client: Client, daemon: Daemon) -> None:
    client.submit(request("chatty", "chatter"))
    client.wait_for("chatty", JobState.DONE)
    printed = daemon.home.log_file.read_text()
    assert "a library says hello" in printed
    assert "and so does its C code" in printed


def test_a_picture_is_not_lost_for_its_metadata(client: Client) -> None:
    client.submit(request("wordy", "huge"))
    client.wait_for("wordy", JobState.DONE)
    assert len(client.fetch("wordy", 0)) == 16 * 8 * 4


@pytest.mark.parametrize(
    ("start", "words"), [("fail", "torch"), ("crash", "crashed"), ("hang", "in time")]
)
def test_a_worker_that_cannot_start_fails_the_job_with_the_reason(
    tmp_path: Path, start: str, words: str
) -> None:
    options = IMPATIENT if start == "hang" else "Options()"
    with running(home_in(tmp_path), options, SCUMBLE_FAKE_START=start) as daemon:
        client = daemon.connect()
        client.submit(request("hopeless"))
        failed = client.wait_for("hopeless", JobState.FAILED)
        assert words in error_of(failed).message
        assert error_of(failed).hint
        status = client.ask("status").fields["worker"]
        assert status["state"] == WorkerState.FAILED.value
        assert words in status["message"]


def test_a_worker_that_ends_again_and_again_is_left_alone_for_a_while(tmp_path: Path) -> None:
    mark = tmp_path / "home" / "logs" / "daemon.log"
    with running(home_in(tmp_path), SCUMBLE_FAKE_START="crash") as daemon:
        client = daemon.connect()
        for number in range(6):
            client.submit(request(f"try-{number}"))
        client.wait_for("try-5", JobState.FAILED)
        assert mark.read_text().count("the worker ended with code 7") == 3


def test_a_job_that_waits_for_the_imports_is_cancelled_at_once(tmp_path: Path) -> None:
    with running(home_in(tmp_path), SCUMBLE_FAKE_START="hang") as daemon:
        client = daemon.connect()
        client.submit(request("early"))
        until(lambda: client.job("early").state is JobState.LOADING)
        client.cancel("early")
        client.wait_for("early", JobState.CANCELLED)


def test_the_daemon_answers_while_the_worker_imports(tmp_path: Path) -> None:
    with running(home_in(tmp_path), SCUMBLE_FAKE_START="slow") as daemon:
        client = daemon.connect()
        assert client.ask("status").fields["worker"]["state"] == WorkerState.STARTING.value
        client.submit(request("warm"))
        client.wait_for("warm", JobState.DONE)


def test_the_worker_starts_when_an_editor_says_hello_and_not_before(tmp_path: Path) -> None:
    with running(home_in(tmp_path)) as daemon:
        log: Any = daemon.home.log_file
        daemon.connection()
        client = daemon.connect()
        client.wait_for_worker(WorkerState.READY)
        assert "the worker is started" in log.read_text().split("listens")[1]
        assert "the worker is started" not in log.read_text().split("listens")[0]


def test_the_model_leaves_memory_when_nobody_draws(tmp_path: Path) -> None:
    with running(home_in(tmp_path), "Options(patience=Patience(idle=0.2))") as daemon:
        client = daemon.connect()
        client.submit(request("only"))
        client.wait_for("only", JobState.DONE)
        until(lambda: client.ask("status").fields["worker"]["model"] == "")
        assert client.ask("status").fields["worker"]["state"] == WorkerState.READY.value
        client.submit(request("later"))
        client.wait_for("later", JobState.DONE)
