"""Frames go through any cutting unchanged; anything else is refused before it costs memory."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble.link.errors import ErrorCode
from scumble.link.protocol import MAX_BLOBS, MAX_FRAME, MAX_FRAME_BEFORE_AUTH, MAX_HEADER
from scumble.link.wire import Buffer, Decoder, Frame, WireError, encode, read_frame, write_frame


def raw(header: Any, blobs: bytes = b"") -> bytes:
    """A frame around any header text or JSON value, its lengths right."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">II", 4 + len(text) + len(blobs), len(text)) + text + blobs


def joined(frame: Frame) -> bytes:
    return b"".join(encode(frame.header, frame.blobs))


def decoded(data: bytes, max_frame: int = MAX_FRAME) -> list[Frame]:
    decoder = Decoder(max_frame)
    decoder.feed(data)
    return list(decoder.frames())


@pytest.mark.parametrize(
    ("frame", "golden"),
    [
        (
            Frame({"type": "greet", "nonce": "00ff"}),
            b'\x00\x00\x00\x2e\x00\x00\x00\x2a{"type":"greet","nonce":"00ff","blobs":[]}',
        ),
        (
            Frame({"type": "reply", "to": 7}, (b"RGBA", b"", b"\xff")),
            b'\x00\x00\x00\x30\x00\x00\x00\x27{"type":"reply","to":7,"blobs":[4,0,1]}RGBA\xff',
        ),
        (
            Frame({"type": "x", "prompt": "rouge é 林檎"}),
            b'\x00\x00\x00\x36\x00\x00\x00\x32{"type":"x","prompt":"rouge \xc3\xa9 '
            b'\xe6\x9e\x97\xe6\xaa\x8e","blobs":[]}',
        ),
    ],
    ids=["no blobs", "blobs", "unicode"],
)
def test_golden_frames(frame: Frame, golden: bytes) -> None:
    assert joined(frame) == golden
    assert decoded(golden) == [frame]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FRAMES = st.builds(
    Frame,
    st.dictionaries(TEXT.filter(lambda key: key != "blobs"), JSON, max_size=4),
    st.lists(st.binary(max_size=40), max_size=MAX_BLOBS).map(tuple),
)


