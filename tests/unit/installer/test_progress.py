"""What long work looks like on a terminal and in a log."""

from __future__ import annotations

import io

import pytest

from installer.progress import Display, Task, duration, frame


def test_a_known_share_is_a_bar_and_an_unknown_one_is_not() -> None:
    task = Task("PyTorch")
    assert "%" not in frame(task, "|", 80)
    task.share = 0.5
    assert "█" * 12 + "░" * 12 + "  50%" in frame(task, "|", 80)


@pytest.mark.parametrize("columns", [1, 10, 40, 200])
def test_a_line_never_wraps(columns: int) -> None:
    task = Task("A long title of a step that goes on and on")
    task.note, task.share = "and a long note " * 9, 2.0
    assert len(frame(task, "|", columns)) <= max(columns - 1, 1)


def test_in_a_log_each_task_is_two_lines_and_a_warning_follows() -> None:
    log = io.StringIO()
    with Display(log).task("PyTorch") as task:
        task.warn("It may be large.")
    lines = log.getvalue().splitlines()
    assert lines[0].startswith("PyTorch")
    assert "PyTorch (0 s)" in lines[1]
    assert lines[2].strip() == "It may be large."


def test_a_task_that_raises_is_shown_as_failed() -> None:
    log = io.StringIO()
    with pytest.raises(ValueError), Display(log).task("PyTorch"):
        raise ValueError
    assert log.getvalue().splitlines()[-1].startswith("failed")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min 01 s"), (3600, "60 min 00 s")]
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
