"""From checkpoints to an ordinary diffusers folder, which every loader of the field understands."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionInpaintPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from . import clip, diffusion, unet, vae

KEPT = ("README.md", "samples.png", "__init__.py")  # files beside the weights that a person wrote


def assemble(
    autoencoder: AutoencoderKL,
    pair: clip.Pair,
    tokenizer: CLIPTokenizer,
    denoiser: UNet2DConditionModel,
) -> StableDiffusionInpaintPipeline:
    """The trained parts as one pipeline."""
    text = CLIPTextModel(pair.text.config).eval()
    text.load_state_dict(pair.text.text_model.state_dict())
    return StableDiffusionInpaintPipeline(
        vae=autoencoder,
        text_encoder=text,
        tokenizer=tokenizer,
        unet=denoiser,
        scheduler=diffusion.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def load(folder: Path) -> StableDiffusionInpaintPipeline:
    """The pipeline of what a training folder holds by now."""
    return assemble(vae.load(folder), *clip.load(folder), unet.load(folder))


def write(pipeline: StableDiffusionInpaintPipeline, target: Path) -> int:
    """Save in float16 to `target`, which is replaced as a whole; returns the bytes written.

    Whoever loads at that moment finds the old folder or the new one, nothing between.
    """
    fresh = target.with_name(target.name + ".new")
    stale = target.with_name(target.name + ".old")
    for folder in (fresh, stale):
        shutil.rmtree(folder, ignore_errors=True)
    pipeline.to(dtype=torch.float16).save_pretrained(fresh, safe_serialization=True)
    for name in KEPT:
        if (target / name).exists():
            shutil.copy2(target / name, fresh / name)
    if target.exists():
        target.rename(stale)
    fresh.rename(target)
    shutil.rmtree(stale, ignore_errors=True)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
