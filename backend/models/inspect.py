"""Says what a model on disk is, from headers and configurations alone; loads no weights.

What it can name: Stable Diffusion 1 and 2 and SDXL as diffusers folders or as
single files in the original checkpoint layout, LoRA files, and LaMa and MAT,
which close gaps. Everything else
is refused with a sentence that says what it is, as far as that can be told.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scumble.models import folder
from scumble.models.safetensors_header import Header, Tensor, read_header, rejected

Kind = Literal["diffusers", "single_file", "lora"]

UNET = "model.diffusion_model."
VAE = ("first_stage_model.", "vae.")
CLIP = "cond_stage_model.transformer."  # SD 1: transformers' own names
OPEN_CLIP = "cond_stage_model.model."  # SD 2
CONDITIONER = "conditioner.embedders."  # SDXL: 0 is CLIP, 1 is OpenCLIP
NATIVE = {"sd1": 512, "sd2": 512, "sdxl": 1024}  # pixels; 768 for SD 2 with v-prediction

# A tensor that only the named kind of model has -> how we call it
FOREIGN = {
    "joint_blocks.0.context_block.adaLN_modulation.1.bias": "a Stable Diffusion 3 model",
    "double_blocks.0.img_attn.norm.key_norm.scale": "a Flux model",
    "double_stream_modulation_img.lin.weight": "a Flux 2 model",
    "cap_embedder.0.weight": "a Z-Image or Lumina model",
    "txt_in.text_norm.weight": "a Qwen-Image model",
    "img_in.weight": "a Qwen-Image model",
    "patch_embedding.weight": "a Wan video model",
    "clip_txt_mapper.weight": "a Stable Cascade model",
}
# Networks that close gaps, by the tensors that spandrel tells them by
ERASERS = {
    "lama": ("generator.model.1.bn_l.running_mean", "model.model.1.bn_l.running_mean"),
    "mat": (
        "synthesis.first_stage.conv_first.conv.resample_filter",
        "model.synthesis.first_stage.conv_first.conv.resample_filter",
    ),
}
ERASER_NATIVE = {"lama": 256, "mat": 512}  # pixels
# SD 2's 512 model predicts noise, its 768 model v; nothing in the file says which. The
# spread of this norm's bias does: above it lies the v model (ComfyUI decides by the same).
V_MARK = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
V_MARK_DEVIATION = 0.09


@dataclass(frozen=True)
class Inspection:
    """What a file or folder holds.

    native: the side in pixels it was trained at (0 for a LoRA). in_channels:
    of the UNet's first layer; latent_channels: of the VAE. prediction_type:
    "epsilon" or "v_prediction". size: bytes. parts: which of unet, vae,
    text_encoder the files bring. variant: "fp16" where a folder's weights are
    named so, else "". zero_snr: trained with zero terminal SNR.
    """

    kind: Kind
    architecture: str
    native: int = 0
    prediction_type: str = "epsilon"
    in_channels: int = 4
    latent_channels: int = 4
    size: int = 0
    parameters: int = 0
    dtype: str = ""
    parts: tuple[str, ...] = ()
    variant: str = ""
    zero_snr: bool = False
    title: str = ""

    @property
    def inpaint_channels(self) -> bool:
        """Whether the UNet also takes a mask and the masked picture's latents (9 channels)."""
        return self.in_channels == 2 * self.latent_channels + 1


def inspect(path: Path) -> Inspection:
    """What lies at `path`, a diffusers folder or a .safetensors file.

    Raises ScumbleError: model_missing where nothing is, model_rejected (with a
    sentence and what to do) for pickles, broken files and what Scumble cannot run.
    """
    if path.is_dir():
        return _inspect_folder(path)
    header = read_header(path)
    if is_lora(header):
        return _inspect_lora(header)
    for architecture, marks in ERASERS.items():
        if any(mark in header.tensors for mark in marks):
            return _inspect_eraser(header, architecture)
    return _inspect_checkpoint(path, header)


