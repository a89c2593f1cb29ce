"""Is there an NVIDIA card, and which CUDA does its driver take?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Where Windows keeps the driver's own tool when it is not on the path
_WINDOWS_TOOL = r"C:\Windows\System32\nvidia-smi.exe"


@dataclass(frozen=True)
class Card:
    """name: as the driver says it. cuda: the newest CUDA its driver runs; None: not known."""

    name: str
    cuda: tuple[int, int] | None


def find_card() -> Card | None:
    """The first NVIDIA card whose driver answers, else what the kernel's driver lists."""
    tool = shutil.which("nvidia-smi")
    if tool is None and sys.platform == "win32" and os.path.isfile(_WINDOWS_TOOL):
        tool = _WINDOWS_TOOL
    if tool is not None:
        names = _ask([tool, "--query-gpu=name", "--format=csv,noheader"])
        if names.strip():
            return Card(names.strip().splitlines()[0].strip(), parse_cuda(_ask([tool])))
    cards = Path("/proc/driver/nvidia/gpus")
    if cards.is_dir() and any(cards.iterdir()):
        return Card("NVIDIA card", None)
    return None


def parse_cuda(text: str) -> tuple[int, int] | None:
    """The CUDA version in nvidia-smi's table ("CUDA Version: 12.8")."""
    found = re.search(r"CUDA (?:UMD )?Version\s*:\s*(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None


def _ask(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
