"""From checkpoints to an ordinary diffusers folder, which every loader of the field understands."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionInpaintPipeline
from diffusers.models.attention_processor import AttnProcessor2_0
from transformers import CLIPTokenizer

from . import diffusion, unet, vae

# Files beside the weights that the pipeline does not write.
KEPT = ("README.md", "samples.png", "fills.png", "scumble.json", "__init__.py")


def assemble(
    autoencoder: AutoencoderKL, drawer: unet.Drawer, tokenizer: CLIPTokenizer
) -> StableDiffusionInpaintPipeline:
    """The trained parts as one pipeline."""
    drawer.unet.set_attn_processor(AttnProcessor2_0())  # as whoever loads it will have
    return StableDiffusionInpaintPipeline(
        vae=autoencoder,
        text_encoder=drawer.text,
        tokenizer=tokenizer,
        unet=drawer.unet,
        scheduler=diffusion.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def load(folder: Path) -> StableDiffusionInpaintPipeline:
    """The pipeline of what a training folder holds by now."""
    return assemble(vae.load(folder), *unet.load(folder))


def write(pipeline: StableDiffusionInpaintPipeline, target: Path) -> int:
    """Save in float16 to `target`, which is replaced as a whole; returns the bytes written.

    What `target` held lies beside it, as .old, until the new folder is in its place.
    """
    fresh = target.with_name(target.name + ".new")
    stale = target.with_name(target.name + ".old")
    if stale.exists() and not target.exists():  # ended between the two renames
        stale.rename(target)
    for folder in (fresh, stale):
        shutil.rmtree(folder, ignore_errors=True)
    pipeline.to(dtype=torch.float16).save_pretrained(fresh, safe_serialization=True)
    for path in fresh.rglob("*.safetensors"):  # written for the owner alone, otherwise
        path.chmod(0o644)
    for name in KEPT:
        if (target / name).exists():
            shutil.copy2(target / name, fresh / name)
    if target.exists():
        target.rename(stale)
    fresh.rename(target)
    shutil.rmtree(stale, ignore_errors=True)
    return sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