def _inspect_folder(path: Path) -> Inspection:
    found = folder.read(path)
    said = found.configs
    return Inspection(
        kind="diffusers",
        architecture=said.architecture,
        native=said.native,
        prediction_type=said.prediction_type,
        in_channels=said.in_channels,
        latent_channels=said.latent_channels,
        size=sum(header.size for header in found.weights.values()),
        parameters=sum(header.parameters for header in found.weights.values()),
        dtype=_dtype(found.weights.values()),
        parts=found.parts,
        variant=found.variant,
        zero_snr=said.zero_snr,
    )


def _inspect_checkpoint(path: Path, header: Header) -> Inspection:
    tensors = header.tensors
    conv_in = tensors.get(f"{UNET}input_blocks.0.0.weight")
    if conv_in is None or len(conv_in.shape) != 4:
        raise rejected(f"“{path.name}” is {_what_else(header)}.", _hint_for(header))
    architecture = _architecture(path, header)
    prediction_type = _prediction_type(path, header, architecture)
    native = NATIVE[architecture]
    if architecture == "sd2" and prediction_type == "v_prediction":
        native = 768
    return Inspection(
        kind="single_file",
        architecture=architecture,
        native=_resolution(header) or native,
        prediction_type=prediction_type,
        in_channels=_supported_channels(path, conv_in),
        latent_channels=4,
        size=header.size,
        parameters=header.parameters,
        dtype=_dtype([header]),
        parts=_parts(path, header),
        zero_snr="ztsnr" in tensors,
        title=header.metadata.get("modelspec.title", "")[:80],
    )


def _architecture(path: Path, header: Header) -> str:
    names = header.tensors
    if f"{UNET}label_emb.0.0.weight" in names:
        if any(name.startswith(f"{CONDITIONER}0.model.") for name in names):
            raise rejected(
                f"“{path.name}” is SDXL's refiner, which cannot draw by itself.",
                "Take the SDXL base model.",
            )
        return "sdxl"
    attention = names.get(f"{UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight")
    open_clip = any(name.startswith(OPEN_CLIP) for name in names)
    if open_clip or (attention is not None and attention.shape[-1] == 1024):
        return "sd2"
    return "sd1"


def _parts(path: Path, header: Header) -> tuple[str, ...]:
    """Which components the file holds; a file that lacks one cannot be loaded by itself."""
    prefixes = {
        "unet": (UNET,),
        "vae": VAE,
        "text_encoder": (CLIP, OPEN_CLIP, CONDITIONER),
    }
    parts = tuple(
        part
        for part, starts in prefixes.items()
        if any(name.startswith(starts) for name in header.tensors)
    )
    missing = [part for part in prefixes if part not in parts]
    if missing:
        raise rejected(
            f"“{path.name}” has no {' and no '.join(m.replace('_', ' ') for m in missing)}.",
            "Get the full checkpoint; files with the UNet alone cannot be used yet.",
        )
    return parts


def _supported_channels(path: Path, conv_in: Tensor) -> int:
    channels = conv_in.shape[1]
    if channels not in (4, 9):
        raise rejected(
            f"The UNet in “{path.name}” takes {channels} channels.",
            "Scumble runs models with 4 channels and inpainting models with 9.",
        )
    return channels


def _prediction_type(path: Path, header: Header, architecture: str) -> str:
    """What the UNet predicts, from the metadata, from marker tensors, else as is usual."""
    said = header.metadata.get("modelspec.prediction_type", "").lower()
    if said in ("v", "v_prediction", "v-prediction", "v_pred"):
        return "v_prediction"
    if said in ("epsilon", "eps"):
        return "epsilon"
    if "v_pred" in header.tensors:  # the marker that v-prediction SDXL models carry
        return "v_prediction"
    mark = header.tensors.get(V_MARK)
    if architecture == "sd2" and mark is not None and _deviation(path, mark) > V_MARK_DEVIATION:
        return "v_prediction"
    return "epsilon"


