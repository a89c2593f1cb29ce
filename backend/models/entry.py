"""What the registry holds of one model, and the settings a model starts with."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Defaults:
    """sampler: an id of `scumble.engine.samplers`; steps at full strength; guidance_scale ≥ 1."""

    sampler: str = "dpmpp_2m_karras"
    steps: int = 25
    guidance_scale: float = 7.0


@dataclass(frozen=True)
class ModelEntry:
    """One model that can draw.

    kind: "diffusers" (path is a folder) or "single_file" (path is a
    .safetensors file in the original layout). native: the side in pixels it
    was trained at. config: a folder of diffusers configurations that describes
    a single file instead of the ones Scumble ships ("": the shipped ones).
    variant: "fp16" where the folder's weights are named so. sha256: hex, ""
    until it was computed. managed: the files are Scumble's own and go with the
    entry. size: bytes. source: the Hugging Face id it came from, or "".
    """

    id: str
    name: str
    kind: str
    path: str
    architecture: str
    native: int
    prediction_type: str
    inpaint_channels: bool
    latent_channels: int = 4
    zero_snr: bool = False
    variant: str = ""
    config: str = ""
    size: int = 0
    sha256: str = ""
    managed: bool = False
    note: str = ""
    source: str = ""
    licence: str = ""
    defaults: Defaults = Defaults()


@dataclass(frozen=True)
class LoraEntry:
    """A LoRA file; `name` is what stands in `<lora:name:0.8>`. architecture "": not known."""

    name: str
    path: str
    architecture: str
    size: int
    error: str = ""


_BY_ARCHITECTURE = {
    "sd1": Defaults(),
    "sd2": Defaults(),
    "sdxl": Defaults(steps=30, guidance_scale=6.0),
}
# Distilled models say so in their names only; with the usual settings they burn the picture.
_BY_WORD = (
    ("turbo", Defaults("euler_a", 4, 1.0)),
    ("lightning", Defaults("euler", 8, 1.0)),
    ("hyper", Defaults("ddim", 8, 1.0)),
    ("lcm", Defaults("lcm", 6, 1.5)),
)


def usual_defaults(architecture: str, name: str) -> Defaults:
    """What a model of this architecture and name starts with."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    for word, defaults in _BY_WORD:
        if word in words:
            return defaults
    return _BY_ARCHITECTURE.get(architecture, Defaults())


def slug(name: str) -> str:
    """An id from any name: lower case, digits, dots and dashes, 1 to 48 characters."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^a-z0-9.]+", "-", letters.lower()).strip("-.")
    return plain[:48].strip("-.") or "model"
