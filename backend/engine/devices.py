"""What the model runs on, and how: a row for each kind of device."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scumble.link.errors import bad_request

if TYPE_CHECKING:
    import torch

DEVICE_VARIABLE = "SCUMBLE_DEVICE"  # cuda, cuda:1, mps, xpu, cpu
DTYPE_VARIABLE = "SCUMBLE_DTYPE"  # float32, float16, bfloat16
COMPILE_VARIABLE = "SCUMBLE_COMPILE"  # 1: torch.compile the UNet; minutes at first, faster then


@dataclass(frozen=True)
class Device:
    """name: cuda, mps, xpu or cpu; place: what torch calls the very one, as cuda:1.

    dtype: of weights and latents, torch's name. channels_last: the memory
    layout that its convolutions like. tiles: how many a second pass may draw,
    so that a large picture does not take hours on a slow device. offload:
    weights may wait in main memory while they are not used. compiled: whether
    the UNet goes through torch.compile.
    """

    name: str
    place: str
    dtype: str
    tiles: int
    channels_last: bool = False
    offload: bool = False
    compiled: bool = False

    @property
    def torch_dtype(self) -> torch.dtype:
        import torch

        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype


# On the CPU half precision is slower than float32, and so are channels_last and torch.compile
# for this UNet (measured in turn on two cores). MPS has no reliable bfloat16 for convolutions.
DEVICES: Mapping[str, Device] = MappingProxyType(
    {
        "cuda": Device("cuda", "cuda", "float16", 128, channels_last=True, offload=True),
        "xpu": Device("xpu", "xpu", "float16", 64, channels_last=True, offload=True),
        "mps": Device("mps", "mps", "float16", 24),
        "cpu": Device("cpu", "cpu", "float32", 6),
    }
)
DTYPES = ("float32", "float16", "bfloat16")


def choose(wanted: str | None = None, environ: Mapping[str, str] = os.environ) -> Device:
    """The device to run on: `wanted`, else what the environment names, else the best there is.

    Raises ScumbleError bad_request for a device or dtype that is not here.
    """
    place = wanted or environ.get(DEVICE_VARIABLE, "") or _best()
    kind = place.partition(":")[0]
    if kind not in DEVICES or not _there(kind):
        raise bad_request(
            f"There is no device “{place[:40]}” here.", f"Leave {DEVICE_VARIABLE} unset."
        )
    dtype = environ.get(DTYPE_VARIABLE, "") or DEVICES[kind].dtype
    if dtype not in DTYPES:
        raise bad_request(
            f"“{dtype[:40]}” is no number format for models.", "Take " + ", ".join(DTYPES) + "."
        )
    compiled = environ.get(COMPILE_VARIABLE, "") == "1"
    return replace(DEVICES[kind], place=place, dtype=dtype, compiled=compiled)


def _best() -> str:
    return next(name for name in DEVICES if _there(name))


def _there(name: str) -> bool:
    import torch

    if name == "cuda":
        return torch.cuda.is_available()
    if name == "mps":
        return torch.backends.mps.is_available()
    if name == "xpu":
        return hasattr(torch, "xpu") and torch.xpu.is_available()
    return True
