"""The command line end to end: real processes, a real daemon, the engine without a model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import SECONDS, Scumble, events, rgb
from PIL import Image

from scumble.link.client import call
from scumble.openraster import read


def test_fill_changes_no_byte_outside_the_mask(scumble: Scumble, photo: Path, mask: Path) -> None:
    out = scumble.folder / "filled.png"
    done = scumble("fill", photo, "--mask", mask, "--prompt", "a boat", "-o", out)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(out)]
    before, after, selected = rgb(photo), rgb(out), np.asarray(Image.open(mask)) > 0
    np.testing.assert_array_equal(after[~selected], before[~selected])
    assert (after[selected] != before[selected]).any()


def test_fill_writes_the_fill_as_a_named_layer_over_the_picture(
    scumble: Scumble, photo: Path, mask: Path
) -> None:
    out = scumble.folder / "filled.ora"
    done = scumble("fill", photo, "--mask", mask, "-p", "a boat", "--seed", 7, "-o", out)
    assert done.returncode == 0, done.stderr
    document = read(out)
    assert [layer.name for layer in document.layers] == ["photo.png", "a boat (seed 7)"]
    np.testing.assert_array_equal(document.layers[0].pixels[..., :3], rgb(photo))
    fill = document.layers[1]
    selected = np.asarray(Image.open(mask))
    inside = selected[fill.y : fill.y + 90, fill.x : fill.x + 120][: fill.pixels.shape[0]]
    assert (fill.pixels[..., 3][inside[:, : fill.pixels.shape[1]] == 0] == 0).all()


def test_a_rectangle_can_be_selected_and_several_files_written(
    scumble: Scumble, photo: Path
) -> None:
    ora, png = scumble.folder / "r.ora", scumble.folder / "r.png"
    done = scumble("fill", photo, "--select", "10,20,30,40", "-o", ora, "-o", png)
    assert done.returncode == 0, done.stderr
    before, after = rgb(photo), rgb(png)
    inside = np.zeros(before.shape[:2], bool)
    inside[20:60, 10:40] = True
    np.testing.assert_array_equal(after[~inside], before[~inside])
    assert (after[inside] != before[inside]).any()
    assert Image.open(png).mode == "RGB", "a picture without alpha stays one"
    assert len(read(ora).layers) == 2


def test_the_same_seed_gives_the_same_picture_and_another_seed_another(
    scumble: Scumble, photo: Path
) -> None:
    def filled(name: str, seed: int) -> bytes:
        out = scumble.folder / name
        scumble("fill", photo, "--select", "10,20,30,40", "--seed", seed, "-o", out)
        return rgb(out).tobytes()

    assert filled("s1.png", 5) == filled("s2.png", 5)
    assert filled("s1.png", 5) != filled("s3.png", 6)


def test_generate_makes_a_picture_of_the_size_asked_for_with_its_metadata(
    scumble: Scumble,
) -> None:
    out = scumble.folder / "new.png"
    done = scumble("generate", "--size", "96x64", "--prompt", "a hill", "--seed", 11, "-o", out)
    assert done.returncode == 0, done.stderr
    picture = Image.open(out)
    assert picture.size == (96, 64)
    assert "a hill" in picture.info["parameters"]
    assert "Seed: 11" in picture.info["parameters"]


def test_a_batch_is_numbered_pngs_and_as_many_layers(scumble: Scumble) -> None:
    ora, png = scumble.folder / "batch.ora", scumble.folder / "batch.png"
    done = scumble("generate", "--size", "64x64", "--batch", 3, "-o", ora, "-o", png, "--json")
    assert done.returncode == 0, done.stderr
    written = [Path(event["path"]).name for event in events(done) if event["event"] == "written"]
    assert sorted(written) == ["batch-1.png", "batch-2.png", "batch-3.png", "batch.ora"]
    seeds = [layer.name.partition("seed ")[2] for layer in read(ora).layers]
    numbers = [int(text.rstrip(")")) for text in seeds]
    assert numbers == [numbers[-1] + 2, numbers[-1] + 1, numbers[-1]], "the first is topmost"


def test_refine_lays_a_layer_over_the_whole_picture(scumble: Scumble, photo: Path) -> None:
    out = scumble.folder / "refined.ora"
    done = scumble("refine", photo, "--prompt", "warmer", "--strength", 0.4, "-o", out)
    assert done.returncode == 0, done.stderr
    below, above = read(out).layers
    assert below.pixels.shape == above.pixels.shape == (90, 120, 4)


def test_json_tells_everything_a_script_needs(scumble: Scumble) -> None:
    done = scumble("generate", "--size", "64x64", "-o", "j.png", "--json", "--steps", 3)
    told = events(done)
    assert {"connection", "job", "progress", "result", "written"} <= {e["event"] for e in told}
    steps = [event["step"] for event in told if event["event"] == "progress"]
    assert steps == sorted(steps)
    result = next(event["result"] for event in told if event["event"] == "result")
    assert result["region"] == {"x": 0, "y": 0, "width": 64, "height": 64}
    assert [e["job"]["state"] for e in told if e["event"] == "job"][-1] == "done"


PHOTO = "photo.png"
WRONG = {
    "no such picture": ["fill", "nothing.png", "--select", "1,1,9,9", "-o", "x.png"],
    "no such mask": ["fill", PHOTO, "--mask", "nothing.png", "-o", "x.png"],
    "a mask of another size": ["fill", PHOTO, "--mask", "small.png", "-o", "x.png"],
    "an empty mask": ["fill", PHOTO, "--mask", "black.png", "-o", "x.png"],
    "no picture at all": ["fill", "text.png", "--select", "1,1,9,9", "-o", "x.png"],
    "a rectangle of three": ["fill", PHOTO, "--select", "1,1,9", "-o", "x.png"],
    "a rectangle of words": ["fill", PHOTO, "--select", "a,b,c,d", "-o", "x.png"],
    "a rectangle outside": ["fill", PHOTO, "--select", "500,500,9,9", "-o", "x.png"],
    "an empty rectangle": ["fill", PHOTO, "--select", "5,5,0,9", "-o", "x.png"],
    "another file type": ["fill", PHOTO, "--select", "1,1,9,9", "-o", "x.jpg"],
    "no such folder": ["fill", PHOTO, "--select", "1,1,9,9", "-o", "nowhere/x.png"],
    "the picture itself": ["fill", PHOTO, "--select", "1,1,9,9", "-o", PHOTO],
    "no such context": ["fill", PHOTO, "--select", "1,1,9,9", "--context", "huge", "-o", "x.png"],
    "NaN": ["fill", PHOTO, "--select", "1,1,9,9", "--cfg", "nan", "-o", "x.png"],
    "no steps": ["generate", "--steps", "0", "-o", "x.png"],
    "ten thousand steps": ["generate", "--steps", "10000", "-o", "x.png"],
    "a size of nothing": ["generate", "--size", "0x64", "-o", "x.png"],
    "a size too large": ["generate", "--size", "64x99999", "-o", "x.png"],
    "no size": ["generate", "--size", "large", "-o", "x.png"],
    "a negative seed": ["generate", "--seed", "-1", "-o", "x.png"],
    "strength above 1": ["fill", PHOTO, "--select", "1,1,9,9", "--strength", "1.5", "-o", "x.png"],
    "refine that keeps nothing": ["refine", PHOTO, "--strength", "1", "-o", "x.png"],
    "refine beyond all": ["refine", PHOTO, "--strength", "2", "-o", "x.png"],
    "an unknown job": ["jobs", "save", "none", "-o", "x.png"],
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_one_sentence_and_exit_code_2(
    scumble: Scumble, photo: Path, arguments: list[str]
) -> None:
    Image.new("L", (8, 8), 255).save(scumble.folder / "small.png")
    Image.new("L", (120, 90), 0).save(scumble.folder / "black.png")
    (scumble.folder / "text.png").write_text("not a picture")
    before = photo.read_bytes()
    done = scumble(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.endswith((".", "jobs"))
    assert "Traceback" not in done.stderr
    assert not (scumble.folder / "x.png").exists()
    assert photo.read_bytes() == before


def test_a_missing_picture_is_told_where_the_result_is_there_from_before(
    scumble: Scumble, photo: Path
) -> None:
    done = scumble("fill", "nothing.png", "--select", "1,1,9,9", "-o", photo)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "There is no file nothing.png. Check the path."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--prompt", "oom"], "out_of_memory"),
        (["--prompt", "fail-load"], None),
        (["--prompt", "bug"], "internal"),
        (["--model", "no-such-model"], "model_missing"),
        (["--sampler", "no-such-sampler"], "unsupported"),
    ],
)
def test_what_fails_in_the_backend_is_told_with_its_code(
    scumble: Scumble, arguments: list[str], code: str | None
) -> None:
    done = scumble("generate", "--size", "64x64", *arguments, "-o", "x.png", "--json")
    assert done.returncode == 1
    (error,) = [event["error"] for event in events(done) if event["event"] == "error"]
    assert code is None or error["code"] == code
    assert done.stderr.strip().startswith(error["message"])
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child there")
def test_ctrl_c_cancels_the_job_and_writes_nothing(scumble: Scumble) -> None:
    out = scumble.folder / "never.png"
    process = scumble.start(
        "generate", "--prompt", "slow", "--steps", 200, "-o", out, "--json"
    )  # 200 × 50 ms
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    told = [json.loads(line) for line in stdout.splitlines()]
    assert [e["job"]["state"] for e in told if e["event"] == "job"][-1] == "cancelled"
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_daemon_that_is_killed_is_started_again_and_the_fill_comes(
    scumble: Scumble, photo: Path
) -> None:
    out = scumble.folder / "survived.png"
    process = scumble.start(
        "fill", photo, "--select", "5,5,40,40", "--prompt", "slow", "--steps", 40, "-o", out,
        "--json",
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    os.kill(json.loads(scumble.home.connection_file.read_text())["pid"], signal.SIGKILL)
    _, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, stderr
    assert out.exists()


def test_serve_runs_in_the_foreground_until_it_is_told_to_end(tmp_path: Path) -> None:
    own = Scumble(tmp_path)
    process = own.start("serve")
    deadline = time.monotonic() + SECONDS
    while not own.home.connection_file.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert own("jobs", "--json").returncode == 0
    assert json.loads(own.home.connection_file.read_text())["pid"] == process.pid
    call(own.home, "shutdown", start=False)
    assert process.wait(SECONDS) == 0
    process.communicate()


def test_help_names_every_verb(scumble: Scumble) -> None:
    help_text = scumble("--help").stdout
    for verb in ("fill", "generate", "refine", "serve", "jobs", "models"):
        assert f"    {verb} " in help_text
        assert scumble(verb, "--help").returncode == 0


def test_serve_imports_nothing_of_pictures_and_models() -> None:
    code = (
        "import sys; from scumble.__main__ import _parser; _parser(['serve']);"
        "print(sorted({'numpy', 'PIL', 'torch', 'tqdm'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
