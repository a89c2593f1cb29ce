"""Tells how far the job is, with a look at the picture that is forming."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import torch

from scumble.engine import latents as conversion
from scumble.engine.denoising import Step, clean
from scumble.engine.latents import Pixels
from scumble.engine.model import Model
from scumble.imaging.window import Window
from scumble.link.values import Progress, Region, Size

log = logging.getLogger(__name__)

Report = Callable[[Progress, bytes], None]


class Meter:
    """Counts the steps of a whole job, over all its results and passes."""

    def __init__(
        self, job_id: str, steps: int, report: Report, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """steps: of the whole job, as the artist counts them."""
        self._job_id = job_id
        self._steps = steps
        self._report = report
        self._clock = clock
        self._seq = 0
        self._first: tuple[int, float] | None = None

    def tell(self, step: int, size: Size | None, region: Region | None, preview: bytes) -> None:
        """step: finished steps of the whole job. preview: RGB8 of `size`, showing `region`."""
        now = self._clock()
        left = None
        if self._first is None:
            self._first = (step, now)  # the first step is slow in its own ways
        elif step > self._first[0]:
            pace = (now - self._first[1]) / (step - self._first[0])
            left = pace * (self._steps - step)
        self._seq += 1
        step = min(step, self._steps)
        progress = Progress(self._job_id, self._seq, step, self._steps, left, size, region)
        self._report(progress, preview)


class Preview:
    """Reports each step of one pass."""

    def __init__(
        self,
        model: Model,
        meter: Meter,
        before: int,
        steps: int,
        region: Region,
        window: Window,
    ) -> None:
        """before: steps of the job that were over when this pass began; steps: of this pass.

        region: what the preview shows, in canvas pixels; window: where that
        lies in the working picture.
        """
        self._model = model
        self._meter = meter
        self._before = before
        self._steps = steps
        self._region = region
        inner, scale = window.inner, model.scale
        self._rows = slice(inner.y // scale, -(-inner.bottom // scale))
        self._columns = slice(inner.x // scale, -(-inner.right // scale))

    def __call__(self, step: Step, latents: torch.Tensor) -> torch.Tensor:
        done = self._before + min(step.done, self._steps)
        seen = self._look(clean(step)[:, :, self._rows, self._columns])
        height, width = seen.shape[:2]
        self._meter.tell(done, Size(width, height), self._region, seen.tobytes())
        return latents

    def _look(self, latents: torch.Tensor) -> Pixels:
        if self._model.tiny_decoder is not None:
            try:
                return conversion.look(self._model, latents)
            except Exception as error:  # out of memory, or whatever a broken file brings about
                log.warning("previews go without the tiny decoder: %s", error)
            self._model.tiny_decoder = None  # out here the frames that hold its memory are gone
        return conversion.look(self._model, latents)
