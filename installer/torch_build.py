"""Which build of torch this computer needs, and where pip finds it.

PyPI's Linux wheels of torch bring CUDA with them: some gigabytes that a
computer without an NVIDIA card cannot use. PyPI's Windows wheels have no CUDA,
which a computer with a card would miss. PyTorch's own indices, documented at
https://pytorch.org/get-started/locally/, hold the others: .../whl/cpu and
.../whl/cu126, where builds carry the variant as their local version, 2.13.0+cpu.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from installer.card import Card

PYTORCH_INDEX = "https://download.pytorch.org/whl"

# CUDA variants that PyTorch has built wheels for, newest first; which of them exist for one
# release of torch is asked of the index
CUDA_VARIANTS = ((13, 2), (13, 0), (12, 9), (12, 8), (12, 6), (12, 4), (11, 8))

Offered = Callable[[str | None], Collection[str]]
"""Index URL (None: the user's own pip configuration) to the versions of torch for this Python."""


@dataclass(frozen=True)
class TorchBuild:
    """requirement: for pip. index: a URL for torch alone, None: the user's own configuration.

    kind: "cpu", "cuda", or "default" where the platform has one build only.
    warning: a sentence for the user when it is not the build that fits.
    """

    requirement: str
    index: str | None
    kind: str
    warning: str = ""


def choose(
    version: str,
    platform: str,
    machine: str,
    card: Card | None,
    offered: Offered,
    named_index: str | None = None,
) -> TorchBuild:
    """The build for this computer; asks `offered` no more than it must.

    version: the pinned release without a local part. platform: as sys.platform.
    machine: as platform.machine(). named_index: the index that the user asked for.
    """
    if named_index is not None:
        return _from_named(version, card, offered, named_index)
    if platform == "darwin" or (platform == "linux" and machine not in ("x86_64", "AMD64")):
        return TorchBuild(f"torch=={version}", None, "default")
    if card is None:
        return _without_card(version, platform, offered)
    return _with_card(version, platform, card, offered)


def _from_named(version: str, card: Card | None, offered: Offered, index: str) -> TorchBuild:
    builds = [build for build in offered(index) if _release(build) == version]
    cpu = [build for build in builds if build.endswith("+cpu")]
    others = sorted(build for build in builds if not build.endswith("+cpu"))
    if card is None and cpu:
        return TorchBuild(f"torch==={cpu[0]}", index, "cpu")
    if card is not None and others:
        return TorchBuild(f"torch==={others[-1]}", index, "cuda")
    return TorchBuild(f"torch=={version}", index, "default")


def _without_card(version: str, platform: str, offered: Offered) -> TorchBuild:
    build = f"{version}+cpu"
    if build in offered(None):
        return TorchBuild(f"torch==={build}", None, "cpu")
    if platform == "win32":
        return TorchBuild(f"torch=={version}", None, "cpu")
    index = f"{PYTORCH_INDEX}/cpu"
    if build in offered(index):
        return TorchBuild(f"torch==={build}", index, "cpu")
    return TorchBuild(
        f"torch=={version}",
        None,
        "default",
        f"No CPU build of torch {version} could be found ({index} does not answer or lacks it); "
        "the usual one is taken, which may bring gigabytes of CUDA along. "
        "Name another index with --torch-index URL.",
    )


def _with_card(version: str, platform: str, card: Card, offered: Offered) -> TorchBuild:
    if platform == "linux" and version in offered(None) and _plain_fits(card):
        # `===` takes PyPI's build even where a local +cpu build, which sorts higher, lies beside
        return TorchBuild(f"torch==={version}", None, "cuda")
    for major, minor in CUDA_VARIANTS:
        if card.cuda is not None and (major, minor) > card.cuda:
            continue
        build, index = f"{version}+cu{major}{minor}", f"{PYTORCH_INDEX}/cu{major}{minor}"
        if build in offered(index):
            return TorchBuild(f"torch==={build}", index, "cuda")
    return TorchBuild(
        f"torch=={version}",
        None,
        "default",
        f"No CUDA build of torch {version} for {card.name} could be found; the usual one is "
        "taken, which may compute on the processor only. "
        "Update the card's driver, or name an index with --torch-index URL.",
    )


def _plain_fits(card: Card) -> bool:
    """PyPI's Linux build since torch 2.11 is made for CUDA 13."""
    return card.cuda is None or card.cuda >= (13, 0)


def _release(build: str) -> str:
    return build.partition("+")[0]
