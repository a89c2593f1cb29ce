"""What a verb says on a terminal and to a script."""

from __future__ import annotations

import json

import pytest

from scumble.cli.output import chosen_output
from scumble.link.values import Region, Result

NOTED = Result("a", 0, Region(0, 0, 1, 1), "blob", {"note": "Closed without it."})


def test_a_note_is_told_once_and_not_among_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    output = chosen_output(as_json=False)
    for _ in range(3):
        output.result(NOTED, "Removed")
    told = capsys.readouterr()
    assert told.err.count("Closed without it.") == 1
    assert told.out == ""


def test_a_script_gets_the_note_with_the_metadata(capsys: pytest.CaptureFixture[str]) -> None:
    chosen_output(as_json=True).result(NOTED, "Removed")
    line = json.loads(capsys.readouterr().out)
    assert line["result"]["metadata"]["note"] == "Closed without it."
