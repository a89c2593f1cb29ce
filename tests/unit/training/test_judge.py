"""Measures that need no trained judge."""

import numpy as np
import pytest
from PIL import Image

from scumble.training import evaluate
from scumble.training.judge import edge_error


def test_only_what_lies_just_inside_a_masks_edge_counts_as_error() -> None:
    known = Image.new("RGB", (128, 128), (90, 100, 110))
    left, top, right, bottom = evaluate.BOX
    drawn = Image.new("RGB", (128, 128), (255, 0, 0))  # outside the mask and in its middle
    drawn.paste((94, 104, 114), (left, top, right, bottom))
    drawn.paste((0, 0, 255), (left + 3, top + 3, right - 3, bottom - 3))
    assert edge_error(drawn, known, evaluate.fill_mask()) == 4


def test_an_ellipses_edge_is_its_own_and_not_its_boxs() -> None:
    oval = evaluate.fill_mask(oval=True)
    known = Image.new("RGB", (128, 128), (90, 100, 110))
    drawn = known.copy()
    drawn.paste((0, 0, 0), (0, 0), Image.eval(oval, lambda value: 255 - value))
    assert edge_error(drawn, known, oval) == 0
    drawn.paste((93, 103, 113), (0, 0), oval)
    assert edge_error(drawn, known, oval) == 3


@pytest.mark.parametrize("oval", [False, True])
def test_what_is_filled_has_the_boxs_extent(oval: bool) -> None:
    mask = evaluate.fill_mask(oval=oval)
    assert mask.getbbox() == evaluate.BOX
    share = (np.asarray(mask) > 0).sum() / 96**2
    assert share == pytest.approx(np.pi / 4 if oval else 1, abs=0.02)
