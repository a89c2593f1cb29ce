"""What made a picture is written so that Scumble and other tools read it back."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from scumble import metadata
from scumble.link.values import GenerationRequest, Mode, Region, Size
from scumble.models.entry import ModelEntry

patient = settings(deadline=None)
MODEL = ModelEntry(
    id="painter",
    name="Painter: the second, revised",
    kind="single_file",
    path="/models/painter.safetensors",
    architecture="sd1",
    native=512,
    prediction_type="epsilon",
    inpaint_channels=False,
    sha256="0123456789abcdef" * 4,
)
REQUEST = GenerationRequest(
    id="job",
    mode=Mode.INPAINT,
    prompt="a red apple,\non a table <lora:glow:0.8>",
    negative_prompt="blurry, text",
    model="painter",
    sampler="dpmpp_2m_karras",
    steps=20,
    guidance_scale=7.5,
    strength=0.6,
    seed=41,
    batch=2,
    canvas=Size(4000, 3000),
    region=Region(100, 200, 640, 480),
)


def described(**changes: Any) -> metadata.Metadata:
    return metadata.describe(
        REQUEST,
        MODEL,
        index=1,
        sampler_name="DPM++ 2M Karras",
        working_size=Size(592, 448),
        loras=[metadata.Lora("glow", 0.8, "ab" * 32)],
        timings={"denoise": 1.23456},
        **changes,
    )


def through_a_png(chunks: dict[str, str]) -> dict[str, Any]:
    info = PngImagePlugin.PngInfo()
    for name, text in chunks.items():
        info.add_itxt(name, text)
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "PNG", pnginfo=info)
    return Image.open(io.BytesIO(file.getvalue())).info


def test_everything_comes_back_from_a_png() -> None:
    said = described()
    assert said["seed"] == 42
    assert metadata.parse(through_a_png(metadata.png_text(said))) == said


def test_the_text_has_the_form_that_other_tools_read() -> None:
    assert metadata.png_text(described())["parameters"].split("\n") == [
        "a red apple,",
        "on a table <lora:glow:0.8>",
        "Negative prompt: blurry, text",
        "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 42, Size: 592x448, "
        'Model hash: 0123456789, Model: "Painter: the second, revised", '
        'Denoising strength: 0.6, Lora hashes: "glow: abababababab", '
        f"Version: Scumble {metadata.__version__}",
    ]


def test_the_web_uis_own_text_is_read() -> None:
    text = (
        "portrait of a painter, oil\nNegative prompt: ugly\ndull\n"
        "Steps: 28, Sampler: Euler a, CFG scale: 6, Seed: 3912, Size: 512x768, "
        'Model hash: cc6cb27103, Model: v1-5, Lora hashes: "a: b, c: d", Version: v1.9.4'
    )
    assert metadata.parse({"parameters": text}) == {
        "prompt": "portrait of a painter, oil",
        "negative_prompt": "ugly\ndull",
        "steps": 28,
        "sampler_name": "Euler a",
        "guidance_scale": 6.0,
        "seed": 3912,
        "working_size": {"width": 512, "height": 768},
        "model": "v1-5",
        "model_hash": "cc6cb27103",
    }


@pytest.mark.parametrize(
    "chunks",
    [
        {},
        {"parameters": "a photograph of my cat"},
        {"parameters": 7},
        {"parameters": b"Steps: 1, Seed: 2, Size: 3x4"},
        {"scumble": "[" * 60000},
        {"scumble": "{}"},
        {"scumble": '{"format": 1, "prompt": 3}'},
        {"Title": "Steps: 20, Sampler: Euler, Seed: 1"},
        {"parameters": "Steps: 20, Sampler: Euler, Seed: 1" + " " * metadata.MAX_TEXT},
    ],
    ids=str,
)
def test_foreign_text_gives_nothing(chunks: dict[str, Any]) -> None:
    assert metadata.parse(chunks) is None


def test_what_is_too_long_is_not_read() -> None:
    text = metadata.png_text(described())["scumble"]
    assert metadata.parse({"scumble": text.ljust(metadata.MAX_TEXT)}) is not None
    assert metadata.parse({"scumble": text.ljust(metadata.MAX_TEXT + 1)}) is None


def test_numbers_that_are_none_are_refused() -> None:
    said = json.loads(metadata.png_text(described())["scumble"])
    for value in (math.nan, math.inf, "7", True, None):
        text = json.dumps({**said, "guidance_scale": value})
        assert metadata.parse({"scumble": text}) is None


def test_the_longest_prompts_still_fit_a_header() -> None:
    request = replace(REQUEST, prompt="🎨" * 8192, negative_prompt="\x00" * 8192)
    said = metadata.describe(request, MODEL)
    assert said["shortened"]
    assert len(json.dumps(said)) < 32 * 1024
    assert set(metadata.png_text(said)) == {"parameters", "scumble"}
    assert not described()["shortened"]


def test_versions_name_what_decides_the_numbers() -> None:
    assert {"scumble", "torch", "diffusers"} <= set(metadata.versions())


@patient
@given(st.text(max_size=600), st.text(max_size=600))
def test_any_prompts_come_back_unchanged(prompt: str, negative: str) -> None:
    request = replace(REQUEST, prompt=prompt, negative_prompt=negative)
    said = metadata.describe(request, MODEL)
    assert metadata.parse(metadata.png_text(said)) == said


LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60).map(
    str.strip
)


@patient
@given(LINES, LINES, st.integers(1, 200), st.integers(0, 2**32 - 1), LINES)
def test_any_one_line_prompts_come_back_through_the_plain_text(
    prompt: str, negative: str, steps: int, seed: int, name: str
) -> None:
    if prompt.startswith("Negative prompt:"):
        return  # the form itself cannot tell these apart
    request = replace(REQUEST, prompt=prompt, negative_prompt=negative, steps=steps, seed=seed)
    text = metadata.png_text(metadata.describe(request, replace(MODEL, name=name)))["parameters"]
    said = metadata.parse({"parameters": text})
    assert said is not None
    assert (said["prompt"], said["negative_prompt"]) == (prompt, negative)
    assert (said["steps"], said["seed"], said["strength"]) == (steps, seed, 0.6)
    assert said.get("model", "") == name


@patient
@given(
    st.dictionaries(
        st.sampled_from(["parameters", "scumble"]),
        st.text() | st.binary() | st.none() | st.lists(st.text()),
    )
)
def test_any_chunks_are_read_without_an_error(chunks: dict[str, Any]) -> None:
    assert metadata.parse(chunks) is None or isinstance(metadata.parse(chunks), dict)


PIECES = ["Steps: 20", "Seed:", '"', "\\", ",", ":", "\n", "Size: 9x", "NaN", "1e999", "Negative"]


@patient
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=60).map(" ".join))
def test_text_that_nearly_fits_is_read_without_an_error(text: str) -> None:
    said = metadata.parse({"parameters": text})
    assert said is None or all(
        math.isfinite(v) for v in said.values() if isinstance(v, (int, float))
    )
