"""Sheets of samples to look at, drawn with the plain diffusers pipeline. Nothing picked by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers import StableDiffusionInpaintPipeline
from PIL import Image

from .diffusion import GUIDANCE
from .vae import SIZE

STEPS = 20


def draw(
    pipeline: StableDiffusionInpaintPipeline,
    prompts: Sequence[str],
    *,
    seed: int = 0,
    guidance: float = GUIDANCE,
    images: Sequence[Image.Image] | None = None,
    masks: Sequence[Image.Image] | None = None,
    strength: float = 1.0,
    batch: int = 10,
) -> list[Image.Image]:
    """One picture for each prompt; picture i begins from the noise of seed `seed` + i.

    Without `images` and `masks` the mask is everywhere: text to image.
    """
    pipeline.set_progress_bar_config(disable=True)
    grey = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))
    white = Image.new("L", (SIZE, SIZE), 255)
    drawn: list[Image.Image] = []
    for start in range(0, len(prompts), batch):
        part = range(start, min(start + batch, len(prompts)))
        with torch.no_grad():
            drawn += pipeline(
                prompt=[prompts[i] for i in part],
                image=[grey if images is None else images[i] for i in part],
                mask_image=[white if masks is None else masks[i] for i in part],
                height=SIZE,
                width=SIZE,
                num_inference_steps=STEPS,
                guidance_scale=guidance,
                strength=strength,
                generator=[torch.Generator().manual_seed(seed + i) for i in part],
            ).images
    return drawn


def grid(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """All pictures, squares of one size, side by side in rows."""
    rows = [list(pictures[i : i + columns]) for i in range(0, len(pictures), columns)]
    side = pictures[0].height
    sheet = np.full((len(rows) * side, columns * side, 3), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            sheet[y * side : (y + 1) * side, x * side : (x + 1) * side] = np.asarray(picture)
    return Image.fromarray(sheet)
