"""The samplers, by the names that artists know: each row builds a diffusers scheduler.

Readable without torch or diffusers, so that the daemon can list them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any

from scumble.link.errors import ErrorCode, ScumbleError, bad_request
from scumble.link.values import SamplerInfo

EPSILON_AND_V = ("epsilon", "v_prediction")
ANY_PREDICTION = (*EPSILON_AND_V, "sample")
LCM_STEPS = 50  # what latent consistency models were distilled from; LCM picks steps among these


@dataclass(frozen=True)
class Sampler:
    """A row of the table.

    scheduler: a class of diffusers. options: laid over the model's own
    scheduler configuration. predictions: what the UNet may predict. zero_snr:
    whether it can start from pure noise, which models trained with zero
    terminal SNR (arXiv:2305.08891) need. needs: a Python package beyond
    diffusers' own requirements.
    """

    id: str
    name: str
    scheduler: str
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    predictions: tuple[str, ...] = EPSILON_AND_V
    zero_snr: bool = False
    needs: str = ""


def _multistep(**options: Any) -> Mapping[str, Any]:
    return {"algorithm_type": "dpmsolver++", "solver_order": 2, **options}


# Karras' sigmas run from the largest to the smallest: with zero terminal SNR the largest is
# 4096, and nearly all steps would be spent where there is nothing to see. Heun, DPM2, LMS, PNDM
# and the single-step solver have no way to rescale their schedule for such models.
_ROWS = (
    Sampler("euler_a", "Euler a", "EulerAncestralDiscreteScheduler", zero_snr=True),
    Sampler("euler", "Euler", "EulerDiscreteScheduler", {}, ANY_PREDICTION, True),
    Sampler("heun", "Heun", "HeunDiscreteScheduler"),
    Sampler(
        "dpmpp_2m", "DPM++ 2M", "DPMSolverMultistepScheduler", _multistep(), ANY_PREDICTION, True
    ),
    Sampler(
        "dpmpp_2m_karras",
        "DPM++ 2M Karras",
        "DPMSolverMultistepScheduler",
        _multistep(use_karras_sigmas=True),
        ANY_PREDICTION,
    ),
    Sampler(
        "dpmpp_sde",
        "DPM++ SDE",
        "DPMSolverSinglestepScheduler",
        _multistep(algorithm_type="sde-dpmsolver++", lower_order_final=True),
        ANY_PREDICTION,
    ),
    Sampler(
        "dpmpp_sde_karras",
        "DPM++ SDE Karras",
        "DPMSolverSinglestepScheduler",
        _multistep(
            algorithm_type="sde-dpmsolver++", lower_order_final=True, use_karras_sigmas=True
        ),
        ANY_PREDICTION,
    ),
    Sampler(
        "dpmpp_2m_sde",
        "DPM++ 2M SDE",
        "DPMSolverMultistepScheduler",
        _multistep(algorithm_type="sde-dpmsolver++"),
        ANY_PREDICTION,
        True,
    ),
    Sampler(
        "dpmpp_2m_sde_karras",
        "DPM++ 2M SDE Karras",
        "DPMSolverMultistepScheduler",
        _multistep(algorithm_type="sde-dpmsolver++", use_karras_sigmas=True),
        ANY_PREDICTION,
    ),
    Sampler("dpm2", "DPM2", "KDPM2DiscreteScheduler"),
    Sampler("dpm2_karras", "DPM2 Karras", "KDPM2DiscreteScheduler", {"use_karras_sigmas": True}),
    Sampler("dpm2_a", "DPM2 a", "KDPM2AncestralDiscreteScheduler"),
    Sampler(
        "dpm2_a_karras",
        "DPM2 a Karras",
        "KDPM2AncestralDiscreteScheduler",
        {"use_karras_sigmas": True},
    ),
    Sampler("ddim", "DDIM", "DDIMScheduler", {"clip_sample": False}, ANY_PREDICTION, True),
    Sampler("ddpm", "DDPM", "DDPMScheduler", {"clip_sample": False}, ANY_PREDICTION, True),
    Sampler("unipc", "UniPC", "UniPCMultistepScheduler", {}, ANY_PREDICTION, True),
    Sampler("pndm", "PNDM", "PNDMScheduler", {"skip_prk_steps": True}),
    Sampler("lms", "LMS", "LMSDiscreteScheduler", {}, ANY_PREDICTION, needs="scipy"),
    Sampler(
        "lms_karras",
        "LMS Karras",
        "LMSDiscreteScheduler",
        {"use_karras_sigmas": True},
        ANY_PREDICTION,
        needs="scipy",
    ),
    Sampler("lcm", "LCM", "LCMScheduler", {"clip_sample": False}, ANY_PREDICTION, True),
)
SAMPLERS: Mapping[str, Sampler] = MappingProxyType({row.id: row for row in _ROWS})


def listing() -> tuple[SamplerInfo, ...]:
    """Ids and names, in the order in which artists see them."""
    return tuple(SamplerInfo(row.id, row.name) for row in SAMPLERS.values())


def usable(prediction_type: str, zero_snr: bool) -> tuple[str, ...]:
    """Ids of the samplers that a model of this kind can use on this computer."""
    return tuple(
        row.id
        for row in SAMPLERS.values()
        if prediction_type in row.predictions
        and (row.zero_snr or not zero_snr)
        and (not row.needs or find_spec(row.needs) is not None)
    )


def check(sampler: str, prediction_type: str, zero_snr: bool) -> Sampler:
    """The row of `sampler`; ScumbleError bad_request (no such) or unsupported (not here)."""
    row = SAMPLERS.get(sampler)
    if row is None:
        raise bad_request(f"There is no sampler “{sampler[:80]}”.", "Choose one from the list.")
    if sampler not in usable(prediction_type, zero_snr):
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"This model cannot use the sampler {row.name}.",
            "Choose another sampler; those that do not fit are greyed.",
        )
    return row


def build(sampler: Sampler, config: Mapping[str, Any], steps: int) -> Any:
    """A fresh diffusers scheduler.

    config: the model's own scheduler configuration (betas, prediction type,
    spacing). steps: how many will be asked of it at full strength.
    """
    options = dict(sampler.options)
    if sampler.scheduler == "LCMScheduler":
        options["original_inference_steps"] = max(LCM_STEPS, steps)
    scheduler = getattr(importlib.import_module("diffusers"), sampler.scheduler)
    merged = {**config, **options}
    # diffusers lets the new class's default win over what another class had by default
    by_default = merged.pop("_use_default_values", ())
    merged["_use_default_values"] = [name for name in by_default if name not in options]
    return scheduler.from_config(merged)
