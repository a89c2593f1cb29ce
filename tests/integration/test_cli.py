"""The command line end to end: real processes, a real daemon, the engine without a model."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from daemons import request, until
from PIL import Image

from scumble.link.client import call
from scumble.link.encoding import to_wire
from scumble.link.errors import ScumbleError
from scumble.link.home import Home
from scumble.openraster import read

SECONDS = 120.0


class Scumble:
    """Runs `scumble …` with a home of its own and the fake engine."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.folder = folder
        self.environ = {**os.environ, "SCUMBLE_HOME": str(self.home.path), "SCUMBLE_ENGINE": "fake"}

    def __call__(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "scumble", *map(str, arguments)],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "scumble", *map(str, arguments)],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # a shell that runs the tests in the background has its children ignore Ctrl-C
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )


@pytest.fixture(scope="module")
def scumble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scumble]:
    made = Scumble(tmp_path_factory.mktemp("cli"))
    yield made
    with contextlib.suppress(ScumbleError):  # a test ended it
        call(made.home, "shutdown", start=False)


@pytest.fixture(scope="module")
def photo(scumble: Scumble) -> Path:
    pixels = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(scumble.folder / "photo.png")
    return scumble.folder / "photo.png"


@pytest.fixture(scope="module")
def mask(scumble: Scumble) -> Path:
    """A soft disc."""
    y, x = np.mgrid[0:90, 0:120]
    soft = np.clip((25 - np.hypot(x - 50, y - 40)) / 6 + 0.5, 0, 1)
    Image.fromarray((soft * 255).astype(np.uint8)).save(scumble.folder / "mask.png")
    return scumble.folder / "mask.png"


def rgb(path: Path) -> Any:
    return np.asarray(Image.open(path).convert("RGB"))


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """Every line of stdout is one JSON object with an event."""
    return [json.loads(line) for line in done.stdout.splitlines()]


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


def test_jobs_lists_saves_and_cancels(scumble: Scumble) -> None:
    scumble("generate", "--size", "64x64", "--prompt", "for the list", "-o", "list.png")
    listed = events(scumble("jobs", "--json"))
    job = next(e["job"] for e in listed if e["job"]["prompt"] == "for the list")
    assert job["state"] == "done"
    assert "for the list" in scumble("jobs").stdout

    done = scumble("jobs", "save", job["id"][:12], "-o", "again.png")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(
        rgb(scumble.folder / "again.png"), rgb(scumble.folder / "list.png")
    )
    done = scumble("jobs", "cancel", job["id"])
    assert (done.returncode, done.stdout.split()[-1]) == (0, "done"), "it was over already"


def test_a_jobs_results_can_be_discarded(scumble: Scumble) -> None:
    scumble("jobs")  # somebody has started the daemon
    call(scumble.home, "submit", {"request": to_wire(request("unwanted", batch=2))})
    call(scumble.home, "submit", {"request": to_wire(request("wanted"))})

    def waiting() -> list[list[int]]:
        listed = [event["job"] for event in events(scumble("jobs", "--json"))]
        jobs = {job["id"]: job["unacknowledged"] for job in listed}
        return [jobs["unwanted"], jobs["wanted"]]

    until(lambda: waiting() == [[0, 1], [0]])
    done = scumble("jobs", "discard", "unwanted")
    assert (done.returncode, done.stdout.split()) == (0, ["unwanted", "done"]), done.stderr
    assert waiting() == [[], [0]]


def test_jobs_speak_json_wherever_it_is_asked_for(scumble: Scumble) -> None:
    scumble("generate", "--size", "64x64", "--prompt", "told", "-o", "told.png")
    listed = events(scumble("jobs", "--json"))
    assert events(scumble("jobs", "list", "--json")) == listed
    assert events(scumble("jobs", "--json", "list")) == listed
    job = next(e["job"] for e in listed if e["job"]["prompt"] == "told")
    assert events(scumble("jobs", "cancel", job["id"], "--json")) == [{"event": "job", "job": job}]
    written = events(scumble("jobs", "save", job["id"], "-o", "told again.png", "--json"))
    assert written == [{"event": "written", "path": "told again.png"}]


def test_a_saved_fill_lies_in_its_place(scumble: Scumble, photo: Path) -> None:
    out = scumble.folder / "placed.ora"
    select = ("--select", "70,50,30,20")
    scumble("fill", photo, *select, "--context", "8", "--prompt", "placed", "-o", out)
    listed = events(scumble("jobs", "--json"))
    job = next(e["job"] for e in listed if e["job"]["prompt"] == "placed")
    assert scumble("jobs", "save", job["id"], "-o", "alone.ora").returncode == 0
    whole, alone = read(out), read(scumble.folder / "alone.ora")
    assert len(alone.layers) == 1
    there, saved = whole.layers[-1], alone.layers[0]
    assert (saved.x, saved.y) == (there.x, there.y) != (0, 0)
    np.testing.assert_array_equal(saved.pixels, there.pixels)
    assert alone.size.width >= saved.x + saved.pixels.shape[1]


@pytest.mark.skipif(sys.platform == "win32", reason="a folder is not written to there either way")
def test_a_job_that_cannot_be_saved_waits_and_says_so(scumble: Scumble) -> None:
    scumble("generate", "--size", "64x64", "--prompt", "no place", "-o", "first.png")
    listed = events(scumble("jobs", "--json"))
    job = next(e["job"] for e in listed if e["job"]["prompt"] == "no place")
    (scumble.folder / "folder.png").mkdir()
    done = scumble("jobs", "save", job["id"], "-o", "folder.png")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_result_that_cannot_be_written_is_not_lost(scumble: Scumble) -> None:
    folder = scumble.folder / "goes away"
    folder.mkdir()
    process = scumble.start(
        "generate", "--size", "64x64", "--prompt", "slow kept", "--steps", 20,
        "-o", folder / "x.png", "--json",
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    folder.rmdir()
    _, stderr = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "cannot be written" in stderr
    listed = events(scumble("jobs", "--json"))
    job = next(e["job"] for e in listed if e["job"]["prompt"] == "slow kept")
    assert job["unacknowledged"] == [0]
    assert scumble("jobs", "save", job["id"], "-o", "saved.png").returncode == 0
    assert Image.open(scumble.folder / "saved.png").size == (64, 64)


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
