"""Scumble's home is where platformdirs would put it, on every system.

The plugins run where platformdirs is not installed, so the rule is written
again in link; this holds the two together.
"""

from __future__ import annotations

import os

import platformdirs
import platformdirs.macos
import platformdirs.unix
import platformdirs.windows
import pytest

from scumble.link.home import find_home

POSIX = [
    {"HOME": "/home/ada"},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "/data/ada"},
    {"HOME": "/home/ada", "XDG_DATA_HOME": ""},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "relative/path"},
    {"HOME": "/home/ada", "XDG_DATA_HOME": "   "},
    {"HOME": "/home/ada with spaces é"},
    {"HOME": "relative"},
    {"HOME": ""},
    {},
]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> dict[str, str]:
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "SCUMBLE_HOME", "FLATPAK_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)
    return dict(os.environ)


@pytest.mark.parametrize("environ", POSIX, indirect=True, ids=str)
def test_linux(environ: dict[str, str]) -> None:
    expected = platformdirs.unix.Unix("scumble", appauthor=False).user_data_dir
    assert str(find_home(environ, "linux").path) == expected


@pytest.mark.parametrize("environ", POSIX, indirect=True, ids=str)
def test_macos(environ: dict[str, str]) -> None:
    expected = platformdirs.macos.MacOS("scumble", appauthor=False).user_data_dir
    assert str(find_home(environ, "darwin").path) == expected


@pytest.mark.parametrize("environ", [{"HOME": "/home/ada"}], indirect=True)
def test_this_system(environ: dict[str, str]) -> None:
    assert str(find_home().path) == platformdirs.user_data_dir("scumble", appauthor=False)


@pytest.mark.parametrize(
    "environ",
    [{"LOCALAPPDATA": r"C:\Users\Ada\AppData\Local"}, {"LOCALAPPDATA": r"D:\Profile Ada\Local"}],
    indirect=True,
    ids=str,
)
def test_windows(environ: dict[str, str]) -> None:
    # the folder that Windows' own call returns stands in this variable as well
    local = platformdirs.windows.get_win_folder_from_env_vars("CSIDL_LOCAL_APPDATA")
    assert str(find_home(environ, "win32").path) == local + "\\scumble"
