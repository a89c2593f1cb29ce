"""Known good models that can be fetched by a short name.

Sizes are those of the half-precision files that Scumble takes; the hub's own
figures and licence are shown before a download and count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scumble.models.entry import Defaults


@dataclass(frozen=True)
class CatalogueItem:
    """size: bytes. kind "preview": a tiny decoder that shows what is being drawn.

    native: overrides what the files say of the training size (0: they are right).
    """

    id: str
    name: str
    source: str
    kind: Literal["model", "lora", "preview"]
    architecture: str
    size: int
    licence: str
    purpose: str
    defaults: Defaults | None = None
    native: int = 0


_OPENRAIL = "creativeml-openrail-m"
_OPENRAIL_PLUS = "openrail++"

CATALOGUE = (
    CatalogueItem(
        "sd15",
        "Stable Diffusion 1.5",
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "model",
        "sd1",
        2_134_000_000,
        _OPENRAIL,
        "Text to image and refining at 512 pixels; runs on small cards and, slowly, without one.",
    ),
    CatalogueItem(
        "sd15-inpaint",
        "Stable Diffusion 1.5 inpainting",
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        "model",
        "sd1",
        2_134_000_000,
        _OPENRAIL,
        "Fills that fit their surroundings, at 512 pixels; the first choice for Fill.",
    ),
    CatalogueItem(
        "sdxl",
        "Stable Diffusion XL",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "model",
        "sdxl",
        6_939_000_000,
        _OPENRAIL_PLUS,
        "Finer pictures at 1024 pixels; wants a card with 8 GB or more.",
    ),
    CatalogueItem(
        "sdxl-inpaint",
        "Stable Diffusion XL inpainting",
        "diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
        "model",
        "sdxl",
        6_939_000_000,
        _OPENRAIL_PLUS,
        "Fills at 1024 pixels; wants a card with 8 GB or more.",
    ),
    CatalogueItem(
        "sdxl-turbo",
        "SDXL Turbo",
        "stabilityai/sdxl-turbo",
        "model",
        "sdxl",
        6_939_000_000,
        "sai-nc-community",
        "A picture in one to four steps at 512 pixels; not for commercial use.",
        Defaults("euler_a", 4, 1.0),
        native=512,
    ),
    CatalogueItem(
        "lcm-sd15",
        "LCM for Stable Diffusion 1.5",
        "latent-consistency/lcm-lora-sdv1-5",
        "lora",
        "sd1",
        134_621_556,
        _OPENRAIL_PLUS,
        "Four to eight steps instead of 25: <lora:lcm-sd15:1>, sampler LCM, CFG 1 to 2.",
    ),
    CatalogueItem(
        "lcm-sdxl",
        "LCM for Stable Diffusion XL",
        "latent-consistency/lcm-lora-sdxl",
        "lora",
        "sdxl",
        393_855_224,
        _OPENRAIL_PLUS,
        "Four to eight steps instead of 30: <lora:lcm-sdxl:1>, sampler LCM, CFG 1 to 2.",
    ),
    CatalogueItem(
        "taesd",
        "TAESD",
        "madebyollin/taesd",
        "preview",
        "sd1",
        9_800_000,
        "mit",
        "Sharper previews while Stable Diffusion 1 and 2 draw.",
    ),
    CatalogueItem(
        "taesdxl",
        "TAESDXL",
        "madebyollin/taesdxl",
        "preview",
        "sdxl",
        9_800_000,
        "mit",
        "Sharper previews while Stable Diffusion XL draws.",
    ),
)


def find(name: str) -> CatalogueItem | None:
    """By short name or by Hugging Face id."""
    wanted = name.lower()
    return next((c for c in CATALOGUE if wanted in (c.id, c.source.lower())), None)
