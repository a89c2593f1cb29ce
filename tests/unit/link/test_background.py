"""Whether a selection is a background, by a few of its rows and the canvas's edges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from scumble.link.background import is_background, shows_background
from scumble.link.values import Region, Size, Snapshot

Mask = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 300, 200


def mask(*left_out: Region, value: int = 0) -> Mask:
    """All is selected but these rectangles."""
    made = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for part in left_out:
        made[part.y : part.bottom, part.x : part.right] = value
    return made


CASES = {
    "a subject in the middle": (mask(Region(100, 60, 80, 90)), True),
    "a subject that the lower edge cuts off": (mask(Region(80, 60, 120, 140)), True),
    "two of them": (mask(Region(20, 60, 40, 90), Region(200, 30, 60, 90)), True),
    "a subject that is hardly selected": (mask(Region(100, 60, 80, 90), value=100), True),
    "everything": (mask(), False),
    "a subject that is more than half selected": (mask(Region(100, 60, 80, 90), value=200), False),
    "everything but a speck": (mask(Region(100, 60, 8, 9)), False),
    "everything but a side": (mask(Region(290, 0, 10, 200)), False),
    "the upper half": (mask(Region(0, 100, 300, 100)), False),
    "a frame's four corners": (mask(Region(40, 0, 220, 200), Region(0, 40, 300, 120)), False),
    "nothing": (mask(Region(0, 0, 300, 200)), False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_background_reaches_all_edges_and_leaves_a_subject_out(name: str) -> None:
    selection, expected = CASES[name]
    canvas, whole = Size(WIDTH, HEIGHT), Region(0, 0, WIDTH, HEIGHT)
    lines = []

    def selected(line: Region) -> bytes:
        lines.append(line)
        part = selection[line.y : line.bottom, line.x : line.right]
        return part.tobytes()

    assert is_background(canvas, selected) is expected
    assert len(lines) <= 20
    assert all(min(line.width, line.height) == 1 for line in lines)
    pixels = bytes(4 * WIDTH * HEIGHT)
    assert shows_background(Snapshot(canvas, whole, pixels, selection.tobytes())) is expected


def test_what_is_read_in_part_or_without_a_selection_is_none() -> None:
    selection, _ = CASES["a subject in the middle"]
    region = Region(0, 0, WIDTH, HEIGHT)
    data = selection.tobytes()
    assert not shows_background(Snapshot(Size(WIDTH + 50, HEIGHT), region, b"", data))
    assert not shows_background(Snapshot(region.size, region, b"", None))


def test_a_canvas_of_one_pixel_has_no_background() -> None:
    assert not is_background(Size(1, 1), lambda line: b"\xff")
