"""What holds for every architecture and any weights: the contract of the engine.

Runs go through the registry, the loading code, imaging and the engine itself;
the models are real ones with random weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import original_layout
import pytest
import tiny

from scumble.engine import samplers
from scumble.engine.base import Hooks, Picture
from scumble.engine.diffusion import DiffusionEngine
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import (
    GenerationRequest,
    Mode,
    Progress,
    Region,
    Size,
    WorkerState,
    WorkerStatus,
)
from scumble.models.registry import Registry

REGION = Region(10, 20, 90, 68)
CANVAS = Size(200, 160)
STEPS = 3


@dataclass
class Listener:
    """Hooks that keep what they are told. cancel_after: the step at which the job is cancelled."""

    cancel_after: int | None = None
    progress: list[Progress] = field(default_factory=list)
    previews: list[bytes] = field(default_factory=list)
    states: list[WorkerStatus] = field(default_factory=list)

    def hooks(self) -> Hooks:
        return Hooks(self._progress, self.states.append, self._cancelled)

    def _progress(self, progress: Progress, preview: bytes) -> None:
        self.progress.append(progress)
        self.previews.append(preview)

    def _cancelled(self) -> bool:
        if self.cancel_after is None:
            return False
        return bool(self.progress) and self.progress[-1].step >= self.cancel_after


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiffusionEngine]:
    home = tiny.home(tmp_path_factory.mktemp("home"), *tiny.KINDS)
    made = DiffusionEngine(home, "cpu")
    yield made
    made.unload()


def request(model: str, mode: Mode, **changes: Any) -> GenerationRequest:
    made = GenerationRequest(
        id="job-1",
        mode=mode,
        prompt="a red apple",
        negative_prompt="",
        model=model,
        sampler="euler",
        steps=STEPS,
        guidance_scale=4.0,
        strength=1.0,
        seed=7,
        batch=1,
        canvas=CANVAS,
        region=REGION,
    )
    return replace(made, **changes)


def picture(region: Region = REGION) -> bytes:
    rng = np.random.default_rng(5)
    pixels = rng.integers(0, 256, (region.height, region.width, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return pixels.tobytes()


def selection(region: Region = REGION) -> bytes:
    """A soft-edged patch, with nothing selected round it."""
    mask = np.zeros((region.height, region.width), np.uint8)
    mask[region.height // 3 : -region.height // 4, region.width // 4 : -region.width // 3] = 255
    mask[region.height // 3, :] //= 2
    return mask.tobytes()


def run(
    engine: DiffusionEngine, asked: GenerationRequest, listener: Listener | None = None
) -> list[Picture]:
    pixels = b"" if asked.mode is Mode.TEXT_TO_IMAGE else picture(asked.region)
    mask = selection(asked.region) if asked.mode is Mode.INPAINT else b""
    return list(engine.run(asked, pixels, mask, (listener or Listener()).hooks()))


def rgba(made: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
    size = made.region.size
    return np.frombuffer(made.pixels, np.uint8).reshape(size.height, size.width, 4)


@pytest.fixture(scope="module", params=tiny.KINDS)
def model(request: pytest.FixtureRequest) -> str:
    """Every kind in turn; pytest runs all tests of one before the next is loaded."""
    return str(request.param)


class TestEveryArchitecture:
    def test_draws_from_nothing(self, engine: DiffusionEngine, model: str) -> None:
        listener = Listener()
        (made,) = run(engine, request(model, Mode.TEXT_TO_IMAGE), listener)
        assert made.region == REGION
        assert (rgba(made)[..., 3] == 255).all()
        assert [progress.step for progress in listener.progress] == [1, 2, 3]
        assert {progress.steps for progress in listener.progress} == {STEPS}
        for progress, preview in zip(listener.progress, listener.previews, strict=True):
            assert progress.preview is not None
            assert len(preview) == progress.preview.pixels * 3

    def test_refines_a_picture(self, engine: DiffusionEngine, model: str) -> None:
        listener = Listener()
        asked = request(model, Mode.IMAGE_TO_IMAGE, strength=0.7)
        (made,) = run(engine, asked, listener)
        assert made.region == REGION
        assert (rgba(made)[..., 3] == 255).all()
        assert listener.progress[-1].steps == 2, "int(3 * 0.7)"

    @pytest.mark.parametrize("strength", [1.0, 0.7])
    def test_fills_inside_the_selection_only(
        self, engine: DiffusionEngine, model: str, strength: float
    ) -> None:
        (made,) = run(engine, request(model, Mode.INPAINT, strength=strength))
        mask = np.frombuffer(selection(), np.uint8).reshape(REGION.height, REGION.width)
        left, top = made.region.x - REGION.x, made.region.y - REGION.y
        alpha = np.zeros_like(mask)
        alpha[top : top + made.region.height, left : left + made.region.width] = rgba(made)[..., 3]
        assert (alpha[mask == 0] == 0).all()
        assert alpha.max() == 255
        assert (alpha <= mask).all()

    def test_same_seed_same_bytes_and_a_batch_counts_seeds_up(
        self, engine: DiffusionEngine, model: str
    ) -> None:
        both = run(engine, request(model, Mode.INPAINT, batch=2, sampler="euler_a"))
        again = run(engine, request(model, Mode.INPAINT, seed=8, sampler="euler_a"))
        assert both[1].pixels == again[0].pixels
        assert both[0].pixels != both[1].pixels
        assert [made.metadata["seed"] for made in both] == [7, 8]

    @pytest.mark.parametrize("mode", [Mode.IMAGE_TO_IMAGE, Mode.INPAINT])
    def test_strength_0_returns_the_input(
        self, engine: DiffusionEngine, model: str, mode: Mode
    ) -> None:
        (made,) = run(engine, request(model, mode, strength=0.0))
        original = np.frombuffer(picture(), np.uint8).reshape(REGION.height, REGION.width, 4)
        assert made.region == REGION
        assert np.array_equal(rgba(made)[..., :3], original[..., :3])
        if mode is Mode.IMAGE_TO_IMAGE:
            assert made.pixels == picture()

    def test_cancel_stops_after_the_step_that_runs(
        self, engine: DiffusionEngine, model: str
    ) -> None:
        listener = Listener(cancel_after=2)
        with pytest.raises(ScumbleError) as raised:
            run(engine, request(model, Mode.TEXT_TO_IMAGE, steps=6), listener)
        assert raised.value.code is ErrorCode.CANCELLED
        # the step that ran when it was cancelled is not shown any more
        assert [progress.step for progress in listener.progress] == [1, 2]

    @pytest.mark.parametrize("size", [(40, 120), (333, 97)])
    def test_any_shape_of_region(
        self, engine: DiffusionEngine, model: str, size: tuple[int, int]
    ) -> None:
        region = Region(0, 0, *size)
        asked = request(model, Mode.TEXT_TO_IMAGE, region=region, canvas=region.size, steps=1)
        (made,) = run(engine, asked)
        assert made.region == region
        assert len(made.pixels) == region.size.pixels * 4


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
@pytest.mark.parametrize("name", ["sd1", "starter-like"])
def test_every_sampler_draws_or_is_refused_before_the_run(
    engine: DiffusionEngine, name: str, sampler: str
) -> None:
    """What a model can use runs to the end and twice the same; the rest is greyed beforehand."""
    (info,) = (each for each in engine.capabilities().models if each.id == name)
    asked = request(name, Mode.INPAINT, sampler=sampler, steps=5, strength=0.9)
    if sampler not in info.samplers:
        with pytest.raises(ScumbleError) as raised:
            run(engine, asked)
        assert raised.value.code is ErrorCode.UNSUPPORTED
        return
    listener = Listener()
    first, second = run(engine, asked, listener), run(engine, asked)
    assert first[0].pixels == second[0].pixels
    assert rgba(first[0])[..., :3].std() > 0
    assert listener.progress[-1].step == listener.progress[-1].steps == 4
    steps = [progress.step for progress in listener.progress]
    assert steps == sorted(steps)


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_every_sampler_can_do_with_a_single_step(engine: DiffusionEngine, sampler: str) -> None:
    (made,) = run(engine, request("sd1", Mode.TEXT_TO_IMAGE, sampler=sampler, steps=1))
    assert rgba(made)[..., :3].std() > 0


def test_one_set_of_weights_serves_all_modes(engine: DiffusionEngine) -> None:
    listener = Listener()
    for mode in Mode:
        run(engine, request("sd1-inpaint", mode, steps=1, strength=0.9), listener)
    loads = [status for status in listener.states if status.state is WorkerState.LOADING]
    assert len(loads) <= 1
    assert listener.states[-1].model == "sd1-inpaint"


def test_unload_frees_and_the_next_run_loads_again(engine: DiffusionEngine) -> None:
    asked = request("sd1", Mode.TEXT_TO_IMAGE, steps=1)
    before = run(engine, asked)
    engine.unload()
    listener = Listener()
    after = run(engine, asked, listener)
    assert listener.states[0].state is WorkerState.LOADING
    assert before[0].pixels == after[0].pixels


def test_metadata_say_what_made_the_picture(engine: DiffusionEngine) -> None:
    asked = request("sd1", Mode.INPAINT, strength=0.7, seed=41)
    (made,) = run(engine, asked)
    said = made.metadata
    assert said["seed"] == 41
    assert said["sampler_name"] == "Euler"
    assert said["steps_run"] == 2
    assert len(said["model_hash"]) == 64
    assert {"load", "encode", "steps", "decode"} <= set(said["timings"])
    assert said["versions"]["torch"]
    working = said["working_size"]
    assert abs(working["width"] * working["height"] - 64 * 64) <= 0.1 * 64 * 64


class TestBadRequests:
    def test_unknown_model(self, engine: DiffusionEngine) -> None:
        assert _code(engine, request("nothing", Mode.TEXT_TO_IMAGE)) is ErrorCode.MODEL_MISSING

    def test_unknown_sampler(self, engine: DiffusionEngine) -> None:
        asked = request("sd1", Mode.TEXT_TO_IMAGE, sampler="magic")
        assert _code(engine, asked) is ErrorCode.BAD_REQUEST

    def test_unknown_lora(self, engine: DiffusionEngine) -> None:
        asked = request("sd1", Mode.TEXT_TO_IMAGE, prompt="a cat <lora:nothing:1>")
        assert _code(engine, asked) is ErrorCode.MODEL_MISSING

    def test_a_folder_that_broke_after_it_was_added(self, tmp_path: Path) -> None:
        import shutil

        home = tiny.home(tmp_path / "home")
        shutil.copytree(tiny.folder("sd1"), tmp_path / "broken")
        Registry(home, starter=None).add(tmp_path / "broken", "broken")
        weights = tmp_path / "broken" / "unet" / "diffusion_pytorch_model.safetensors"
        weights.write_bytes(weights.read_bytes()[:5000])
        asked = request("broken", Mode.TEXT_TO_IMAGE)
        assert _code(DiffusionEngine(home, "cpu"), asked) is ErrorCode.MODEL_REJECTED

    def test_an_empty_prompt_is_fine(self, engine: DiffusionEngine) -> None:
        assert run(engine, request("sdxl", Mode.INPAINT, prompt="", steps=1))


def _code(engine: DiffusionEngine, asked: GenerationRequest) -> ErrorCode:
    with pytest.raises(ScumbleError) as raised:
        run(engine, asked)
    return raised.value.code


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["sd1", "sd2-inpaint", "sdxl", "starter-like"])
def test_half_precision_as_cards_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, dtype: str
) -> None:
    """No card is needed to see that no part of a run forgets the number format."""
    monkeypatch.setenv("SCUMBLE_DTYPE", dtype)
    engine = DiffusionEngine(tiny.home(tmp_path, name), "cpu")
    for sampler in ("euler_a", "dpmpp_2m_sde", "unipc", "lcm"):
        asked = request(name, Mode.INPAINT, sampler=sampler, prompt="a (red:1.3) apple")
        (made,) = run(engine, asked)
        assert rgba(made)[..., :3].std() > 0
        assert made.metadata["dtype"] == dtype


@pytest.mark.parametrize("name", [name for name in tiny.KINDS if name != "starter-like"])
def test_a_single_file_draws_what_its_folder_draws(tmp_path: Path, name: str) -> None:
    """The same weights in the original layout, read by their original names."""
    home = tiny.home(tmp_path / "home", name)
    path = tmp_path / "checkpoint.safetensors"
    original_layout.write(path, tiny.parts(name))
    Registry(home, starter=None).add(path, "single", config=tiny.folder(name))
    engine = DiffusionEngine(home, "cpu")
    (folder,) = run(engine, request(name, Mode.INPAINT))
    (single,) = run(engine, request("single", Mode.INPAINT))
    assert folder.pixels == single.pixels
