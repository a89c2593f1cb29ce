"""Puts the LoRAs that a prompt names into the weights, and takes them out again."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scumble.engine.memory import is_out_of_memory, out_of_memory
from scumble.engine.model import Model
from scumble.engine.prompts import Lora
from scumble.link.errors import ErrorCode, ScumbleError


def find(folder: Path, name: str) -> Path:
    """The file of the LoRA `name` in `folder`; case and ".safetensors" may be left out.

    Raises ScumbleError model_missing.
    """
    wanted = name.lower().removesuffix(".safetensors")
    files = sorted(folder.rglob("*.safetensors")) if folder.is_dir() else []
    for path in files:
        if path.stem.lower() == wanted:
            return path
    raise ScumbleError(
        ErrorCode.MODEL_MISSING,
        f"There is no LoRA “{name[:80]}”.",
        f"Put {name[:80]}.safetensors into the folder {folder}.",
    )


@contextmanager
def applied(model: Model, wanted: Sequence[Lora], folder: Path) -> Iterator[None]:
    """Within this context the model draws with the LoRAs; afterwards it is as it was.

    Raises ScumbleError: model_missing, or unsupported for a file that is made
    for another architecture.
    """
    active = tuple(lora for lora in wanted if lora.weight != 0)
    if not active:
        yield
        return
    files = [find(folder, lora.name) for lora in active]
    pipeline = _pipeline(model)
    try:
        names = []
        for number, (lora, file) in enumerate(zip(active, files, strict=True)):
            names.append(f"lora{number}")
            _load(pipeline, file, names[-1], lora)
        pipeline.set_adapters(names, [lora.weight for lora in active])
        model.active_loras = active
        yield
    finally:
        model.active_loras = ()
        pipeline.unload_lora_weights()


def _load(pipeline: Any, file: Path, adapter: str, lora: Lora) -> None:
    try:
        pipeline.load_lora_weights(
            str(file.parent),
            weight_name=file.name,
            adapter_name=adapter,
            local_files_only=True,
            use_safetensors=True,
        )
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory() from error
        # peft raises many kinds for files of other architectures
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"The LoRA “{lora.name}” does not fit this model.",
            "It was made for another kind of model; take one made for this kind.",
        ) from error
    if adapter not in {name for names in pipeline.get_list_adapters().values() for name in names}:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"The LoRA “{lora.name}” changes nothing in this model.",
            "It was made for another kind of model; take one made for this kind.",
        )


def _pipeline(model: Model) -> Any:
    """diffusers' pipeline round the same weights: it knows the LoRA formats."""
    diffusers = importlib.import_module("diffusers")
    scheduler = diffusers.DDIMScheduler.from_config(model.scheduler_config)
    parts: dict[str, Any] = {"unet": model.unet, "vae": model.vae, "scheduler": scheduler}
    for part in model.text:
        parts[part.row.component] = part.encoder
        parts[part.row.tokenizer] = part.tokenizer
    if not model.architecture.size_conditioning:
        parts.update(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    return getattr(diffusers, model.architecture.lora_pipeline)(**parts)