def _deviation(path: Path, tensor: Tensor) -> float:
    """The standard deviation of a short tensor's numbers, 0.0 where it cannot be told."""
    formats = {"F16": "e", "F32": "f", "BF16": "H"}
    count = (tensor.end - tensor.begin) // 4 if tensor.dtype == "F32" else None
    count = count if count is not None else (tensor.end - tensor.begin) // 2
    if tensor.dtype not in formats or not 0 < count <= 4096:
        return 0.0
    with open(path, "rb") as file:
        file.seek(tensor.begin)
        raw = file.read(tensor.end - tensor.begin)
    if tensor.dtype == "BF16":  # the upper half of a float32
        raw = b"".join(b"\0\0" + raw[i : i + 2] for i in range(0, len(raw), 2))
    code = "e" if tensor.dtype == "F16" else "f"
    numbers = struct.unpack(f"<{count}{code}", raw)
    mean = sum(numbers) / count
    variance = sum((number - mean) ** 2 for number in numbers) / count
    return float(variance**0.5)


def _resolution(header: Header) -> int:
    """The training resolution as modelspec gives it ("1024x1024"), 0 where it does not."""
    first = header.metadata.get("modelspec.resolution", "").lower().partition("x")[0]
    side = int(first) if first.isascii() and first.isdigit() and len(first) <= 5 else 0
    return side if 64 <= side <= 4096 and side % 8 == 0 else 0


def is_lora(header: Header) -> bool:
    names = header.tensors
    return bool(names) and any(
        mark in name for name in names for mark in (".lora_down.", ".lora_A.", ".lora.down.")
    )


def _inspect_eraser(header: Header, architecture: str) -> Inspection:
    return Inspection(
        kind="single_file",
        architecture=architecture,
        native=ERASER_NATIVE[architecture],
        size=header.size,
        parameters=header.parameters,
        dtype=_dtype([header]),
        title=header.metadata.get("modelspec.title", "")[:80],
    )


def _inspect_lora(header: Header) -> Inspection:
    return Inspection(
        kind="lora",
        architecture=_lora_architecture(header),
        size=header.size,
        parameters=header.parameters,
        dtype=_dtype([header]),
        title=header.metadata.get("modelspec.title", "")[:80],
    )


def _lora_architecture(header: Header) -> str:
    """By the width of the text that cross-attention reads: 768, 1024, or SDXL's 2048."""
    widths = {768: "sd1", 1024: "sd2", 2048: "sdxl"}
    for name, tensor in header.tensors.items():
        down = any(mark in name for mark in (".lora_down.", ".lora_A.", ".lora.down."))
        text = "attn2_to_k" in name or "attn2.to_k" in name or "attn2.processor.to_k" in name
        if down and text and len(tensor.shape) >= 2:
            return widths.get(tensor.shape[1], "")
    said = header.metadata.get("modelspec.architecture", "")
    if "xl" in said:
        return "sdxl"
    return {"stable-diffusion-v1": "sd1", "stable-diffusion-v2": "sd2"}.get(said[:19], "")


def _what_else(header: Header) -> str:
    names = header.tensors
    for mark, what in FOREIGN.items():
        if mark in names or f"{UNET}{mark}" in names:
            return f"{what}, which Scumble cannot run yet"
    if any("controlnet" in name or name.startswith("control_model.") for name in names):
        return "a ControlNet and no model that draws by itself"
    if "down_blocks.0.resnets.0.conv1.weight" in names:
        return "the UNet of a diffusers folder without the rest"
    if "encoder.conv_in.weight" in names or "encoder.layers.0.weight" in names:
        return "a VAE and no model that draws by itself"
    return "no Stable Diffusion checkpoint or LoRA"


def _hint_for(header: Header) -> str:
    if "down_blocks.0.resnets.0.conv1.weight" in header.tensors:
        return "Add the whole folder, the one that holds model_index.json."
    return "Scumble runs Stable Diffusion 1, 2 and XL checkpoints and LoRA files."


def _dtype(headers: Iterable[Header]) -> str:
    """The type that most of the numbers have, in safetensors' spelling."""
    counts: dict[str, int] = {}
    for header in headers:
        for tensor in header.tensors.values():
            counts[tensor.dtype] = counts.get(tensor.dtype, 0) + tensor.end - tensor.begin
    return max(counts, key=lambda name: counts[name]) if counts else ""
