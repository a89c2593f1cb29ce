"""The U-Net's lessons, computed once: latents of pictures and of what their masks leave visible.

Every lesson is one scene with one mask. They lie in shards, so that the making can be interrupted
and more can be added later; training reads whatever shards there are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import nn
from tqdm import tqdm

from . import captions, checkpoints, linear_start, masks, scenes, sprites, things
from .vae import SIZE, to_tensor

SHARD = 1024  # lessons in a file
SIDE = 16  # of the latents
CAPTIONS = 3  # ways to say it that are kept for every lesson
# Nearly half of the lessons are text to image, as many are to put a thing into a picture.
KINDS = {"full": 0.45, "place": 0.45, "scribble": 0.04, "empty": 0.06}
# How often a mask is made of whole latents. A latent that is hidden in part is a mixture with grey,
# yet the mask, which pipelines reduce by taking every eighth pixel, may call it given. Where most
# are like that nothing can be copied, and the U-Net learns to trust no colour beside a mask.
ALIGNED = 0.75
# A whole picture has one composition: the thing in the middle on white, or on a colour that its
# caption names. What a caption leaves open a small network can only answer with a blur. It is of
# the size that it mostly has in a fill, so that one learns from the other.
WHOLE = (17, 17, SIZE - 17, SIZE - 17)
WHOLE_WHITE = 0.8
# Grounds that a fill goes on.
GROUNDS = {
    "white": 0.06,
    "plain": 0.06,
    "gradient": 0.14,
    "noise": 0.37,
    "horizon": 0.07,
    "sky": 0.30,
}
SMOOTH = ("white", "plain", "gradient", "sky")  # how they go on can be foreseen

Encode = Callable[[torch.Tensor], torch.Tensor]  # pictures (-1 to 1) to scaled latents, float16


@dataclass(frozen=True)
class Lessons:
    """Tensors for N lessons; `latents` and `visible` are float16 (N x C x SIDE x SIDE)."""

    latents: torch.Tensor
    visible: torch.Tensor  # latents of the picture with the masked part greyed
    mask: torch.Tensor  # N x 1 x SIDE x SIDE, 1 where the model draws
    ground: torch.Tensor  # bool, N x 1 x SIDE x SIDE: nothing but the background is there
    smooth: torch.Tensor  # bool, N x 1 x 1 x 1: the background, given in part, is one of SMOOTH
    captions: list[list[str]]

    @property
    def whole(self) -> torch.Tensor:
        """bool, N: the mask is everywhere, text to image."""
        return self.mask.flatten(1).min(dim=1).values == 1


def make(
    folder: Path, encode: Encode, records: list[sprites.Sprite], *, shards: int, seed: int = 3
) -> None:
    """Write shards until there are `shards`; each comes from its own seed."""
    pictures = sprites.by_file(folder / "sprites", records)
    seen = [record for record in records if not record.held_back]
    target = folder / "latents"
    target.mkdir(parents=True, exist_ok=True)
    for number in tqdm(range(shards), desc="latents", mininterval=10):
        path = target / f"{number:04}.pt"
        if path.exists():
            continue
        shard = _shard(np.random.default_rng([seed, number]), encode, seen, pictures)
        checkpoints.save(path, shard)


def load(folder: Path) -> Lessons:
    """Everything that was made so far."""
    shards = [torch.load(p, weights_only=True) for p in sorted((folder / "latents").glob("*.pt"))]
    return Lessons(
        torch.cat([shard["latents"] for shard in shards]),
        torch.cat([shard["visible"] for shard in shards]),
        torch.cat([shard["mask"] for shard in shards]),
        torch.cat([shard["ground"] for shard in shards]),
        torch.cat([shard["smooth"] for shard in shards]),
        [texts for shard in shards for texts in json.loads(shard["captions"])],
    )


class Lesson(NamedTuple):
    """One scene with one mask, as pixels (SIZE x SIZE)."""

    pixels: scenes.Pixels
    mask: masks.Mask
    bare: masks.Mask  # 1 where nothing but the background is
    smooth: bool  # see Lessons
    captions: list[str]  # CAPTIONS of them


def lesson(rng: np.random.Generator, record: sprites.Sprite, picture: scenes.Pixels) -> Lesson:
    """A lesson with `record`, whose RGBA pixels are `picture`."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    recolour = record.thing in things.OF_ANY_COLOUR
    if kind == "full":
        mask, box = masks.full(SIZE), WHOLE
        ground = "white" if rng.random() < WHOLE_WHITE else "named"
    else:
        step = SIZE // SIDE if rng.random() < ALIGNED else 1
        mask, box = masks.place(rng, SIZE, step)
        ground = str(rng.choice(list(GROUNDS), p=list(GROUNDS.values())))
        if kind == "scribble":
            mask = masks.scribble(rng, SIZE)
        mask = masks.whole_blocks(mask, step)
    scene = scenes.draw(
        rng, record, picture, kind=ground, within=box, mirrored=0.0, recolour=recolour
    )
    smooth = kind != "full" and ground in SMOOTH
    if kind == "empty":  # remove whatever was there: nothing but the background goes on
        return Lesson(scene.bare, mask, masks.full(SIZE), smooth, [""] * CAPTIONS)
    words = random.Random(int(rng.integers(2**31)))
    texts = [
        captions.caption(
            words,
            thing=scene.thing,
            style=scene.style,
            background=scene.background,
            say_background={"named": 1.0, "white": 0.25}.get(ground, 0.1),
        )
        for _ in range(CAPTIONS)
    ]
    bare = (scene.pixels == scene.bare).all(-1).astype(np.float32)
    return Lesson(scene.pixels, mask, bare, smooth, texts)


