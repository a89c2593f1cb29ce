"""Frames: how messages become bytes, without any input or output of its own.

    u32 big-endian  length of everything that follows
    u32 big-endian  length of the header
    header          JSON object, UTF-8, with "blobs": [length of each blob]
    blobs           one after the other

Every length is compared with its limit before anything of that size is kept.
"""

from __future__ import annotations

import json
import math
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Callable, Deque, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from .errors import ErrorCode, ScumbleError
from .protocol import MAX_BLOBS, MAX_FRAME, MAX_HEADER

Buffer = Union[bytes, bytearray, memoryview]

_LENGTHS = struct.Struct(">II")
_ONE_WRITE = 64 * 1024  # bytes; frames up to this size leave as a single buffer
_PIECE = 1024 * 1024  # bytes asked for at once when a frame is read from a stream


class WireError(ScumbleError):
    """The bytes are no frame, or one beyond the limits; the stream cannot go on after it."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.BAD_REQUEST, message)


@dataclass(frozen=True)
class Frame:
    """One message: a JSON header (without the blobs' lengths) and binary blobs."""

    header: Dict[str, Any]
    blobs: Tuple[bytes, ...] = field(default=())

    @property
    def type(self) -> str:
        """The header's type, "" when it has none."""
        kind = self.header.get("type", "")
        return kind if isinstance(kind, str) else ""


def encode(
    header: Dict[str, Any], blobs: Sequence[Buffer] = (), max_frame: int = MAX_FRAME
) -> List[Buffer]:
    """The frame as buffers to be written in order; large blobs are not copied.

    Raises WireError when the header is no JSON (NaN, lone surrogates, other
    types) or a limit is passed.
    """
    if len(blobs) > MAX_BLOBS:
        raise WireError("A message holds at most %d blobs." % MAX_BLOBS)
    lengths = [memoryview(blob).nbytes for blob in blobs]
    try:
        text = json.dumps(
            {**header, "blobs": lengths},
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
        ).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise WireError("The message's header is no JSON: %s." % error) from error
    if len(text) > MAX_HEADER:
        raise WireError("A message's header holds at most %d bytes." % MAX_HEADER)
    total = 4 + len(text) + sum(lengths)
    if total > max_frame:
        raise WireError("A message holds at most %d bytes." % max_frame)
    head = _LENGTHS.pack(total, len(text)) + text
    if total <= _ONE_WRITE:
        return [b"".join([head, *blobs])]
    return [head, *(blob for blob in blobs if memoryview(blob).nbytes)]


class Decoder:
    """Bytes in, frames out. `max_frame` may be raised between frames (after the handshake).

    `feed` takes bytes of any size; after each call take the frames out with
    `next_frame` or `frames`, which raise WireError. A decoder that has raised
    goes on raising, for nobody knows where the next frame would begin.
    """

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.max_frame = max_frame
        self._chunks: Deque[bytes] = deque()
        self._offset = 0  # bytes of the first chunk that are taken already
        self._held = 0  # bytes in the chunks that are not
        self._lengths: Optional[Tuple[int, int]] = None
        self._header: Optional[Dict[str, Any]] = None
        self._blobs: List[int] = []
        self._error = ""

    @property
    def missing(self) -> int:
        """How many more bytes at least belong to the frame that is being read."""
        return max(0, self._wanted() - self._held)

    @property
    def inside_frame(self) -> bool:
        """Whether the stream would end in the middle of a frame if it ended now."""
        return self._held > 0 or self._lengths is not None

    def feed(self, data: Buffer) -> None:
        if len(data) and not self._error:
            self._chunks.append(bytes(data))
            self._held += len(self._chunks[-1])

    def frames(self) -> Iterator[Frame]:
        """All frames that are complete."""
        while True:
            frame = self.next_frame()
            if frame is None:
                return
            yield frame

    def next_frame(self) -> Optional[Frame]:
        """The next complete frame, None when more bytes are needed. Raises WireError."""
        if self._error:
            raise WireError(self._error)
        try:
            return self._advance()
        except WireError as error:
            self._error = error.info.message
            self._chunks.clear()
            self._held = 0
            raise

    def _advance(self) -> Optional[Frame]:
        if self._lengths is None:
            if self._held < _LENGTHS.size:
                return None
            total, header = _LENGTHS.unpack(self._take(_LENGTHS.size))
            _check_lengths(total, header, self.max_frame)
            self._lengths = (total, header)
        total, header = self._lengths
        if self._header is None:
            if self._held < header:
                return None
            self._header = _parse_header(self._take(header))
            self._blobs = _blob_lengths(self._header, total - 4 - header)
        if self._held < sum(self._blobs):
            return None
        frame = Frame(self._header, tuple(self._take(length) for length in self._blobs))
        self._lengths = self._header = None
        self._blobs = []
        return frame

    def _wanted(self) -> int:
        if self._lengths is None:
            return _LENGTHS.size
        return self._lengths[1] if self._header is None else sum(self._blobs)

    def _take(self, count: int) -> bytes:
        self._held -= count
        parts: List[bytes] = []
        while count:
            head, start = self._chunks[0], self._offset
            end = min(len(head), start + count)
            count -= end - start
            if end == len(head):
                self._chunks.popleft()
            self._offset = end % len(head)
            parts.append(head[start:end])  # a whole chunk is not copied by this
        return b"".join(parts)  # of bytes, not views: Python lets other threads run meanwhile


def read_frame(read: Callable[[int], bytes], max_frame: int = MAX_FRAME) -> Optional[Frame]:
    """Block until a frame is there; `read(n)` gives 1…n bytes (a file's read, a socket's recv).

    None at the end of the stream. Raises WireError on bad bytes and on an end
    inside a frame.
    """
    decoder = Decoder(max_frame)
    while True:
        frame = decoder.next_frame()
        if frame is not None:
            return frame
        data = read(min(decoder.missing, _PIECE))
        if not data:
            if decoder.inside_frame:
                raise WireError("The stream ended inside a message.")
            return None
        decoder.feed(data)


def write_frame(
    write: Callable[[Buffer], Optional[int]],
    header: Dict[str, Any],
    blobs: Sequence[Buffer] = (),
) -> None:
    """Write one frame; `write` may take a part and say how much (None: all), as raw files do."""
    for buffer in encode(header, blobs):
        view = memoryview(buffer).cast("B")
        while len(view):
            taken = write(view)
            view = view[len(view) if taken is None else taken :]


def _check_lengths(total: int, header: int, max_frame: int) -> None:
    if total > max_frame:
        raise WireError("A message of %d bytes is longer than %d." % (total, max_frame))
    if header > MAX_HEADER:
        raise WireError("A header of %d bytes is longer than %d." % (header, MAX_HEADER))
    if header + 4 > total:
        raise WireError("A message is shorter than its header.")


def _parse_header(data: bytes) -> Dict[str, Any]:
    try:
        header = json.loads(
            data.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite_float
        )
        if b"\\u" in data:  # an escaped half of a surrogate pair could not be written again
            json.dumps(header, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise WireError("A message's header is no JSON: %s." % error) from error
    if not isinstance(header, dict):
        raise WireError("A message's header is no JSON object.")
    return header


def _blob_lengths(header: Dict[str, Any], room: int) -> List[int]:
    lengths = header.pop("blobs", [])
    if not isinstance(lengths, list) or len(lengths) > MAX_BLOBS:
        raise WireError("A message holds at most %d blobs." % MAX_BLOBS)
    for length in lengths:
        if isinstance(length, bool) or not isinstance(length, int) or length < 0:
            raise WireError("A blob's length must be a whole number of at least 0.")
    if sum(lengths) != room:
        raise WireError("A message's blobs do not fill it.")
    return lengths


def _no_constant(name: str) -> Any:
    raise ValueError("%s is not a number" % name)


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("%s is too large" % text)
    return value
