"""Random-weight models with the configurations that Scumble ships, made small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from scumble.models import single_file

SMALL_CLIP = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "projection_dim": 32,
}
SMALL_VAE = {"block_out_channels": [32, 32, 64, 64], "layers_per_block": 1, "sample_size": 64}
SMALL_UNET = {
    "sd1": {"block_out_channels": [32, 32, 64, 64], "cross_attention_dim": 32},
    "sd2": {
        "block_out_channels": [32, 32, 64, 64],
        "cross_attention_dim": 32,
        "attention_head_dim": [2, 2, 4, 4],
    },
    "sdxl": {
        "block_out_channels": [32, 64, 64],
        "cross_attention_dim": 72,
        "attention_head_dim": [2, 4, 4],
        "transformer_layers_per_block": [1, 2, 2],
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 8 * 6 + 40,
    },
}


def small_config(folder: Path, architecture: str) -> Path:
    """Scumble's own configuration of the architecture, with small sizes."""
    changes = {
        "unet/config.json": {**SMALL_UNET[architecture], "sample_size": 8, "norm_num_groups": 8},
        "vae/config.json": {**SMALL_VAE, "norm_num_groups": 8},
        "text_encoder/config.json": SMALL_CLIP,
        # of another width than the first, as in the real model
        "text_encoder_2/config.json": {**SMALL_CLIP, "hidden_size": 40, "projection_dim": 40},
    }
    source = single_file.CONFIGS / architecture
    for file in source.rglob("*.json"):
        name = file.relative_to(source).as_posix()
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({**json.loads(file.read_text()), **changes.get(name, {})}))
    return folder


def random_parts(config: Path, in_channels: int = 4, shuffled: bool = True) -> dict[str, Any]:
    """unet, vae and text encoders; `shuffled` makes every number random, else they can draw."""
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel.load_config(config / "unet")
    parts: dict[str, Any] = {
        "unet": diffusers.UNet2DConditionModel.from_config({**unet, "in_channels": in_channels}),
        "vae": diffusers.AutoencoderKL.from_config(
            diffusers.AutoencoderKL.load_config(config / "vae")
        ),
        "text_encoder": transformers.CLIPTextModel(
            transformers.CLIPTextConfig.from_pretrained(config / "text_encoder")
        ),
    }
    if (config / "text_encoder_2").is_dir():
        parts["text_encoder_2"] = transformers.CLIPTextModelWithProjection(
            transformers.CLIPTextConfig.from_pretrained(config / "text_encoder_2")
        )
    if shuffled:  # norms start at 1 and 0, which would hide a mix-up
        for part in parts.values():
            for parameter in part.parameters():
                torch.nn.init.normal_(parameter, std=0.1)
    return parts
