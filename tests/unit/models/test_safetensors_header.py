"""Any bytes are either a whole safetensors file or one clean sentence."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models.safetensors_header import MAX_HEADER, PICKLE_SUFFIXES, read_header

WHOLE = save(
    {"weight": np.zeros((4, 3), np.float16), "bias": np.ones(4, np.float32)},
    metadata={"modelspec.title": "Painter"},
)


def with_header(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape: Any = (2,), offsets: Any = (0, 8), dtype: Any = "F32") -> dict[str, Any]:
    return {"t": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


def rejection(path: Path) -> ScumbleError:
    with pytest.raises(ScumbleError) as caught:
        read_header(path)
    assert caught.value.info.message.endswith(".")
    assert caught.value.info.hint
    return caught.value


def test_a_whole_file_is_described(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(WHOLE)
    header = read_header(path)
    assert {name: (t.dtype, t.shape) for name, t in header.tensors.items()} == {
        "weight": ("F16", (4, 3)),
        "bias": ("F32", (4,)),
    }
    assert header.metadata == {"modelspec.title": "Painter"}
    assert (header.parameters, header.size) == (16, len(WHOLE))
    last = max(header.tensors.values(), key=lambda t: t.end)
    assert last.end == len(WHOLE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        struct.pack("<Q", 0),
        struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<Q", MAX_HEADER + 1) + b"{}" * 20,
        struct.pack("<Q", 200) + b"{}",
        with_header(b"[]"),
        with_header(b"{"),
        with_header(b"\xff\xfe\x00"),
        with_header(b"[" * 100_000),
        with_header(b'{"t": ' + b"9" * 10_000 + b"}"),
        with_header({"__metadata__": 7}),
        with_header({"t": 7}),
        with_header(tensor(shape=[-1]), b"\0" * 8),
        with_header(tensor(shape=[True, 2]), b"\0" * 8),
        with_header(tensor(shape=[2.0]), b"\0" * 8),
        with_header(tensor(shape="2"), b"\0" * 8),
        with_header(tensor(shape=[2] * 9, offsets=[0, 2048]), b"\0" * 2048),
        with_header(tensor(shape=[2**62, 2**62]), b"\0" * 8),
        with_header(tensor(dtype="PYTHON"), b"\0" * 8),
        with_header(tensor(dtype=None), b"\0" * 8),
        with_header(tensor(offsets=[8, 0]), b"\0" * 8),
        with_header(tensor(offsets=[0]), b"\0" * 8),
        with_header(tensor(offsets=[0, 4]), b"\0" * 8),
        with_header(tensor(offsets=[4, 12]), b"\0" * 12),
        with_header(tensor(), b"\0" * 7),
        with_header(tensor(), b"\0" * 9),
        with_header({**tensor(), "u": tensor()["t"]}, b"\0" * 8),
        b"GGUF" + bytes(60),
        b"<!DOCTYPE html><html>" + bytes(60),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n",
    ],
    ids=lambda content: repr(content[:40]),
)
def test_what_is_no_whole_file_is_rejected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    assert rejection(path).code is ErrorCode.MODEL_REJECTED


@pytest.mark.parametrize("suffix", sorted(PICKLE_SUFFIXES))
def test_a_pickle_is_refused_unopened(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix.upper()}"
    os.mkfifo(path)  # opening it would wait for ever
    assert rejection(path).code is ErrorCode.MODEL_REJECTED
    assert "pickle" in rejection(path).info.message


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02}q\x00", b"\x80\x05"])
def test_a_pickle_under_another_name_is_called_one(tmp_path: Path, start: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(start + bytes(100))
    assert "pickle" in rejection(path).info.message


def test_what_is_not_a_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.safetensors"
    os.mkfifo(path)
    assert rejection(path).code is ErrorCode.MODEL_REJECTED
    assert rejection(tmp_path).code is ErrorCode.MODEL_REJECTED


def test_a_missing_file_is_called_missing(tmp_path: Path) -> None:
    assert rejection(tmp_path / "gone.safetensors").code is ErrorCode.MODEL_MISSING
    assert rejection(Path("a\0b.safetensors")).code is ErrorCode.MODEL_REJECTED


def is_read_or_rejected(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        header = read_header(path)
    except ScumbleError as error:
        assert error.code is ErrorCode.MODEL_REJECTED
        assert error.info.hint
    else:
        assert header.size == len(content)


same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@same_folder
@given(st.binary(max_size=400))
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    is_read_or_rejected(tmp_path / "a.safetensors", content)


@same_folder
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_any_bytes_behind_a_right_length(tmp_path: Path, header: bytes, data: bytes) -> None:
    is_read_or_rejected(tmp_path / "a.safetensors", with_header(header, data))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__", "t"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@same_folder
@given(JSON, st.binary(max_size=40))
def test_any_json(tmp_path: Path, header: Any, data: bytes) -> None:
    is_read_or_rejected(tmp_path / "a.safetensors", with_header(header, data))


@same_folder
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_any_one_byte_changed(tmp_path: Path, place: int, value: int) -> None:
    content = bytearray(WHOLE)
    content[place] = value
    is_read_or_rejected(tmp_path / "a.safetensors", bytes(content))


def test_a_file_cut_anywhere_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for length in range(len(WHOLE)):
        path.write_bytes(WHOLE[:length])
        assert rejection(path).code is ErrorCode.MODEL_REJECTED
