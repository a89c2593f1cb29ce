"""GIMP ends while its plug-in's window works: no process stays, and no result is lost."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from daemons import Client, Daemon, until
from debian import display
from gimp_harness import Gimp, Screen, gone, unfinished

from scumble.link.form import Form, form_to_json
from scumble.link.values import Job, JobState

LIMIT = 200.0
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
def next_session(gimp: Gimp, left_behind: list[Job]) -> dict[str, Any]:
    found = gimp.run(["paste_what_was_lost"], LIMIT)["paste_what_was_lost"]
    assert not found["error"], found["error"]
    return dict(found["facts"])


def test_no_process_stays_and_the_work_goes_on(gimp: Gimp, left_behind: list[Job]) -> None:
    with contextlib.closing(gimp.client()) as client:
        for left in left_behind:
            job = until(lambda left=left: ended(client, left.id))
            assert job.state is JobState.DONE, job
            assert job.unacknowledged == (0,)


def test_the_next_session_offers_both_and_pastes_each_once(next_session: dict[str, Any]) -> None:
    assert next_session["offered"]
    assert next_session["rows"] == 2, next_session
    *pasted, below = next_session["layers"]
    assert below == "below"
    assert len(set(pasted)) == 2
    assert all(name.startswith("a slow boat (seed ") for name in pasted), pasted
    assert next_session["gone"]
    assert not next_session["offered_again"]


def ended(client: Client, job_id: str) -> Job | None:
    job = client.job(job_id)
    return job if job.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED) else None
