"""Ends the plug-in's process when GIMP is gone, however it went.

GIMP ends its plug-ins when it quits, but one that waits for an answer of a
GIMP that was killed would wait for ever. A thread, because the main one may
be that one.
"""

from __future__ import annotations

import os
import threading
import time

_SECONDS = 0.5


def leave_with_gimp() -> None:
    """Begin to watch. What was asked of the daemon goes on there."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="scumble-watch", daemon=True).start()


def _watch(parent: int) -> None:
    # On Windows getppid keeps its answer after the parent's end; there GIMP's broken pipe
    # raises in the main thread instead.
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(0)
