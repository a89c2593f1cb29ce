"""What waits to be sent to one client: nothing that puts something in ever waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from scumble.link.wire import Buffer, encode

MAX_WAITING = 10_000  # messages; a client that is so far behind has to come back and resume
MAX_REPLY_BYTES = 256 * 1024 * 1024  # of answers not yet taken; then no more questions are read


class Outbox:
    """Messages in order; of those with the same key only the newest stays, in its place."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._messages: deque[list[Buffer]] = deque()
        self._replaceable: dict[str, list[Buffer]] = {}
        self._bytes = 0
        self._closed = False

    def put(self, header: dict[str, Any], blobs: Sequence[Buffer] = (), key: str = "") -> bool:
        """Queue a message. key: what it replaces, "" for what must not be lost.

        False when the client is too far behind. Raises WireError for a message
        that is none.
        """
        buffers = encode(header, blobs)
        with self._changed:
            waiting = self._replaceable.get(key) if key else None
            if waiting is not None:
                self._bytes += _length(buffers) - _length(waiting)
                waiting[:] = buffers
                return True
            if len(self._messages) >= MAX_WAITING:
                return False
            self._messages.append(buffers)
            self._bytes += _length(buffers)
            if key:
                self._replaceable[key] = buffers
            self._changed.notify_all()
            return True

    def take(self) -> list[Buffer] | None:
        """The next message's buffers, waited for; None when closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._messages))
            if not self._messages:
                return None
            buffers = self._messages.popleft()
            self._bytes -= _length(buffers)
            for key, waiting in self._replaceable.items():
                if waiting is buffers:
                    del self._replaceable[key]
                    break
            self._changed.notify_all()
            return buffers

    def wait_for_room(self) -> None:
        """Return when the client has taken enough of its answers, or is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._bytes <= MAX_REPLY_BYTES)

    def close(self) -> None:
        """Let `take` come to an end; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def _length(buffers: Sequence[Buffer]) -> int:
    return sum(len(buffer) for buffer in buffers)
