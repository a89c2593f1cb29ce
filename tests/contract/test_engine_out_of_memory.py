"""When memory runs out it is said so: not that files are damaged, nor that a model is loaded."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import diffusers
import pytest
import tiny
from daemons import request

from scumble.engine import loading
from scumble.engine.base import Hooks
from scumble.engine.devices import DEVICES
from scumble.engine.diffusion import DiffusionEngine
from scumble.engine.memory import out_of_memory
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import Mode, Region, WorkerState, WorkerStatus

FULL = RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def wrapped() -> OSError:
    """As diffusers tells of whatever happened in a file."""
    try:
        raise OSError("Unable to load weights from checkpoint file") from FULL
    except OSError as error:
        return error


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (FULL, ErrorCode.OUT_OF_MEMORY),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), ErrorCode.OUT_OF_MEMORY),
        (wrapped(), ErrorCode.OUT_OF_MEMORY),
        (RuntimeError("Error while deserializing header"), ErrorCode.MODEL_REJECTED),
        (OSError(errno.EIO, "Input/output error"), ErrorCode.MODEL_REJECTED),
    ],
)
def test_files_are_not_blamed_for_missing_memory(
    failure: Exception, code: ErrorCode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise failure

    monkeypatch.setattr(diffusers.AutoencoderKL, "from_pretrained", fail)
    with pytest.raises(ScumbleError) as raised:
        loading.load(tiny.entry("sd1"), DEVICES["cpu"])
    assert raised.value.code is code
    assert raised.value.info.hint


def test_the_model_that_was_given_up_is_not_said_to_be_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise out_of_memory()

    engine = DiffusionEngine(tiny.home(tmp_path, "sd1"), "cpu")
    monkeypatch.setattr(engine, "_outcomes", fail)
    told: list[WorkerStatus] = []
    hooks = Hooks(lambda *_: None, told.append, lambda: False)
    asked = request("a", model="sd1", mode=Mode.TEXT_TO_IMAGE, region=Region(0, 0, 64, 64))
    with pytest.raises(ScumbleError):
        list(engine.run(asked, b"", b"", hooks))
    assert told[-1].state is WorkerState.OUT_OF_MEMORY
    assert told[-1].message
    assert told[-1].model == ""
    assert engine._loaded is None
