"""LoRA files named in a prompt change the picture, and are gone afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import diffusers
import pytest
import tiny
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

from scumble.engine import loading, loras
from scumble.engine.base import Hooks
from scumble.engine.conditioning import encode
from scumble.engine.devices import DEVICES
from scumble.engine.diffusion import DiffusionEngine
from scumble.engine.prompts import Lora, parse
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.link.values import GenerationRequest, Mode, Region, Size


def write_lora(folder: Path, name: str, kind: str) -> None:
    """A LoRA for UNet and text encoder, as diffusers' own training scripts save it."""
    parts = tiny.parts(kind)
    config = LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False)
    parts["unet"].add_adapter(config)
    text = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    parts["text_encoder"].add_adapter(text)
    saver = (
        diffusers.StableDiffusionXLPipeline
        if kind.startswith("sdxl")
        else diffusers.StableDiffusionPipeline
    )
    saver.save_lora_weights(
        folder,
        unet_lora_layers=get_peft_model_state_dict(parts["unet"]),
        text_encoder_lora_layers=get_peft_model_state_dict(parts["text_encoder"]),
        weight_name=f"{name}.safetensors",
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = tiny.home(tmp_path_factory.mktemp("home"), "sd1", "sdxl")
    folder = made.models_dir / "loras"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    write_lora(folder, "Ink-sd1", "sd1")
    write_lora(folder, "ink-sdxl", "sdxl")
    return made


@pytest.fixture(scope="module")
def engine(home: Home) -> DiffusionEngine:
    return DiffusionEngine(home, "cpu")


def draw(engine: DiffusionEngine, model: str, prompt: str) -> bytes:
    region = Region(0, 0, 64, 64)
    asked = GenerationRequest(
        "job",
        Mode.TEXT_TO_IMAGE,
        prompt,
        "",
        model,
        "euler",
        2,
        4.0,
        1.0,
        1,
        1,
        region.size,
        region,
    )
    hooks = Hooks(lambda *_: None, lambda _: None, lambda: False)
    (made,) = engine.run(replace(asked, canvas=Size(64, 64)), b"", b"", hooks)
    return made.pixels


@pytest.mark.parametrize("model", ["sd1", "sdxl"])
def test_a_lora_changes_the_picture_and_leaves_no_trace(
    engine: DiffusionEngine, model: str
) -> None:
    before = draw(engine, model, "a cat")
    strong = draw(engine, model, f"a cat <lora:ink-{model}:1>")
    weak = draw(engine, model, f"a cat <lora:ink-{model}:0.3>")
    assert len({before, strong, weak}) == 3
    assert draw(engine, model, f"a cat <lora:ink-{model}:0>") == before
    assert draw(engine, model, "a cat") == before
    assert draw(engine, model, f"a cat <lora:ink-{model}:1>") == strong


def test_the_prompt_is_encoded_anew_under_a_lora(home: Home) -> None:
    model = loading.load(tiny.entry("sd1"), DEVICES["cpu"])
    with torch.no_grad():
        plain = encode(model, parse("a cat")).states
        with loras.applied(model, [Lora("ink-sd1")], home.models_dir / "loras"):
            changed = encode(model, parse("a cat")).states
        after = encode(model, parse("a cat")).states
    assert not torch.equal(plain, changed)
    assert torch.equal(plain, after)


def test_a_lora_of_another_architecture_is_refused_and_leaves_no_trace(
    engine: DiffusionEngine,
) -> None:
    before = draw(engine, "sd1", "a cat")
    with pytest.raises(ScumbleError) as raised:
        draw(engine, "sd1", "a cat <lora:ink-sdxl:1>")
    assert raised.value.code is ErrorCode.UNSUPPORTED
    assert draw(engine, "sd1", "a cat") == before


def test_a_missing_lora_says_where_to_put_it(home: Home) -> None:
    with pytest.raises(ScumbleError) as raised:
        loras.find(home.models_dir / "loras", "../../etc/passwd")
    assert raised.value.code is ErrorCode.MODEL_MISSING
    assert str(home.models_dir / "loras") in raised.value.info.hint
