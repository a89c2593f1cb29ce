from __future__ import annotations

import pytest

from scumble.link.values import WorkerState
from scumble.worker import Stopwatch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_loading_steps_and_the_rest_are_told_apart() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.status(WorkerState.LOADING)
    clock.now += 8.0
    watch.status(WorkerState.RUNNING)
    clock.now += 1.5  # the prompt is encoded, the picture too
    for step in (1, 2, 3, 4):
        clock.now += 0.5
        watch.step(step)
    clock.now += 2.0  # the picture is decoded
    times = watch.times("cpu")
    assert times is not None
    assert (times.load, times.step, times.steps) == (8.0, 0.5, 4)
    assert times.total == pytest.approx(5.5)


def test_the_decoding_between_two_pictures_is_no_step() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.status(WorkerState.RUNNING)
    for step in range(1, 9):
        clock.now += 9.0 if step == 5 else 0.5
        watch.step(step)
    times = watch.times("cpu")
    assert times is not None
    assert times.step == 0.5


def test_a_run_of_one_step_measures_nothing() -> None:
    watch = Stopwatch(Clock())
    watch.step(1)
    assert watch.times("cpu") is None
