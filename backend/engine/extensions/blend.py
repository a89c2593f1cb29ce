"""Keeps the picture where it must not change, and lets it change late where it may change little.

Differential diffusion (arXiv:2306.00950): a pixel with change c is the noised
original until the share 1 - c of the steps is over, and free from then on. With
a hard mask this is what diffusers' inpaint pipeline does with a 4-channel UNet.
"""

from __future__ import annotations

import torch

from scumble.engine.denoising import Step

ROUNDING = 1e-4  # of a share of the steps


class Blend:
    def __init__(
        self, original: torch.Tensor, noise: torch.Tensor, change: torch.Tensor, hold: bool = True
    ) -> None:
        """original, noise: latents (1, C, h, w); change: (1, 1, h, w), 0 (keep) … 1 (redraw).

        hold: whether pixels with change 0 are put back too; a UNet with inpaint
        channels sees them and needs no such help.
        """
        self._original = original
        self._noise = noise
        self._change = change
        self._hold = hold

    def __call__(self, step: Step, latents: torch.Tensor) -> torch.Tensor:
        original = self._original
        if not step.last:
            # index + 1 is where the latents now stand, also for schedulers that look it up
            at = step.timesteps[step.index + 1 : step.index + 2]
            original = step.scheduler.add_noise(original, self._noise, at)
        over = (step.index + 1) / len(step.timesteps)
        free = (self._change > 0) & (self._change >= 1 - over - ROUNDING)
        if not self._hold:
            free = free | (self._change == 0)
        mask = free.to(latents.dtype)
        return (1 - mask) * original + mask * latents
