"""The one error that crosses rooms and the wire.

Every failure that an artist may see is a `ScumbleError` with an `ErrorInfo`:
one sentence (`message`), what to do next (`hint`), and whether the same
request may succeed later (`retryable`). Code decides by `code`, never by text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ErrorCode(str, Enum):
    BAD_REQUEST = "bad_request"
    AUTH_FAILED = "auth_failed"
    VERSION_MISMATCH = "version_mismatch"
    BUSY = "busy"
    MODEL_MISSING = "model_missing"
    MODEL_REJECTED = "model_rejected"
    OUT_OF_MEMORY = "out_of_memory"
    CANCELLED = "cancelled"
    WORKER_CRASHED = "worker_crashed"
    DISK_FULL = "disk_full"
    UNSUPPORTED = "unsupported"
    INTERNAL = "internal"


RETRYABLE = frozenset(
    {ErrorCode.BUSY, ErrorCode.OUT_OF_MEMORY, ErrorCode.WORKER_CRASHED, ErrorCode.DISK_FULL}
)


@dataclass(frozen=True)
class ErrorInfo:
    """What went wrong, as data. `message` and `hint` are one sentence each, for the artist."""

    code: ErrorCode
    message: str
    hint: str = ""
    retryable: bool = False


class ScumbleError(Exception):
    """Raised anywhere between the editor and the model; becomes an `ErrorInfo` on the wire."""

    def __init__(self, code: ErrorCode, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.info = ErrorInfo(code, message, hint, code in RETRYABLE)

    @classmethod
    def from_info(cls, info: ErrorInfo) -> ScumbleError:
        error = cls(info.code, info.message, info.hint)
        error.info = info
        return error

    @property
    def code(self) -> ErrorCode:
        return self.info.code


def bad_request(message: str, hint: str = "") -> ScumbleError:
    """The commonest error: the request itself cannot be carried out as it stands."""
    return ScumbleError(ErrorCode.BAD_REQUEST, message, hint)
