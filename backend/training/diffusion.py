"""Forward diffusion and what the U-Net learns from it.

A picture's latents x are mixed with noise e: z_t = a_t x + s_t e, with a_t^2 + s_t^2 = 1 and more
noise the larger t is. The U-Net is shown z_t and t and learns v = a_t e - s_t x, from which both
x and e follow (Salimans and Ho, "Progressive Distillation", 2022, appendix D).

The schedule ends in pure noise (zero terminal SNR: Lin et al., "Common Diffusion Noise Schedules
and Sample Steps are Flawed", 2023). Without it a model never learns how light a picture is as a
whole, and plain white comes out grey.
"""

from __future__ import annotations

import torch
from diffusers import DDIMScheduler
from diffusers.schedulers.scheduling_ddim import rescale_zero_terminal_snr
from torch import nn

STEPS = 1000
# How far a picture drawn so far is off, over CELLS x CELLS of it, where latents are 1. Backgrounds
# were 0.07 off from the first step on when this was set.
DRIFT = 0.1
MOST_DRIFT = 0.4  # as a share of the noise
CELLS = 4
BETA_START, BETA_END = 0.00085, 0.012  # Stable Diffusion's, "scaled linear"
# Min-SNR's only constant. With the paper's 5 the last steps, which clean what is drawn, were hardly
# learned, and smooth grounds came out blotched.
GAMMA = 20.0
NOISY_WEIGHT = 1.0  # of the noisier steps, which set what is drawn and where
GUIDANCE = 5.0  # that the model is made for and shipped with (scumble.json)


def scheduler() -> DDIMScheduler:
    """The scheduler whose config the model is saved with. Trailing steps begin at pure noise."""
    return DDIMScheduler(
        num_train_timesteps=STEPS,
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
        steps_offset=1,  # as pipelines want it; trailing steps do not use it
    )


def alphas_cumprod() -> torch.Tensor:
    """a_t^2 for t = 0 ... STEPS - 1; the last is zero."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, STEPS) ** 2
    rescaled: torch.Tensor = rescale_zero_terminal_snr(betas)
    return (1 - rescaled).cumprod(0)


def _parts(squares: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    squares = squares.view(-1, *([1] * (like.ndim - 1)))
    return squares.sqrt(), (1 - squares).sqrt()


def add_noise(latents: torch.Tensor, noise: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """z_t of `latents` (N x C x H x W), where `squares` (N) holds each one's a_t^2."""
    signal, sigma = _parts(squares, latents)
    return signal * latents + sigma * noise


def with_drift(noise: torch.Tensor, squares: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """`noise` and what a sampler's own errors add to it: the picture, off in broad patches.

    Shown the noisy truth only, a model learns to read a background's colour from z_t. When it
    draws, z_t holds its own first guess, and it keeps what was wrong with it. Here it learns to
    mistrust that and to look at what is given (against "exposure bias": compare the perturbed
    input of Ning et al., 2023, and offset noise, which is alike everywhere). At pure noise nothing
    is drawn yet, and nothing is added.
    """
    signal, sigma = _parts(squares, noise)
    cells = torch.randn(*noise.shape[:2], CELLS, CELLS, generator=rng)
    field = nn.functional.interpolate(cells, size=noise.shape[2:], mode="bilinear")
    return noise + field * (DRIFT * signal / sigma.clamp(min=1e-4)).clamp(max=MOST_DRIFT)


def velocity(latents: torch.Tensor, noise: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """The target v."""
    signal, sigma = _parts(squares, latents)
    return signal * noise - sigma * latents


def clean(noisy: torch.Tensor, v: torch.Tensor, squares: torch.Tensor) -> torch.Tensor:
    """x, as `v` tells it: the way back from `add_noise` and `velocity`."""
    signal, sigma = _parts(squares, noisy)
    return signal * noisy - sigma * v


def min_snr_weight(squares: torch.Tensor) -> torch.Tensor:
    """Weight on the squared error of v: min(SNR, GAMMA) / (SNR + 1).

    Keeps the easy, nearly noiseless steps from taking all the attention (Hang et al., "Efficient
    Diffusion Training via Min-SNR Weighting Strategy", 2023). At zero SNR that would be 0, and the
    step that sets the composition would never be learnt. So where there is more noise than picture
    (SNR < 1, two thirds of the schedule) the weight is NOISY_WEIGHT, and only the steps after that
    have the paper's.
    """
    snr = squares / (1 - squares).clamp(min=1e-8)
    return torch.where(snr < 1, NOISY_WEIGHT, snr.clamp(max=GAMMA) / (snr + 1))
