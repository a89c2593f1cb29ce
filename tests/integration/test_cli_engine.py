"""The command line with the real engine, and its files in a real Krita."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from scumble.link.client import call
from scumble.link.errors import ScumbleError
from scumble.link.home import Home
from scumble.link.values import Size
from scumble.metadata import parse
from scumble.openraster import Document, Layer, merge, read, write

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "installer" / "sample"
SECONDS = 280.0
REQUIRED = bool(os.environ.get("SCUMBLE_REQUIRE_EDITORS") or os.environ.get("CI"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    made = tiny.home(tmp_path_factory.mktemp("engine") / "home", "sd1-inpaint")
    yield made
    with suppress(ScumbleError):
        call(made, "shutdown", start=False)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_real_pipeline_fills_the_sample_and_touches_nothing_else(
    home: Home, tmp_path: Path
) -> None:
    out = tmp_path / "filled"
    done = subprocess.run(
        [
            sys.executable, "-m", "scumble", "fill", SAMPLE / "meadow.png",
            "--mask", SAMPLE / "selection.png", "--prompt", "a balloon", "--model", "sd1-inpaint",
            "--steps", "2", "--seed", "9", "-o", out.with_suffix(".ora"),
            "-o", out.with_suffix(".png"),
        ],
        env={**os.environ, "SCUMBLE_HOME": str(home.path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    before = np.asarray(Image.open(SAMPLE / "meadow.png"))
    picture = Image.open(out.with_suffix(".png"))
    after, selected = np.asarray(picture), np.asarray(Image.open(SAMPLE / "selection.png")) > 0
    np.testing.assert_array_equal(after[~selected], before[~selected])
    assert (after[selected] != before[selected]).mean() > 0.5
    told = parse(picture.info)
    assert told is not None
    assert (told["prompt"], told["seed"], told["steps"]) == ("a balloon", 9, 2)
    document = read(out.with_suffix(".ora"))
    assert [layer.name for layer in document.layers] == ["meadow.png", "a balloon (seed 9)"]
    merged = merge(document.size, document.layers)
    np.testing.assert_array_equal(merged[..., :3], after)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_selected_is_removed_without_prompt_and_model(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "removed"
    done = subprocess.run(
        [
            sys.executable, "-m", "scumble", "fill", SAMPLE / "meadow.png",
            "--mask", SAMPLE / "selection.png", "--seed", "4", "--json",
            "-o", out.with_suffix(".ora"), "-o", out.with_suffix(".png"),
        ],
        env={**os.environ, "SCUMBLE_HOME": str(home.path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    workers = [event["worker"]["state"] for event in told if event["event"] == "worker"]
    assert "running" in workers
    assert "loading" not in workers
    assert [event["step"] for event in told if event["event"] == "progress"] == [0, 1]
    before = np.asarray(Image.open(SAMPLE / "meadow.png"))
    picture = Image.open(out.with_suffix(".png"))
    after, selected = np.asarray(picture), np.asarray(Image.open(SAMPLE / "selection.png")) > 0
    np.testing.assert_array_equal(after[~selected], before[~selected])
    assert (after[selected] != before[selected]).mean() > 0.5
    described = parse(picture.info)
    assert described is not None
    assert (described["intent"], described["model"]) == ("remove", "")
    document = read(out.with_suffix(".ora"))
    assert [layer.name for layer in document.layers] == ["meadow.png", "Removed (seed 4)"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("prompt", "inverted", "intent", "drawn"),
    [
        ("a beach", True, "replace_background", "a beach"),
        ("add a kite", False, "add", "a kite"),
    ],
)
def test_what_a_fill_is_for_follows_from_selection_and_prompt(
    home: Home, tmp_path: Path, prompt: str, inverted: bool, intent: str, drawn: str
) -> None:
    selection = np.asarray(Image.open(SAMPLE / "selection.png").convert("L"))
    mask, out = tmp_path / "mask.png", tmp_path / "out.png"
    Image.fromarray(255 - selection if inverted else selection).save(mask)
    done = subprocess.run(
        [
            sys.executable, "-m", "scumble", "fill", SAMPLE / "meadow.png", "--mask", mask,
            "--prompt", prompt, "--model", "sd1-inpaint", "--steps", "2", "--gradient-domain",
            "-o", out,
        ],
        env={**os.environ, "SCUMBLE_HOME": str(home.path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    described = parse(Image.open(out).info)
    assert described is not None
    assert (described["intent"], described["prompt"]) == (intent, drawn)
    assert described["gradient_domain"] is True


@pytest.mark.krita
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_krita_opens_the_layers_and_sees_the_same_picture(tmp_path: Path) -> None:
    missing = [name for name in ("krita", "xvfb-run") if shutil.which(name) is None]
    if missing:
        assert not REQUIRED, f"this run must not do without {missing}"
        pytest.skip(f"NOT TESTED: {missing} are not on this computer")
    rng = np.random.default_rng(8)
    below = np.asarray(Image.open(SAMPLE / "meadow.png").convert("RGBA"))
    above = rng.integers(0, 256, (60, 80, 4), dtype=np.uint8)
    above[..., 3] = rng.choice([0, 255], (60, 80))
    layers = (Layer("meadow", below), Layer("noise", above, 300, 50))
    write(tmp_path / "a.ora", Document(Size(768, 512), layers))
    export = subprocess.run(
        ["xvfb-run", "-a", "krita", "--export", "--export-filename", "b.png", "a.ora"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        timeout=SECONDS,
    )
    assert (tmp_path / "b.png").exists(), export.stderr.decode(errors="replace")
    seen = np.asarray(Image.open(tmp_path / "b.png").convert("RGB"))
    np.testing.assert_array_equal(seen, merge(Size(768, 512), layers)[..., :3])
