"""A model that is added while the editor is open appears in it, but not under the artist's hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from daemons import REAL_LIST, running
from debian import REQUIRED
from gimp_harness import Gimp, facts
from krita_harness import KritaHome, missing, run_krita
from model_headers import checkpoint

from scumble.link.home import Home
from scumble.models.registry import Registry

SCENARIO = "model_added_while_the_list_is_open"
SECONDS = 180.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * SECONDS)]


@contextmanager
def added_when_the_list_is_open(home: Home, folder: Path) -> Iterator[None]:
    over = threading.Event()

    def wait_and_add() -> None:
        while not (home.path / "list_is_open").exists():
            if over.wait(0.1):
                return
        Registry(home).add(checkpoint(folder / "Painter.safetensors"))

    with running(home, **REAL_LIST) as daemon:
        daemon.connection()
        thread = threading.Thread(target=wait_and_add)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.mark.krita
def test_krita_lists_it_once_the_list_is_closed(tmp_path: Path) -> None:
    reason = missing("")
    if reason and REQUIRED:
        pytest.fail(f"Krita must be tested here: {reason}")
    if reason:
        pytest.skip(f"Krita WAS NOT TESTED: {reason}")
    home = Home(tmp_path / "scumble")
    krita = KritaHome(tmp_path / "home")
    krita.create()
    with added_when_the_list_is_open(home, tmp_path / "disk"):
        run = run_krita(krita, [SCENARIO], {"SCUMBLE_HOME": str(home.path)}, SECONDS)
    seen = run.facts(SCENARIO)
    assert seen["open"]
    assert seen["while_open"] == seen["before"]
    assert seen["after"] == [*seen["before"], "Painter"]
    assert seen["chosen"] == seen["before"][0]
    assert (seen["hint_before"], seen["hint_after"]) == (True, False)


@pytest.mark.gimp
def test_gimp_lists_it_once_the_list_is_closed(gimp: Gimp, tmp_path: Path) -> None:
    with added_when_the_list_is_open(Home(gimp.daemon_home), tmp_path / "disk"):
        report = gimp.run([SCENARIO], SECONDS)
    seen = facts(report, SCENARIO)
    assert seen["open"]
    assert seen["while_open"] == seen["before"]
    assert seen["after"] == [*seen["before"], "Painter"]
    assert seen["chosen"] == "sd1-inpaint"
