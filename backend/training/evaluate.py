"""The figures of the model card, each by one function, all with fixed prompts and seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline
from PIL import Image, ImageDraw

from . import backgrounds, captions, clip, scenes, sheets, sprites, things, vae
from .judge import Judge, edge_error, ssim
from .latents import WHOLE
from .prompts import THINGS, all_prompts
from .vae import SIZE

SEEDS = (1000, 2000)
FILL_SEED = 3000
GROUNDS = ("gradient", "noise")  # in turns, of the pictures that are filled
SKIES = ("sky",)  # of some more
# The rectangle that is filled (left, top, right, bottom): as large in the picture as a selection is
# in what Scumble shows a model of this size.
BOX = (16, 16, 112, 112)

Figures = dict[str, float]


def reconstruction(folder: Path, pipeline: StableDiffusionInpaintPipeline) -> Figures:
    """Mean PSNR in dB of the VAE on the pictures that were held back, of all and by source."""
    found = _held_back(folder, seed=11)
    sources = {"": found, ", emoji": [], ", clip art": []}
    for scene in found:
        sources[", clip art" if scene.style == "clip art" else ", emoji"].append(scene)
    return {
        f"vae psnr dB{name}": vae.psnr(
            pipeline.vae.float(), vae.to_tensor(np.stack([scene.pixels for scene in part]))
        )
        for name, part in sources.items()
    }


def judge_itself(folder: Path, judge: Judge) -> Figures:
    """How well the judge knows real pictures: the ceiling of what it can say of drawn ones.

    The prompts' own things, from pictures that training saw, on white, in scenes of a new seed.
    """
    records, pictures = sprites.load(folder / "sprites")
    prompts = all_prompts()
    rng = np.random.default_rng(12)
    shown, right = [], []
    for record, picture in zip(records, pictures, strict=True):
        name = f"{'3d render' if record.style == '3d' else 'flat cartoon'} of "
        places = [i for i, p in enumerate(prompts) if p.startswith(name) and _names(p, record)]
        if places and record.style in ("3d", "flat") and not record.held_back:
            scene = scenes.draw(rng, record, picture, kind="white", recolour=False)
            shown.append(Image.fromarray(scene.pixels))
            right.append(places[0])
    return _rates("judge on real pictures", judge.ranks(shown, right))


def text_to_image(folder: Path, pipeline: StableDiffusionInpaintPipeline, judge: Judge) -> Figures:
    """How often the right one of 100 captions comes first, and in the first five.

    Said by the judge; and, as a second opinion that needs no training, by which of the 100 prompts'
    own pictures the drawn one differs least from.
    """
    prompts = all_prompts()
    drawn = [sheets.draw(pipeline, prompts, seed=seed) for seed in SEEDS]
    ranks = torch.cat([judge.ranks(pictures, range(len(prompts))) for pictures in drawn])
    alike = torch.cat([likeness(pictures, originals(folder)) for pictures in drawn])
    return {**_rates("text to image", ranks), **_rates("text to image, likeness", alike)}


def rarer(folder: Path, pipeline: StableDiffusionInpaintPipeline, count: int = 100) -> Figures:
    """`likeness` among `count` things that the lessons show seldom, evenly out of all of them.

    The judge has not learned these; a picture's look is compared with what training saw.
    """
    seen = [
        record
        for record in sprites.distinct(_records(folder))
        if not record.held_back and record.thing not in things.COMMON
    ]
    chosen = [seen[number * len(seen) // count] for number in range(count)]
    prompts = [captions.prompt(record.thing, record.style) for record in chosen]
    drawn = sheets.draw(pipeline, prompts, seed=SEEDS[0])
    return _rates(f"{count} rarer things, likeness", likeness(drawn, alone(folder, chosen)))


def originals(folder: Path) -> list[Image.Image]:
    """The prompts' own pictures in the composition of the lessons, on white."""
    known = {(record.thing, record.style): record for record in sprites.core(_records(folder))}
    styles = ("3d", "flat")
    return alone(folder, [known[thing, styles[i % 2]] for i, thing in enumerate(THINGS)])


