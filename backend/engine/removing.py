"""What is selected goes away: no model is loaded for it, and none need be there."""

from __future__ import annotations

import time
from collections.abc import Iterator

from scumble import metadata
from scumble.engine.base import Hooks, Picture
from scumble.imaging.remove import remove
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import GenerationRequest, Progress

DEVICE = "cpu"


def removed(
    request: GenerationRequest, pixels: bytes, mask: bytes, hooks: Hooks
) -> Iterator[Picture]:
    """request.batch pictures, a step each. Raises ScumbleError: cancelled, bad_request."""
    for index in range(request.batch):
        if hooks.cancelled():
            raise ScumbleError(ErrorCode.CANCELLED, "The job was cancelled.")
        started = time.perf_counter()
        region, layer = remove(request, pixels, mask, index)
        described = metadata.describe(
            request,
            None,
            index=index,
            steps_run=0,
            timings={"finish": time.perf_counter() - started},
            device=DEVICE,
        )
        hooks.progress(Progress(request.id, index + 1, index + 1, request.batch), b"")
        yield Picture(index, region, layer, described)
