"""What the worker expects of an engine: the one seam between process and model.

`fake.FakeEngine` (no torch, for tests of the daemon) and
`diffusion.DiffusionEngine` fulfil it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from scumble.link.values import Capabilities, GenerationRequest, Progress, Region, WorkerStatus


@dataclass(frozen=True)
class Picture:
    """One finished result: RGBA8 `pixels` (width * height * 4 bytes) of `region`.

    For an inpaint the region lies within the request's context and alpha is
    the feathered mask (0 wherever the selection is 0); otherwise it is the
    request's region. metadata: JSON values, see `scumble.metadata`.
    """

    index: int
    region: Region
    pixels: bytes
    metadata: dict[str, Any]


@dataclass(frozen=True)
class Hooks:
    """How a run talks back. Called from the engine's thread, at every denoising step.

    progress: a Progress and its RGB8 preview (b"" when it has none).
    status: loading, running, ready, out of memory, as it happens.
    cancelled: true as soon as the job was cancelled; the run then raises
    ScumbleError(cancelled) within one step.
    """

    progress: Callable[[Progress, bytes], None]
    status: Callable[[WorkerStatus], None]
    cancelled: Callable[[], bool]


class Engine(Protocol):
    def prepare(self) -> None:
        """Import what is slow to import (seconds); called when an editor has said hello."""

    def capabilities(self) -> Capabilities:
        """Models and samplers; reads the registry, loads no weights."""

    def run(
        self, request: GenerationRequest, pixels: bytes, mask: bytes, hooks: Hooks
    ) -> Iterator[Picture]:
        """Yield request.batch pictures in order, each as soon as it is finished.

        pixels: RGBA8 of request.region (b"" for text to image); mask: L8 of the
        same size (b"" but for an inpaint). Raises ScumbleError: cancelled,
        model_missing, model_rejected, out_of_memory, unsupported, bad_request.
        """

    def unload(self) -> None:
        """Free the model's memory; the next run loads it again."""
