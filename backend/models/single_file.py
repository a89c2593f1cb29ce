"""Loads a checkpoint file in the original layout, with no network at all.

diffusers knows how to rename the weights (`from_single_file`); what it would
fetch from the hub, configurations and tokenizers, comes from `configs/` here
or from the entry's own config folder.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import diffusers
import torch

from scumble.link.errors import ScumbleError
from scumble.models import vocabulary
from scumble.models.entry import ModelEntry
from scumble.models.folder import read_json
from scumble.models.inspect import Inspection, inspect
from scumble.models.safetensors_header import FETCH_AGAIN, rejected

CONFIGS = Path(__file__).parent / "configs"

Components = dict[str, Any]

# The token that fills a prompt up to 77: CLIP's encoder repeats the end, OpenCLIP's takes "!".
PADDING = {
    "sd1": {"tokenizer": vocabulary.END},
    "sd2": {"tokenizer": "!"},
    "sdxl": {"tokenizer": vocabulary.END, "tokenizer_2": "!"},
}


def components(entry: ModelEntry, dtype: torch.dtype = torch.float32) -> Components:
    """The parts of a single file: unet, vae, text_encoder(s), tokenizer(s), scheduler.

    Weights lie on the CPU in `dtype`, in evaluation mode. The scheduler is the
    model's own; its config says what the UNet predicts. Raises ScumbleError:
    model_missing, model_rejected (broken file, weights missing or of other sizes).
    """
    path = Path(entry.path)
    found = inspect(path)
    if found.kind != "single_file":
        raise rejected(f"“{path.name}” is no checkpoint file.", "Add it again.")
    with tempfile.TemporaryDirectory(prefix="scumble-config-") as folder:
        config = Path(folder)
        _assemble(config, entry, found)
        parts = _load(path, config, entry, dtype)
    _require_all_weights(path, parts)
    return parts


def _assemble(target: Path, entry: ModelEntry, found: Inspection) -> None:
    """A folder of configurations for this very file, from those of its architecture."""
    source = Path(entry.config) if entry.config else CONFIGS / entry.architecture
    for part in sorted(item for item in source.rglob("*.json") if item.is_file()):
        place = target / part.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(part, place)
    _set(target / "unet" / "config.json", in_channels=found.in_channels)
    _set(
        target / "scheduler" / "scheduler_config.json",
        prediction_type=entry.prediction_type,
        rescale_betas_zero_snr=entry.zero_snr,
    )
    if not entry.config:
        _set(target / "unet" / "config.json", sample_size=entry.native // 8)


def _set(path: Path, **values: Any) -> None:
    config = {**read_json(path), **values}
    path.write_text(json.dumps(config), encoding="utf-8")


def _load(path: Path, config: Path, entry: ModelEntry, dtype: torch.dtype) -> Components:
    tokenizers = {
        name: vocabulary.tokenizer(pad) for name, pad in PADDING[entry.architecture].items()
    }
    xl = entry.architecture == "sdxl"
    pipeline = diffusers.StableDiffusionXLPipeline if xl else diffusers.StableDiffusionPipeline
    options = {} if xl else {"safety_checker": None, "requires_safety_checker": False}
    try:
        loaded = pipeline.from_single_file(
            str(path),
            config=str(config),
            local_files_only=True,
            torch_dtype=dtype,
            **tokenizers,
            **options,
        )
    except (ScumbleError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        # the converters meet a foreign file with whatever their dictionaries raise
        raise rejected(f"The weights in “{path.name}” do not fit their kind.", FETCH_AGAIN) from (
            error
        )
    return {name: part for name, part in loaded.components.items() if part is not None}


def _require_all_weights(path: Path, parts: Components) -> None:
    """diffusers leaves what the file lacks on the meta device and says nothing."""
    for name, part in parts.items():
        if not isinstance(part, torch.nn.Module):
            continue
        for key, tensor in (*part.named_parameters(), *part.named_buffers()):
            if tensor.is_meta:
                raise rejected(f"“{path.name}” lacks weights of its {name} ({key}).", FETCH_AGAIN)
