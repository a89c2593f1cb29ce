"""The disk or its share is full: an error in time, nothing unpasted removed, the queue goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemons import home_in, request, running

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import JobState, Mode, Region

PICTURE = Region(0, 0, 100, 100)  # 40,000 bytes
QUOTA = "Options(quota=100_000)"
# a file that grows beyond this fails like one on a full disk (EFBIG)
SMALL_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"


def test_pictures_that_nobody_pasted_are_never_removed(tmp_path: Path) -> None:
    with running(home_in(tmp_path), QUOTA) as daemon:
        client = daemon.connect()
        for name in ("one", "two"):
            client.submit(request(name, region=PICTURE))
            client.wait_for(name, JobState.DONE)
        with pytest.raises(ScumbleError) as caught:
            client.submit(request("three", region=PICTURE))
        assert caught.value.code is ErrorCode.DISK_FULL
        assert "Recovered results" in caught.value.info.hint
        assert len(client.fetch("one", 0)) == len(client.fetch("two", 0)) == 40_000
        client.submit(request("small"))
        client.wait_for("small", JobState.DONE)


def test_what_was_pasted_longest_ago_makes_room(tmp_path: Path) -> None:
    with running(home_in(tmp_path), QUOTA) as daemon:
        client = daemon.connect()
        for name in ("one", "two"):
            client.submit(request(name, region=PICTURE))
            client.wait_for(name, JobState.DONE)
        client.ask("acknowledge", job_id="two", index=0)
        client.ask("acknowledge", job_id="one", index=0)
        client.submit(request("three", region=PICTURE))
        client.wait_for("three", JobState.DONE)
        with pytest.raises(ScumbleError, match="made room"):
            client.fetch("two", 0)
        assert len(client.fetch("one", 0)) == len(client.fetch("three", 0)) == 40_000
        # what it was made with is still known
        assert client.ask("results", job_id="two").fields["results"][0]["metadata"]["seed"] == 1


def test_room_is_promised_to_those_who_asked_first(tmp_path: Path) -> None:
    with running(home_in(tmp_path), QUOTA) as daemon:
        client = daemon.connect()
        client.submit(request("first", "slow", region=PICTURE, batch=2))
        with pytest.raises(ScumbleError) as caught:
            client.submit(request("second", region=PICTURE))
        assert caught.value.code is ErrorCode.DISK_FULL
        assert client.wait_for("first", JobState.DONE).results == 2


@pytest.mark.skipif("sys.platform == 'win32'", reason="needs a limit on the size of files")
def test_a_disk_that_is_full_when_the_picture_comes_fails_the_job_alone(tmp_path: Path) -> None:
    big = Region(0, 0, 500, 400)  # 800,000 bytes
    with running(home_in(tmp_path), prelude=SMALL_FILES) as daemon:
        client = daemon.connect()
        client.submit(request("big", region=big, batch=2))
        failed = client.wait_for("big", JobState.FAILED)
        assert failed.error is not None
        assert failed.error.code is ErrorCode.DISK_FULL
        client.submit(request("next"))
        client.wait_for("next", JobState.DONE)
        assert not list(daemon.home.store_dir.glob("*.part"))


@pytest.mark.skipif("sys.platform == 'win32'", reason="needs a limit on the size of files")
def test_a_disk_that_is_full_when_the_request_comes_refuses_it(tmp_path: Path) -> None:
    big = Region(0, 0, 500, 400)
    with running(home_in(tmp_path), prelude=SMALL_FILES) as daemon:
        client = daemon.connect()
        with pytest.raises(ScumbleError) as caught:
            client.submit(request("big", mode=Mode.IMAGE_TO_IMAGE, region=big), b"x" * 800_000)
        assert caught.value.code is ErrorCode.DISK_FULL
        assert client.ask("jobs", all=True).fields["jobs"] == []
        assert list(daemon.home.store_dir.iterdir()) == []
