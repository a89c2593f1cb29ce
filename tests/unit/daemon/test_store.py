from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


def test_a_blob_is_there_after_a_new_start(folder: Path) -> None:
    Store(folder).put("a.0.rgba", b"pixels")
    again = Store(folder)
    assert again.get("a.0.rgba") == b"pixels"
    assert (again.used, again.names()) == (6, {"a.0.rgba"})


def test_a_blob_that_is_not_there_is_a_key_error(folder: Path) -> None:
    with pytest.raises(KeyError):
        Store(folder).get("nothing")


def test_nobody_else_can_read_it(folder: Path) -> None:
    Store(folder).put("a", b"pixels")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "a").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "", ".", "..", "a/b", "a.part", ".a"])
def test_names_stay_in_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a blob"):
        Store(folder).put(name, b"x")


def test_the_quota_counts_all_blobs(folder: Path) -> None:
    store = Store(folder, quota=10)
    store.put("a", b"12345")
    assert store.lacking(5) == 0
    assert store.lacking(7) == 2
    with pytest.raises(ScumbleError) as caught:
        store.put("b", b"123456")
    assert caught.value.code is ErrorCode.DISK_FULL
    assert store.names() == {"a"}
    store.remove(["a", "never-there"])
    store.put("b", b"123456")
    assert store.used == 6


def test_writing_again_replaces_and_counts_once(folder: Path) -> None:
    store = Store(folder, quota=10)
    store.put("a", b"123456")
    store.put("a", b"12345678")
    assert store.used == 8
    assert store.get("a") == b"12345678"


def test_what_a_power_cut_left_half_written_is_no_blob(folder: Path) -> None:
    Store(folder).put("whole", b"pixels")
    (folder / "half.1.part").write_bytes(b"pix")
    assert Store(folder).names() == {"whole"}
    assert sorted(os.listdir(folder)) == ["whole"]


def test_a_write_that_fails_leaves_what_was_there(folder: Path) -> None:
    store = Store(folder)
    store.put("a", b"old")
    (folder / "a").unlink()
    (folder / "a").mkdir()  # a rename onto it fails
    with pytest.raises(OSError, match="directory"):
        store.put("a", b"newer")
    assert store.used == 3
    assert os.listdir(folder) == ["a"]


def test_many_writers_never_pass_the_quota(folder: Path) -> None:
    store = Store(folder, quota=1000)
    refused: list[str] = []

    def write(name: str) -> None:
        try:
            store.put(name, b"x" * 300)
        except ScumbleError:
            refused.append(name)

    threads = [threading.Thread(target=write, args=(f"blob{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.names()) == 3
    assert len(refused) == 5
    assert len(os.listdir(folder)) == 3
