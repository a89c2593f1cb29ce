"""Every intent at every strength: what is not selected keeps its bytes, steps and seeds hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
from test_engine import Listener, picture, request, rgba, selection

from scumble import estimate
from scumble.engine import removing
from scumble.engine.base import Picture
from scumble.engine.diffusion import DiffusionEngine
from scumble.imaging.pixels import Bytes8
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.link.values import GenerationRequest, Intent, Mode, WorkerState

STEPS = 10
MODELS = ("sd1", "sd1-inpaint")
TAKEN = {Intent.ADD: 9}  # of STEPS at full strength: light and colours shine through


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    made = DiffusionEngine(tiny.home(tmp_path_factory.mktemp("home"), *MODELS), "cpu")
    yield made
    made.unload()


def run(
    engine: DiffusionEngine, asked: GenerationRequest, listener: Listener | None = None
) -> list[Picture]:
    hooks = (listener or Listener()).hooks()
    return list(engine.run(asked, picture(asked.region), selection(asked.region), hooks))


def check_outside(asked: GenerationRequest, made: Picture) -> None:
    """Nothing of the layer shows where nothing is selected."""
    region, place = asked.region, made.region
    mask = np.frombuffer(selection(region), np.uint8).reshape(region.height, region.width)
    alpha = np.zeros_like(mask)
    left, top = place.x - region.x, place.y - region.y
    alpha[top : top + place.height, left : left + place.width] = rgba(made)[..., 3]
    assert alpha.any()
    assert (alpha[mask == 0] == 0).all()


@pytest.mark.parametrize("intent", [intent for intent in Intent if intent is not Intent.REMOVE])
@pytest.mark.parametrize("model", MODELS)
def test_every_intent_at_every_strength(
    engine: DiffusionEngine, model: str, intent: Intent
) -> None:
    seen = set()
    for strength in (0.3, 0.7, 1.0):
        listener = Listener()
        asked = request(model, Mode.INPAINT, intent=intent, strength=strength, steps=STEPS)
        (made,) = run(engine, asked, listener)
        check_outside(asked, made)
        expected = min(round(STEPS * strength), TAKEN.get(intent, STEPS))
        assert listener.progress[-1].step == listener.progress[-1].steps == expected
        assert estimate.steps_run(asked) == expected
        assert made.metadata["steps_run"] == expected
        assert made.metadata["intent"] == intent.value
        assert run(engine, asked)[0].pixels == made.pixels
        seen.add(made.pixels)
    assert len(seen) == 3


class TestRemove:
    def asked(self, batch: int = 2) -> GenerationRequest:
        return request("", Mode.INPAINT, intent=Intent.REMOVE, sampler="", batch=batch)

    def test_no_model_is_needed_nor_loaded(self, tmp_path: Path) -> None:
        bare = DiffusionEngine(Home(tmp_path), "cpu")
        listener = Listener()
        made = run(bare, self.asked(), listener)
        assert [one.index for one in made] == [0, 1]
        for one in made:
            check_outside(self.asked(), one)
            assert one.metadata["intent"] == "remove"
            assert one.metadata["model_id"] == ""
        assert made[0].pixels != made[1].pixels
        assert made[0].pixels == run(bare, self.asked(1))[0].pixels
        assert [progress.step for progress in listener.progress] == [0, 1, 2]
        assert {progress.steps for progress in listener.progress} == {2}
        assert [status.state for status in listener.states] == [WorkerState.RUNNING]

    def test_the_model_in_memory_stays_there(self, engine: DiffusionEngine) -> None:
        run(engine, request("sd1", Mode.INPAINT))
        run(engine, self.asked())
        listener = Listener()
        run(engine, request("sd1", Mode.INPAINT), listener)
        assert WorkerState.LOADING not in [status.state for status in listener.states]

    def test_it_is_cancelled_between_two_results(self, tmp_path: Path) -> None:
        with pytest.raises(ScumbleError) as caught:
            run(DiffusionEngine(Home(tmp_path), "cpu"), self.asked(), Listener(cancel_after=1))
        assert caught.value.code is ErrorCode.CANCELLED

    def test_a_cancel_does_not_wait_for_the_gap_to_close(self) -> None:
        asked, ended = self.asked(1), threading.Event()
        cancelled = threading.Event()

        def close(picture: Bytes8, gap: Bytes8, seed: int = 0) -> Bytes8:
            cancelled.set()
            ended.wait(10)
            return picture

        hooks = replace(Listener().hooks(), cancelled=cancelled.is_set)
        with pytest.raises(ScumbleError) as caught:
            list(removing.removed(asked, picture(), selection(), hooks, close))
        assert caught.value.code is ErrorCode.CANCELLED
        assert not ended.is_set()
        ended.set()

    def test_what_goes_wrong_while_the_gap_is_closed_is_told(self) -> None:
        everything = bytes([255]) * len(selection())
        with pytest.raises(ScumbleError) as caught:
            list(removing.removed(self.asked(1), picture(), everything, Listener().hooks()))
        assert caught.value.code is ErrorCode.BAD_REQUEST
