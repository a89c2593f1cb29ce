"""`scumble jobs` end to end: results are listed, saved, discarded, and kept until then."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import SECONDS, Scumble, events, rgb
from daemons import request, until
from PIL import Image

from scumble.link.client import call
from scumble.link.encoding import to_wire
from scumble.openraster import read


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
