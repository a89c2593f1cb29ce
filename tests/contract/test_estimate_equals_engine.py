"""The daemon's estimate lays a run's time on as many steps as the engine takes."""

from __future__ import annotations

import pytest
from daemons import request

from scumble import estimate
from scumble.engine.denoising import steps_taken
from scumble.link.values import Mode


@pytest.mark.parametrize("mode", [Mode.INPAINT, Mode.IMAGE_TO_IMAGE])
def test_steps_are_counted_as_the_engine_counts_them(mode: Mode) -> None:
    for steps in (1, 2, 3, 7, 20, 25, 150):
        for percent in range(1, 101):
            asked = request("a", mode=mode, steps=steps, strength=percent / 100)
            assert estimate.steps_run(asked) == steps_taken(steps, percent / 100)
