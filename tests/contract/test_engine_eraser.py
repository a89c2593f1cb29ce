"""LaMa and MAT through spandrel: what they remove, and what happens where it cannot run."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from test_engine import Listener, picture, request, selection
from test_engine_intents import check_outside

from scumble.engine import eraser
from scumble.engine.diffusion import DiffusionEngine
from scumble.imaging.remove import remove
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.link.values import Intent, Mode, WorkerState
from scumble.models.registry import Registry

ASKED = request("", Mode.INPAINT, intent=Intent.REMOVE, sampler="", batch=2)


def add(home: Home, file: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, file)
    Registry(home).add(file, "big-lama")


@pytest.fixture
def engine(tmp_path: Path) -> DiffusionEngine:
    """LaMa by its header only."""
    home = Home(tmp_path / "home")
    add(home, tmp_path / "lama.safetensors", {"model.model.1.bn_l.running_mean": torch.zeros(8)})
    return DiffusionEngine(home, "cpu")


def test_it_is_known_by_its_header_and_draws_nothing(engine: DiffusionEngine) -> None:
    assert "big-lama" not in [model.id for model in engine.capabilities().models]


def loads_nothing(**_: object) -> Any:
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("spandrel", "said"),
    [(None, "spandrel"), (types.SimpleNamespace(ModelLoader=loads_nothing), "broken")],
)
def test_where_it_cannot_be_loaded_the_gap_is_closed_all_the_same(
    engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch, spandrel: Any, said: str
) -> None:
    """As without the network; the result says so in one sentence."""
    monkeypatch.setitem(sys.modules, "spandrel", spandrel)
    listener = Listener()
    made = list(engine.run(ASKED, picture(), selection(), listener.hooks()))
    assert [one.pixels for one in made] == [
        remove(ASKED, picture(), selection(), index)[1] for index in range(ASKED.batch)
    ]
    for one in made:
        assert one.metadata["model_id"] == ""
        assert "big-lama" in one.metadata["note"]
        assert said in one.metadata["note"]
        assert one.metadata["note"].count(".") == 1
    assert listener.states[-1].state is WorkerState.RUNNING


def test_what_is_missing_and_what_to_do_is_told_by_the_error(
    engine: DiffusionEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    entry = Registry(Home(tmp_path / "home")).eraser()
    assert entry is not None
    with pytest.raises(ScumbleError) as caught:
        eraser.load(entry, "cpu")
    assert caught.value.code is ErrorCode.UNSUPPORTED
    assert "scumble models remove big-lama" in caught.value.info.hint


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The real one; where torchvision is missing, empty names stand for it: LaMa calls none."""
    if importlib.util.find_spec("spandrel") is None:
        pytest.skip("LaMa WAS NOT TESTED: there is no spandrel")
    stood_in = importlib.util.find_spec("torchvision") is None
    if stood_in:
        functional: Any = types.ModuleType("torchvision.transforms.functional")
        functional.InterpolationMode = functional.rotate = functional.normalize = None
        monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
        transforms = types.ModuleType("torchvision.transforms")
        monkeypatch.setitem(sys.modules, "torchvision.transforms", transforms)
        monkeypatch.setitem(sys.modules, "torchvision.transforms.functional", functional)
    import spandrel

    yield spandrel
    for name in [name for name in sys.modules if stood_in and name.partition(".")[0] == "spandrel"]:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_lama_closes_the_gap(spandrel: Any, tmp_path: Path) -> None:
    """Random weights; the real network, file and loader."""
    from spandrel.architectures.LaMa import LaMa

    home, file = Home(tmp_path / "home"), tmp_path / "big-lama.safetensors"
    torch.manual_seed(1)
    add(home, file, LaMa(in_nc=4, out_nc=3).state_dict())
    engine, listener = DiffusionEngine(home, "cpu"), Listener()
    made = list(engine.run(ASKED, picture(), selection(), listener.hooks()))
    states = [status.state for status in listener.states]
    assert states == [WorkerState.LOADING, WorkerState.RUNNING]
    for one in made:
        check_outside(ASKED, one)
        assert one.metadata["model_id"] == "big-lama"
    assert made[0].pixels != made[1].pixels, "the second sees the mirror image"
    check_closing(home)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("prefix", ["model.", ""])
def test_mat_closes_the_gap(tmp_path: Path, prefix: str) -> None:
    """Random weights under either of the names that their tensors have in files."""
    mat = pytest.importorskip(
        "spandrel_extra_arches.architectures.MAT", reason="MAT WAS NOT TESTED"
    )
    home = Home(tmp_path / "home")
    torch.manual_seed(1)
    tensors = {
        prefix + name.removeprefix("model."): value.clone().contiguous()
        for name, value in mat.MAT().state_dict().items()
    }
    add(home, tmp_path / "mat.safetensors", tensors)
    check_closing(home)


def check_closing(home: Home) -> None:
    """The registered network draws in the gap only, from what is round it, the same each time."""
    entry = Registry(home).eraser()
    assert entry is not None
    close = eraser.load(entry, "cpu")
    image = np.random.default_rng(1).integers(0, 256, (70, 90, 3), np.uint8)
    gap = np.zeros((70, 90), np.uint8)
    gap[20:50, 30:60] = 255
    closed = close(image, gap, 0)
    assert np.array_equal(closed[gap == 0], image[gap == 0])
    hidden = image.copy()
    hidden[gap > 0] = 0
    assert np.array_equal(close(hidden, gap, 0), closed), "nothing of what goes away is seen"
    assert not np.array_equal(close(image, gap, 1), closed), "another seed, another picture"
