"""What to do when memory runs out: the same run again, in less of it, rung by rung."""

from __future__ import annotations

import errno
import gc
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from scumble.engine.model import Model
from scumble.link.errors import ErrorCode, ScumbleError

T = TypeVar("T")

HINT = "Take a smaller selection or model, or close other programs."


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` is one of the ways in which torch and Python say so."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    if isinstance(error, OSError):  # a file that could not be mapped
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
    )


def out_of_memory() -> ScumbleError:
    return ScumbleError(ErrorCode.OUT_OF_MEMORY, "There is not enough memory for this.", HINT)


class Ladder:
    """The rungs that one loaded model has left; what was taken stays taken while it is loaded."""

    def __init__(self, model: Model) -> None:
        self._rungs: list[Callable[[Model], None]] = [_decode_in_tiles]
        if model.device.offload:
            self._rungs += [_offload_whole_parts, _offload_layers]
        self._model = model

    def climb(self, run: Callable[[], T]) -> T:
        """The result of `run`, tried again a rung lower whenever memory runs out.

        `run` must do the same each time it is called. Raises ScumbleError
        out_of_memory when no rung is left.
        """
        while True:
            try:
                return run()
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # out here the frames that hold the failed run's tensors are gone
            free_unused()
            if not self._rungs:
                raise out_of_memory()
            self._rungs.pop(0)(self._model)


def free_unused() -> None:
    """Give cached blocks back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
    elif hasattr(torch, "xpu") and torch.xpu.is_available():
        torch.xpu.empty_cache()


def _decode_in_tiles(model: Model) -> None:
    model.vae.enable_slicing()
    model.vae.enable_tiling()


def _offload_whole_parts(model: Model) -> None:
    """Only the part that is working lies on the device."""
    from accelerate import cpu_offload_with_hook

    before: Any = None
    for module in model.modules().values():
        module.to("cpu")
        _, before = cpu_offload_with_hook(module, model.device.place, before)
    free_unused()


def _offload_layers(model: Model) -> None:
    """Only the layer that is working lies on the device: slow, and small."""
    from accelerate import cpu_offload
    from accelerate.hooks import remove_hook_from_module

    for module in model.modules().values():
        remove_hook_from_module(module, recurse=True)
        module.to("cpu")
        cpu_offload(module, model.device.place)
    free_unused()
