"""What stands before the first step: noisy latents, inpaint channels, and what guards the picture.

The order in which noise is drawn is that of diffusers' pipelines, so that the
same seed gives the same picture there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from scumble.engine import latents as conversion
from scumble.engine.denoising import Extension
from scumble.engine.extensions.blend import Blend
from scumble.engine.model import Model
from scumble.link.values import Size

# A UNet with inpaint channels does not see what it may change, however little that is. Below
# this share a change is less than a step of an 8-bit layer once it is laid over the picture.
MASKED_FROM = 1 / 128


@dataclass(frozen=True)
class Canvas:
    """The working picture: size in pixels, image uint8 (h, w, 3) and change float32 (h, w), 0…1.

    No image: draw from nothing. No change: redraw all of it.
    """

    size: Size
    image: npt.NDArray[np.uint8] | None = None
    change: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Start:
    """latents: (1, C, h, w). channels: (1, C + 1, h, w), mask and masked picture, where used."""

    latents: torch.Tensor
    channels: torch.Tensor | None
    extensions: tuple[Extension, ...]


def begin(
    model: Model,
    canvas: Canvas,
    scheduler: Any,
    timesteps: torch.Tensor,
    strength: float,
    generator: torch.Generator,
) -> Start:
    """strength: 1 forgets the picture inside a mask altogether; else it shines through."""
    inpaint = canvas.change is not None
    from_noise = canvas.image is None or (inpaint and strength >= 1)
    seen = None if canvas.image is None else conversion.to_tensor(canvas.image)
    original: torch.Tensor | None = None
    early = seen is not None and (not from_noise or (inpaint and not model.inpaint_channels))
    if early and seen is not None:
        original = conversion.sample(model, conversion.encode(model, seen), generator)
    noise = conversion.noise(model, canvas.size, generator)
    if from_noise or original is None:
        latents = noise * scheduler.init_noise_sigma
    else:
        latents = scheduler.add_noise(original, noise, timesteps[:1])
    channels = None
    if model.inpaint_channels:
        channels = _channels(model, canvas, seen, generator)
    if canvas.change is None or seen is None:
        return Start(latents, channels, ())
    change = at_latents(canvas.change, latents)
    soft = bool(((change > 0) & (change < 1)).any())
    if model.inpaint_channels and not soft:
        return Start(latents, channels, ())
    if original is None:
        original = conversion.sample(model, conversion.encode(model, seen), generator)
    blend = Blend(original, noise, change, hold=not model.inpaint_channels)
    return Start(latents, channels, (blend,))


def _channels(
    model: Model, canvas: Canvas, seen: torch.Tensor | None, generator: torch.Generator
) -> torch.Tensor:
    """(1, C + 1, h, w): 1 where the picture is hidden, and the latents of the rest of it.

    Without a mask everything is hidden, which is a mid-grey picture to the VAE.
    """
    height, width = canvas.size.height, canvas.size.width
    hidden = torch.ones(1, 1, height, width)
    masked = torch.zeros(1, 3, height, width)
    if canvas.change is not None and seen is not None:
        hidden = torch.from_numpy(canvas.change >= MASKED_FROM).float()[None, None]
        masked = seen * (hidden < 0.5)
    latents = conversion.sample(model, conversion.encode(model, masked), generator)
    small = functional.interpolate(hidden, size=latents.shape[-2:]).to(latents)
    return torch.cat([small, latents], dim=1)


def at_latents(change: npt.NDArray[np.float32], like: torch.Tensor) -> torch.Tensor:
    """(1, 1, h, w): the mean change of the pixels that a latent stands for."""
    pixels = torch.from_numpy(np.ascontiguousarray(change))[None, None]
    return functional.interpolate(pixels, size=like.shape[-2:], mode="area").to(like)
