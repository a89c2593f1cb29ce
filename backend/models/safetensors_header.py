"""Reads the header of a safetensors file and checks it against the file, touching no weights.

The format: 8 bytes little-endian length, that many bytes of JSON (name ->
dtype, shape, data_offsets; `__metadata__` holds strings), then the tensors
without gaps (https://huggingface.co/docs/safetensors/index#format).
"""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scumble.link.errors import ErrorCode, ScumbleError

MAX_HEADER = 16 * 1024 * 1024  # bytes; SDXL's 2,500 tensors take 0.3 MB
MAX_DIMENSIONS = 8

# https://docs.rs/safetensors/latest/safetensors/tensor/enum.Dtype.html
BITS = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}

PICKLE_SUFFIXES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle"})
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
SAFE_COPY = "Get the model as .safetensors; a pickle can run any program when it is opened."
FETCH_AGAIN = "Download the file again and compare its size with the one on its page."


@dataclass(frozen=True)
class Tensor:
    """Where one tensor lies: bytes begin…end of the file, in `dtype` (safetensors' name)."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Header:
    """size: of the whole file in bytes."""

    tensors: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict)
    size: int = 0

    @property
    def parameters(self) -> int:
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())


def rejected(message: str, hint: str = "") -> ScumbleError:
    return ScumbleError(ErrorCode.MODEL_REJECTED, message, hint)


def refuse_pickle(path: Path) -> None:
    """Raise model_rejected for names that pickles go by; nothing is opened."""
    if path.suffix.lower() in PICKLE_SUFFIXES:
        raise rejected(f"“{path.name}” is a pickle, and Scumble opens none.", SAFE_COPY)


def read_header(path: Path) -> Header:
    """The checked header of `path`.

    Raises ScumbleError: model_missing where no file is, model_rejected for all
    that is not a whole, consistent safetensors file.
    """
    refuse_pickle(path)
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise rejected(f"“{path.name}” is not a file.", "Choose a .safetensors file.")
        with open(path, "rb") as file:
            text = _header_bytes(path.name, file.read(8), status.st_size, file)
    except FileNotFoundError:
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"The file “{path.name}” is not there.",
            "Check the path, or connect the disk it lies on.",
        ) from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        raise rejected(f"“{path.name}” cannot be read ({error}).", "Check its permissions.") from (
            error
        )
    return _parse(path.name, text, status.st_size)


def _header_bytes(name: str, start: bytes, size: int, file: Any) -> bytes:
    if len(start) < 8:
        raise rejected(f"“{name}” is too short to be a model ({size} bytes).", FETCH_AGAIN)
    if start.startswith(_PICKLE_STARTS):
        raise rejected(f"“{name}” is a pickle under another name.", SAFE_COPY)
    if start.startswith(b"GGUF"):
        raise rejected(f"“{name}” is a GGUF file.", "Get the model as .safetensors.")
    length = struct.unpack("<Q", start)[0]
    if not 2 <= length <= MAX_HEADER:
        raise rejected(
            f"“{name}” is not a safetensors file: its header would be {length} bytes long.",
            "Check that it is the model itself and not a web page or a pointer file.",
        )
    if length > size - 8:
        raise rejected(f"“{name}” is cut short within its header.", FETCH_AGAIN)
    text: bytes = file.read(length)
    if len(text) < length:
        raise rejected(f"“{name}” is cut short within its header.", FETCH_AGAIN)
    return text


def _parse(name: str, text: bytes, size: int) -> Header:
    broken = rejected(f"The header of “{name}” is broken.", FETCH_AGAIN)
    try:
        data = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise broken from None
    if not isinstance(data, dict):
        raise broken
    metadata = data.pop("__metadata__", {})
    if not isinstance(metadata, dict):
        raise broken
    start = 8 + len(text)
    tensors = {}
    for key, entry in data.items():
        tensor = _tensor(entry, start)
        if tensor is None:
            raise rejected(f"The tensor “{key[:80]}” in “{name}” is badly described.", FETCH_AGAIN)
        tensors[key] = tensor
    _check_extent(name, tensors, start, size)
    words = {k: v for k, v in metadata.items() if isinstance(v, str)}
    return Header(tensors, words, size)


def _tensor(entry: Any, start: int) -> Tensor | None:
    if not isinstance(entry, dict):
        return None
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        return None
    if not isinstance(shape, list) or not isinstance(offsets, list):
        return None
    if not _counts(shape) or not _counts(offsets):
        return None
    if len(shape) > MAX_DIMENSIONS or len(offsets) != 2:
        return None
    begin, end = offsets
    if (end - begin) * 8 != math.prod(shape) * BITS[dtype]:
        return None
    return Tensor(dtype, tuple(shape), start + begin, start + end)


def _counts(values: list[Any]) -> bool:
    return all(type(item) is int and 0 <= item < 2**63 for item in values)


def _check_extent(name: str, tensors: dict[str, Tensor], start: int, size: int) -> None:
    """The tensors must fill the file from the header's end to its own, one after the other."""
    at = start
    for tensor in sorted(tensors.values(), key=lambda t: (t.begin, t.end)):
        if tensor.begin != at:
            raise rejected(f"The tensors in “{name}” overlap or leave gaps.", FETCH_AGAIN)
        at = tensor.end
    if size < at:
        raise rejected(f"“{name}” is cut short: {size} of {at} bytes are there.", FETCH_AGAIN)
    if size > at:
        raise rejected(f"“{name}” is {size - at} bytes longer than its header says.", FETCH_AGAIN)
