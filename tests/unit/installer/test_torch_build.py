"""Which torch: the table of computers, cards and indices."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from installer.card import Card, parse_cuda
from installer.torch_build import PYTORCH_INDEX, TorchBuild, choose

V = "2.13.0"
CPU = f"{PYTORCH_INDEX}/cpu"
NEW = Card("a new card", (13, 0))
OLD = Card("an older driver", (12, 8))
QUIET = Card("a driver that does not say", None)

PYPI = {None: ["2.14.0", "2.13.0", "2.12.0"]}
WHEEL_FOLDER = {None: ["2.14.0", "2.13.0+cpu", "2.13.0"]}
CPU_INDEX = {CPU: ["2.13.0+cpu", "2.12.0+cpu"]}
CUDA_INDEX = {f"{PYTORCH_INDEX}/cu126": ["2.13.0+cu126"], f"{PYTORCH_INDEX}/cu118": []}

Offers = dict[str | None, list[str]]


class Indices:
    """What each index offers, and which of them were asked."""

    def __init__(self, *offers: Offers) -> None:
        self.offers: Offers = {}
        for offer in offers:
            self.offers.update(offer)
        self.asked: list[str | None] = []

    def __call__(self, index: str | None) -> Collection[str]:
        self.asked.append(index)
        return self.offers.get(index, [])


def chosen(
    indices: Indices, card: Card | None, platform: str = "linux", machine: str = "x86_64"
) -> TorchBuild:
    return choose(V, platform, machine, card, indices)


def test_without_a_card_a_cpu_build_that_pip_is_configured_for_comes_first() -> None:
    indices = Indices(WHEEL_FOLDER, CPU_INDEX)
    build = chosen(indices, None)
    assert (build.requirement, build.index, build.kind) == ("torch===2.13.0+cpu", None, "cpu")
    assert indices.asked == [None], "no other index is asked"


def test_without_a_card_pytorch_s_own_cpu_index_comes_second() -> None:
    build = chosen(Indices(PYPI, CPU_INDEX), None)
    assert (build.requirement, build.index, build.kind) == ("torch===2.13.0+cpu", CPU, "cpu")
    assert not build.warning


def test_without_a_card_and_without_any_cpu_build_the_usual_one_comes_with_a_warning() -> None:
    build = chosen(Indices(PYPI), None)
    assert (build.requirement, build.index) == ("torch==2.13.0", None)
    assert "CUDA" in build.warning
    assert "--torch-index" in build.warning


@pytest.mark.parametrize("card", [NEW, QUIET])
def test_with_a_card_and_a_driver_for_cuda_13_linux_takes_pypi_s_build(card: Card) -> None:
    build = chosen(Indices(WHEEL_FOLDER, CUDA_INDEX), card)
    # not ==, which would take the +cpu build that lies beside it
    assert (build.requirement, build.index, build.kind) == ("torch===2.13.0", None, "cuda")


def test_an_older_driver_gets_the_newest_build_that_it_can_run() -> None:
    indices = Indices(PYPI, CUDA_INDEX, {f"{PYTORCH_INDEX}/cu130": ["2.13.0+cu130"]})
    build = chosen(indices, OLD)
    assert build.requirement == "torch===2.13.0+cu126"
    assert build.index == f"{PYTORCH_INDEX}/cu126"
    assert f"{PYTORCH_INDEX}/cu130" not in indices.asked


def test_windows_with_a_card_takes_a_cuda_index_and_without_one_pypi_s_build() -> None:
    assert chosen(Indices(PYPI, CUDA_INDEX), OLD, "win32", "AMD64").kind == "cuda"
    build = chosen(Indices(PYPI), None, "win32", "AMD64")
    assert (build.requirement, build.kind, build.warning) == ("torch==2.13.0", "cpu", "")


def test_a_card_without_any_build_for_it_is_said() -> None:
    build = chosen(Indices({None: []}), OLD)
    assert build.requirement == "torch==2.13.0"
    assert "an older driver" in build.warning


@pytest.mark.parametrize(("platform", "machine"), [("darwin", "arm64"), ("linux", "aarch64")])
def test_where_there_is_one_build_only_nothing_is_asked(platform: str, machine: str) -> None:
    indices = Indices(PYPI)
    assert chosen(indices, None, platform, machine).requirement == "torch==2.13.0"
    assert indices.asked == []


@pytest.mark.parametrize(
    ("card", "offered", "requirement"),
    [
        (None, ["2.13.0+cpu", "2.13.0+cu126"], "torch===2.13.0+cpu"),
        (NEW, ["2.13.0+cpu", "2.13.0+cu126"], "torch===2.13.0+cu126"),
        (None, ["2.13.0"], "torch==2.13.0"),
        (NEW, [], "torch==2.13.0"),
    ],
)
def test_an_index_that_the_user_names_is_the_only_one(
    card: Card | None, offered: list[str], requirement: str
) -> None:
    indices = Indices({"https://example.org/simple": offered}, WHEEL_FOLDER)
    build = choose(V, "linux", "x86_64", card, indices, "https://example.org/simple")
    assert (build.requirement, build.index) == (requirement, "https://example.org/simple")
    assert indices.asked == ["https://example.org/simple"]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("| NVIDIA-SMI 570.86.10  Driver Version: 570.86.10   CUDA Version: 12.8 |", (12, 8)),
        ("| NVIDIA-SMI 590.10  KMD Version: 590.10   CUDA UMD Version: 13.1 |", (13, 1)),
        ("Failed to initialize NVML", None),
    ],
)
def test_the_driver_s_cuda_is_read_from_its_table(
    text: str, version: tuple[int, int] | None
) -> None:
    assert parse_cuda(text) == version
