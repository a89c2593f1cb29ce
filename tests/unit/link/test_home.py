"""Where Scumble lives, and the small private files that lie there."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import (
    Connection,
    Home,
    Install,
    find_home,
    find_install,
    find_plugin_home,
    read_connection,
    read_install,
    remove_connection,
    write_connection,
    write_private,
)

CONNECTION = Connection("127.0.0.1", 40123, "ab" * 32, 4711, "boot-1", 1)
INSTALL = Install("/opt/scumble/bin/python", "/home/ada/scumble", "0.1.0")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "scumble")


def test_scumble_home_wins_over_everything(tmp_path: Path) -> None:
    environ = {"SCUMBLE_HOME": str(tmp_path), "HOME": "/home/ada", "XDG_DATA_HOME": "/data"}
    assert find_home(environ, "linux") == Home(tmp_path)


def test_a_flatpak_looks_where_the_other_editors_look() -> None:
    sandbox = {
        "HOME": "/home/ada",
        "FLATPAK_ID": "org.kde.krita",
        "XDG_DATA_HOME": "/home/ada/.var/app/org.kde.krita/data",
    }
    assert find_home(sandbox, "linux").path == Path("/home/ada/.local/share/scumble")
    moved = {**sandbox, "HOST_XDG_DATA_HOME": "/data/ada"}
    assert find_home(moved, "linux").path == Path("/data/ada/scumble")


def test_windows_without_localappdata_uses_the_profile() -> None:
    environ = {"USERPROFILE": "C:\\Users\\Ada"}
    assert str(find_home(environ, "win32").path) == "C:\\Users\\Ada\\AppData\\Local\\scumble"


def test_a_plugin_goes_where_its_own_record_says(tmp_path: Path) -> None:
    environ = {"HOME": "/snap/krita/home"}
    assert find_plugin_home(tmp_path, environ) == find_home(environ)
    write_private(tmp_path / "install.json", to_wire(INSTALL))
    assert find_plugin_home(tmp_path, environ).path == Path(INSTALL.home)
    chosen = {**environ, "SCUMBLE_HOME": "/elsewhere"}
    assert find_plugin_home(tmp_path, chosen).path == Path("/elsewhere")


def test_the_plugins_record_wins_over_the_homes(tmp_path: Path, home: Home) -> None:
    assert find_install(tmp_path, home) is None
    other = Install("/usr/bin/python3", "/x", "0.0.9")
    write_private(home.install_record, to_wire(other))
    assert find_install(tmp_path, home) == other == read_install(home)
    write_private(tmp_path / "install.json", to_wire(INSTALL))
    assert find_install(tmp_path, home) == INSTALL
    assert find_install(None, home) == other


def test_a_connection_comes_back_as_it_was_written(home: Home) -> None:
    assert read_connection(home) is None
    write_connection(home, CONNECTION)
    assert read_connection(home) == CONNECTION


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_nobody_else_can_read_the_connection_or_the_folder(home: Home) -> None:
    old = os.umask(0)
    try:
        write_connection(home, CONNECTION)
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.connection_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"[" * 50_000,
        b"{}" + b" " * 100_000,
        json.dumps({**to_wire(CONNECTION), "port": "40123"}).encode(),
        json.dumps({**to_wire(CONNECTION), "more": 1}).encode(),
    ],
)
def test_a_broken_connection_file_is_none(home: Home, text: bytes) -> None:
    home.create()
    home.connection_file.write_bytes(text)
    assert read_connection(home) is None


def test_only_ones_own_connection_is_removed(home: Home) -> None:
    remove_connection(home, "boot-1")
    write_connection(home, CONNECTION)
    remove_connection(home, "boot-2")
    assert read_connection(home) == CONNECTION
    remove_connection(home, "boot-1")
    assert not home.connection_file.exists()


def test_a_reader_never_sees_half_a_file(home: Home) -> None:
    write_connection(home, CONNECTION)
    done = threading.Event()
    seen: set[str] = set()

    def read() -> None:
        while not done.is_set():
            connection = read_connection(home)
            seen.add(connection.boot_id[:4] if connection else "nothing")

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(150):
        boot = f"boot-{number}" + "x" * (number * 37 % 5000)
        write_connection(home, Connection("127.0.0.1", 1, "t", 1, boot, 1))
    done.set()
    reader.join()
    assert seen == {"boot"}


def test_nothing_is_left_behind_when_writing_fails(home: Home) -> None:
    home.create()
    home.connection_file.mkdir()
    (home.connection_file / "in the way").touch()
    with pytest.raises(ScumbleError) as caught:
        write_connection(home, CONNECTION)
    assert caught.value.code is ErrorCode.INTERNAL
    assert caught.value.info.hint
    assert [path.name for path in home.path.iterdir()] == ["connection.json"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = os.open

    def open_full(path: str, flags: int, mode: int = 0o777) -> int:
        return really("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", open_full)
    with pytest.raises(ScumbleError) as caught:
        write_private(tmp_path / "x.json", {"a": 1})
    assert caught.value.code is ErrorCode.DISK_FULL
