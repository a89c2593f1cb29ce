"""Headers of the kinds of files that artists have, with hardly any weights behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

UNET = "model.diffusion_model."
PARTS = {
    "sd1": ["first_stage_model.x", "cond_stage_model.transformer.text_model.x"],
    "sd2": ["first_stage_model.x", "cond_stage_model.model.transformer.x"],
    "sdxl": [
        "first_stage_model.x",
        "conditioner.embedders.0.transformer.text_model.x",
        "conditioner.embedders.1.model.x",
        f"{UNET}label_emb.0.0.weight",
    ],
}


def checkpoint(
    path: Path,
    architecture: str = "sd1",
    channels: int = 4,
    extra: dict[str, np.ndarray] | None = None,
    without: str = "-",
    metadata: dict[str, str] | None = None,
) -> Path:
    """A file that has the names of a checkpoint of `architecture` and next to no bytes."""
    tensors = {name: np.zeros(1, np.float16) for name in PARTS[architecture]}
    tensors[f"{UNET}input_blocks.0.0.weight"] = np.zeros((2, channels, 3, 3), np.float16)
    tensors |= extra or {}
    kept = {name: value for name, value in tensors.items() if not name.startswith(without)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(kept, path, metadata)
    return path


def lora(path: Path, width: int = 768, name: str = "") -> Path:
    """A LoRA of one layer that reads text of `width` channels."""
    layer = name or "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            f"{layer}.lora_down.weight": np.zeros((4, width), np.float16),
            f"{layer}.lora_up.weight": np.zeros((8, 4), np.float16),
        },
        path,
    )
    return path


CONFIGS: dict[str, dict[str, Any]] = {
    "model_index.json": {"_class_name": "StableDiffusionPipeline"},
    "unet/config.json": {"in_channels": 9, "sample_size": 16, "cross_attention_dim": 768},
    "vae/config.json": {"latent_channels": 4, "block_out_channels": [32, 64, 64, 64]},
    "text_encoder/config.json": {"hidden_act": "quick_gelu"},
    "scheduler/scheduler_config.json": {
        "prediction_type": "v_prediction",
        "rescale_betas_zero_snr": True,
    },
}
WEIGHTS = {"unet": "diffusion_pytorch_model", "vae": "diffusion_pytorch_model"}


def diffusers_folder(
    folder: Path, variant: str = "", changes: dict[str, dict[str, Any]] | None = None
) -> Path:
    """A folder with the configurations of a small inpainting model and hardly any weights."""
    for name, config in CONFIGS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**config, **(changes or {}).get(name, {})}))
    for part in ("unet", "vae", "text_encoder"):
        stem = WEIGHTS.get(part, "model")
        save_file({"x": np.zeros(3, np.float16)}, folder / part / f"{stem}{variant}.safetensors")
    return folder
