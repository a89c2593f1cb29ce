"""Checkpoints in the original layout come in whole, with no network and no guess."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import diffusers
import original_layout
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from small_models import random_parts, small_config

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.models import single_file
from scumble.models.entry import ModelEntry
from scumble.models.registry import Registry


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def added(tmp_path: Path, file: Path) -> ModelEntry:
    entry = Registry(Home(tmp_path / "home"), starter=None).add(file)
    assert isinstance(entry, ModelEntry)
    return entry


@pytest.mark.parametrize("architecture", ["sd1", "sd2", "sdxl"])
@pytest.mark.parametrize("in_channels", [4, 9])
def test_every_weight_arrives_as_it_was_written(
    tmp_path: Path, architecture: str, in_channels: int
) -> None:
    config = small_config(tmp_path / "painter.config", architecture)
    written = random_parts(config, in_channels)
    original_layout.write(tmp_path / "painter.safetensors", written)

    entry = added(tmp_path, tmp_path / "painter.safetensors")
    assert (entry.architecture, entry.inpaint_channels) == (architecture, in_channels == 9)
    assert entry.native == 64  # 8 latents of 8 pixels, as its own configuration says
    loaded = single_file.components(entry)

    assert set(written) < set(loaded)
    for name, part in written.items():
        before, after = part.state_dict(), loaded[name].state_dict()
        assert before.keys() == after.keys()
        for key, tensor in before.items():
            assert torch.equal(tensor, after[key]), f"{name} {key}"


@pytest.mark.parametrize("architecture", ["sd1", "sd2", "sdxl"])
def test_the_tokenizers_pad_as_their_encoders_were_trained(
    tmp_path: Path, architecture: str
) -> None:
    config = small_config(tmp_path / "painter.config", architecture)
    original_layout.write(tmp_path / "painter.safetensors", random_parts(config))
    loaded = single_file.components(added(tmp_path, tmp_path / "painter.safetensors"))
    pads = {name: part.pad_token_id for name, part in loaded.items() if "tokenizer" in name}
    expected = {
        "sd1": {"tokenizer": 49407},
        "sd2": {"tokenizer": 0},
        "sdxl": {"tokenizer": 49407, "tokenizer_2": 0},
    }
    assert pads == expected[architecture]


def test_a_half_precision_file_loads_in_the_precision_asked_for(tmp_path: Path) -> None:
    config = small_config(tmp_path / "painter.config", "sd1")
    parts = {name: part.half() for name, part in random_parts(config).items()}
    original_layout.write(tmp_path / "painter.safetensors", parts)
    entry = added(tmp_path, tmp_path / "painter.safetensors")
    for dtype in (torch.float32, torch.float16):
        loaded = single_file.components(entry, dtype)
        for name, part in parts.items():
            for key, tensor in part.state_dict().items():
                if tensor.is_floating_point():
                    assert torch.equal(loaded[name].state_dict()[key], tensor.to(dtype))


def test_v_prediction_and_zero_snr_reach_the_scheduler(tmp_path: Path) -> None:
    config = small_config(tmp_path / "config", "sdxl")
    file = tmp_path / "v.safetensors"
    state = original_layout.checkpoint(random_parts(config))
    state = {key: tensor.contiguous().clone() for key, tensor in state.items()}
    save_file({**state, "v_pred": torch.tensor([]), "ztsnr": torch.tensor([])}, file)
    entry = added(tmp_path, file)
    assert (entry.prediction_type, entry.zero_snr, entry.native) == ("v_prediction", True, 1024)
    own = Registry(Home(tmp_path / "second"), starter=None).add(file, config=config)
    assert isinstance(own, ModelEntry)
    scheduler = single_file.components(own)["scheduler"]
    assert scheduler.config.prediction_type == "v_prediction"
    assert scheduler.config.rescale_betas_zero_snr is True


@pytest.mark.parametrize("part", ["first_stage_model.decoder.mid", "cond_stage_model", "model."])
def test_a_file_that_lacks_weights_is_rejected(tmp_path: Path, part: str) -> None:
    config = small_config(tmp_path / "painter.config", "sd1")
    file = tmp_path / "painter.safetensors"
    original_layout.write(file, random_parts(config))
    state = load_file(file)
    lost = [key for key in state if key.startswith(part)][-1]
    del state[lost]
    save_file(state, file)
    with pytest.raises(ScumbleError) as caught:
        single_file.components(added(tmp_path, file))
    assert caught.value.code is ErrorCode.MODEL_REJECTED


def test_a_file_of_other_sizes_than_its_kind_is_rejected(tmp_path: Path) -> None:
    config = small_config(tmp_path / "elsewhere", "sd1")  # not found: the real sizes are taken
    original_layout.write(tmp_path / "painter.safetensors", random_parts(config))
    with pytest.raises(ScumbleError) as caught:
        single_file.components(added(tmp_path, tmp_path / "painter.safetensors"))
    assert caught.value.code is ErrorCode.MODEL_REJECTED
    assert caught.value.info.hint


@pytest.mark.parametrize(
    ("architecture", "part", "millions"),
    [
        ("sd1", "unet", 859.52),
        ("sd2", "unet", 865.91),
        ("sdxl", "unet", 2567.46),
        ("sd1", "vae", 83.65),
        ("sd1", "text_encoder", 123.06),
        ("sd2", "text_encoder", 340.39),
        ("sdxl", "text_encoder_2", 694.66),
    ],
)
def test_the_shipped_configurations_have_the_published_sizes(
    architecture: str, part: str, millions: float
) -> None:
    with torch.device("meta"):
        model = random_sizes(architecture)[part]
    count = sum(parameter.numel() for parameter in model.parameters())
    assert round(count / 1e6, 2) == millions


def test_the_real_sd15_has_the_names_that_its_published_file_has() -> None:
    with torch.device("meta"):
        state = original_layout.checkpoint(random_sizes("sd1"))
    assert len(state) == 686 + 248 + 197  # UNet, VAE, text encoder of v1-5-pruned-emaonly
    shapes = {
        "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
        "model.diffusion_model.output_blocks.11.0.skip_connection.weight": (320, 640, 1, 1),
        "model.diffusion_model.output_blocks.8.2.conv.weight": (640, 640, 3, 3),
        "model.diffusion_model.output_blocks.2.1.conv.weight": (1280, 1280, 3, 3),
        "model.diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight": (1280, 768),
        "first_stage_model.decoder.up.3.upsample.conv.weight": (512, 512, 3, 3),
        "first_stage_model.decoder.up.0.block.0.nin_shortcut.weight": (128, 256, 1, 1),
        "first_stage_model.encoder.mid.attn_1.q.weight": (512, 512, 1, 1),
    }
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


def random_sizes(architecture: str) -> dict[str, Any]:
    config = single_file.CONFIGS / architecture
    parts: dict[str, Any] = {
        "unet": diffusers.UNet2DConditionModel.from_config(
            diffusers.UNet2DConditionModel.load_config(config / "unet")
        ),
        "vae": diffusers.AutoencoderKL.from_config(
            diffusers.AutoencoderKL.load_config(config / "vae")
        ),
    }
    for name, kind in (
        ("text_encoder", transformers.CLIPTextModel),
        ("text_encoder_2", transformers.CLIPTextModelWithProjection),
    ):
        if (config / name).is_dir():
            parts[name] = kind(transformers.CLIPTextConfig.from_pretrained(config / name))
    return parts
