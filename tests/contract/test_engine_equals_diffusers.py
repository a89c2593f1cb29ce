"""On the plain cases our run is, bit by bit, what diffusers' own pipeline gives.

Weights, schedulers and encoders are theirs; what is ours is the loop, the
order of random draws, guidance, channels and blending. Here that is held to
theirs with `torch.equal` on the CPU.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import diffusers
import numpy as np
import PIL.Image
import pytest
import tiny
import torch

from scumble.engine import latents as conversion
from scumble.engine import loading, samplers
from scumble.engine.conditioning import condition
from scumble.engine.devices import DEVICES
from scumble.engine.drawing import Drawing, Timings
from scumble.engine.extensions.cancel import Cancel
from scumble.engine.model import Model
from scumble.engine.prompts import parse
from scumble.engine.start import Canvas
from scumble.link.values import Size

PROMPT = "a red apple on a table"
NEGATIVE = "blurry"
GUIDANCE = 5.0
STEPS = 4
SEED = 11
SIZE = Size(80, 64)

PLAIN = ("sd1", "sd2", "sdxl")
NINE = ("sd1-inpaint", "sd2-inpaint", "sdxl-inpaint")


@cache
def model(name: str) -> Model:
    """Both sides run these very modules.

    How a tensor lies in memory decides the last bits of a convolution, and a
    transposed picture or mask passes its layout on; so inputs are laid out alike.
    """
    loaded = loading.load(tiny.entry(name), DEVICES["cpu"])
    for module in (loaded.unet, loaded.vae.encoder):
        module.register_forward_pre_hook(lambda _, inputs: (inputs[0].contiguous(), *inputs[1:]))
    return loaded


def ours(
    name: str,
    canvas: Canvas,
    *,
    strength: float = 1.0,
    sampler: str = "euler",
    guidance: float = GUIDANCE,
    negative: str = NEGATIVE,
) -> torch.Tensor:
    loaded = model(name)
    conditioning = condition(loaded, parse(PROMPT), parse(negative), guidance, canvas.size)
    row = samplers.SAMPLERS[sampler]
    drawing = Drawing(loaded, canvas, conditioning, row, STEPS, strength)
    return drawing.latents(SEED, Cancel(lambda: False), (), Timings())


def theirs(name: str, kind: str, sampler: str = "euler", **inputs: Any) -> torch.Tensor:
    """Latents of diffusers' pipeline of this kind: "", "Img2Img" or "Inpaint"."""
    loaded = model(name)
    xl = loaded.architecture.size_conditioning
    parts: dict[str, Any] = {"unet": loaded.unet, "vae": loaded.vae}
    for part in loaded.text:
        parts[part.row.component], parts[part.row.tokenizer] = part.encoder, part.tokenizer
    row = samplers.SAMPLERS[sampler]
    parts["scheduler"] = samplers.build(row, loaded.scheduler_config, STEPS)
    if not xl:
        parts.update(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline = getattr(diffusers, f"StableDiffusion{'XL' if xl else ''}{kind}Pipeline")(**parts)
    pipeline.set_progress_bar_config(disable=True)
    inputs = {"negative_prompt": NEGATIVE, "guidance_scale": GUIDANCE, **inputs}
    return pipeline(
        PROMPT,
        num_inference_steps=STEPS,
        generator=torch.Generator("cpu").manual_seed(SEED),
        output_type="latent",
        **inputs,
    ).images


def picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    rng = np.random.default_rng(3)
    return rng.integers(0, 256, (SIZE.height, SIZE.width, 3), dtype=np.uint8)


def hard_mask() -> np.ndarray[Any, np.dtype[np.float32]]:
    """A mask that keeps to the grid of latents, where hard and soft edges are the same."""
    mask = np.zeros((SIZE.height, SIZE.width), np.float32)
    mask[16:48, 24:64] = 1
    return mask


def as_pil(mask: Any) -> PIL.Image.Image:
    return PIL.Image.fromarray((mask * 255).astype(np.uint8))


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("sampler", ["euler", "euler_a", "dpmpp_2m_sde", "heun"])
def test_text_to_image(name: str, sampler: str) -> None:
    expected = theirs(name, "", sampler, width=SIZE.width, height=SIZE.height)
    assert torch.equal(ours(name, Canvas(SIZE), sampler=sampler), expected)


@pytest.mark.parametrize("name", PLAIN)
def test_text_to_image_without_guidance(name: str) -> None:
    size = {"width": SIZE.width, "height": SIZE.height}
    expected = theirs(name, "", guidance_scale=1.0, **size)
    assert torch.equal(ours(name, Canvas(SIZE), guidance=1.0), expected)


def test_sdxl_takes_an_empty_negative_prompt_for_zeros() -> None:
    size = {"width": SIZE.width, "height": SIZE.height}
    expected = theirs("sdxl", "", negative_prompt=None, **size)
    assert torch.equal(ours("sdxl", Canvas(SIZE), negative=""), expected)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(("strength", "sampler"), [(0.6, "euler_a"), (1.0, "ddim")])
def test_image_to_image(name: str, strength: float, sampler: str) -> None:
    image = picture()
    expected = theirs(name, "Img2Img", sampler, image=PIL.Image.fromarray(image), strength=strength)
    got = ours(name, Canvas(SIZE, image), strength=strength, sampler=sampler)
    assert torch.equal(got, expected)


@pytest.mark.parametrize("name", NINE)
@pytest.mark.parametrize(("strength", "sampler"), [(1.0, "euler_a"), (0.5, "ddim")])
def test_inpaint_with_nine_channels(name: str, strength: float, sampler: str) -> None:
    image, mask = picture(), hard_mask()
    expected = theirs(
        name,
        "Inpaint",
        sampler,
        image=PIL.Image.fromarray(image),
        mask_image=as_pil(mask),
        width=SIZE.width,
        height=SIZE.height,
        strength=strength,
    )
    got = ours(name, Canvas(SIZE, image, mask), strength=strength, sampler=sampler)
    assert torch.equal(got, expected)


@pytest.mark.parametrize("name", NINE)
def test_nine_channels_draw_from_nothing_under_a_full_mask(name: str) -> None:
    """What diffusers does when the mask covers the whole of any picture."""
    expected = theirs(
        name,
        "Inpaint",
        image=PIL.Image.fromarray(picture()),
        mask_image=as_pil(np.ones((SIZE.height, SIZE.width))),
        width=SIZE.width,
        height=SIZE.height,
        strength=1.0,
    )
    assert torch.equal(ours(name, Canvas(SIZE)), expected)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_inpaint_with_four_channels_and_a_hard_mask(name: str, strength: float) -> None:
    image, mask = picture(), hard_mask()
    expected = theirs(
        name,
        "Inpaint",
        image=PIL.Image.fromarray(image),
        mask_image=as_pil(mask),
        width=SIZE.width,
        height=SIZE.height,
        strength=strength,
    )
    got = ours(name, Canvas(SIZE, image, mask), strength=strength)
    assert torch.equal(got, expected)


def test_decoding() -> None:
    latents = ours("sd1", Canvas(SIZE))
    loaded = model("sd1")
    with torch.no_grad():
        image = loaded.vae.decode(latents / loaded.vae.config.scaling_factor).sample
    processor = diffusers.image_processor.VaeImageProcessor()
    expected = np.asarray(processor.postprocess(image, output_type="pil")[0])
    assert np.array_equal(conversion.decode(loaded, latents), expected)


def test_a_difference_would_be_seen() -> None:
    expected = theirs("sd1", "", width=SIZE.width, height=SIZE.height)
    assert not torch.equal(ours("sd1", Canvas(SIZE), guidance=5.01), expected)
