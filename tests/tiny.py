"""Real diffusers models with random weights, small enough to run in milliseconds.

Every kind that the engine runs is here, with the real classes, configurations
of the real shape, and CLIP's own vocabulary; only the sizes are small. The
same name gives the same weights on every call.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import diffusers
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from scumble.link.home import Home
from scumble.models import vocabulary
from scumble.models.entry import ModelEntry
from scumble.models.registry import Registry

WIDTH = 32  # of CLIP's text encoder
WIDTH_2 = 40  # of SDXL's second one; by their widths diffusers tells the two apart

# On a busy machine two threads that wait for each other at every small step are many times
# slower than one.
torch.set_num_threads(1)


@dataclass(frozen=True)
class Kind:
    """One kind of model. scale: pixels a latent's side; native: pixels."""

    architecture: str
    inpaint: bool = False
    prediction_type: str = "epsilon"
    latent_channels: int = 4
    scale: int = 8
    native: int = 64
    zero_snr: bool = False


KINDS = {
    "sd1": Kind("sd1"),
    "sd1-inpaint": Kind("sd1", inpaint=True),
    "sd2": Kind("sd2", prediction_type="v_prediction"),
    "sd2-inpaint": Kind("sd2", inpaint=True),
    "sdxl": Kind("sdxl"),
    "sdxl-inpaint": Kind("sdxl", inpaint=True),
    "starter-like": Kind("sd1", True, "v_prediction", 16, 16, 128, zero_snr=True),
}

# Of the size of a real model's pictures, for what only happens there.
LARGE = {
    "sd1-large": Kind("sd1", native=512),
    "sd1-inpaint-large": Kind("sd1", inpaint=True, native=512),
}
ALL = {**KINDS, **LARGE}


@lru_cache(maxsize=1)
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="scumble-tiny-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root


@cache
def folder(name: str) -> Path:
    """The diffusers folder of the kind `name`, written once; not to be changed."""
    path = _root() / name
    pipeline(name).save_pretrained(path, safe_serialization=True)
    return path


def home(path: Path, *names: str) -> Home:
    """A home in which these kinds are registered; an id is the kind's name."""
    made = Home(path)
    registry = Registry(made, starter=None)
    for name in names:
        registry.add(folder(name), name)
    return made


def entry(name: str) -> ModelEntry:
    """The registry's entry for the kind `name`, without a registry."""
    from scumble.models.inspect import inspect
    from scumble.models.registry import describe

    return describe(folder(name), inspect(folder(name)), name)


def pipeline(name: str) -> Any:
    """diffusers' own pipeline for the kind `name`, with the weights of `folder`."""
    kind = ALL[name]
    made = parts(name)
    suffix = "InpaintPipeline" if kind.inpaint else "Pipeline"
    if kind.architecture == "sdxl":
        return getattr(diffusers, "StableDiffusionXL" + suffix)(**made)
    none = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
    return getattr(diffusers, "StableDiffusion" + suffix)(**made, **none)


def parts(name: str) -> dict[str, Any]:
    """unet, vae, text encoders, tokenizers and scheduler of the kind `name`."""
    kind = ALL[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(sorted(ALL).index(name))
        made = {
            "vae": vae(kind),
            "unet": unet(kind),
            "scheduler": scheduler(kind),
            "text_encoder": text_encoder(kind),
            "tokenizer": tokenizer("!" if kind.architecture == "sd2" else vocabulary.END),
        }
        if kind.architecture == "sdxl":
            made["text_encoder_2"] = CLIPTextModelWithProjection(_text_config("gelu", WIDTH_2))
            made["tokenizer_2"] = tokenizer("!")
    for part in made.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    return made


def vae(kind: Kind) -> diffusers.AutoencoderKL:
    levels = kind.scale.bit_length()
    return diffusers.AutoencoderKL(
        block_out_channels=(8,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=1,
        latent_channels=kind.latent_channels,
        norm_num_groups=4,
        sample_size=kind.native,
        scaling_factor=0.18215 if kind.latent_channels == 4 else 1.0,
    )


def unet(kind: Kind) -> diffusers.UNet2DConditionModel:
    channels = kind.latent_channels
    options: dict[str, Any] = {}
    if kind.architecture != "sd1":
        options["use_linear_projection"] = True
    if kind.architecture == "sdxl":
        options.update(
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH_2,
            transformer_layers_per_block=(1, 2),
        )
    return diffusers.UNet2DConditionModel(
        sample_size=kind.native // kind.scale,
        in_channels=2 * channels + 1 if kind.inpaint else channels,
        out_channels=channels,
        block_out_channels=(16, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=(2, 4) if kind.architecture != "sd1" else 2,
        cross_attention_dim=WIDTH + WIDTH_2 if kind.architecture == "sdxl" else WIDTH,
        **options,
    )


def scheduler(kind: Kind) -> Any:
    """As the real models ship it: PNDM for SD 1, Euler for SDXL, DDIM for v-prediction."""
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    if kind.architecture == "sdxl":
        return diffusers.EulerDiscreteScheduler(**betas, timestep_spacing="leading", steps_offset=1)
    if kind.prediction_type == "epsilon":
        return diffusers.PNDMScheduler(**betas, skip_prk_steps=True, steps_offset=1)
    return diffusers.DDIMScheduler(
        **betas,
        prediction_type=kind.prediction_type,
        clip_sample=False,
        rescale_betas_zero_snr=kind.zero_snr,
        timestep_spacing="trailing" if kind.zero_snr else "leading",
        steps_offset=0 if kind.zero_snr else 1,
        set_alpha_to_one=kind.zero_snr,
    )


def text_encoder(kind: Kind) -> CLIPTextModel:
    return CLIPTextModel(_text_config("gelu" if kind.architecture == "sd2" else "quick_gelu"))


def _text_config(activation: str, width: int = WIDTH) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=vocabulary.SIZE,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=3,
        num_attention_heads=4,
        projection_dim=width,
        hidden_act=activation,
        bos_token_id=vocabulary.SIZE - 2,
        eos_token_id=vocabulary.SIZE - 1,
    )


@cache
def tokenizer(pad: str) -> Any:
    return vocabulary.tokenizer(pad)
