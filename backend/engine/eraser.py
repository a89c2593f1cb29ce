"""LaMa and MAT: networks that close a gap without a prompt, run by spandrel.

spandrel is no dependency of Scumble's (pyproject's extra `erase`): it stands on
torchvision, which has to be of the same build as torch. MAT needs
spandrel_extra_arches as well, whose licence forbids commercial use. Where they
are missing, a removal does without the network and says so.
"""

from __future__ import annotations

import importlib
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
import torch

from scumble.imaging import mask as masks
from scumble.imaging.pixels import Bytes8
from scumble.imaging.remove import Close
from scumble.imaging.window import scaled
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.geometry import clamp, pad
from scumble.link.values import Size
from scumble.models.entry import ModelEntry

REACH = 1.0  # of the gap's mean side: how much round it the network sees
LEAST_REACH = 64  # pixels
LONGEST = 768  # pixels; LaMa was trained at 256 and holds to about three times that


def load(entry: ModelEntry, place: str) -> Close:
    """What closes gaps with the network of `entry`; float32, on `place`.

    Raises ScumbleError: unsupported where spandrel is missing, model_rejected.
    """
    spandrel = _spandrel(entry)
    try:
        network = spandrel.ModelLoader(device=place).load_from_file(entry.path)
    except Exception as error:  # spandrel's, torch's and the file's own
        raise ScumbleError(
            ErrorCode.MODEL_REJECTED,
            f"“{entry.name}” cannot be loaded: {str(error)[:200] or type(error).__name__}.",
            f"Remove it with: scumble models remove {entry.id}",
        ) from error
    network.eval()

    def close(picture: Bytes8, gap: Bytes8, seed: int = 0) -> Bytes8:
        return _close(network, picture, gap, seed)

    return close


def _spandrel(entry: ModelEntry) -> Any:
    try:
        spandrel: Any = importlib.import_module("spandrel")
    except (ImportError, RuntimeError) as error:  # RuntimeError: another build's torchvision
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"“{entry.name}” needs spandrel and torchvision, which cannot be imported here.",
            "Install spandrel into Scumble's environment, or remove the model with: "
            f"scumble models remove {entry.id}",
        ) from error
    with suppress(ImportError):
        extra: Any = importlib.import_module("spandrel_extra_arches")
        extra.install(ignore_duplicates=True)
    return spandrel


@torch.inference_mode()
def _close(network: Any, picture: Bytes8, gap: Bytes8, seed: int) -> Bytes8:
    """As `patch_fill.close`; another seed gives MAT other noise and shows both the mirror image."""
    height, width = gap.shape
    side = float(np.sqrt(np.count_nonzero(gap)))
    reach = max(LEAST_REACH, round(REACH * side))
    area = clamp(pad(masks.bounds(gap), reach), Size(width, height))
    part = np.s_[area.y : area.bottom, area.x : area.right]
    hole = np.asarray(gap[part] > 0, np.uint8)
    factor = min(1.0, LONGEST / max(hole.shape))
    size = Size(max(1, round(area.width * factor)), max(1, round(area.height * factor)))
    small = scaled(np.ascontiguousarray(picture[part]), size)
    there = np.asarray(scaled(hole * np.uint8(255), size) > 0, np.uint8)
    axes = tuple(axis for axis, bit in ((1, 1), (0, 2)) if seed & bit)  # mirrored along them
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        drawn = _run(network, np.flip(small, axes), np.flip(there, axes))
    drawn = np.ascontiguousarray(np.flip(drawn, axes))
    filled = picture.copy()
    cv2.copyTo(scaled(drawn, area.size), hole, filled[part])
    return np.asarray(filled, np.uint8)


def _run(network: Any, picture: Bytes8, gap: Bytes8) -> Bytes8:
    """uint8 (h, w, 3) of picture, uint8 (h, w, 3), and gap, uint8 (h, w), 0 or 1."""
    image = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255
    mask = torch.from_numpy(np.ascontiguousarray(gap))[None, None].float()
    drawn = network(image.to(network.device), mask.to(network.device))[0]
    pixels = (drawn.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.asarray(pixels, np.uint8)
