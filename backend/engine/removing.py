"""What is selected goes away: no model need be there for it, a network for gaps may be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from functools import partial

from scumble import metadata
from scumble.engine.base import Hooks, Picture
from scumble.imaging import patch_fill
from scumble.imaging.remove import Close, remove
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import GenerationRequest, Progress, Region
from scumble.models.entry import ModelEntry

DEVICE = "cpu"
PATIENCE = 0.05  # seconds between two looks at whether the artist cancelled

Layer = tuple[Region, bytes]


def removed(
    request: GenerationRequest,
    pixels: bytes,
    mask: bytes,
    hooks: Hooks,
    close: Close = patch_fill.close,
    entry: ModelEntry | None = None,
    device: str = DEVICE,
    note: str = "",
) -> Iterator[Picture]:
    """request.batch pictures, a step each. Raises ScumbleError: cancelled, bad_request.

    A cancel is heeded at once, but what closes the gap cannot be stopped: it
    ends unseen, and slows what comes next by the seconds that it still takes.
    close, entry, device: what closes the gap, whose network that is, where it
    runs. note: as in `metadata.describe`.
    """
    hooks.progress(Progress(request.id, 0, 0, request.batch), b"")  # the first step is timed too
    for index in range(request.batch):
        started = time.perf_counter()
        region, layer = _unless_cancelled(
            partial(remove, request, pixels, mask, index, close), hooks.cancelled
        )
        described = metadata.describe(
            request,
            entry,
            index=index,
            steps_run=0,
            timings={"finish": time.perf_counter() - started},
            device=device,
            note=note,
        )
        hooks.progress(Progress(request.id, index + 1, index + 1, request.batch), b"")
        yield Picture(index, region, layer, described)


def without(error: ScumbleError) -> str:
    """The note of a removal without the network that `error` kept from loading."""
    return f"{error.info.message.rstrip('.')}, so the gap was closed without it."


def _unless_cancelled(act: Callable[[], Layer], cancelled: Callable[[], bool]) -> Layer:
    """What `act` gives or raises, from a thread of its own; ScumbleError when cancelled first."""
    found: Future[Layer] = Future()

    def run() -> None:
        try:
            found.set_result(act())
        except BaseException as error:
            found.set_exception(error)

    if not cancelled():
        threading.Thread(target=run, name="removing", daemon=True).start()
    while not cancelled():
        if wait([found], PATIENCE).done:
            return found.result()
    raise ScumbleError(ErrorCode.CANCELLED, "The job was cancelled.")
