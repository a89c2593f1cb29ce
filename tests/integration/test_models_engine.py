"""A checkpoint file and a diffusers folder of the same weights draw the same picture."""

from __future__ import annotations

from pathlib import Path

import diffusers
import numpy as np
import original_layout
import pytest
import torch
from small_models import random_parts, small_config

from scumble.engine.base import Hooks
from scumble.engine.diffusion import DiffusionEngine
from scumble.link.home import Home
from scumble.link.values import GenerationRequest, Mode, Region, Size
from scumble.models import single_file, vocabulary
from scumble.models.registry import Registry

REGION = Region(8, 16, 72, 64)
HOOKS = Hooks(progress=lambda *_: None, status=lambda _: None, cancelled=lambda: False)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def both(tmp_path: Path, architecture: str, in_channels: int) -> Home:
    """A home with "file" and "folder", made of the same weights."""
    config = small_config(tmp_path / "file.config", architecture)
    parts = random_parts(config, in_channels, shuffled=False)
    original_layout.write(tmp_path / "file.safetensors", parts)
    for name, pad in single_file.PADDING[architecture].items():
        parts[name] = vocabulary.tokenizer(pad)
    if architecture == "sdxl":
        scheduler = diffusers.EulerDiscreteScheduler.from_pretrained(config / "scheduler")
        pipeline = diffusers.StableDiffusionXLPipeline(scheduler=scheduler, **parts)
    else:
        pipeline = diffusers.StableDiffusionPipeline(
            scheduler=diffusers.PNDMScheduler.from_pretrained(config / "scheduler"),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
            **parts,
        )
    pipeline.save_pretrained(tmp_path / "folder")
    home = Home(tmp_path / "home")
    for path in ("file.safetensors", "folder"):
        Registry(home, starter=None).add(tmp_path / path)
    return home


@pytest.mark.parametrize("architecture", ["sd1", "sd2", "sdxl"])
@pytest.mark.parametrize("in_channels", [4, 9])
def test_file_and_folder_draw_the_same(tmp_path: Path, architecture: str, in_channels: int) -> None:
    engine = DiffusionEngine(both(tmp_path, architecture, in_channels), "cpu")
    noise = np.random.default_rng(1).integers(0, 256, (64, 72, 4), np.uint8)
    noise[..., 3] = 255
    mask = np.zeros((64, 72), np.uint8)
    mask[16:48, 20:50] = 255
    drawn: dict[tuple[str, Mode], bytes] = {}
    for model in ("file", "folder"):
        for mode in (Mode.TEXT_TO_IMAGE, Mode.INPAINT):
            request = GenerationRequest(
                id="job",
                mode=mode,
                prompt="a red apple",
                negative_prompt="blurry",
                model=model,
                sampler="euler",
                steps=2,
                guidance_scale=4.0,
                strength=1.0,
                seed=3,
                batch=1,
                canvas=Size(100, 100),
                region=REGION,
            )
            inpaint = mode is Mode.INPAINT
            pixels, selection = (noise.tobytes(), mask.tobytes()) if inpaint else (b"", b"")
            (picture,) = engine.run(request, pixels, selection, HOOKS)
            drawn[model, mode] = picture.pixels
            assert len(picture.metadata["model_hash"]) == 64
    engine.unload()
    for mode in (Mode.TEXT_TO_IMAGE, Mode.INPAINT):
        file, folder = (np.frombuffer(drawn[m, mode], np.uint8) for m in ("file", "folder"))
        # The weights are equal bit by bit, but lie at other addresses, and the CPU's matrix
        # products round by alignment: a value may fall to the other side of a rounding edge.
        assert np.abs(file.astype(int) - folder).max() <= 1
        assert (file != folder).mean() < 0.01
        assert len(np.unique(file)) > 16  # a picture, not one colour