def alone(folder: Path, records: Sequence[sprites.Sprite]) -> list[Image.Image]:
    """Each record's picture as the lessons of whole pictures show it, on white."""
    rng = np.random.default_rng(0)
    shown = []
    for record, picture in zip(
        records, sprites.pictures(folder / "sprites", list(records)), strict=True
    ):
        scene = scenes.draw(
            rng, record, picture, kind="white", within=WHOLE, mirrored=0.0, recolour=False
        )
        shown.append(Image.fromarray(scene.pixels))
    return shown


def likeness(drawn: Sequence[Image.Image], known: Sequence[Image.Image]) -> torch.Tensor:
    """The place of picture i among the `known`, by mean squared difference from drawn[i].

    Compared at 32 x 32 pixels, so that small details and blur do not count.
    """

    def rows(images: Sequence[Image.Image]) -> torch.Tensor:
        small = [np.asarray(i.resize((32, 32), Image.Resampling.BOX), np.float32) for i in images]
        return torch.from_numpy(np.stack(small)).flatten(1)

    distances = torch.cdist(rows(drawn), rows(known))
    return (distances < distances.diag()[:, None]).sum(1)


def guidance(pipeline: StableDiffusionInpaintPipeline, judge: Judge) -> Figures:
    """The judge's mean score of the right caption by guidance scale."""
    figures = {}
    for scale in (1.0, 2.0, 3.0, 5.0, 7.0):
        drawn = sheets.draw(pipeline, all_prompts(), seed=SEEDS[0], guidance=scale)
        figures[f"judge's score at guidance {scale:g}"] = float(judge.scores(drawn).diag().mean())
    return figures


def fill(pipeline: StableDiffusionInpaintPipeline, judge: Judge) -> Figures:
    """A thing asked for in a rectangle of 50 graded or textured pictures, by the plain pipeline.

    And of 50 skies.
    """
    mask = fill_mask()
    figures: Figures = {}
    for name, kinds in (("fill", GROUNDS), ("fill in a sky", SKIES)):
        prompts, grounds = fill_cases(kinds=kinds)
        drawn = sheets.draw(
            pipeline, prompts, seed=FILL_SEED, images=grounds, masks=[mask] * len(grounds)
        )
        pasted = [Image.composite(d, g, mask) for d, g in zip(drawn, grounds, strict=True)]
        images = vae.to_tensor(np.stack([np.asarray(ground) for ground in grounds]))
        seen = [Image.fromarray(pixels) for pixels in vae.given_back(pipeline.vae.float(), images)]
        errors = [edge_error(*pair, mask) for pair in zip(seen, grounds, strict=True)]
        figures |= fill_figures(name, judge, pasted, mask, kinds)
        figures[f"{name}, the vae alone: edge error mean /255"] = float(np.mean(errors))
    return figures


def fill_mask(*, oval: bool = False) -> Image.Image:
    """BOX, or the ellipse in it, as an "L" mask: 255 where a picture is filled."""
    mask = Image.new("L", (SIZE, SIZE))
    draw = ImageDraw.Draw(mask)
    shape = draw.ellipse if oval else draw.rectangle
    shape((BOX[0], BOX[1], BOX[2] - 1, BOX[3] - 1), fill=255)
    return mask


