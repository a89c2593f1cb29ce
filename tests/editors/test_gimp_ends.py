"""GIMP, an image or the window goes while the plug-in works: no process stays, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from daemons import Client, Daemon, until
from debian import display
from gimp_harness import Gimp, Report, Screen, facts, gone, unfinished

from scumble.link.form import Form, form_to_json
from scumble.link.values import Job, JobState

LIMIT = 200.0
IN_THE_NEXT_SESSION = [
    "paste_what_was_lost",
    "close_the_image_meanwhile",
    "close_the_window_meanwhile",
    "duplicate_the_image_meanwhile",
    "crop_the_image_meanwhile",
    "turn_the_image_to_indexed_meanwhile",
    "what_ends_a_call_without_a_window",
    "another_image_while_it_is_read",
    "close_the_image_while_it_is_looked_at",
    "a_script_beside_the_window",
    "a_script_pastes_what_waits",
    "discard_what_waits",
]
OPEN_THE_WINDOW = """
from gi.repository import Gimp
image = Gimp.Image.new(600, 400, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(
    image, "below", 600, 400, Gimp.ImageType.RGBA_IMAGE, 100.0, Gimp.LayerMode.NORMAL
)
image.insert_layer(layer, None, 0)
image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 150)
image.clean_all()
Gimp.Display.new(image)
fill = Gimp.get_pdb().lookup_procedure("scumble-fill")
config = fill.create_config()
config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
config.set_property("image", image)
config.set_core_object_array("drawables", [layer])
fill.run(config)
"""

pytestmark = [pytest.mark.gimp, pytest.mark.slow, pytest.mark.timeout(4 * LIMIT)]


def kill(gimp: int, screen: Screen) -> None:
    os.kill(gimp, signal.SIGKILL)


def quit_by_key(gimp: int, screen: Screen) -> None:
    screen.focus("GIMP")
    screen.press("key", "ctrl+q")


def work_and_end(gimp: Gimp, end: Callable[[int, Screen], None]) -> Job:
    """Start a fill in the plug-in's own window, end GIMP; the job as it was then."""
    script = gimp.home / "open.py"
    script.write_text(OPEN_THE_WINDOW)
    words = ["gimp", "-d", "-f", "--no-splash", "--batch-interpreter=python-fu-eval"]
    words += ["-b", f"exec(open('{script}').read())"]
    with (
        contextlib.closing(gimp.client()) as client,
        display() as number,
        gimp.program(number, *words),
    ):
        screen = Screen(number)
        until(lambda: screen.focus("^Scumble"))
        plugin = until(lambda: plugin_process(gimp))
        until(lambda: worker_knows_a_model(client))
        before = {job.id for job in unfinished(client)}
        screen.press("key", "ctrl+Return")
        running = until(
            lambda: [
                job
                for job in unfinished(client)
                if job.id not in before and job.state is JobState.RUNNING
            ]
        )
        parent = int(Path(f"/proc/{plugin}/stat").read_text().rpartition(")")[2].split()[1])
        end(parent, screen)
        assert gone(parent, 20.0), "GIMP did not end"
        assert gone(plugin, 20.0), "the plug-in's process outlived GIMP"
        job: Job = running[0]
        return job


def plugin_process(gimp: Gimp) -> int:
    """The process in which the plug-in's window lives; 0 without one."""
    script = str(gimp.plugins / "scumble" / "scumble.py").encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if script in (process / "cmdline").read_bytes():
                return int(process.name)
    return 0


def worker_knows_a_model(client: Client) -> bool:
    return bool(client.ask("capabilities").fields["capabilities"]["models"])


@pytest.fixture(scope="module")
def left_behind(gimp: Gimp, daemon: Daemon) -> list[Job]:
    remembered = gimp.plugins.parent / "scumble" / "form.json"
    remembered.parent.mkdir()
    form = Form(prompt="a slow boat", model="sd1-inpaint", steps=60, guidance_scale=1.0)
    remembered.write_text(form_to_json(form))
    return [work_and_end(gimp, kill), work_and_end(gimp, quit_by_key)]


@pytest.fixture(scope="module")
def report(gimp: Gimp, left_behind: list[Job]) -> Report:
    found = gimp.run(IN_THE_NEXT_SESSION, LIMIT)
    ended = {"error": "GIMP ended before it"}
    return {name: found.get(name, ended) for name in IN_THE_NEXT_SESSION}


def test_no_process_stays_and_the_work_goes_on(gimp: Gimp, left_behind: list[Job]) -> None:
    with contextlib.closing(gimp.client()) as client:
        for left in left_behind:
            job = until(lambda left=left: ended(client, left.id))
            assert job.state is JobState.DONE, job
            assert job.unacknowledged == (0,)


