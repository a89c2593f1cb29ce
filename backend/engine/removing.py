"""What is selected goes away: no model need be there for it, a network for gaps may be."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scumble import metadata
from scumble.engine.base import Hooks, Picture
from scumble.imaging import patch_fill
from scumble.imaging.remove import Close, remove
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import GenerationRequest, Progress
from scumble.models.entry import ModelEntry

DEVICE = "cpu"


def removed(
    request: GenerationRequest,
    pixels: bytes,
    mask: bytes,
    hooks: Hooks,
    close: Close = patch_fill.close,
    entry: ModelEntry | None = None,
    device: str = DEVICE,
) -> Iterator[Picture]:
    """request.batch pictures, a step each. Raises ScumbleError: cancelled, bad_request.

    close, entry, device: what closes the gap, whose network that is, where it runs.
    """
    for index in range(request.batch):
        if hooks.cancelled():
            raise ScumbleError(ErrorCode.CANCELLED, "The job was cancelled.")
        started = time.perf_counter()
        region, layer = remove(request, pixels, mask, index, close)
        described = metadata.describe(
            request,
            entry,
            index=index,
            steps_run=0,
            timings={"finish": time.perf_counter() - started},
            device=device,
        )
        hooks.progress(Progress(request.id, index + 1, index + 1, request.batch), b"")
        yield Picture(index, region, layer, described)
