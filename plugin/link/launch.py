"""Start the daemon when none is there, and tell when it is ready.

Ready means that a handshake succeeded. Several editors may start one at the
same time: the first to take the daemon's lock stays, the others leave, and
everybody connects to the one that stays.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from .channel import Channel, DisconnectedError, open_channel
from .errors import ErrorCode, ScumbleError
from .home import Home, Install, read_connection, read_install

START_SECONDS = 20.0  # a cold disk and a virus scanner; without them it takes 0.3 s
_POLL_SECONDS = 0.02
_YIELD_SECONDS = 1.0

# Set by editors, AppImages and toolkits for their own process; a child of ours would
# load the wrong libraries or another Python's modules with them.
_DROPPED_PREFIXES = (
    "PYTHON",
    "LD_",
    "DYLD_",
    "QT_",
    "QML",
    "GI_",
    "GIO_",
    "GDK_",
    "GTK_",
    "GST_",
    "GEGL_",
    "BABL_",
    "GIMP",
    "GSETTINGS_",
    "APPIMAGE",
    "APPDIR",
    "APPRUN",
)
_DROPPED = frozenset(
    {"ARGV0", "OWD", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "KRITA_PLUGIN_PATH", "FONTCONFIG_PATH"}
)
# where the makers of AppImages keep what LD_LIBRARY_PATH was before
_SAVED_LIBRARY_PATHS = (
    "APPRUN_ORIGINAL_LD_LIBRARY_PATH",
    "APPIMAGE_ORIGINAL_LD_LIBRARY_PATH",
    "LD_LIBRARY_PATH_ORIG",
)


def clean_environment(environ: Mapping[str, str], separator: str = os.pathsep) -> Dict[str, str]:
    """The environment that an editor was given, without what it set for itself."""
    bundle = environ.get("APPDIR", "").rstrip("/")
    clean: Dict[str, str] = {}
    for name, value in environ.items():
        if name in _DROPPED or name.startswith(_DROPPED_PREFIXES):
            continue
        if bundle and bundle in value:  # PATH, XDG_DATA_DIRS: only the bundle's own entries go
            value = separator.join(
                part
                for part in value.split(separator)
                if part != bundle and not part.startswith(bundle + "/")
            )
            if not value:
                continue
        clean[name] = value
    for name in _SAVED_LIBRARY_PATHS:
        if environ.get(name):
            clean["LD_LIBRARY_PATH"] = environ[name]
            break
    return clean


def find_python(install: Optional[Install], environ: Mapping[str, str] = os.environ) -> str:
    """The environment's python: $SCUMBLE_PYTHON, else the install record's.

    Never sys.executable, which inside an editor is the editor.
    Raises ScumbleError (unsupported) when Scumble's backend is not installed.
    """
    python = environ.get("SCUMBLE_PYTHON", "")
    if not python and install is not None:
        python = install.python
    if not python:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "Scumble's backend is not installed.",
            "Run: python3 installer install",
        )
    if not os.path.isfile(python):
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "Scumble's backend is gone from %s." % python,
            "Run: python3 installer install",
        )
    return python


def spawn(
    home: Home, python: str, environ: Mapping[str, str] = os.environ
) -> subprocess.Popen[bytes]:
    """Start the daemon, detached from this process; its output goes to the log file.

    Raises ScumbleError (unsupported, disk_full, internal).
    """
    home.create()
    with contextlib.suppress(OSError):
        home.log_file.parent.mkdir(mode=0o700, exist_ok=True)
    clean = clean_environment(environ)
    clean["SCUMBLE_HOME"] = str(home.path)
    # isolated (-I): no PYTHON* variables, no user site, nothing from the working directory
    command = [python, "-I", "-m", "scumble", "serve"]
    try:
        with open(str(home.log_file), "ab") as log:
            process = _popen(command, home.path, clean, log)
    except OSError as error:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "Scumble's backend cannot be started: %s." % (error.strerror or error),
            "Run: python3 installer doctor",
        ) from error
    # whoever starts a process has to take its exit status; it may outlive this one
    threading.Thread(target=process.wait, name="scumble-reaper", daemon=True).start()
    return process


def reach(
    home: Home,
    install: Optional[Install] = None,
    environ: Mapping[str, str] = os.environ,
    stopped: Callable[[], bool] = lambda: False,
    seconds: float = START_SECONDS,
) -> Channel:
    """A channel to the daemon, which is started when none answers.

    `stopped` is asked while waiting. Raises ScumbleError: unsupported (not
    installed), internal (it does not start), disk_full, DisconnectedError (stopped).
    """
    channel = _dial(home)
    if channel is not None:
        return channel
    python = find_python(install or read_install(home), environ)
    process = spawn(home, python, environ)
    deadline = time.monotonic() + seconds
    gone_since: Optional[float] = None
    while time.monotonic() < deadline:
        if stopped():
            raise DisconnectedError()
        time.sleep(_POLL_SECONDS)
        channel = _dial(home)
        if channel is not None:
            return channel
        if process.poll() is None:
            continue
        gone_since = gone_since or time.monotonic()
        if time.monotonic() - gone_since < _YIELD_SECONDS:
            continue  # it may have left because another one has the lock and is coming up
        if process.returncode:
            break
        process, gone_since = spawn(home, python, environ), None  # the other one was leaving
    raise ScumbleError(
        ErrorCode.INTERNAL,
        "Scumble's backend did not start.",
        "The reason is at the end of %s." % home.log_file,
    )


def _dial(home: Home) -> Optional[Channel]:
    connection = read_connection(home)
    if connection is None:
        return None
    try:
        return open_channel(connection)
    except ScumbleError:  # a stale file: nobody there, or somebody else
        return None


def _popen(
    command: List[str], folder: Path, environ: Dict[str, str], log: Any
) -> subprocess.Popen[bytes]:
    options: Dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
        "cwd": str(folder),
        "env": environ,
    }
    if sys.platform != "win32":
        return subprocess.Popen(command, start_new_session=True, **options)
    # No window for it nor for its children, and no Ctrl-C from the editor's console.
    flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    try:
        # out of the editor's job object, which may end its processes with it
        breakaway = flags | subprocess.CREATE_BREAKAWAY_FROM_JOB
        return subprocess.Popen(command, creationflags=breakaway, **options)
    except OSError:
        return subprocess.Popen(command, creationflags=flags, **options)