def test_the_next_session_offers_both_and_pastes_each_once(report: Report) -> None:
    seen = facts(report, "paste_what_was_lost")
    assert seen["offered"]
    assert seen["rows"] == 2, seen
    *pasted, below = seen["layers"]
    assert below == "below"
    assert len(set(pasted)) == 2
    assert all(name.startswith("a slow boat (seed ") for name in pasted), pasted
    assert seen["gone"]
    assert not seen["offered_again"]


def test_a_closed_image_loses_nothing(report: Report) -> None:
    seen = facts(report, "close_the_image_meanwhile")
    assert seen.pop("layers") == ["a boat (seed 8)", "below"]
    assert seen == {"began": True, "offered": True, "pasted": True, "gone": True}


def test_a_closed_window_loses_nothing(report: Report) -> None:
    seen = facts(report, "close_the_window_meanwhile")
    assert seen.pop("layers") == ["a boat (seed 9)", "below"]
    assert seen == {"began": True, "offered": True, "pasted": True, "gone": True}


def test_a_duplicate_does_not_get_its_originals_layer(report: Report) -> None:
    seen = facts(report, "duplicate_the_image_meanwhile")
    assert seen == {"began": True, "arrived": True, "twin": 1}


def test_an_image_that_is_cropped_gets_its_layer_by_hand_and_on_the_canvas(
    report: Report,
) -> None:
    seen = facts(report, "crop_the_image_meanwhile")
    assert seen["began"]
    assert seen["offered"]
    assert seen["message"].startswith("The picture was cropped, resized or rotated")
    assert seen["pasted"]
    assert seen["layers"] == [["below"], ["a boat (seed 8)", "below"]]
    assert seen["place"] == [50, 50, 200, 150]


def test_an_image_that_becomes_indexed_gets_its_layer_when_it_can(report: Report) -> None:
    seen = facts(report, "turn_the_image_to_indexed_meanwhile")
    assert seen["began"]
    assert seen["offered"]
    assert seen["message"].startswith("An indexed image has too few colours to paint in.")
    assert seen["pasted"]
    assert seen["layers"] == [["below"], ["a boat (seed 8)", "below"]]


def test_a_call_without_a_window_ends_whatever_happens(report: Report) -> None:
    seen = facts(report, "what_ends_a_call_without_a_window")
    assert seen["closed"] == ["The image was closed before its new layer came.", 0]
    assert seen["cropped"][0].startswith("The picture was cropped")
    assert seen["cropped"][1] == 0
    assert seen["indexed"] == ["An indexed image has too few colours to paint in.", 0]
    assert seen["gone_for_good"] == ["Scumble's backend is gone.", 0]
    assert seen["gone_for_a_moment"] == ["", 1]
    assert seen["not_taken"] == ["GIMP did not take the new layer.", 0]
    assert seen["waiting"] == 5, "nothing that was computed is lost"


def test_a_picture_that_is_being_read_stays_its_images_own(report: Report) -> None:
    seen = facts(report, "another_image_while_it_is_read")
    assert seen["during"] == [True], "the image changed in the middle of a picture"
    assert seen["after"], "the menu entry that was chosen counts afterwards"
    assert seen["arrived"]
    assert seen["within"] == [20, 20, 100, 100]
    assert seen["second"] == ["below"]


def test_an_image_that_closes_under_a_look_does_not_end_the_looking(report: Report) -> None:
    seen = facts(report, "close_the_image_while_it_is_looked_at")
    assert seen["image"], "an image that is closed cannot be chosen"
    assert (seen["nothing"], seen["selected"]) == (False, True)


def test_what_a_script_asked_for_is_not_offered_by_the_window(report: Report) -> None:
    seen = facts(report, "a_script_beside_the_window")
    assert seen == {
        "status": "success",
        "names": ["a script (seed 1)", "a script (seed 2)"],
        "offers": 0,
    }


def test_a_script_pastes_all_that_waits_once(report: Report) -> None:
    assert facts(report, "a_script_pastes_what_waits")["pasted"] == [0, 1, 2]


def test_what_waits_can_be_discarded_and_all_of_it_after_a_question_only(report: Report) -> None:
    seen = facts(report, "discard_what_waits")
    names = [f"Scumble (seed {n}), 20 × 10" for n in range(3)]
    assert seen["menu"] == ["Discard all…", "", *names]
    assert seen["question"] == "Discard all 2 recovered results?"
    assert (seen["after cancel"], seen["after ok"]) == (1, 2)
    assert seen["discarded"] == [[0], [1, 2]]
    assert seen["alone"] == names[:1]


def ended(client: Client, job_id: str) -> Job | None:
    job = client.job(job_id)
    return job if job.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED) else None
