"""Starting the daemon from an editor: which python, which environment, and when it is ready."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from main_thread import MainThread

from scumble.link.channel import Channel
from scumble.link.client import Client
from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home, Install, read_connection, write_private
from scumble.link.launch import clean_environment, find_python, reach

SERVE = Path(__file__).with_name("serve_small.py")
EDITORS_ENVIRONMENT = {
    "PYTHONHOME": "/editor/python",
    "PYTHONPATH": "/editor/site",
    "LD_LIBRARY_PATH": "/editor/lib",
    "QT_PLUGIN_PATH": "/editor/qt",
    "GI_TYPELIB_PATH": "/editor/gi",
}


def test_what_editors_and_toolkits_set_is_dropped_and_the_rest_is_kept() -> None:
    environ = {
        **EDITORS_ENVIRONMENT,
        "LD_PRELOAD": "/editor/hook.so",
        "DYLD_LIBRARY_PATH": "/editor",
        "QT_QPA_PLATFORM": "xcb",
        "QML2_IMPORT_PATH": "/editor/qml",
        "GIO_MODULE_DIR": "/editor/gio",
        "GDK_PIXBUF_MODULE_FILE": "/editor/gdk",
        "GTK_PATH": "/editor/gtk",
        "GSETTINGS_SCHEMA_DIR": "/editor/schemas",
        "GIMP3_DIRECTORY": "/editor/gimp",
        "GEGL_PATH": "/editor/gegl",
        "BABL_PATH": "/editor/babl",
        "APPIMAGE": "/home/ada/krita.AppImage",
        "ARGV0": "krita",
        "OWD": "/home/ada",
        "HOME": "/home/ada",
        "PATH": "/usr/bin:/bin",
        "DISPLAY": ":0",
        "CUDA_VISIBLE_DEVICES": "1",
        "HF_HOME": "/models",
        "SSL_CERT_FILE": "/etc/company.pem",
        "https_proxy": "http://proxy:3128",
        "SCUMBLE_ENGINE": "fake",
        "QUOTA": "kept, though it begins with a Q",
    }
    kept = {
        "HOME",
        "PATH",
        "DISPLAY",
        "CUDA_VISIBLE_DEVICES",
        "HF_HOME",
        "SSL_CERT_FILE",
        "https_proxy",
        "SCUMBLE_ENGINE",
        "QUOTA",
    }
    assert clean_environment(environ) == {name: environ[name] for name in kept}


def test_an_appimages_own_folders_leave_the_lists_and_its_users_come_back() -> None:
    environ = {
        "APPDIR": "/tmp/.mount_kritaX",
        "PATH": "/tmp/.mount_kritaX/usr/bin:/usr/bin:/tmp/.mount_kritaX",
        "XDG_DATA_DIRS": "/tmp/.mount_kritaX/usr/share",
        "SSL_CERT_FILE": "/tmp/.mount_kritaX/cert.pem",
        "NEIGHBOUR": "/tmp/.mount_kritaXY/bin",
        "LD_LIBRARY_PATH": "/tmp/.mount_kritaX/usr/lib",
        "APPRUN_ORIGINAL_LD_LIBRARY_PATH": "/opt/cuda/lib64",
    }
    assert clean_environment(environ, ":") == {
        "PATH": "/usr/bin",
        "NEIGHBOUR": "/tmp/.mount_kritaXY/bin",
        "LD_LIBRARY_PATH": "/opt/cuda/lib64",
    }


def test_without_an_install_record_one_sentence_says_what_to_do() -> None:
    with pytest.raises(ScumbleError, match="not installed") as caught:
        find_python(None, {})
    assert caught.value.info.hint == "Run: python3 installer install"
    assert caught.value.code is ErrorCode.UNSUPPORTED


def test_the_record_names_the_python_and_never_this_process(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.touch()
    install = Install(str(python), str(tmp_path), "0.1.0")
    assert find_python(install, {}) == str(python)
    assert find_python(install, {"SCUMBLE_PYTHON": sys.executable}) == sys.executable
    python.unlink()
    with pytest.raises(ScumbleError, match="gone from"):
        find_python(install, {})


# -- real processes


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "scumble")
    yield home
    for started in starts(home):
        with contextlib.suppress(ProcessLookupError):
            os.kill(started["pid"], signal.SIGKILL)


def python_that(tmp_path: Path, script: str) -> dict[str, str]:
    """An environment whose SCUMBLE_PYTHON runs `script` with sh instead."""
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return {**os.environ, **EDITORS_ENVIRONMENT, "SCUMBLE_PYTHON": str(path)}


def serving(tmp_path: Path, before: str = "") -> dict[str, str]:
    command = f'exec {shlex.quote(sys.executable)} {shlex.quote(str(SERVE))} "$@"'
    return python_that(tmp_path, f"{before}\n{command}")


def starts(home: Home) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in home.path.glob("started-*.json")]


def test_the_daemon_is_started_apart_from_the_editor(home: Home, tmp_path: Path) -> None:
    channel = reach(home, environ=serving(tmp_path))
    assert channel.hello("editor", "Test")["boot_id"].startswith("boot-")
    channel.close()
    (started,) = starts(home)
    assert started["arguments"] == ["-I", "-m", "scumble", "serve"]
    assert not set(EDITORS_ENVIRONMENT) & set(started["environ"])
    assert started["environ"]["SCUMBLE_HOME"] == str(home.path)
    assert started["folder"] == str(home.path)
    assert started["stdin"] == "/dev/null"
    assert started["session"] == started["pid"]
    assert started["session"] != os.getsid(0)
    assert "starting" in home.log_file.read_text()


def test_a_running_daemon_is_used_and_none_is_started(home: Home, tmp_path: Path) -> None:
    environ = serving(tmp_path)
    for _ in range(3):
        reach(home, environ=environ).close()
    assert len(starts(home)) == 1


def test_the_install_record_of_the_home_is_used(home: Home, tmp_path: Path) -> None:
    python = serving(tmp_path)["SCUMBLE_PYTHON"]
    write_private(home.install_record, to_wire(Install(python, str(home.path), "0.1.0")))
    environ = {name: value for name, value in os.environ.items() if name != "SCUMBLE_PYTHON"}
    reach(home, environ=environ).close()
    assert len(starts(home)) == 1


def test_of_several_starts_at_once_one_daemon_stays(home: Home, tmp_path: Path) -> None:
    environ = {**serving(tmp_path), "SCUMBLE_TEST_DELAY": "0.5"}
    channels: list[Channel] = []
    threads = [
        Thread(target=lambda: channels.append(reach(home, environ=environ))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    boots = {channel.hello("editor", "Test")["boot_id"] for channel in channels}
    for channel in channels:
        channel.close()
    assert len(channels) == 3
    assert len(boots) == 1
    assert len(starts(home)) == 3


def test_a_start_that_gave_way_to_one_that_was_leaving_is_repeated(
    home: Home, tmp_path: Path
) -> None:
    once = tmp_path / "once"
    gives_way = f"if [ ! -e {shlex.quote(str(once))} ]; then touch {once}; exit 0; fi"
    reach(home, environ=serving(tmp_path, gives_way)).close()
    assert len(starts(home)) == 1


def test_a_daemon_that_fails_to_start_points_to_the_log(home: Home, tmp_path: Path) -> None:
    environ = python_that(tmp_path, "echo no module named scumble >&2; exit 3")
    with pytest.raises(ScumbleError, match="did not start") as caught:
        reach(home, environ=environ)
    assert str(home.log_file) in caught.value.info.hint
    assert home.log_file.read_text() == "no module named scumble\n"  # and is not tried again


def test_a_python_that_cannot_be_run_is_one_sentence(home: Home, tmp_path: Path) -> None:
    environ = python_that(tmp_path, "")
    os.chmod(environ["SCUMBLE_PYTHON"], 0o600)
    Path(environ["SCUMBLE_PYTHON"]).write_bytes(b"\x7fELF nonsense")
    with pytest.raises(ScumbleError, match="cannot be started"):
        reach(home, environ=environ)


def test_waiting_for_a_start_ends_when_the_editor_closes(home: Home, tmp_path: Path) -> None:
    environ = python_that(tmp_path, "exec sleep 5")
    asked = iter([False, False, True])
    with pytest.raises(ScumbleError):
        reach(home, environ=environ, stopped=lambda: next(asked))


def test_a_daemon_that_dies_is_started_again(home: Home, tmp_path: Path) -> None:
    main, boots = MainThread(), []
    client = Client(
        home,
        "editor",
        "Test",
        lambda kind, fields, _: boots.append(fields["boot_id"]) if kind == "resumed" else None,
        main.post,
        environ=serving(tmp_path),
    )
    client.start()
    try:
        main.run_until(lambda: len(boots) == 1)
        first = read_connection(home)
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        main.run_until(lambda: len(boots) == 2)
    finally:
        client.close()
    assert len(set(boots)) == 2


def test_no_zombie_is_left_of_a_daemon_that_ended(home: Home, tmp_path: Path) -> None:
    reach(home, environ=serving(tmp_path)).close()
    (started,) = starts(home)
    os.kill(started["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{started['pid']}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
