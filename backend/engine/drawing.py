"""One pass of a model over a working picture: start, denoise, decode."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch

from scumble.engine import latents as conversion
from scumble.engine import samplers
from scumble.engine.conditioning import Conditioning
from scumble.engine.denoising import Extension, UNetDenoiser, denoise, start_at, steps_taken
from scumble.engine.extensions.cancel import Cancel
from scumble.engine.focus import attending
from scumble.engine.model import Model
from scumble.engine.start import Canvas, at_latents, begin
from scumble.imaging.pixels import Bytes8


@dataclass
class Timings:
    """Seconds by phase."""

    seconds: dict[str, float] = field(default_factory=dict)

    def take(self) -> dict[str, float]:
        """What was measured since the last time it was taken."""
        taken, self.seconds = self.seconds, {}
        return taken

    @contextmanager
    def measure(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Drawing:
    """One pass of the model over a working picture, for any seed.

    focused: the prompt holds as far as the picture may change; the conditioning
    was made for it.
    """

    model: Model
    canvas: Canvas
    conditioning: Conditioning
    sampler: samplers.Sampler
    steps: int
    strength: float
    focused: bool = False

    @property
    def steps_run(self) -> int:
        """How many of the steps are taken at this strength."""
        return steps_taken(self.steps, self.strength)

    def draw(self, seed: int, cancel: Cancel, preview: Extension, timings: Timings) -> Bytes8:
        """uint8 (h, w, 3) at working size."""
        latents = self.latents(seed, cancel, (preview,), timings)
        cancel.check()
        with timings.measure("decode"):
            return conversion.decode(self.model, latents)

    @torch.no_grad()
    def latents(
        self, seed: int, cancel: Cancel, watchers: tuple[Extension, ...], timings: Timings
    ) -> torch.Tensor:
        """(1, C, h, w), denoised. Looks for cancelling before the first and after every step."""
        model = self.model
        generator = torch.Generator("cpu").manual_seed(seed)
        scheduler = samplers.build(self.sampler, model.scheduler_config, self.steps)
        timesteps = start_at(scheduler, self.steps, self.strength, model.place)
        with timings.measure("encode"):
            start = begin(model, self.canvas, scheduler, timesteps, self.strength, generator)
        conditioning = self.conditioning
        if start.channels is not None:
            channels = torch.cat([start.channels] * conditioning.copies)
            conditioning = replace(conditioning, channels=channels)
        if self.focused and self.canvas.change is not None:
            focus = at_latents(self.canvas.change, start.latents)
            conditioning = replace(conditioning, focus=focus)
        cancel.check()
        with timings.measure("steps"), attending(model.unet, conditioning.focus):
            return denoise(
                start.latents,
                timesteps,
                UNetDenoiser(model.unet),
                conditioning,
                scheduler,
                generator,
                (cancel, *start.extensions, *watchers),
            )
