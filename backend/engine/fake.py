"""An engine without a model, for tests of the daemon: fast, deterministic, and bad on request.

Words in the prompt make it misbehave:

    slow        fifty milliseconds a step, where others take none
    crash       the process ends in the middle of the run
    crash-once  the same, but not when $SCUMBLE_FAKE_MARK (a file) is there; the crash makes it
    crash-late  the same, as soon as the run is cancelled
    hang        stands still and hears nothing, in the middle of the run
    oom         memory runs out
    fail-load   the model cannot be loaded
    bug         an exception that nobody foresaw
    chatter     prints to standard output, through Python and below it
    huge        metadata beyond what a header holds

$SCUMBLE_FAKE_START: "fail" (it cannot be imported), "crash", "hang" or "slow".
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from scumble.engine.base import Hooks, Picture
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import (
    Capabilities,
    GenerationRequest,
    Mode,
    ModelInfo,
    Progress,
    SamplerInfo,
    Size,
    WorkerState,
    WorkerStatus,
)

MODEL = "fake"
DEVICE = "cpu"
PREVIEW = Size(8, 8)
SLOW_SECONDS = 0.05  # a step


def capabilities() -> Capabilities:
    """One model that does everything, two samplers of which it cannot use the second."""
    model = ModelInfo(
        id=MODEL,
        name="Fake",
        architecture="fake",
        native=64,
        modes=tuple(Mode),
        samplers=("euler",),
        sampler="euler",
        steps=4,
        guidance_scale=7.0,
    )
    blank = ModelInfo(
        id="blank",
        name="Draws from nothing only",
        architecture="fake",
        native=64,
        modes=(Mode.TEXT_TO_IMAGE,),
        samplers=("euler", "lcm"),
        sampler="euler",
        steps=4,
        guidance_scale=7.0,
    )
    samplers = (SamplerInfo("euler", "Euler"), SamplerInfo("lcm", "LCM"))
    return Capabilities(models=(model, blank), samplers=samplers, version="fake")


class FakeEngine:
    """Fulfils `engine.base.Engine`; the same request gives the same bytes."""

    def __init__(self) -> None:
        self._model = ""

    def prepare(self) -> None:
        start = os.environ.get("SCUMBLE_FAKE_START", "")
        if start == "fail":
            raise ImportError("No module named 'torch'")
        if start == "crash":
            os._exit(7)
        if start == "hang":
            _hang()
        if start == "slow":
            time.sleep(1.0)

    def capabilities(self) -> Capabilities:
        return capabilities()

    def run(
        self, request: GenerationRequest, pixels: bytes, mask: bytes, hooks: Hooks
    ) -> Iterator[Picture]:
        words = request.prompt.split()
        if self._model != request.model:
            hooks.status(WorkerStatus(WorkerState.LOADING, request.model, DEVICE))
            if "fail-load" in words:
                raise ScumbleError(
                    ErrorCode.MODEL_REJECTED, "The model's file is broken.", "Download it again."
                )
            self._model = request.model
        hooks.status(WorkerStatus(WorkerState.RUNNING, self._model, DEVICE))
        steps = request.steps * request.batch
        for index in range(request.batch):
            for step in range(1, request.steps + 1):
                while "crash-late" in words:
                    if hooks.cancelled():
                        os._exit(9)
                    time.sleep(0.01)
                if hooks.cancelled():
                    raise ScumbleError(ErrorCode.CANCELLED, "Cancelled.")
                if "slow" in words:
                    time.sleep(SLOW_SECONDS)
                self._misbehave(words, step, hooks)
                done = index * request.steps + step
                preview = bytes([done % 256]) * (PREVIEW.pixels * 3)
                hooks.progress(
                    Progress(request.id, done, done, steps, None, PREVIEW, request.region),
                    preview,
                )
            metadata = {"seed": request.seed + index, "prompt": request.prompt}
            if "huge" in words:
                metadata["noise"] = "x" * 100_000
            yield Picture(index, request.region, _draw(request, index, pixels, mask), metadata)

    def unload(self) -> None:
        self._model = ""

    def _misbehave(self, words: list[str], step: int, hooks: Hooks) -> None:
        if "chatter" in words:
            print("a library says hello", flush=True)
            os.write(1, b"and so does its C code\n")
        if step != 2:  # the first step was reported: the run is under way
            return
        if "crash" in words:
            os._exit(9)
        if "crash-once" in words:
            mark = Path(os.environ["SCUMBLE_FAKE_MARK"])
            if not mark.exists():
                mark.touch()
                os._exit(9)
        if "hang" in words:
            _hang()
        if "oom" in words:
            message = "There is not enough memory for this."
            hooks.status(WorkerStatus(WorkerState.OUT_OF_MEMORY, "", DEVICE, message))
            self.unload()
            raise ScumbleError(ErrorCode.OUT_OF_MEMORY, message, "Take a smaller selection.")
        if "bug" in words:
            raise ZeroDivisionError("unforeseen")


def _hang() -> None:
    """Until somebody kills the process."""
    while True:
        time.sleep(60)


def _draw(request: GenerationRequest, index: int, pixels: bytes, mask: bytes) -> bytes:
    """A flat colour by seed, prompt and input; its alpha is the mask, or full."""
    seed = f"{request.seed + index} {request.prompt} ".encode()
    colour = hashlib.sha256(seed + pixels[:1024]).digest()[:3]
    if request.mode is not Mode.INPAINT:
        return (colour + b"\xff") * request.region.size.pixels
    picture = bytearray((colour + b"\0") * request.region.size.pixels)
    picture[3::4] = mask
    return bytes(picture)
