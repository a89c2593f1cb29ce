"""Which device is chosen, and how the choice is overridden."""

from __future__ import annotations

import pytest
import torch

from scumble.engine import devices
from scumble.link.errors import ErrorCode, ScumbleError


def test_the_cpu_works_in_float32() -> None:
    chosen = devices.choose("cpu", {})
    assert (chosen.name, chosen.torch_dtype) == ("cpu", torch.float32)


def test_what_is_asked_for_goes_before_the_environment() -> None:
    assert devices.choose("cpu", {devices.DEVICE_VARIABLE: "tpu"}).name == "cpu"


def test_the_environment_overrides_device_and_dtype() -> None:
    environ = {devices.DEVICE_VARIABLE: "cpu", devices.DTYPE_VARIABLE: "bfloat16"}
    assert devices.choose(None, environ).torch_dtype is torch.bfloat16


@pytest.mark.parametrize(
    "environ", [{devices.DEVICE_VARIABLE: "abacus"}, {devices.DTYPE_VARIABLE: "float8"}]
)
def test_what_is_not_there_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(ScumbleError) as raised:
        devices.choose(None, environ)
    assert raised.value.code is ErrorCode.BAD_REQUEST


def test_the_best_device_that_is_there_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    chosen = devices.choose(None, {})
    assert (chosen.name, chosen.place, chosen.dtype) == ("cuda", "cuda", "float16")
    assert devices.choose("cuda:1", {}).place == "cuda:1"
