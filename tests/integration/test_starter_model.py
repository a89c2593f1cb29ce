"""The starter model through the plain diffusers pipeline: what its weights are good for by now.

Thresholds keep a margin to what the weights do, and are out of reach for random ones.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline, UNet2DConditionModel
from PIL import Image

import scumble.models
from scumble.training import diffusion

FOLDER = Path(scumble.models.__file__).parent / "starter"
SIZE = 128
GUIDANCE = json.loads((FOLDER / "scumble.json").read_text())["defaults"]["guidance_scale"]

pytestmark = pytest.mark.skipif(
    not (FOLDER / "unet" / "diffusion_pytorch_model.safetensors").exists(),
    reason="the weights are not here",
)


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionInpaintPipeline:
    torch.set_num_threads(1)  # small work: a second thread costs more waiting than it saves
    loaded = StableDiffusionInpaintPipeline.from_pretrained(FOLDER, torch_dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def draw(
    pipeline: StableDiffusionInpaintPipeline,
    prompt: str,
    *,
    seed: int = 1,
    guidance: float = GUIDANCE,
    image: Image.Image | None = None,
    mask: Image.Image | None = None,
) -> np.ndarray:
    result = pipeline(
        prompt=prompt,
        image=image or Image.new("RGB", (SIZE, SIZE), (128, 128, 128)),
        mask_image=mask or Image.new("L", (SIZE, SIZE), 255),
        height=SIZE,
        width=SIZE,
        num_inference_steps=20,
        guidance_scale=guidance,
        strength=1.0,
        generator=torch.Generator().manual_seed(seed),
    )
    return np.asarray(result.images[0]).astype(np.float64)


@pytest.fixture(scope="module")
def untrained(pipeline: StableDiffusionInpaintPipeline) -> StableDiffusionInpaintPipeline:
    """The same with a U-Net of random weights: what no test of looks may be content with."""
    torch.manual_seed(0)
    parts = {**pipeline.components, "unet": UNet2DConditionModel.from_config(pipeline.unet.config)}
    made = StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)
    made.set_progress_bar_config(disable=True)
    return made


def is_a_red_thing_on_white(picture: np.ndarray) -> bool:
    red, green, blue = picture[40:88, 40:88].mean(axis=(0, 1))
    return bool(np.median(rim(picture)) > 225 and red > max(green, blue) + 40)


def rim(picture: np.ndarray, width: int = 6) -> np.ndarray:
    inside = np.zeros(picture.shape[:2], dtype=bool)
    inside[width:-width, width:-width] = True
    return picture[~inside]


def test_it_is_an_ordinary_folder_of_at_most_60_mb() -> None:
    index = json.loads((FOLDER / "model_index.json").read_text())
    assert index["_class_name"] == "StableDiffusionInpaintPipeline"
    assert sum(f.stat().st_size for f in FOLDER.rglob("*") if f.is_file()) <= 60e6
    assert json.loads((FOLDER / "unet" / "config.json").read_text())["in_channels"] == 9


def test_white_backgrounds_are_white(pipeline: StableDiffusionInpaintPipeline) -> None:
    for seed in (1, 2):
        picture = draw(pipeline, "flat cartoon of a blue car on a white background", seed=seed)
        assert np.median(rim(picture)) > 225
        assert picture[48:80, 48:80].mean() < rim(picture).mean() - 20


def test_colour_words_change_the_colour(pipeline: StableDiffusionInpaintPipeline) -> None:
    middle = {}
    for word in ("red", "blue"):
        prompt = f"3d render of a {word} heart on a white background"
        middle[word] = draw(pipeline, prompt)[48:80, 48:80].mean(axis=(0, 1))
    assert middle["red"][0] > middle["red"][2] + 20
    assert middle["blue"][2] > middle["blue"][0] + 20


def test_an_apple_has_the_colour_that_is_asked_for(
    pipeline: StableDiffusionInpaintPipeline, untrained: StableDiffusionInpaintPipeline
) -> None:
    assert is_a_red_thing_on_white(draw(pipeline, "3d render of a red apple"))
    assert not is_a_red_thing_on_white(draw(untrained, "3d render of a red apple"))
    red, green = (
        draw(pipeline, f"3d render of a {word} apple")[40:88, 40:88].mean(axis=(0, 1))
        for word in ("red", "green")
    )
    assert (red[0] - red[1]) - (green[0] - green[1]) > 60


def test_it_comes_with_the_guidance_that_it_was_taught() -> None:
    assert GUIDANCE == diffusion.GUIDANCE


def test_more_guidance_heeds_the_prompt_more(pipeline: StableDiffusionInpaintPipeline) -> None:
    def apart(guidance: float) -> float:
        red, green = (
            np.mean(
                [
                    draw(pipeline, f"3d render of a {word} apple", seed=seed, guidance=guidance)
                    for seed in (1, 2, 3)
                ],
                axis=0,
            )[40:88, 40:88].mean(axis=(0, 1))
            for word in ("red", "green")
        )
        return float((red[0] - red[1]) - (green[0] - green[1]))

    faint, some, full = (apart(guidance) for guidance in (1.0, 2.0, GUIDANCE))
    assert faint + 10 < some < full - 10


def test_a_fill_continues_the_blue_round_it(
    pipeline: StableDiffusionInpaintPipeline, untrained: StableDiffusionInpaintPipeline
) -> None:
    across = np.linspace(0, 1, SIZE)[None, :, None]
    blue = np.array((40, 90, 200)) * (1 - across) + np.array((110, 160, 245)) * across
    known = np.broadcast_to(blue, (SIZE, SIZE, 3))
    image = Image.fromarray(known.astype(np.uint8))
    mask = Image.new("L", (SIZE, SIZE))
    mask.paste(255, (24, 24, 104, 104))
    for drawer, kept in ((pipeline, True), (untrained, False)):
        picture = draw(drawer, "3d render of a red apple", image=image, mask=mask)
        ring = np.abs(picture - known)[24:104, 24:104]
        ring[3:-3, 3:-3] = np.nan
        assert bool(np.nanmean(ring) < 25) is kept
    middle = draw(pipeline, "3d render of a red apple", image=image, mask=mask)[48:80, 48:80]
    assert middle[..., 0].mean() > middle[..., 2].mean()  # red, where it was blue


def test_the_same_seed_gives_the_same_bytes(pipeline: StableDiffusionInpaintPipeline) -> None:
    first, second = (draw(pipeline, "3d render of a banana") for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_the_vae_gives_back_a_plain_picture(pipeline: StableDiffusionInpaintPipeline) -> None:
    for colour in ((255, 255, 255), (40, 90, 200), (230, 200, 30)):
        pixels = torch.tensor(colour).view(1, 3, 1, 1) / 127.5 - 1
        with torch.no_grad():
            latents = pipeline.vae.encode(pixels.expand(1, 3, SIZE, SIZE)).latent_dist.mode()
            back = (pipeline.vae.decode(latents).sample + 1) * 127.5
        assert (back.mean(dim=(0, 2, 3)) - torch.tensor(colour)).abs().max() < 10
