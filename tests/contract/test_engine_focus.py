"""Focus: the prompt holds inside the mask, the negative prompt alone outside, for any model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import tiny
import torch

from scumble.engine import loading, samplers
from scumble.engine.conditioning import Conditioning, condition
from scumble.engine.denoising import UNetDenoiser
from scumble.engine.devices import DEVICES
from scumble.engine.drawing import Drawing, Timings
from scumble.engine.extensions.cancel import Cancel
from scumble.engine.focus import FocusedAttention
from scumble.engine.model import Model
from scumble.engine.prompts import parse
from scumble.engine.start import Canvas
from scumble.link.values import Size

SIZE = Size(64, 64)
NAMES = ("sd1", "sd1-inpaint", "sdxl", "starter-like")


@cache
def model(name: str) -> Model:
    return loading.load(tiny.entry(name), DEVICES["cpu"])


def conditioning(name: str, guidance: float, focused: bool) -> Conditioning:
    loaded = model(name)
    return condition(loaded, parse("a red apple"), parse("blurry"), guidance, SIZE, focused)


def predict(name: str, asked: Conditioning) -> torch.Tensor:
    loaded = model(name)
    side = SIZE.width // loaded.scale
    generator = torch.Generator("cpu").manual_seed(1)
    latents = torch.randn(1, loaded.latent_channels, side, side, generator=generator)
    if loaded.inpaint_channels:
        extra = torch.randn(1, loaded.latent_channels + 1, side, side, generator=generator)
        asked = replace(asked, channels=torch.cat([extra] * asked.copies))
    with torch.no_grad():
        return UNetDenoiser(loaded.unet)(latents, torch.tensor(500), asked)


@pytest.mark.parametrize("guidance", [1.0, 5.0])
@pytest.mark.parametrize("name", NAMES)
def test_outside_only_the_negative_prompt_is_predicted_and_inside_the_prompt(
    name: str, guidance: float
) -> None:
    asked = conditioning(name, guidance, focused=True)
    everywhere = predict(name, asked)
    nowhere = predict(name, replace(asked, guidance_scale=0.0))
    assert not torch.equal(everywhere, nowhere)
    focus = torch.zeros(1, 1, *everywhere.shape[-2:])
    focus[..., : focus.shape[-1] // 2] = 1
    focus[..., 0, 0] = 0.5
    half = predict(name, replace(asked, focus=focus))
    where = focus.expand_as(half)
    assert torch.equal(half[where == 1], everywhere[where == 1])
    assert torch.equal(half[where == 0], nowhere[where == 0])
    between = (nowhere + everywhere)[..., 0, 0] / 2
    torch.testing.assert_close(half[..., 0, 0], between)


def drawn(name: str, guidance: float, focused: bool, change: float) -> torch.Tensor:
    image = np.random.default_rng(2).integers(0, 256, (SIZE.height, SIZE.width, 3), np.uint8)
    mask = np.zeros((SIZE.height, SIZE.width), np.float32)
    mask[:, : round(SIZE.width * change)] = 1
    drawing = Drawing(
        model(name),
        Canvas(SIZE, image, mask),
        conditioning(name, guidance, focused),
        samplers.SAMPLERS["euler"],
        3,
        1.0,
        focused,
    )
    return drawing.latents(4, Cancel(lambda: False), (), Timings())


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_over_everything_is_the_ordinary_run(name: str) -> None:
    assert torch.equal(drawn(name, 5.0, True, 1.0), drawn(name, 5.0, False, 1.0))
    left = model(name).unet.attn_processors.values()
    assert not any(isinstance(each, FocusedAttention) for each in left)
    assert not torch.equal(drawn(name, 5.0, True, 0.5), drawn(name, 5.0, False, 0.5))


@pytest.mark.parametrize("name", NAMES)
def test_without_guidance_focus_asks_for_both_predictions(name: str) -> None:
    """A batch of two may differ from one of one in its last bits."""
    torch.testing.assert_close(
        drawn(name, 1.0, True, 1.0), drawn(name, 1.0, False, 1.0), rtol=1e-3, atol=1e-3
    )
    assert conditioning(name, 1.0, focused=True).copies == 2
    assert conditioning(name, 1.0, focused=False).copies == 1