@torch.no_grad()
def _shard(
    rng: np.random.Generator,
    encode: Encode,
    seen: list[sprites.Sprite],
    pictures: dict[str, scenes.Pixels],
) -> dict[str, torch.Tensor | str]:
    share = np.array([things.weight(record) for record in seen])
    order = [seen[int(i)] for i in rng.choice(len(seen), SHARD, p=share / share.sum())]
    drawn = [lesson(rng, record, pictures[record.file]) for record in order]
    mask = torch.from_numpy(np.stack([d.mask for d in drawn]))[:, None]
    bare = torch.from_numpy(np.stack([d.bare for d in drawn]))[:, None]
    grey = encode(torch.zeros(1, 3, SIZE, SIZE))
    latents, visible = [], []
    for start in range(0, SHARD, 32):
        images = to_tensor(np.stack([d.pixels for d in drawn[start : start + 32]]))
        holes = mask[start : start + 32]
        latents.append(encode(images))
        part = grey.repeat(len(images), 1, 1, 1)
        some = holes.flatten(1).min(dim=1).values < 1
        if some.any():
            part[some] = encode((images * (holes < 0.5))[some])
        visible.append(part)
    step = SIZE // SIDE
    return {
        "latents": torch.cat(latents),
        "visible": torch.cat(visible),
        "mask": mask[:, :, ::step, ::step].contiguous(),
        "ground": -nn.functional.max_pool2d(-bare, step) == 1,  # every pixel of the block
        "smooth": torch.tensor([d.smooth for d in drawn]).view(-1, 1, 1, 1),
        "captions": json.dumps([d.captions for d in drawn]),
    }


@torch.no_grad()
def encoder(vae: AutoencoderKL) -> Encode:
    """The VAE's encoder as the one convolution that it is.

    Raises ValueError where it is more than that, in a folder that training went on from.
    """
    convolution = linear_start.one_convolution(vae)
    image = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    exact = vae.encode(image).latent_dist.mode()
    if not torch.allclose(convolution(image), exact, atol=0.05, rtol=0.05):
        raise ValueError("the encoder is not the principal components that training needs")
    return lambda images: convolution(images).half()
