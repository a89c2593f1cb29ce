"""One request with a loaded model: prepare, denoise, decode, composite, picture by picture."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch

from scumble.engine import latents as conversion
from scumble.engine import loras, samplers
from scumble.engine.base import Hooks, Picture
from scumble.engine.conditioning import Conditioning, condition
from scumble.engine.denoising import Extension, UNetDenoiser, denoise, start_at
from scumble.engine.extensions.cancel import Cancel
from scumble.engine.extensions.preview import Meter, Preview
from scumble.engine.memory import Ladder
from scumble.engine.model import Model
from scumble.engine.prompts import Lora, parse
from scumble.engine.start import Canvas, begin
from scumble.imaging.composite import finish_image, finish_inpaint
from scumble.imaging.crop import Prepared, prepare_image, prepare_inpaint
from scumble.imaging.pixels import Bytes8
from scumble.imaging.window import Window, fit
from scumble.link.geometry import working_size
from scumble.link.values import GenerationRequest, Mode, Region, Size


@dataclass
class Timings:
    """Seconds by phase, for one picture; encode counts with the first one."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measure(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - start


@dataclass(frozen=True)
class Outcome:
    """A finished picture and what its metadata need."""

    picture: Picture
    working_size: Size
    steps_run: int
    seconds: dict[str, float]
    loras: tuple[Lora, ...]


@dataclass(frozen=True)
class Work:
    """A request, ready for the model: what it sees, and how its picture becomes the layer."""

    request: GenerationRequest
    canvas: Canvas
    window: Window
    prepared: Prepared | None

    def finish(self, generated: Bytes8) -> tuple[Region, bytes]:
        """generated: uint8 (h, w, 3) at working size."""
        if self.prepared is not None:
            return finish_inpaint(self.request, self.prepared, generated)
        return self.request.region, finish_image(self.request, generated)


def prepare(request: GenerationRequest, pixels: bytes, mask: bytes, model: Model) -> Work:
    """Raises ScumbleError bad_request for pixels or mask that do not fit the request."""
    if request.mode is Mode.INPAINT:
        prepared = prepare_inpaint(request, pixels, mask, model.native, model.scale)
        canvas = Canvas(_size(prepared.image), prepared.image, prepared.change)
        return Work(request, canvas, prepared.window, prepared)
    if request.mode is Mode.IMAGE_TO_IMAGE:
        image = prepare_image(request, pixels, model.native, model.scale)
        canvas = Canvas(_size(image), image)
    else:
        canvas = Canvas(working_size(request.region.size, model.native, model.scale))
    return Work(request, canvas, fit(request.region.size, canvas.size), None)


def _size(image: Bytes8) -> Size:
    return Size(image.shape[1], image.shape[0])


def generate(
    model: Model,
    ladder: Ladder,
    request: GenerationRequest,
    pixels: bytes,
    mask: bytes,
    lora_folder: Path,
    hooks: Hooks,
) -> Iterator[Outcome]:
    """request.batch pictures, each with a seed of its own: what it would be if asked for alone.

    Raises ScumbleError: cancelled, out_of_memory, unsupported, bad_request,
    model_missing (a LoRA).
    """
    sampler = samplers.check(request.sampler, model.entry.prediction_type, model.entry.zero_snr)
    cancel = Cancel(hooks.cancelled)
    cancel.check()
    prompt = parse(request.prompt)
    timings = Timings()
    with timings.measure("prepare"):
        work = prepare(request, pixels, mask, model)
    strength = 1.0 if request.mode is Mode.TEXT_TO_IMAGE else request.strength
    with loras.applied(model, prompt.loras, lora_folder):
        with timings.measure("encode"):
            conditioning = ladder.climb(
                lambda: condition(
                    model,
                    prompt,
                    parse(request.negative_prompt),
                    request.guidance_scale,
                    work.canvas.size,
                )
            )
        steps = min(max(int(request.steps * strength), 1), request.steps)
        meter = Meter(request.id, steps * request.batch, hooks.progress)
        for index in range(request.batch):
            cancel.check()
            preview = Preview(model, meter, steps * index, steps, request.region, work.window)
            drawing = Drawing(model, work.canvas, conditioning, sampler, request.steps, strength)
            draw = partial(drawing.draw, request.seed + index, cancel, preview, timings)
            generated = ladder.climb(draw)
            with timings.measure("finish"):
                region, layer = work.finish(generated)
            picture = Picture(index, region, layer, {})
            yield Outcome(
                picture, work.canvas.size, steps, dict(timings.seconds), model.active_loras
            )
            timings = Timings()


@dataclass(frozen=True)
class Drawing:
    """One pass of the model over a working picture, for any seed."""

    model: Model
    canvas: Canvas
    conditioning: Conditioning
    sampler: samplers.Sampler
    steps: int
    strength: float

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
        cancel.check()
        with timings.measure("steps"):
            return denoise(
                start.latents,
                timesteps,
                UNetDenoiser(model.unet),
                conditioning,
                scheduler,
                generator,
                (cancel, *start.extensions, *watchers),
            )
