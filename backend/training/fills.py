"""Fills as an artist gets them: by Scumble's own engine, with the package's weights.

A sheet to look at: into photographs that scikit-image brings (all of them CC0 or public domain) and
into grounds made by arithmetic, prompts and seeds in their fixed order, nothing left out. And the
figures of `evaluate.fill`, which has the plain pipeline draw: the engine reads, matches and blends.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from scumble.engine.base import Hooks
from scumble.engine.diffusion import DiffusionEngine
from scumble.link.geometry import context_region
from scumble.link.home import Home
from scumble.link.values import GenerationRequest, Mode, ModelInfo, Region, Size

from . import backgrounds, captions, evaluate
from .judge import Judge
from .scenes import Pixels

SIDE = 160  # pixels, of each picture
PHOTOGRAPHS = ("chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg", "grass.png")
GROUNDS = ("gradient", "sky", "noise")
COUNT = 20
THINGS = ("red apple", "sailboat", "balloon", "owl", "teapot", "sunflower", "rocket")
HOOKS = Hooks(progress=lambda *_: None, status=lambda _: None, cancelled=lambda: False)


def draw() -> list[Image.Image]:
    """COUNT pictures, each with one rectangle filled."""
    rng = np.random.default_rng(21)
    drawn: list[Image.Image] = []
    with _engine() as (engine, starter):
        for number in range(COUNT):
            ground = _photograph(number // 2) if number % 2 == 0 else _made(rng, number)
            width, height = (int(side) for side in rng.integers(76, 97, 2))
            left, top = (int(v) for v in rng.integers(24, SIDE - 24 - 96, 2))
            mask = Image.new("L", (SIDE, SIDE))
            mask.paste(255, (left, top, left + width, top + height))
            style = ("3d", "flat")[number // 2 % 2]
            prompt = captions.prompt(THINGS[number % len(THINGS)], style)
            drawn.append(fill(engine, starter, ground, mask, prompt, number + 1))
    return drawn


def figures(judge: Judge) -> evaluate.Figures:
    """How right the fills of `evaluate.fill_cases` are, and how exact at the mask's edge."""
    cases = (
        ("fill by the engine", evaluate.GROUNDS, False, True),
        ("fill, its edge's colours not fit", evaluate.GROUNDS, False, False),
        ("fill of an ellipse by the engine", evaluate.GROUNDS, True, True),
        ("fill of an ellipse in a sky by the engine", evaluate.SKIES, True, True),
    )
    found: evaluate.Figures = {}
    with _engine() as (engine, starter):
        for name, kinds, oval, fitted in cases:
            prompts, grounds = evaluate.fill_cases(kinds=kinds)
            mask = evaluate.fill_mask(oval=oval)
            drawn = [
                fill(engine, starter, np.asarray(ground), mask, prompt, seed, fitted=fitted)
                for seed, (prompt, ground) in enumerate(
                    zip(prompts, grounds, strict=True), evaluate.FILL_SEED
                )
            ]
            found |= evaluate.fill_figures(name, judge, drawn, mask, kinds)
    return found


def seconds() -> evaluate.Figures:
    """How long loading takes, and the quickest of three fills after it."""
    prompts, grounds = evaluate.fill_cases(4)
    mask = evaluate.fill_mask()
    took: list[float] = []
    with _engine() as (engine, starter):
        for prompt, ground in zip(prompts, grounds, strict=True):
            began = time.monotonic()
            fill(engine, starter, np.asarray(ground), mask, prompt, 1)
            took.append(time.monotonic() - began)
    return {"a fill, seconds": min(took[1:]), "loading, seconds": took[0] - min(took[1:])}


@contextmanager
def _engine() -> Iterator[tuple[DiffusionEngine, ModelInfo]]:
    with tempfile.TemporaryDirectory() as folder:
        engine = DiffusionEngine(Home(Path(folder)), "cpu")
        (starter,) = (m for m in engine.capabilities().models if m.id == "starter")
        yield engine, starter
        engine.unload()


def fill(
    engine: DiffusionEngine,
    model: ModelInfo,
    ground: Pixels,
    mask: Image.Image,
    prompt: str,
    seed: int,
    *,
    fitted: bool = True,
) -> Image.Image:
    """`ground` (H x W x 3) filled where `mask` ("L") is, with the settings the model comes with.

    `fitted` is the request's `gradient_domain`, which the editors turn on for small models.
    """
    canvas = Size(ground.shape[1], ground.shape[0])
    left, top, right, bottom = mask.getbbox() or (0, 0, canvas.width, canvas.height)
    selection = Region(left, top, right - left, bottom - top)
    context = context_region(selection, canvas, native=model.native)
    request = GenerationRequest(
        id="sheet",
        mode=Mode.INPAINT,
        prompt=prompt,
        negative_prompt="",
        model=model.id,
        sampler=model.sampler,
        steps=model.steps,
        guidance_scale=model.guidance_scale,
        strength=1.0,
        seed=seed,
        batch=1,
        canvas=canvas,
        region=context,
        gradient_domain=fitted,
    )
    opaque = np.dstack([ground, np.full(ground.shape[:2], 255, np.uint8)])
    window = np.s_[context.y : context.bottom, context.x : context.right]
    (picture,) = engine.run(
        request, opaque[window].tobytes(), np.asarray(mask)[window].tobytes(), HOOKS
    )
    size = (picture.region.width, picture.region.height)
    layer = Image.frombytes("RGBA", size, picture.pixels)
    result = Image.fromarray(ground).convert("RGBA")
    result.alpha_composite(layer, (picture.region.x, picture.region.y))
    return result.convert("RGB")


def _photograph(number: int) -> Pixels:
    import skimage

    path = Path(skimage.__file__).parent / "data" / PHOTOGRAPHS[number % len(PHOTOGRAPHS)]
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    edge = min(image.size)
    # Each photograph is used twice: its middle, and its upper left quarter.
    side, at = (edge, [(s - edge) // 2 for s in image.size])
    if number >= len(PHOTOGRAPHS):
        side, at = edge // 2, [0, 0]
    box = (at[0], at[1], at[0] + side, at[1] + side)
    return np.asarray(image.crop(box).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _made(rng: np.random.Generator, number: int) -> Pixels:
    pixels, _ = backgrounds.make(rng, GROUNDS[number // 2 % len(GROUNDS)], SIDE)
    return np.asarray(pixels * 255 + 0.5, dtype=np.uint8)
