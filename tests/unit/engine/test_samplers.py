"""The table of samplers: readable without torch, honest about what fits which model."""

from __future__ import annotations

import subprocess
import sys

import pytest
import tiny
import torch

from scumble.engine import samplers
from scumble.link.errors import ErrorCode, ScumbleError

KIND = {
    ("epsilon", False): tiny.KINDS["sd1"],
    ("v_prediction", False): tiny.KINDS["sd2"],
    ("v_prediction", True): tiny.KINDS["starter-like"],
}


def test_names_are_read_without_torch() -> None:
    code = (
        "import sys\n"
        "from scumble.engine import capabilities, diffusion, pipelines, samplers\n"
        "assert samplers.usable('epsilon', False)\n"
        "print(sorted({'torch', 'diffusers', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def test_names_and_ids_are_unique() -> None:
    listed = samplers.listing()
    assert len({info.id for info in listed}) == len(listed)
    assert len({info.name for info in listed}) == len(listed)


@pytest.mark.parametrize(("prediction", "zero_snr"), KIND)
def test_what_a_model_can_use_keeps_its_prediction_and_its_schedule(
    prediction: str, zero_snr: bool
) -> None:
    config = tiny.scheduler(KIND[prediction, zero_snr]).config
    usable = samplers.usable(prediction, zero_snr)
    assert "euler_a" in usable
    for name in usable:
        scheduler = samplers.build(samplers.SAMPLERS[name], config, 20)
        assert scheduler.config.prediction_type == prediction
        assert scheduler.config.beta_schedule == "scaled_linear"
        if zero_snr:
            assert scheduler.config.rescale_betas_zero_snr
            assert float(scheduler.alphas_cumprod[-1]) < 1e-6


@pytest.mark.parametrize("name", [n for n, r in samplers.SAMPLERS.items() if not r.zero_snr])
def test_what_is_greyed_would_have_gone_wrong(name: str) -> None:
    """Greyed for zero terminal SNR: no rescaled schedule, or Karras' sigmas up to 4096."""
    config = tiny.scheduler(tiny.KINDS["starter-like"]).config
    scheduler = samplers.build(samplers.SAMPLERS[name], config, 20)
    rescales = "rescale_betas_zero_snr" in type(scheduler).__init__.__code__.co_varnames
    assert not rescales or scheduler.config.use_karras_sigmas


def test_a_sampler_that_does_not_fit_is_named() -> None:
    with pytest.raises(ScumbleError) as raised:
        samplers.check("heun", "v_prediction", zero_snr=True)
    assert raised.value.code is ErrorCode.UNSUPPORTED
    assert "Heun" in raised.value.info.message


def test_lcm_takes_more_steps_than_it_was_distilled_from() -> None:
    config = tiny.scheduler(tiny.KINDS["sd1"]).config
    scheduler = samplers.build(samplers.SAMPLERS["lcm"], config, 80)
    scheduler.set_timesteps(80)
    assert len(scheduler.timesteps) == 80


@pytest.mark.parametrize("name", samplers.usable("sample", False))
def test_those_for_sample_prediction_find_the_sample(name: str) -> None:
    """A denoiser that always knows the answer is followed to it."""
    config = dict(tiny.scheduler(tiny.KINDS["sd2"]).config) | {"prediction_type": "sample"}
    scheduler = samplers.build(samplers.SAMPLERS[name], config, 20)
    scheduler.set_timesteps(20)
    answer = torch.full((1, 4, 4, 4), 0.5)
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(answer.shape, generator=generator) * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        latents = scheduler.step(answer, timestep, latents, return_dict=False)[0]
    assert (latents - answer).abs().max() < 0.2
