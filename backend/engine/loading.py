"""Brings a registered model into memory: a diffusers folder or a single file, never the network."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from scumble.engine import latents as conversion
from scumble.engine.devices import Device
from scumble.engine.memory import is_out_of_memory, out_of_memory
from scumble.engine.model import Model, TextPart
from scumble.engine.pipelines import Architecture, architecture
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models.entry import ModelEntry
from scumble.models.folder import read_json

log = logging.getLogger(__name__)

AGAIN = "Download the model again, or choose another one."


def load(entry: ModelEntry, device: Device) -> Model:
    """All parts on `device`, in its dtype, ready to run.

    Raises ScumbleError: model_missing, model_rejected (what is on disk does not
    load), unsupported (an architecture that is not in the table), out_of_memory.
    """
    row = architecture(entry.architecture)
    if not os.path.exists(entry.path):
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"The files of “{entry.name}” are not there.",
            "Connect the disk they lie on, or add the model again.",
        )
    try:
        parts = _folder(entry, row, device) if entry.kind == "diffusers" else _file(entry, device)
    except ScumbleError as error:
        # the files are blamed for whatever the libraries raise, and are innocent of this
        if any(is_out_of_memory(reason) for reason in _reasons(error)):
            raise out_of_memory() from error
        raise
    model = _assemble(entry, row, device, parts)
    _check(model)
    return model


def load_tiny_decoder(folder: Path, model: Model) -> Any:
    """The AutoencoderTiny in `folder`; None, told in the log, where it does not fit the model."""
    diffusers = importlib.import_module("diffusers")
    if not conversion.has_usual_latents(model):
        return None  # made for the architecture's own VAE
    try:
        decoder = diffusers.AutoencoderTiny.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, torch_dtype=model.dtype
        )
        if decoder.config.latent_channels != model.latent_channels:
            raise ValueError(f"it takes {decoder.config.latent_channels} channels")
        decoder.encoder = None  # only half of it is needed
    except Exception as error:
        # a preview is not worth a run; the libraries raise anything
        log.warning("previews go without %s: %s", folder.name, _first_line(error))
        return None
    return decoder.requires_grad_(False).eval().to(model.place)


def _folder(entry: ModelEntry, row: Architecture, device: Device) -> dict[str, Any]:
    """Component by component, so that nothing is imported or read that is not used."""
    diffusers = importlib.import_module("diffusers")
    transformers = importlib.import_module("transformers")
    path = Path(entry.path)
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}
    if entry.variant:
        options["variant"] = entry.variant
    numbers = {"torch_dtype": device.torch_dtype}
    index = read_json(path / "model_index.json")
    try:
        parts: dict[str, Any] = {
            "unet": diffusers.UNet2DConditionModel.from_pretrained(
                path / "unet", **options, **numbers
            ),
            "vae": diffusers.AutoencoderKL.from_pretrained(path / "vae", **options, **numbers),
        }
        for text in row.text_encoders:
            parts[text.component] = getattr(transformers, text.transformers).from_pretrained(
                path / text.component, dtype=device.torch_dtype, **options
            )
            parts[text.tokenizer] = transformers.CLIPTokenizer.from_pretrained(
                path / text.tokenizer, local_files_only=True
            )
    except (MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        # the libraries meet a broken folder with whatever their parsers raise
        log.warning("%s in %s does not load: %s", entry.id, path, _first_line(error))
        raise _rejected(
            f"“{entry.name}” cannot be loaded: its files are damaged or incomplete."
        ) from error
    parts["scheduler"] = read_json(path / "scheduler" / "scheduler_config.json")
    parts["zero_negative"] = bool(
        index.get("force_zeros_for_empty_prompt", "XL" in str(index.get("_class_name", "")))
    )
    return parts


def _file(entry: ModelEntry, device: Device) -> dict[str, Any]:
    from scumble.models.single_file import components

    parts = dict(components(entry, device.torch_dtype))
    parts["scheduler"] = dict(parts["scheduler"].config)
    parts["zero_negative"] = entry.architecture == "sdxl"
    return parts


def _assemble(entry: ModelEntry, row: Architecture, device: Device, parts: dict[str, Any]) -> Model:
    text = tuple(
        TextPart(each, parts[each.tokenizer], parts[each.component]) for each in row.text_encoders
    )
    model = Model(
        entry=entry,
        architecture=row,
        device=device,
        unet=parts["unet"],
        vae=parts["vae"],
        text=text,
        scheduler_config=parts["scheduler"],
        zero_negative=parts["zero_negative"],
    )
    # SDXL's VAE overflows in float16; its configuration says so
    if device.torch_dtype is torch.float16 and model.vae.config.get("force_upcast", False):
        model.vae.to(torch.float32)
    for module in model.modules().values():
        module.requires_grad_(False)
        module.eval()
        module.to(model.place)
    if device.channels_last:
        model.unet.to(memory_format=torch.channels_last)
        model.vae.to(memory_format=torch.channels_last)
    if device.compiled:
        model.unet.compile(dynamic=True)
    return model


def _check(model: Model) -> None:
    """What would fail only in the middle of a run is refused now."""
    channels, latent = model.unet.config.in_channels, model.latent_channels
    if channels not in (latent, 2 * latent + 1) or model.unet.config.out_channels != latent:
        raise _rejected(f"The UNet of “{model.entry.name}” does not fit its VAE.")
    width = sum(part.encoder.config.hidden_size for part in model.text)
    if model.unet.config.cross_attention_dim != width:
        raise _rejected(f"The UNet of “{model.entry.name}” does not fit its text encoder.")


def _rejected(message: str) -> ScumbleError:
    return ScumbleError(ErrorCode.MODEL_REJECTED, message, AGAIN)


def _reasons(error: BaseException) -> Iterator[BaseException]:
    """What led to `error`, one behind the other."""
    reason = error.__cause__ or error.__context__
    while reason is not None:
        yield reason
        reason = reason.__cause__ or reason.__context__


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else type(error).__name__
