"""The worker process and its two pipes: frames in and out, and its end, told once."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scumble.link.errors import ScumbleError
from scumble.link.wire import Frame, read_frame, write_frame

log = logging.getLogger(__name__)

END_SECONDS = 2.0  # from the end of its commands to its own end
_PIPE = 1024 * 1024  # bytes; the kernel's default of 64 KiB means hundreds of turns a picture


class Child:
    """A process that was started; it is over when `on_end` was called."""

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        log_file: Path,
        on_frame: Callable[[Child, Frame], None],
        on_end: Callable[[Child, int], None],
    ) -> None:
        """Start `command`; its standard error goes to log_file.

        on_frame and on_end are called from a thread of the child's own, on_end
        last and exactly once, with the exit code. Raises OSError when the
        process cannot be started.
        """
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with open(log_file, "ab") as errors:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environ),
                cwd=log_file.parent,  # “python -m” looks there first: a folder of our own
                bufsize=0,
                **_apart(),
            )
        self._widen_pipes()
        self._on_frame = on_frame
        self._on_end = on_end
        self._outbox: queue.SimpleQueue[tuple[dict[str, Any], Sequence[bytes]] | None]
        self._outbox = queue.SimpleQueue()
        threading.Thread(target=self._write, name="to worker", daemon=True).start()
        self._reader = threading.Thread(target=self._read, name="from worker", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        """Queue a frame; what does not arrive because the process ended is told by its end."""
        self._outbox.put((header, blobs))

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._process.kill()

    def end(self) -> None:
        """Close its commands, which ends it, and insist after END_SECONDS."""
        self._outbox.put(None)
        self._reader.join(END_SECONDS)
        if self._reader.is_alive():
            self.kill()
            self._reader.join(END_SECONDS)

    def _write(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError), pipe:
            while (message := self._outbox.get()) is not None:
                write_frame(pipe.write, *message)

    def _read(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        with pipe:
            try:
                while (frame := read_frame(pipe.read)) is not None:
                    self._on_frame(self, frame)
            except (OSError, ScumbleError) as error:
                log.error("the worker's pipe broke: %s", error)
                self.kill()  # bytes that are no frame: nothing it says can be trusted now
        self._outbox.put(None)
        self._on_end(self, self._process.wait())

    def _widen_pipes(self) -> None:
        try:
            import fcntl
        except ImportError:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
                with contextlib.suppress(OSError):
                    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


def _apart() -> dict[str, Any]:
    """Keep the terminal's Ctrl-C and a console window away from the worker."""
    if os.name == "nt":
        # the editor's own threads come first there too
        flags = ("CREATE_NO_WINDOW", "BELOW_NORMAL_PRIORITY_CLASS")
        return {"creationflags": sum(getattr(subprocess, flag) for flag in flags)}
    return {"start_new_session": True}
