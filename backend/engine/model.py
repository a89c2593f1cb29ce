"""A model in memory: one set of weights that serves all modes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

import torch

from scumble.engine.devices import Device
from scumble.engine.pipelines import Architecture, TextEncoder
from scumble.engine.prompts import Lora
from scumble.models.entry import ModelEntry

KEPT_ENCODINGS = 32  # prompts; some 0.5 MB each with SDXL


@dataclass(frozen=True)
class Encoding:
    """An encoded prompt: states (1, tokens, width); pooled (1, width) where the UNet reads it."""

    states: torch.Tensor
    pooled: torch.Tensor | None = None


@dataclass(frozen=True)
class TextPart:
    """A tokenizer with its encoder, and how the UNet reads the encoder's output."""

    row: TextEncoder
    tokenizer: Any
    encoder: Any


@dataclass
class Model:
    """Weights, and what was derived from them and is worth keeping.

    scheduler_config: the model's own. zero_negative: an empty negative prompt
    is encoded as zeros (SDXL). active_loras: what is in the weights now.
    encodings: prompts by text and LoRAs.
    latent_rgb: (latent channels + 1, 3), last row the constant, once it is known.
    tiny_decoder: an AutoencoderTiny for previews, where one was fetched.
    """

    entry: ModelEntry
    architecture: Architecture
    device: Device
    unet: Any
    vae: Any
    text: tuple[TextPart, ...]
    scheduler_config: dict[str, Any]
    zero_negative: bool = False
    active_loras: tuple[Lora, ...] = ()
    encodings: OrderedDict[Any, Encoding] = field(default_factory=OrderedDict)
    latent_rgb: torch.Tensor | None = None
    tiny_decoder: Any = None

    @property
    def place(self) -> torch.device:
        return torch.device(self.device.place)

    @property
    def dtype(self) -> torch.dtype:
        return self.device.torch_dtype

    @property
    def latent_channels(self) -> int:
        return int(self.vae.config.latent_channels)

    @property
    def scale(self) -> int:
        """Pixels a latent's side."""
        return 1 << (len(self.vae.config.block_out_channels) - 1)

    @property
    def native(self) -> int:
        """The side in pixels at which the model was trained."""
        size = self.unet.config.sample_size
        return int(size if isinstance(size, int) else max(size)) * self.scale

    @property
    def inpaint_channels(self) -> bool:
        """Whether the UNet also takes a mask and the latents of the masked picture."""
        return int(self.unet.config.in_channels) == 2 * self.latent_channels + 1

    def modules(self) -> dict[str, Any]:
        """All parts with weights, in the order in which a run uses them."""
        texts = {part.row.component: part.encoder for part in self.text}
        return {**texts, "unet": self.unet, "vae": self.vae}

    def recall(self, key: Any) -> Encoding | None:
        encoding = self.encodings.get(key)
        if encoding is not None:
            self.encodings.move_to_end(key)
        return encoding

    def remember(self, key: Any, encoding: Encoding) -> None:
        self.encodings[key] = encoding
        while len(self.encodings) > KEPT_ENCODINGS:
            self.encodings.popitem(last=False)
