"""Between pictures and latents: the VAE's two directions, noise, and a cheap look at latents."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from scumble.engine.model import Model
from scumble.link.values import Size

Pixels = npt.NDArray[np.uint8]

LOOK_SIDE = 256  # pixels; the longer side of a look by a tiny decoder
FIT_SIDE = 4  # latents; a side of each picture that the linear preview is fitted on
FIT_PICTURES = 24
FIT_PATCHES = 2  # a side, of one colour each


def to_tensor(pixels: Pixels) -> torch.Tensor:
    """uint8 (h, w, 3) to float32 (1, 3, h, w) in -1…1, by the arithmetic of diffusers."""
    scaled = (pixels.astype(np.float32) / 255.0)[None].transpose(0, 3, 1, 2)
    return 2.0 * torch.from_numpy(scaled) - 1.0


def to_pixels(image: torch.Tensor) -> Pixels:
    """float (1, 3, h, w) in -1…1 to uint8 (h, w, 3), by the arithmetic of diffusers."""
    scaled = (image * 0.5 + 0.5).clamp(0, 1)
    array = scaled[0].cpu().permute(1, 2, 0).float().numpy()
    pixels: Pixels = (array * 255).round().astype(np.uint8)
    return pixels


@torch.no_grad()
def encode(model: Model, image: torch.Tensor) -> Any:
    """The VAE's distribution (diffusers' latent_dist) for float32 (1, 3, h, w) in -1…1."""
    return model.vae.encode(image.to(model.place, model.vae.dtype)).latent_dist


def sample(model: Model, distribution: Any, generator: torch.Generator) -> torch.Tensor:
    """(1, C, h, w), scaled as the UNet expects it; draws from the generator once."""
    latents = distribution.sample(generator).to(model.dtype)
    mean, deviation = _moments(model, latents)
    scaled: torch.Tensor
    if mean is not None and deviation is not None:
        scaled = (latents - mean) * model.vae.config.scaling_factor / deviation
    else:
        scaled = model.vae.config.scaling_factor * latents
    return scaled


@torch.no_grad()
def decode(model: Model, latents: torch.Tensor) -> Pixels:
    """uint8 (h, w, 3) for scaled latents (1, C, h, w).

    A VAE that overflows in half precision is taken to float32, once and for all.
    """
    mean, deviation = _moments(model, latents)
    if mean is not None and deviation is not None:
        unscaled = latents * deviation / model.vae.config.scaling_factor + mean
    else:
        unscaled = latents / model.vae.config.scaling_factor
    image = model.vae.decode(unscaled.to(model.vae.dtype), return_dict=False)[0]
    if model.vae.dtype is not torch.float32 and not bool(torch.isfinite(image).all()):
        model.vae.to(torch.float32)
        image = model.vae.decode(unscaled.float(), return_dict=False)[0]
    return to_pixels(image)


def noise(model: Model, size: Size, generator: torch.Generator) -> torch.Tensor:
    """(1, C, h, w) from the unit normal, drawn on the generator's device, the CPU.

    size: of the working picture in pixels.
    """
    shape = (1, model.latent_channels, size.height // model.scale, size.width // model.scale)
    drawn = torch.randn(shape, generator=generator, device="cpu", dtype=model.dtype)
    return drawn.to(model.place)


def look(model: Model, latents: torch.Tensor) -> Pixels:
    """uint8 (h, w, 3): what the picture looks like, without the VAE.

    A pixel a latent; with a tiny decoder as many as it gives, up to LOOK_SIDE a side.
    """
    if model.tiny_decoder is not None:
        return _tiny_look(model.tiny_decoder, latents)
    if model.latent_rgb is None:
        model.latent_rgb = _latent_rgb(model)
    factors = model.latent_rgb
    rgb = torch.einsum("bchw,cr->brhw", latents.float().cpu(), factors[:-1])
    return to_pixels(rgb + factors[-1][None, :, None, None])


@torch.no_grad()
def _tiny_look(decoder: Any, latents: torch.Tensor) -> Pixels:
    """By an AutoencoderTiny, which takes latents as the UNet has them and gives -1…1."""
    image = decoder.decode(latents.to(decoder.device, decoder.dtype), return_dict=False)[0]
    shrink = -(-max(image.shape[-2:]) // LOOK_SIDE)
    if shrink > 1:
        image = torch.nn.functional.avg_pool2d(image, shrink, ceil_mode=True)
    return to_pixels(image)


def has_usual_latents(model: Model) -> bool:
    """Whether its latents mean what those of its architecture do, not those of a VAE of its own."""
    row = model.architecture
    return (
        model.latent_channels == len(row.latent_rgb) - 1
        and abs(model.vae.config.scaling_factor - row.latent_scaling) < 1e-4
    )


def _latent_rgb(model: Model) -> torch.Tensor:
    """(C + 1, 3): the published factors where they fit this VAE, else a fit of its own."""
    if has_usual_latents(model):
        return torch.tensor(model.architecture.latent_rgb)
    return fit_latent_rgb(model)


@torch.no_grad()
def fit_latent_rgb(model: Model) -> torch.Tensor:
    """(C + 1, 3) by least squares on pictures of soft random colours; the same for the same VAE."""
    generator = torch.Generator().manual_seed(0)
    colours = torch.rand((FIT_PICTURES, 3, FIT_PATCHES, FIT_PATCHES), generator=generator) * 2 - 1
    side = FIT_SIDE * model.scale
    pictures = torch.nn.functional.interpolate(colours, size=(side, side), mode="bilinear")
    latents = torch.cat([_mean_latents(model, picture[None]) for picture in pictures])
    small = torch.nn.functional.avg_pool2d(pictures, model.scale)
    inputs = latents.permute(0, 2, 3, 1).reshape(-1, model.latent_channels)
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], dim=1)
    targets = small.permute(0, 2, 3, 1).reshape(-1, 3)
    # a little of the identity keeps the solution tame where channels say the same
    square = inputs.T @ inputs + 1e-3 * torch.eye(inputs.shape[1])
    factors: torch.Tensor = torch.linalg.solve(square, inputs.T @ targets)
    return factors


def _mean_latents(model: Model, image: torch.Tensor) -> torch.Tensor:
    mean: torch.Tensor = encode(model, image).mode().float().cpu()
    return mean * float(model.vae.config.scaling_factor)


def _moments(model: Model, like: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """The latents' mean and deviation where the VAE's configuration gives them."""
    mean = model.vae.config.get("latents_mean")
    deviation = model.vae.config.get("latents_std")
    if mean is None or deviation is None:
        return None, None
    return torch.tensor(mean).view(1, -1, 1, 1).to(like), torch.tensor(deviation).view(
        1, -1, 1, 1
    ).to(like)
