"""Reads a diffusers folder's configurations and the headers of its weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.models.safetensors_header import (
    PICKLE_SUFFIXES,
    SAFE_COPY,
    Header,
    read_header,
    rejected,
)

MAX_CONFIG = 4 * 1024 * 1024  # bytes; the index of a sharded model is the largest
PIPELINES = frozenset(
    f"Stable{family}{variant}Pipeline"
    for family in ("Diffusion", "DiffusionXL")
    for variant in ("", "Img2Img", "Inpaint")
) | {"LatentConsistencyModelPipeline"}
WEIGHTS = {  # component -> what its weights are called
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
    "text_encoder_2": "model",
}
WHOLE_FOLDER = "Add the folder that holds model_index.json, with all its parts."


@dataclass(frozen=True)
class Configs:
    """What a diffusers folder's configurations say. native: pixels; channels: counts."""

    architecture: str
    native: int
    prediction_type: str
    in_channels: int
    latent_channels: int
    zero_snr: bool


@dataclass(frozen=True)
class Folder:
    """A whole diffusers folder. weights: relative file name -> its checked header."""

    configs: Configs
    parts: tuple[str, ...]
    variant: str
    weights: dict[str, Header]


def read_pipeline(path: Path) -> str:
    """The diffusers pipeline that the folder is for. Raises ScumbleError model_rejected for
    those that Scumble does not run.
    """
    pipeline = read_json(path / "model_index.json", WHOLE_FOLDER).get("_class_name")
    if not isinstance(pipeline, str) or pipeline not in PIPELINES:
        raise rejected(
            f"“{path.name}” holds a model of the kind {str(pipeline)[:60]!r}.",
            "Scumble runs Stable Diffusion 1, 2 and XL.",
        )
    return pipeline


def read(path: Path) -> Folder:
    """Raises ScumbleError model_rejected where a part is missing, broken or unsafe."""
    xl = "XL" in read_pipeline(path)
    parts = ("unet", "vae", "text_encoder", *(("text_encoder_2",) if xl else ()))
    weights: dict[str, Header] = {}
    variants = set()
    for part in parts:
        variant, found = _weights(path, part)
        variants.add(variant)
        weights.update(found)
    return Folder(
        configs=read_configs(path, xl),
        parts=parts,
        variant="fp16" if "fp16" in variants else "",
        weights=weights,
    )


def read_configs(path: Path, xl: bool) -> Configs:
    """The configurations alone. Raises ScumbleError model_rejected."""
    unet = read_json(path / "unet" / "config.json", WHOLE_FOLDER)
    vae = read_json(path / "vae" / "config.json", WHOLE_FOLDER)
    text = read_json(path / "text_encoder" / "config.json", WHOLE_FOLDER)
    scheduler = read_json(path / "scheduler" / "scheduler_config.json", WHOLE_FOLDER)
    latent_channels = _integer(vae, "latent_channels", 4)
    return Configs(
        architecture="sdxl" if xl else _architecture(unet, text),
        native=_native(unet, vae, xl),
        prediction_type=_prediction_type(scheduler),
        in_channels=_channels(path, unet, latent_channels),
        latent_channels=latent_channels,
        zero_snr=scheduler.get("rescale_betas_zero_snr") is True,
    )


def read_json(path: Path, hint: str = "") -> dict[str, Any]:
    """A JSON object from a small file; ScumbleError model_rejected for anything else."""
    name = f"{path.parent.name}/{path.name}"
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_CONFIG + 1)
    except OSError:
        raise rejected(f"The file {name} is missing.", hint) from None
    try:
        data = json.loads(text) if len(text) <= MAX_CONFIG else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise rejected(f"The file {name} is broken.", hint)
    return data


def _weights(path: Path, part: str) -> tuple[str, dict[str, Header]]:
    """The variant ("" or "fp16") and the checked headers of one component's weights."""
    stem = WEIGHTS[part]
    base = path / part
    for variant in ("", "fp16"):
        dotted = f".{variant}" if variant else ""
        whole = base / f"{stem}{dotted}.safetensors"
        index = base / f"{stem}.safetensors.index{dotted}.json"
        if whole.exists():
            return variant, {f"{part}/{whole.name}": read_header(whole)}
        if index.exists():
            return variant, {f"{part}/{name}": read_header(base / name) for name in _shards(index)}
    if base.is_dir() and any(item.suffix in PICKLE_SUFFIXES for item in base.iterdir()):
        raise rejected(f"“{path.name}” keeps its {part} as a pickle.", SAFE_COPY)
    raise rejected(f"“{path.name}” lacks the weights of its {part}.", WHOLE_FOLDER)


def _shards(index: Path) -> list[str]:
    mapping = read_json(index, WHOLE_FOLDER).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise rejected(f"The file {index.name} is broken.", WHOLE_FOLDER)
    names = {str(name) for name in mapping.values()}
    if any("/" in name or "\\" in name or not name.endswith(".safetensors") for name in names):
        raise rejected(f"The file {index.name} points outside its folder.", WHOLE_FOLDER)
    return sorted(names)


def _architecture(unet: dict[str, Any], text: dict[str, Any]) -> str:
    """SD 2 reads OpenCLIP, which is 1024 wide and uses the plain GELU; SD 1's CLIP a quick one."""
    wide = unet.get("cross_attention_dim") == 1024
    return "sd2" if wide or text.get("hidden_act") == "gelu" else "sd1"


def _native(unet: dict[str, Any], vae: dict[str, Any], xl: bool) -> int:
    channels = vae.get("block_out_channels")
    levels = len(channels) if isinstance(channels, list) and 1 <= len(channels) <= 6 else 4
    latent = _integer(unet, "sample_size", 128 if xl else 64)
    return min(max(latent << (levels - 1), 16), 4096)


def _prediction_type(scheduler: dict[str, Any]) -> str:
    said = scheduler.get("prediction_type", "epsilon")
    if said not in ("epsilon", "v_prediction", "sample"):
        raise rejected(f"The scheduler predicts {str(said)[:40]!r}.", "Scumble does not know it.")
    return str(said)


def _channels(path: Path, unet: dict[str, Any], latent: int) -> int:
    channels = _integer(unet, "in_channels", 4)
    if channels not in (latent, 2 * latent + 1):
        raise rejected(
            f"The UNet in “{path.name}” takes {channels} channels.",
            f"With {latent} latent channels Scumble runs {latent} or {2 * latent + 1}.",
        )
    return channels


def _integer(config: dict[str, Any], key: str, default: int) -> int:
    value: object = config.get(key, default)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65536:
        return value
    return default
