"""The daemon is killed at the worst moments and started again: nothing asked for is lost."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from daemons import Daemon, home_in, request, running, until

from scumble.link.channel import open_channel
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Connection, read_connection, write_connection
from scumble.link.values import JobState

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_running_job_goes_on_and_keeps_the_pictures_it_has(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        client = daemon.connect("painter")
        client.submit(request("whole", "slow", batch=3))
        client.wait_for("whole", JobState.DONE)
        client.submit(request("cut", "slow", batch=3))
        client.wait(lambda event: event.header.get("result", {}).get("job_id") == "cut")
        daemon.kill()
    with running(home) as daemon:
        client = daemon.connect("painter")
        jobs, results = client.resume()
        assert ("cut", 0) in {(result.job_id, result.index) for result in results}
        assert [(job.id, job.attempt) for job in jobs] == [("cut", 2)]
        done = client.wait_for("cut", JobState.DONE)
        assert done.results == 3
        # the second attempt went on with the seeds that were missing
        for index in range(3):
            assert client.fetch("cut", index) == client.fetch("whole", index)
        made = [
            event.header["result"]["index"] for event in client.events if event.type == "result"
        ]
        assert 0 not in made


def test_queued_jobs_go_on_in_their_order_as_if_nothing_had_been(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        client = daemon.connect("painter")
        client.submit(request("first", "slow", steps=20))
        for name in ("second", "third"):
            client.submit(request(name))
        daemon.kill()
    with running(home) as daemon:
        client = daemon.connect("painter")
        until(lambda: client.job("third").state is JobState.DONE)
        assert client.job("second").attempt == client.job("third").attempt == 1
        order = [result.job_id for result in client.resume()[1]]
        assert order == ["first", "second", "third"]


def test_finished_pictures_stay_and_the_boot_id_tells_of_the_new_start(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        client = daemon.connect("painter")
        boot_id = daemon.connection().boot_id
        client.submit(request("made"))
        client.wait_for("made", JobState.DONE)
        picture = client.fetch("made", 0)
        daemon.kill()
    with running(home) as daemon:
        client = daemon.connect("painter")
        assert daemon.connection().boot_id != boot_id
        assert client.fetch("made", 0) == picture
        assert [result.job_id for result in client.resume()[1]] == ["made"]
        assert client.submit(request("made")).state is JobState.DONE  # asked again after the loss


def test_a_job_that_is_interrupted_every_time_is_given_up(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    for attempt in (1, 2, 3):
        with running(home) as daemon:
            client = daemon.connect("painter")
            if attempt == 1:
                client.submit(request("cursed", "slow", steps=200))
            client.wait_for_progress("cursed")
            assert client.job("cursed").attempt == attempt
            daemon.kill()
    with running(home) as daemon:
        failed = daemon.connect("painter").job("cursed")
        assert failed.state is JobState.FAILED
        assert failed.error is not None
        assert failed.error.code is ErrorCode.WORKER_CRASHED
        assert failed.error.retryable


def test_a_polite_end_keeps_the_running_job_for_the_next_daemon(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        client = daemon.connect("painter")
        client.submit(request("tomorrow", "slow", steps=20))
        client.wait_for_progress("tomorrow")
        assert daemon.stop() == 0
        assert not home.connection_file.exists()
    with running(home) as daemon:
        client = daemon.connect("painter")
        until(lambda: client.job("tomorrow").state is JobState.DONE)


@linux
@pytest.mark.parametrize("prompt", ["slow", "hang"])
def test_the_worker_does_not_outlive_its_daemon(tmp_path: Path, prompt: str) -> None:
    with running(home_in(tmp_path)) as daemon:
        client = daemon.connect("painter")
        client.submit(request("orphan", prompt, steps=200))
        client.wait_for_progress("orphan")
        workers = children(daemon.process.pid)
        assert len(workers) == 1
        daemon.kill()
        until(lambda: not Path(f"/proc/{workers[0]}/cmdline").exists())


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def test_a_second_daemon_leaves_the_first_one_alone(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as first:
        advertised = first.connection()
        second = Daemon(home)
        assert second.process.wait(20) == 0
        assert read_connection(home) == advertised
        first.connect().close()


def test_of_daemons_that_start_together_one_stays(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    together = [Daemon(home) for _ in range(4)]
    try:
        left = until(
            lambda: len(gone := [d for d in together if d.process.poll() is not None]) == 3 and gone
        )
        assert [daemon.process.returncode for daemon in left] == [0, 0, 0]
        (stayed,) = [daemon for daemon in together if daemon not in left]
        stayed.connect().close()
    finally:
        for daemon in together:
            daemon.kill()


def test_a_stale_connection_file_and_whoever_has_its_port_now_do_no_harm(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    home.create()
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]
        stale = Connection("127.0.0.1", port, "ab" * 32, os.getpid(), "old", 1)
        write_connection(home, stale)
        with running(home) as daemon:
            fresh = daemon.connection()
            assert fresh.port != port
            assert fresh.token != stale.token
            open_channel(fresh).close()


def test_the_old_token_opens_nothing(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    with running(home) as daemon:
        fresh = daemon.connection()
        stolen = Connection(fresh.host, fresh.port, "ab" * 32, fresh.pid, fresh.boot_id, 1)
        with pytest.raises(ScumbleError):
            open_channel(stolen)


def test_a_journal_that_cannot_be_read_is_put_aside_with_its_pictures(tmp_path: Path) -> None:
    home = home_in(tmp_path)
    home.create()
    home.journal_file.write_bytes(b"no database at all " * 400)
    home.store_dir.mkdir()
    (home.store_dir / "old.0.rgba").write_bytes(b"still worth something")
    with running(home) as daemon:
        client = daemon.connect("painter")
        client.submit(request("after"))
        client.wait_for("after", JobState.DONE)
    (aside,) = home.path.glob("journal.sqlite.broken-*")
    assert aside.read_bytes().startswith(b"no database")
    (pictures,) = home.path.glob("store.broken-*/old.0.rgba")
    assert pictures.read_bytes() == b"still worth something"
