"""The ladder: when memory runs out the same run is tried again, in less of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import tiny
import torch

from scumble.engine import latents as conversion
from scumble.engine import loading
from scumble.engine.conditioning import condition
from scumble.engine.devices import DEVICES
from scumble.engine.drawing import Drawing, Timings
from scumble.engine.extensions.cancel import Cancel
from scumble.engine.memory import Ladder, is_out_of_memory
from scumble.engine.model import Model
from scumble.engine.prompts import parse
from scumble.engine.samplers import SAMPLERS
from scumble.engine.start import Canvas
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import Size

SIZE = Size(64, 64)


@pytest.fixture
def model() -> Model:
    """One whose weights may be moved about, though here they only go from the CPU to the CPU."""
    return loading.load(tiny.entry("sd1"), replace(DEVICES["cpu"], offload=True))


def draw(model: Model) -> torch.Tensor:
    conditioning = condition(model, parse("a cat"), parse(""), 4.0, SIZE)
    drawing = Drawing(model, Canvas(SIZE), conditioning, SAMPLERS["euler"], 2, 1.0)
    latents = drawing.latents(1, Cancel(lambda: False), (), Timings())
    conversion.decode(model, latents)
    return latents


def failing(times: int, then: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    left = [times]

    def run() -> torch.Tensor:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return then()

    return run


@pytest.mark.parametrize("failures", [0, 1, 2, 3])
def test_every_rung_gives_the_same_latents(model: Model, failures: int) -> None:
    expected = draw(model)
    model.encodings.clear()
    got = Ladder(model).climb(failing(failures, lambda: draw(model)))
    assert torch.equal(got, expected)
    assert model.vae.use_tiling is (failures > 0)
    assert hasattr(model.unet, "_hf_hook") is (failures > 1)


def test_below_the_last_rung_it_is_an_error_with_a_hint(model: Model) -> None:
    with pytest.raises(ScumbleError) as raised:
        Ladder(model).climb(failing(4, lambda: draw(model)))
    assert raised.value.code is ErrorCode.OUT_OF_MEMORY
    assert raised.value.info.hint
    assert raised.value.info.retryable


def test_on_the_cpu_there_is_only_the_first_rung() -> None:
    model = loading.load(tiny.entry("sd1"), DEVICES["cpu"])
    with pytest.raises(ScumbleError):
        Ladder(model).climb(failing(2, lambda: draw(model)))


def test_other_errors_pass_through(model: Model) -> None:
    def run() -> None:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Ladder(model).climb(run)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("MPS backend out of memory (MPS allocated: 18 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_the_ways_in_which_memory_runs_out(error: Exception) -> None:
    assert is_out_of_memory(error)
