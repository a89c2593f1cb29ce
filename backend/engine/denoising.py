"""The step loop: from noise to latents, with extensions acting after every step."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from scumble.engine.conditioning import Conditioning
from scumble.engine.focus import focused


class Denoiser(Protocol):
    """What predicts the noise: a torch module today, a compiled graph behind the same call."""

    def __call__(
        self, latents: torch.Tensor, timestep: torch.Tensor, conditioning: Conditioning
    ) -> torch.Tensor:
        """(1, C, h, w): the guided prediction for scaled latents (1, C, h, w)."""


@dataclass(frozen=True)
class Step:
    """One finished denoising step.

    index: from 0. timesteps: all of this run. sample: the latents before the
    step, scaled to unit variance; prediction: what the denoiser said of them.
    """

    index: int
    timesteps: torch.Tensor
    sample: torch.Tensor
    prediction: torch.Tensor
    scheduler: Any

    @property
    def last(self) -> bool:
        return self.index == len(self.timesteps) - 1

    @property
    def done(self) -> int:
        """Steps finished, as the artist counts them: solvers of order 2 take two calls a step."""
        return self.index // int(self.scheduler.order) + 1


Extension = Callable[[Step, torch.Tensor], torch.Tensor]
"""Called after a step with its latents (1, C, h, w); returns those to go on with, or raises."""


@torch.no_grad()
def denoise(
    latents: torch.Tensor,
    timesteps: torch.Tensor,
    denoiser: Denoiser,
    conditioning: Conditioning,
    scheduler: Any,
    generator: torch.Generator,
    extensions: Sequence[Extension] = (),
) -> torch.Tensor:
    """Latents (1, C, h, w) after all of `timesteps`.

    scheduler: diffusers', its timesteps set. Whatever noise it draws comes
    from the generator.
    """
    accepted = inspect.signature(scheduler.step).parameters
    options = {"generator": generator} if "generator" in accepted else {}
    for index, timestep in enumerate(timesteps):
        sample = scheduler.scale_model_input(latents, timestep)
        prediction = denoiser(sample, timestep, conditioning)
        latents = scheduler.step(prediction, timestep, latents, **options, return_dict=False)[0]
        step = Step(index, timesteps, sample, prediction, scheduler)
        for extension in extensions:
            latents = extension(step, latents)
    return latents


@dataclass(frozen=True)
class UNetDenoiser:
    """diffusers' UNet2DConditionModel with classifier-free guidance (arXiv:2207.12598)."""

    unet: Any

    def __call__(
        self, latents: torch.Tensor, timestep: torch.Tensor, conditioning: Conditioning
    ) -> torch.Tensor:
        inputs = torch.cat([latents] * conditioning.copies)
        if conditioning.channels is not None:
            inputs = torch.cat([inputs, conditioning.channels], dim=1)
        prediction: torch.Tensor = self.unet(
            inputs,
            timestep,
            encoder_hidden_states=conditioning.states,
            timestep_cond=conditioning.guidance,
            added_cond_kwargs=conditioning.added,
            return_dict=False,
        )[0]
        if conditioning.copies == 1:
            return prediction
        negative, positive = prediction.chunk(2)
        guided = negative + conditioning.guidance_scale * (positive - negative)
        return (
            guided if conditioning.focus is None else focused(conditioning.focus, negative, guided)
        )


def steps_taken(steps: int, strength: float) -> int:
    """As diffusers counts, int(steps * strength); but at least one."""
    return min(max(int(steps * strength), 1), steps)


def start_at(scheduler: Any, steps: int, strength: float, place: torch.device) -> torch.Tensor:
    """The timesteps of a run, the scheduler set to begin with the first of them.

    The last `steps_taken` of the steps are taken, the earlier ones are skipped.
    """
    scheduler.set_timesteps(steps, device=place)
    begin = (steps - steps_taken(steps, strength)) * int(scheduler.order)
    if begin and hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    timesteps: torch.Tensor = scheduler.timesteps[begin:]
    return timesteps


def clean(step: Step) -> torch.Tensor:
    """(1, C, h, w): what the picture would be if the denoiser were right at once.

    From sample = a * clean + b * noise with a² = alphas_cumprod[t], b² = 1 - a²
    (arXiv:2010.02502, eq. 12; v-prediction arXiv:2202.00512, appendix D).
    """
    scheduler = step.scheduler
    kind = scheduler.config.prediction_type
    if kind == "sample":
        return step.prediction
    table = scheduler.alphas_cumprod
    at = min(max(round(float(step.timesteps[step.index])), 0), len(table) - 1)
    kept = float(table[at])
    a, b = math.sqrt(kept), math.sqrt(1 - kept)
    if kind == "v_prediction":
        return a * step.sample - b * step.prediction
    return (step.sample - b * step.prediction) / max(a, 1e-4)
