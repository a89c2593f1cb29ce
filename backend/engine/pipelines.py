"""The architectures that the engine runs: a row each, readable without torch.

What a model's own configurations say (latent channels, scale, native size,
prediction) is read from them; a row holds what they do not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import Mode

LatentRGB = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class TextEncoder:
    """One text encoder of a model folder.

    component, tokenizer: names in the folder. transformers: the class.
    penultimate: the UNet reads the last but one layer without the final norm
    (else the last, normalised). pooled: its projected summary is used too.
    """

    component: str
    tokenizer: str
    transformers: str
    penultimate: bool = False
    pooled: bool = False


@dataclass(frozen=True)
class Architecture:
    """A row of the table.

    text_encoders: their outputs stand side by side, channel after channel.
    size_conditioning: the UNet is told original size, crop and target size.
    latent_rgb: how 4 latent channels look as red, green, blue in -1…1 (last
    row: the constant), for the VAE whose scaling factor is latent_scaling.
    lora_pipeline: the diffusers pipeline that knows its LoRA files.
    """

    id: str
    name: str
    text_encoders: tuple[TextEncoder, ...]
    size_conditioning: bool
    latent_rgb: LatentRGB
    latent_scaling: float
    lora_pipeline: str
    modes: tuple[Mode, ...] = tuple(Mode)


# Linear fits of decoded pictures on latents: those that ComfyUI shows its previews with
# (https://github.com/comfyanonymous/ComfyUI/blob/master/comfy/latent_formats.py, SD15 and SDXL).
_SD_RGB: LatentRGB = (
    (0.3512, 0.2297, 0.3227),
    (0.3250, 0.4974, 0.2350),
    (-0.2829, 0.1762, 0.2721),
    (-0.2120, -0.2616, -0.7177),
    (0.0, 0.0, 0.0),
)
_SDXL_RGB: LatentRGB = (
    (0.3651, 0.4232, 0.4341),
    (-0.2533, -0.0042, 0.1068),
    (0.1076, 0.1111, -0.0362),
    (-0.3165, -0.2492, -0.2188),
    (0.1084, -0.0175, -0.0011),
)
_CLIP = TextEncoder("text_encoder", "tokenizer", "CLIPTextModel")
_SDXL_CLIP = TextEncoder("text_encoder", "tokenizer", "CLIPTextModel", penultimate=True)
_SDXL_OPEN_CLIP = TextEncoder(
    "text_encoder_2", "tokenizer_2", "CLIPTextModelWithProjection", penultimate=True, pooled=True
)

_ROWS = (
    Architecture(
        "sd1", "Stable Diffusion 1", (_CLIP,), False, _SD_RGB, 0.18215, "StableDiffusionPipeline"
    ),
    Architecture(
        "sd2", "Stable Diffusion 2", (_CLIP,), False, _SD_RGB, 0.18215, "StableDiffusionPipeline"
    ),
    Architecture(
        "sdxl",
        "Stable Diffusion XL",
        (_SDXL_CLIP, _SDXL_OPEN_CLIP),
        True,
        _SDXL_RGB,
        0.13025,
        "StableDiffusionXLPipeline",
    ),
)
ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType({row.id: row for row in _ROWS})


def architecture(name: str) -> Architecture:
    """The row `name`; ScumbleError unsupported when there is none."""
    row = ARCHITECTURES.get(name)
    if row is None:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"Scumble cannot run models of the kind “{name[:80]}” yet.",
            "It runs " + ", ".join(known.name for known in ARCHITECTURES.values()) + ".",
        )
    return row
