"""`scumble models`, run as a person or a script runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_server import Hub
from model_headers import checkpoint, diffusers_folder, lora

from scumble.models.catalogue import CATALOGUE

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def scumble(tmp_path: Path) -> Run:
    home = {"SCUMBLE_HOME": str(tmp_path / "home"), "HF_HOME": str(tmp_path / "hf")}
    environment = {**os.environ, **home, "PYTHONIOENCODING": "utf-8"}

    def run(*arguments: Any) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "scumble", "models", *map(str, arguments)]
        return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120)

    return run


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_model_is_added_listed_checked_and_removed(scumble: Run, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "Oil Painter.safetensors", "sdxl", 9)
    entry = answer(scumble("add", file, "--json"))
    assert (entry["id"], entry["architecture"], entry["inpaint_channels"]) == (
        "oil-painter",
        "sdxl",
        True,
    )
    said = scumble("list", "--json")
    assert said.stdout.count("\n") == 1, "one object a line"
    listed = answer(said)
    assert entry in listed["models"]
    assert {item["id"] for item in listed["catalogue"]} == {item.id for item in CATALOGUE}
    assert "Oil Painter" in scumble("list").stdout
    assert answer(scumble("verify", "oil-painter", "--json")) == {"oil-painter": []}
    assert answer(scumble("remove", "oil-painter", "--json"))["files_deleted"] is False
    assert file.exists()
    assert entry not in answer(scumble("list", "--json"))["models"]


def test_inspect_says_what_a_file_is(scumble: Run, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "a.safetensors", channels=9)
    assert answer(scumble("inspect", file, "--json"))["inpaint_channels"] is True
    assert "9 channels" in scumble("inspect", file).stdout
    found = answer(scumble("inspect", diffusers_folder(tmp_path / "folder"), "--json"))
    assert (found["kind"], found["native"]) == ("diffusers", 128)
    assert "sdxl" in scumble("inspect", lora(tmp_path / "l.safetensors", 2048)).stdout


def test_inspect_takes_a_registered_name_too(scumble: Run, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "x.safetensors")
    entry = answer(scumble("add", file, "--name", "Oil", "--json"))
    by_name = answer(scumble("inspect", entry["id"], "--json"))
    assert by_name == answer(scumble("inspect", file, "--json"))


@pytest.mark.parametrize("verb", ["add", "inspect"])
def test_a_pickle_is_one_sentence_and_a_failure(scumble: Run, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "model.ckpt"
    os.mkfifo(file)  # would block whoever opens it
    done = scumble(verb, file)
    assert done.returncode == 1
    assert "pickle" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(scumble(verb, file, "--json").stdout)["error"]["code"] == "model_rejected"


def test_the_licence_is_shown_before_a_download(scumble: Run, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "x.safetensors").read_bytes()
    with Hub({"painters/oil": {"x.safetensors": file}}, licence="openrail++") as hub:
        done = scumble("add", "painters/oil", "--name", "Oil", "--endpoint", hub.endpoint)
    assert done.returncode == 0, done.stderr
    assert "Licence: openrail++" in done.stderr
    assert "Added Oil as “oil”" in done.stdout


def test_verify_repairs_what_was_downloaded(scumble: Run, tmp_path: Path) -> None:
    file = checkpoint(tmp_path / "x.safetensors").read_bytes()
    with Hub({"painters/oil": {"x.safetensors": file}}) as hub:
        entry = answer(scumble("download", "painters/oil", "--endpoint", hub.endpoint, "--json"))
        Path(entry["path"]).write_bytes(b"gone")
        broken = scumble("verify")
        assert broken.returncode == 3
        assert "x.safetensors: its size is another." in broken.stderr
        assert scumble("verify", "--repair", "--endpoint", hub.endpoint).returncode == 0
    assert Path(entry["path"]).read_bytes() == file


def test_an_unknown_model_is_one_sentence(scumble: Run) -> None:
    for verb in ("remove", "verify"):
        done = scumble(verb, "nobody")
        assert done.returncode == 1
        assert "nobody" in done.stderr
        assert "Traceback" not in done.stderr
