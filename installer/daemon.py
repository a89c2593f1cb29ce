"""The running daemon, as the installer meets it: it holds the code that it was started with."""

from __future__ import annotations

import contextlib
import os
import signal

from installer.progress import Display
from plugin.link.client import call
from plugin.link.errors import ErrorCode, ScumbleError
from plugin.link.home import Home, read_connection


def leave_daemon(home: Home, display: Display, force: bool = False) -> bool:
    """End an idle daemon, so that the next one runs the new code; True when none runs any more.

    force: end a busy one too; its work is cancelled. One of another version speaks
    with no new plugin, so it is ended in any case; what it was at is in the
    journal, and the next one goes on with it.
    """
    try:
        jobs = int(call(home, "status", start=False).fields.get("jobs", 0))
        if jobs and not force:
            display.say("A job is running; Scumble's backend is renewed when you start it next.")
            return False
        call(home, "shutdown", start=False)
    except ScumbleError as error:
        connection = read_connection(home)
        if error.code is ErrorCode.VERSION_MISMATCH and connection is not None:
            with contextlib.suppress(OSError):
                os.kill(connection.pid, signal.SIGTERM)
        # else none is there, or it is just leaving
    return True
