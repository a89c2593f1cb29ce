"""The small features that act after every step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiny
import torch

from scumble.engine import latents as conversion
from scumble.engine import loading
from scumble.engine.denoising import Step, clean, start_at
from scumble.engine.devices import DEVICES
from scumble.engine.extensions.blend import Blend
from scumble.engine.extensions.preview import Meter
from scumble.engine.samplers import SAMPLERS, build, usable
from scumble.link.values import Progress

SHAPE = (1, 4, 2, 5)


def steps_free(change: float, steps: int, hold: bool = True) -> list[bool]:
    """At which of the gaps between steps a pixel with this change keeps what was drawn."""
    scheduler = SimpleNamespace(add_noise=lambda original, noise, at: original)
    blend = Blend(torch.zeros(SHAPE), torch.zeros(SHAPE), torch.full((1, 1, 2, 5), change), hold)
    timesteps = torch.arange(steps, 0, -1)
    drawn = torch.ones(SHAPE)
    made = []
    for index in range(steps):
        step = Step(index, timesteps, drawn, drawn, scheduler)
        made.append(bool((blend(step, drawn) == 1).all()))
    return made


def test_a_pixel_is_free_for_the_share_of_steps_that_its_change_says() -> None:
    assert steps_free(1.0, 10) == [True] * 10
    assert steps_free(0.3, 10) == [False] * 6 + [True] * 4
    assert steps_free(0.0, 10) == [False] * 10


def test_a_unet_that_sees_the_picture_is_not_held_outside_the_mask() -> None:
    assert steps_free(0.0, 10, hold=False) == [True] * 10
    assert steps_free(0.3, 10, hold=False) == [False] * 6 + [True] * 4


@pytest.mark.parametrize("kind", ["sd1", "sd2", "starter-like"])
def test_the_look_at_a_step_is_the_clean_picture_when_the_denoiser_is_right(kind: str) -> None:
    """Whatever the solver's scaling: from sample and true prediction follows the answer."""
    config = tiny.scheduler(tiny.KINDS[kind]).config
    answer = torch.linspace(-1, 1, 40).reshape(SHAPE)
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    for name in usable(config.prediction_type, config.get("rescale_betas_zero_snr", False)):
        scheduler = build(SAMPLERS[name], config, 10)
        timesteps = start_at(scheduler, 10, 0.5, torch.device("cpu"))
        noisy = scheduler.add_noise(answer, noise, timesteps[:1])
        sample = scheduler.scale_model_input(noisy, timesteps[0])
        kept = float(scheduler.alphas_cumprod[round(float(timesteps[0]))])
        a, b = kept**0.5, (1 - kept) ** 0.5
        truth = noise if config.prediction_type == "epsilon" else a * noise - b * answer
        step = Step(0, timesteps, sample, truth, scheduler)
        assert (clean(step) - answer).abs().max() < 0.05, name


def test_the_fitted_look_shows_the_colours_of_a_vae() -> None:
    """A VAE that only averages and turns colours is seen through exactly."""
    mixing = torch.linalg.qr(torch.randn(16, 3, generator=torch.Generator().manual_seed(1)))[0]

    def encode(image: torch.Tensor) -> Any:
        small = torch.nn.functional.avg_pool2d(image, 16)
        mean = torch.einsum("brhw,cr->bchw", small, mixing)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: mean))

    model = loading.load(tiny.entry("starter-like"), DEVICES["cpu"])
    model.vae.encode = encode
    colours = torch.rand(1, 3, 2, 3, generator=torch.Generator().manual_seed(2)) * 2 - 1
    latents = torch.einsum("brhw,cr->bchw", colours, mixing)
    seen = conversion.look(model, latents).astype(int)
    assert np.abs(seen - conversion.to_pixels(colours)).max() <= 1


def test_the_time_left_follows_from_the_steps_so_far() -> None:
    now = [100.0]
    said: list[Progress] = []
    meter = Meter("job", 10, lambda progress, _: said.append(progress), lambda: now[0])
    for step in range(1, 11):
        meter.tell(step, None, None, b"")
        now[0] += 2.0
    assert said[0].seconds_left is None
    assert [progress.seconds_left for progress in said[1:]] == [16, 14, 12, 10, 8, 6, 4, 2, 0]
    assert [progress.seq for progress in said] == list(range(1, 11))
