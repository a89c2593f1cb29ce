"""Stops a run between two steps."""

from __future__ import annotations

from collections.abc import Callable

import torch

from scumble.engine.denoising import Step
from scumble.link.errors import ErrorCode, ScumbleError


class Cancel:
    def __init__(self, cancelled: Callable[[], bool]) -> None:
        """cancelled: true as soon as the job was cancelled."""
        self._cancelled = cancelled

    def check(self) -> None:
        """Raise ScumbleError cancelled if the job was."""
        if self._cancelled():
            raise ScumbleError(ErrorCode.CANCELLED, "The job was cancelled.")

    def __call__(self, step: Step, latents: torch.Tensor) -> torch.Tensor:
        self.check()
        return latents
