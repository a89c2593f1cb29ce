"""A real Krita and a real GIMP at once: one daemon, each its own jobs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from daemons import Daemon
from gimp_harness import Gimp, unfinished
from krita_harness import KritaHome, KritaRun, missing, run_krita

from scumble.link.encoding import from_wire
from scumble.link.values import Job, JobState

LIMIT = 400.0
KRITA = ["fill_again_and_again", "cancel", "two_documents"]

pytestmark = [
    pytest.mark.krita,
    pytest.mark.gimp,
    pytest.mark.slow,
    pytest.mark.timeout(2 * LIMIT),
]


@dataclass
class Together:
    """What both editors saw, and whose jobs the daemon had at the same time."""

    gimp: dict[str, Any]
    krita: KritaRun
    jobs: list[Job]
    at_once: set[frozenset[str]] = field(default_factory=set)


@pytest.fixture(scope="module")
def together(gimp: Gimp, daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Together:
    if missing(""):
        pytest.skip(f"TWO EDITORS AT ONCE WERE NOT TESTED: {missing('')}")
    home = KritaHome(tmp_path_factory.mktemp("krita") / "home")
    home.create()
    seen: dict[str, Any] = {}
    at_once: set[frozenset[str]] = set()
    gimp_side = threading.Thread(
        target=lambda: seen.update(gimp.run(["fill_until_told"], LIMIT)["fill_until_told"])
    )
    with watched(gimp, at_once):
        gimp_side.start()
        environ = {
            "SCUMBLE_HOME": str(gimp.daemon_home),
            "SCUMBLE_PROBE_MODEL": "sd1-inpaint",
        }
        krita = run_krita(home, KRITA, environ, LIMIT)
        gimp.flag.with_name("flag.enough").touch()
        gimp_side.join()
    with contextlib.closing(gimp.client()) as client:
        jobs = [from_wire(Job, each) for each in client.ask("jobs", all=True).fields["jobs"]]
    assert not seen["error"], seen["error"]
    return Together(seen["facts"], krita, jobs, at_once)


@contextlib.contextmanager
def watched(gimp: Gimp, at_once: set[frozenset[str]]) -> Iterator[None]:
    """Notes which editors have unfinished jobs at the same moment."""
    over = threading.Event()

    def watch() -> None:
        with contextlib.closing(gimp.client()) as client:
            while not over.wait(0.1):
                at_once.add(frozenset(editor(job) for job in unfinished(client)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def editor(job: Job) -> str:
    return job.client_id.partition("-")[0]


def test_both_had_jobs_at_the_same_time(together: Together) -> None:
    assert frozenset({"gimp", "krita"}) in together.at_once, together.at_once


def test_gimp_got_all_its_layers_and_nobody_elses(together: Together) -> None:
    wanted = together.gimp["wanted"]
    assert wanted >= 2
    names = [f"gimp's own (seed {seed})" for seed in range(wanted, 0, -1)]
    assert together.gimp["layers"] == [*names, "below"]
    assert not together.gimp["offered"], "a result of Krita's is none of GIMP's to recover"


def test_krita_got_all_its_layers_and_nobody_elses(together: Together) -> None:
    filled = together.krita.facts("fill_again_and_again")
    assert filled["names"] == ["Background", *(f"try {n} (seed {n})" for n in (1, 2, 3))]
    both = together.krita.facts("two_documents")
    assert both["first"] == ["Background", "slow windmill (seed 7)"]
    assert both["second"] == ["Background"]


def test_a_cancel_in_one_editor_stops_nothing_of_the_other(together: Together) -> None:
    assert together.krita.facts("cancel")["names"] == ["Background"]
    for job in together.jobs:
        if editor(job) == "gimp":
            assert job.state is JobState.DONE, job
        assert not job.unacknowledged, job


def test_the_daemon_knew_them_apart(together: Together) -> None:
    assert {editor(job) for job in together.jobs} == {"gimp", "krita"}
    for job in together.jobs:
        assert (job.prompt == "gimp's own") == (editor(job) == "gimp"), job
