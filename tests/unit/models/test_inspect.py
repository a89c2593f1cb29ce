"""What a model is can be told without loading it, and what cannot be run is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_headers import CONFIGS, UNET, checkpoint, diffusers_folder, lora
from safetensors.numpy import save_file

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models.inspect import ERASERS, V_MARK, inspect

FILE = "painter.safetensors"


def rejection(path: Path) -> ScumbleError:
    with pytest.raises(ScumbleError) as caught:
        inspect(path)
    assert caught.value.code is ErrorCode.MODEL_REJECTED
    assert caught.value.info.hint
    return caught.value


@pytest.mark.parametrize(("architecture", "native"), [("sd1", 512), ("sd2", 512), ("sdxl", 1024)])
@pytest.mark.parametrize("channels", [4, 9])
def test_checkpoints_are_told_apart(
    tmp_path: Path, architecture: str, native: int, channels: int
) -> None:
    found = inspect(checkpoint(tmp_path / FILE, architecture, channels))
    assert (found.kind, found.architecture, found.native) == ("single_file", architecture, native)
    assert found.inpaint_channels == (channels == 9)
    assert (found.prediction_type, found.dtype) == ("epsilon", "F16")
    assert set(found.parts) == {"unet", "vae", "text_encoder"}


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize(
    ("spread", "prediction", "native"), [(0.05, "epsilon", 512), (0.2, "v_prediction", 768)]
)
def test_the_two_kinds_of_sd2_are_told_by_the_spread_of_one_bias(
    tmp_path: Path, dtype: Any, spread: float, prediction: str, native: int
) -> None:
    bias = np.resize([-spread, spread], 320).astype(dtype)
    found = inspect(checkpoint(tmp_path / FILE, "sd2", extra={V_MARK: bias}))
    assert (found.prediction_type, found.native) == (prediction, native)


@pytest.mark.parametrize("said", ["v", "v_prediction"])
def test_what_the_metadata_says_counts(tmp_path: Path, said: str) -> None:
    metadata = {
        "modelspec.prediction_type": said,
        "modelspec.resolution": "768x640",
        "modelspec.title": "Painter",
    }
    found = inspect(checkpoint(tmp_path / FILE, "sdxl", metadata=metadata))
    assert (found.prediction_type, found.native, found.title) == ("v_prediction", 768, "Painter")


@pytest.mark.parametrize("said", ["", "x", "0x0", "99999x9", "١٢٣x4", "700x700"])
def test_a_resolution_that_cannot_be_is_ignored(tmp_path: Path, said: str) -> None:
    found = inspect(checkpoint(tmp_path / FILE, metadata={"modelspec.resolution": said}))
    assert found.native == 512


def test_markers_of_v_prediction_are_seen(tmp_path: Path) -> None:
    markers = {"v_pred": np.zeros(0, np.float32), "ztsnr": np.zeros(0, np.float32)}
    found = inspect(checkpoint(tmp_path / FILE, "sdxl", extra=markers))
    assert (found.prediction_type, found.zero_snr) == ("v_prediction", True)


@pytest.mark.parametrize(
    ("without", "named"),
    [("first_stage_model", "vae"), ("cond_stage", "text encoder"), (UNET, "no Stable Diffusion")],
)
def test_a_file_without_one_of_the_parts_is_rejected(
    tmp_path: Path, without: str, named: str
) -> None:
    assert named in rejection(checkpoint(tmp_path / FILE, without=without)).info.message


def test_other_channel_counts_are_rejected(tmp_path: Path) -> None:
    assert "8 channels" in rejection(checkpoint(tmp_path / FILE, channels=8)).info.message


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("double_blocks.0.img_attn.norm.key_norm.scale", "Flux"),
        (
            "model.diffusion_model.joint_blocks.0.context_block.adaLN_modulation.1.bias",
            "Diffusion 3",
        ),
        ("control_model.time_embed.0.weight", "ControlNet"),
        ("down_blocks.0.resnets.0.conv1.weight", "UNet of a diffusers folder"),
        ("encoder.conv_in.weight", "VAE"),
        ("anything", "no Stable Diffusion"),
    ],
)
def test_what_cannot_be_run_is_named(tmp_path: Path, name: str, what: str) -> None:
    save_file({name: np.zeros(1, np.float32)}, tmp_path / FILE)
    assert what in rejection(tmp_path / FILE).info.message


def test_the_refiner_is_refused(tmp_path: Path) -> None:
    extra = {"conditioner.embedders.0.model.text_projection": np.zeros(1, np.float16)}
    assert "refiner" in rejection(checkpoint(tmp_path / FILE, "sdxl", extra=extra)).info.message


@pytest.mark.parametrize(
    ("width", "architecture"), [(768, "sd1"), (1024, "sd2"), (2048, "sdxl"), (77, "")]
)
def test_loras_are_told_by_the_text_they_read(
    tmp_path: Path, width: int, architecture: str
) -> None:
    found = inspect(lora(tmp_path / FILE, width))
    assert (found.kind, found.architecture) == ("lora", architecture)


@pytest.mark.parametrize("suffix", [".lora_A.weight", ".lora.down.weight"])
def test_loras_of_other_tools_are_recognised(tmp_path: Path, suffix: str) -> None:
    name = f"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k{suffix}"
    save_file({name: np.zeros((4, 2048), np.float16)}, tmp_path / FILE)
    assert inspect(tmp_path / FILE).architecture == "sdxl"


@pytest.mark.parametrize("variant", ["", ".fp16"])
def test_a_diffusers_folder_is_described_by_its_configurations(
    tmp_path: Path, variant: str
) -> None:
    found = inspect(diffusers_folder(tmp_path / "painter", variant))
    assert (found.kind, found.architecture, found.native) == ("diffusers", "sd1", 128)
    assert (found.inpaint_channels, found.prediction_type) == (True, "v_prediction")
    assert (found.zero_snr, found.variant) == (True, variant.strip("."))
    assert found.size > 0


@pytest.mark.parametrize(
    ("name", "change", "architecture"),
    [
        ("unet/config.json", {"cross_attention_dim": 1024}, "sd2"),
        ("text_encoder/config.json", {"hidden_act": "gelu"}, "sd2"),
    ],
)
def test_sd2_folders_are_recognised(
    tmp_path: Path, name: str, change: dict[str, Any], architecture: str
) -> None:
    folder = diffusers_folder(tmp_path / "painter", changes={name: change})
    assert inspect(folder).architecture == architecture


def test_sixteen_latent_channels_make_an_inpainting_unet_of_33(tmp_path: Path) -> None:
    changes = {"vae/config.json": {"latent_channels": 16}, "unet/config.json": {"in_channels": 33}}
    found = inspect(diffusers_folder(tmp_path / "painter", changes=changes))
    assert (found.latent_channels, found.inpaint_channels) == (16, True)


@pytest.mark.parametrize("name", sorted(CONFIGS))
@pytest.mark.parametrize("content", [None, b"", b"[]", b"{", b"\xff", b"[" * 50000])
def test_a_folder_with_a_broken_configuration_is_rejected(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    folder = diffusers_folder(tmp_path / "painter")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    rejection(folder)


def test_a_folder_with_pickled_weights_is_rejected(tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "painter")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    assert "pickle" in rejection(folder).info.message


def test_a_folder_with_a_cut_file_is_rejected(tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "painter")
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "cut short" in rejection(folder).info.message


def test_shards_may_not_point_outside_the_folder(tmp_path: Path) -> None:
    folder = diffusers_folder(tmp_path / "painter")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    shard = weights.rename(weights.with_name("diffusion_pytorch_model-00001-of-00001.safetensors"))
    index = weights.with_suffix(".safetensors.index.json")
    index.write_text(json.dumps({"weight_map": {"x": shard.name}}))
    assert inspect(folder).kind == "diffusers"
    index.write_text(json.dumps({"weight_map": {"x": "../../secret.safetensors"}}))
    assert "outside" in rejection(folder).info.message


@pytest.mark.parametrize("name", ["FluxPipeline", None, 7, ["StableDiffusionPipeline"], {}])
def test_foreign_pipelines_are_refused(tmp_path: Path, name: Any) -> None:
    changes = {"model_index.json": {"_class_name": name}}
    rejection(diffusers_folder(tmp_path / "painter", changes=changes))


KEYS = [
    "_class_name",
    "block_out_channels",
    "cross_attention_dim",
    "hidden_act",
    "in_channels",
    "latent_channels",
    "prediction_type",
    "rescale_betas_zero_snr",
    "sample_size",
]
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    st.sampled_from(sorted(CONFIGS)),
    st.dictionaries(
        st.sampled_from(
            [
                "in_channels",
                "sample_size",
                "latent_channels",
                "block_out_channels",
                "_class_name",
                "prediction_type",
                "hidden_act",
                "cross_attention_dim",
                "rescale_betas_zero_snr",
            ]
        ),
        VALUES,
    ),
)
def test_any_values_in_a_configuration(tmp_path: Path, name: str, change: dict[str, Any]) -> None:
    folder = diffusers_folder(tmp_path / "painter", changes={name: change})
    try:
        found = inspect(folder)
    except ScumbleError as error:
        assert error.code is ErrorCode.MODEL_REJECTED
    else:
        assert 16 <= found.native <= 4096


@pytest.mark.parametrize("architecture", ERASERS)
def test_networks_that_close_gaps_are_known_by_one_tensor(
    tmp_path: Path, architecture: str
) -> None:
    for mark in ERASERS[architecture]:
        save_file({mark: np.zeros(4, np.float32)}, tmp_path / FILE)
        found = inspect(tmp_path / FILE)
        assert (found.kind, found.architecture) == ("single_file", architecture)
        assert found.native > 0
        assert not found.inpaint_channels