@given(st.lists(FRAMES, max_size=4), st.data())
def test_frames_survive_any_cutting(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(map(joined, frames))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    decoder = Decoder()
    out: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        decoder.feed(stream[start:end])
        out += decoder.frames()
    assert out == frames
    assert not decoder.inside_frame


@given(st.binary(max_size=200))
def test_any_bytes_give_frames_or_a_clean_error(data: bytes) -> None:
    try:
        frames = decoded(data)
    except WireError as error:
        assert error.code is ErrorCode.BAD_REQUEST
    else:
        assert all(isinstance(frame.header, dict) for frame in frames)


@given(st.binary(max_size=120), st.binary(max_size=20))
def test_any_header_gives_a_frame_that_can_be_written_again_or_a_clean_error(
    text: bytes, blobs: bytes
) -> None:
    try:
        frames = decoded(raw(text, blobs))
    except WireError:
        return
    assert [decoded(joined(frame)) == [frame] for frame in frames] == [True]


@given(FRAMES, st.integers(0, 300), st.integers(0, 255))
def test_one_wrong_byte_gives_frames_or_a_clean_error(frame: Frame, at: int, byte: int) -> None:
    stream = bytearray(joined(frame) * 2)
    stream[at % len(stream)] = byte
    try:
        decoded(bytes(stream))
    except WireError as error:
        assert error.info.message


@pytest.mark.parametrize(
    "bad",
    [
        raw([]),
        raw(b"{"),
        raw(b""),
        raw(b'{"a":NaN}'),
        raw(b'{"a":-Infinity}'),
        raw(b'{"a":1e999}'),
        raw(b'{"a":"\\ud800"}'),
        raw(b'{"a":"\xff"}'),
        raw(b"[" * 60_000),
        raw({"blobs": 3}),
        raw({"blobs": [True]}, b"x"),
        raw({"blobs": [-1, 2]}, b"x"),
        raw({"blobs": [1.0]}, b"x"),
        raw({"blobs": [2]}, b"x"),
        raw({"blobs": []}, b"x"),
        raw({}, b"x"),
        raw({"blobs": [1] * (MAX_BLOBS + 1)}, b"x" * (MAX_BLOBS + 1)),
        struct.pack(">II", 3, 0),
        struct.pack(">II", 4, 1),
        struct.pack(">II", 100, 97),
        struct.pack(">II", MAX_FRAME + 1, 10),
        struct.pack(">II", MAX_FRAME, MAX_HEADER + 1),
        struct.pack(">II", 2**32 - 1, 2**32 - 1),
    ],
)
def test_what_is_no_frame_is_refused(bad: bytes) -> None:
    with pytest.raises(WireError) as caught:
        decoded(bad)
    assert caught.value.code is ErrorCode.BAD_REQUEST


def test_a_length_beyond_the_limit_is_refused_before_any_of_it_is_there() -> None:
    decoder = Decoder(MAX_FRAME_BEFORE_AUTH)
    decoder.feed(struct.pack(">II", MAX_FRAME_BEFORE_AUTH + 1, 20))
    with pytest.raises(WireError):
        decoder.next_frame()


def test_a_promise_of_many_bytes_costs_no_memory() -> None:
    text = json.dumps({"blobs": [MAX_FRAME - 4 - 64]}).encode().ljust(60)
    tracemalloc.start()
    try:
        decoder = Decoder()
        decoder.feed(struct.pack(">II", MAX_FRAME - 4, len(text)) + text)
        assert decoder.next_frame() is None
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_after_an_error_nothing_more_is_read_or_kept() -> None:
    decoder = Decoder()
    decoder.feed(raw(b"{"))
    for _ in range(2):
        with pytest.raises(WireError):
            decoder.next_frame()
        decoder.feed(raw({"type": "fine"}))
    assert not decoder._chunks


def test_the_frame_before_a_bad_one_still_comes() -> None:
    decoder = Decoder()
    decoder.feed(raw({"type": "good"}) + raw(b"{"))
    frame = decoder.next_frame()
    assert frame is not None
    assert frame.type == "good"
    with pytest.raises(WireError):
        decoder.next_frame()


def test_the_limit_can_be_raised_between_two_frames_that_came_together() -> None:
    large = Frame({"type": "hello", "name": "x" * MAX_FRAME_BEFORE_AUTH})
    decoder = Decoder(MAX_FRAME_BEFORE_AUTH)
    decoder.feed(joined(Frame({"type": "prove"})) + joined(large))
    assert decoder.next_frame() is not None
    decoder.max_frame = MAX_FRAME
    assert decoder.next_frame() == large


def test_the_decoder_keeps_its_own_copy_of_what_it_was_fed() -> None:
    stream = bytearray(joined(Frame({"type": "x"}, (b"abcd",))))
    decoder = Decoder()
    decoder.feed(stream)
    stream[-4:] = b"????"
    frame = decoder.next_frame()
    assert frame is not None
    assert frame.blobs == (b"abcd",)


@pytest.mark.parametrize(
    "header",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": "\ud800"},
        {"a": b"bytes"},
        {"a": "x" * MAX_HEADER},
    ],
)
def test_what_is_no_json_or_too_long_is_not_sent(header: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        encode(header)


def test_blobs_beyond_the_limits_are_not_sent() -> None:
    with pytest.raises(WireError):
        encode({}, [b""] * (MAX_BLOBS + 1))
    with pytest.raises(WireError):
        encode({}, [bytes(2000)], max_frame=MAX_FRAME_BEFORE_AUTH)


def test_a_small_frame_is_one_write_and_a_large_blob_is_not_copied() -> None:
    assert len(encode({"type": "x"}, [b"small"])) == 1
    pixels = bytes(1 << 20)
    assert encode({"type": "x"}, [pixels])[1] is pixels


@given(st.lists(FRAMES, max_size=3))
def test_frames_go_through_files(frames: list[Frame]) -> None:
    file = io.BytesIO()
    for frame in frames:
        write_frame(file.write, frame.header, frame.blobs)
    file.seek(0)
    assert [read_frame(file.read) for _ in frames] == frames
    assert read_frame(file.read) is None


def test_writes_that_take_a_part_only_are_continued() -> None:
    written = bytearray()

    def write(data: Buffer) -> int:
        taken = bytes(data)[:7]
        written.extend(taken)
        return len(taken)

    frame = Frame({"type": "x"}, (bytes(range(256)) * 400,))
    write_frame(write, frame.header, frame.blobs)
    assert decoded(bytes(written)) == [frame]


def test_a_stream_that_ends_inside_a_frame_is_an_error() -> None:
    stream = joined(Frame({"type": "x"}, (b"abcd",)))
    for length in range(1, len(stream)):
        with pytest.raises(WireError, match="ended inside"):
            read_frame(io.BytesIO(stream[:length]).read)


def test_a_frame_read_from_a_stream_leaves_the_next_one_there() -> None:
    stream = io.BytesIO(joined(Frame({"n": 1}, (b"abc",))) + joined(Frame({"n": 2})))
    assert read_frame(stream.read) == Frame({"n": 1}, (b"abc",))
    assert stream.read() == joined(Frame({"n": 2}))
