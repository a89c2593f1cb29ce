"""Whether what is selected in a snapshot is empty canvas."""

from __future__ import annotations

import pytest

from scumble.link.snapshot import mostly_empty
from scumble.link.values import Region, Size, Snapshot


def snapshot(alpha: bytes, mask: bytes) -> Snapshot:
    pixels = b"".join(bytes((1, 2, 3, a)) for a in alpha)
    return Snapshot(Size(99, 99), Region(0, 0, len(mask), 1), pixels, mask)


@pytest.mark.parametrize(
    ("alpha", "mask", "empty"),
    [
        (b"\xff\xff\x00\x00", b"\xff\xff\xff\xff", True),
        (b"\xff\xff\xff\x00", b"\xff\xff\xff\xff", False),
        (b"\x00\x00\x00\xff", b"\x00\x00\x00\xff", False),
        (b"\xff\xff\xff\x00", b"\x00\x00\x00\xff", True),
    ],
)
def test_what_is_selected_counts_as_empty_from_half_on(
    alpha: bytes, mask: bytes, empty: bool
) -> None:
    assert mostly_empty(snapshot(alpha, mask)) is empty


def test_a_large_selection_is_judged_by_samples() -> None:
    side = 1500
    region = Region(0, 0, side, side)
    clear = Snapshot(Size(side, side), region, bytes(4 * side * side), b"\xff" * (side * side))
    assert mostly_empty(clear)
