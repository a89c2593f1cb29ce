"""One request with a loaded model: prepare, draw, composite, picture by picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scumble import intents
from scumble.engine import loras, samplers
from scumble.engine.base import Hooks, Picture
from scumble.engine.conditioning import condition
from scumble.engine.drawing import Drawing, Timings
from scumble.engine.extensions.cancel import Cancel
from scumble.engine.extensions.preview import Meter, Preview
from scumble.engine.memory import Ladder
from scumble.engine.model import Model
from scumble.engine.prompts import Lora, parse
from scumble.engine.second_pass import SecondPass, Tile, plan
from scumble.engine.start import Canvas
from scumble.engine.work import Work, prepare
from scumble.imaging.pixels import Bytes8
from scumble.imaging.window import Window
from scumble.link.values import GenerationRequest, Region, Size


@dataclass(frozen=True)
class Outcome:
    """A finished picture and what its metadata need; note: as in `metadata.describe`."""

    picture: Picture
    working_size: Size
    steps_run: int
    seconds: dict[str, float]
    loras: tuple[Lora, ...]
    note: str


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
    cancel = Cancel(hooks.cancelled)
    cancel.check()
    timings = Timings()
    with timings.measure("prepare"):
        work = prepare(request, pixels, mask, model)
        second = plan(model, work)
    with loras.applied(model, parse(request.prompt).loras, lora_folder):
        run = Run(model, ladder, work, second, cancel, timings, hooks)
        for index in range(request.batch):
            cancel.check()
            region, layer = run.draw(index)
            yield Outcome(
                Picture(index, region, layer, {}),
                work.canvas.size,
                run.steps,
                timings.take(),
                model.active_loras,
                second.note,
            )


class Run:
    """What all pictures of one request share."""

    def __init__(
        self,
        model: Model,
        ladder: Ladder,
        work: Work,
        second: SecondPass,
        cancel: Cancel,
        timings: Timings,
        hooks: Hooks,
    ) -> None:
        request = work.request
        self._model = model
        self._ladder = ladder
        self._work = work
        self._second = second
        self._cancel = cancel
        self._timings = timings
        self._sampler = samplers.check(
            request.sampler, model.entry.prediction_type, model.entry.zero_snr
        )
        self._first = self._drawing(work.canvas, intents.strength_of(request))
        tiles = len(second.tiles)
        self._tile_steps = self._drawing(work.canvas, second.strength).steps_run if tiles else 0
        self.steps = self._first.steps_run + tiles * self._tile_steps
        """Denoising steps of one picture, over both passes."""
        self._meter = Meter(request.id, self.steps * request.batch, hooks.progress)

    def draw(self, index: int) -> tuple[Region, bytes]:
        """Picture `index` as a layer: its rectangle on the canvas and its RGBA8 bytes."""
        work, seed, before = self._work, self._work.request.seed + index, self.steps * index
        region = work.request.region
        generated = self._draw(self._first, seed, before, region, work.window)
        with self._timings.measure("finish"):
            placed, layer = work.finish(generated)
        if not self._second.tiles:
            return placed, layer
        before += self._first.steps_run

        def draw_tile(number: int, tile: Tile) -> Bytes8:
            drawing = self._drawing(tile.canvas, self._second.strength)
            done = before + number * self._tile_steps
            return self._draw(drawing, tile.seed(seed), done, tile.shown, tile.window)

        return self._second.refine(work, placed, layer, draw_tile)

    def _drawing(self, canvas: Canvas, strength: float) -> Drawing:
        request = self._work.request
        focused = intents.is_focused(request)
        with self._timings.measure("encode"):
            conditioning = self._ladder.climb(
                partial(
                    condition,
                    self._model,
                    parse(request.prompt),
                    parse(request.negative_prompt),
                    request.guidance_scale,
                    canvas.size,
                    focused,
                )
            )
        return Drawing(
            self._model, canvas, conditioning, self._sampler, request.steps, strength, focused
        )

    def _draw(
        self, drawing: Drawing, seed: int, before: int, shown: Region, window: Window
    ) -> Bytes8:
        """before: steps of the job that were over; shown: where on the canvas `window` lies."""
        steps = drawing.steps_run
        preview = Preview(self._model, self._meter, before, steps, shown, window)
        draw = partial(drawing.draw, seed, self._cancel, preview, self._timings)
        return self._ladder.climb(draw)