def fill_cases(
    count: int = 50, kinds: Sequence[str] = GROUNDS
) -> tuple[list[str], list[Image.Image]]:
    """The prompts and the grounds, of `kinds` (some of backgrounds.KINDS) in turns."""
    prompts = all_prompts()[:: len(all_prompts()) // count][:count]
    rng = np.random.default_rng(13)
    turns = [kinds[number % len(kinds)] for number in range(count)]
    return prompts, [_image(backgrounds.make(rng, kind, SIZE)[0]) for kind in turns]


def fill_figures(
    name: str,
    judge: Judge,
    filled: Sequence[Image.Image],
    mask: Image.Image,
    kinds: Sequence[str] = GROUNDS,
) -> Figures:
    """What the judge says of `fill_cases` with `mask` filled, and the colour error at its edge.

    The error is taken along the inside of the mask's edge against the background that was
    there; where the thing itself comes to the edge that is no error of the background, so the
    median over the pictures stands beside the mean.
    """
    prompts, grounds = fill_cases(len(filled), kinds)
    errors = [edge_error(f, g, mask) for f, g in zip(filled, grounds, strict=True)]
    right = [all_prompts().index(prompt) for prompt in prompts]
    return {
        **_rates(name, judge.ranks([picture.crop(BOX) for picture in filled], right)),
        f"{name}: edge error mean /255": float(np.mean(errors)),
        f"{name}: edge error median /255": float(np.median(errors)),
        **{
            f"{name}: edge error /255 in a {kind}": float(np.mean(errors[start :: len(kinds)]))
            for start, kind in enumerate(kinds)
            if len(kinds) > 1
        },
    }


def image_to_image(folder: Path, pipeline: StableDiffusionInpaintPipeline) -> Figures:
    """Mean SSIM to the input of ten held back pictures, by strength."""
    inputs = [Image.fromarray(scene.pixels) for scene in _held_back(folder, seed=14)[:10]]
    figures = {}
    for strength in (0.3, 0.5, 0.7, 0.9):
        drawn = sheets.draw(
            pipeline, all_prompts()[:10], seed=4000, images=inputs, strength=strength
        )
        alike = [ssim(a, b) for a, b in zip(inputs, drawn, strict=True)]
        figures[f"ssim at strength {strength:g}"] = float(np.mean(alike))
    return figures


def determinism(pipeline: StableDiffusionInpaintPipeline) -> Figures:
    """1 when the same seed gives the same bytes twice."""
    first, second = (
        sheets.draw(pipeline, all_prompts()[:2], seed=5000)[0].tobytes() for _ in range(2)
    )
    return {"same seed, same bytes": float(first == second)}


def everything(folder: Path, pipeline: StableDiffusionInpaintPipeline) -> Figures:
    """All figures, told as they come."""
    judge = Judge(*clip.load(folder), all_prompts())
    figures: Figures = {}
    steps: Sequence[Callable[[], Figures]] = (
        lambda: judge_itself(folder, judge),
        lambda: reconstruction(folder, pipeline),
        lambda: text_to_image(folder, pipeline, judge),
        lambda: rarer(folder, pipeline),
        lambda: guidance(pipeline, judge),
        lambda: fill(pipeline, judge),
        lambda: image_to_image(folder, pipeline),
        lambda: determinism(pipeline),
    )
    for step in steps:
        for name, value in step().items():
            figures[name] = value
            tell(name, value)
    return figures


def tell(name: str, value: float) -> None:
    """One line of the table, printed at once."""
    print(f"{name:45} {value:.3f}", flush=True)


def _rates(name: str, ranks: torch.Tensor) -> Figures:
    return {
        f"{name}: first": float((ranks == 0).float().mean()),
        f"{name}: first five": float((ranks < 5).float().mean()),
    }


def _records(folder: Path) -> list[sprites.Sprite]:
    return sprites.load(folder / "sprites")[0]


def _names(prompt: str, record: sprites.Sprite) -> bool:
    return prompt.split(" of ", 1)[1].removeprefix("an ").removeprefix("a ") == record.thing


def _held_back(folder: Path, seed: int) -> list[scenes.Scene]:
    records, pictures = sprites.load(folder / "sprites")
    rng = np.random.default_rng(seed)
    return [
        scenes.draw(rng, record, picture)
        for record, picture in zip(records, pictures, strict=True)
        if record.held_back
    ]


def _image(pixels: backgrounds.Pixels) -> Image.Image:
    return Image.fromarray(np.asarray(pixels * 255 + 0.5, dtype=np.uint8))
