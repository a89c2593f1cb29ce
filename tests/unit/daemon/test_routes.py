from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from daemons import request

from scumble.archive import Archive
from scumble.journal import Journal
from scumble.link.values import Capabilities, Region
from scumble.link.wire import Frame
from scumble.routes import Routes
from scumble.service import Service
from scumble.store import Store

NAMES = [f"{number:032}" for number in range(250)]


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    """250 jobs with a picture each that nobody has pasted."""
    archive = Archive(Journal(tmp_path / "journal.sqlite"), Store(tmp_path / "store"))
    for name in NAMES:
        archive.keep_request("krita", request(name), ())
        archive.keep_picture(name, 0, Region(0, 0, 1, 1), b"rgba", {"prompt": "a boat"})
    executor: Any = None  # nothing is carried out
    service = Service(archive, executor, lambda *_: None, Capabilities)
    return Routes(service, "boot", lambda: 1, lambda _: set())


@dataclass
class Editor:
    client_id: str = "krita"
    asked: set[str] = field(default_factory=set)


def ask(routes: Routes, kind: str, **fields: Any) -> dict[str, Any]:
    return routes.answer(Editor(), Frame({"type": kind, "id": 1, **fields}, ()))[0]


def test_a_resume_tells_of_the_newest_results_and_of_older_ones_when_these_are_gone(
    routes: Routes,
) -> None:
    lists: list[list[str]] = []
    while told := ask(routes, "resume")["results"]:
        lists.insert(0, [each["job_id"] for each in told])
        for each in told:
            ask(routes, "acknowledge", job_id=each["job_id"], index=each["index"])
    assert len(lists) > 1, "one had room for all"
    assert [name for names in lists for name in names] == NAMES
