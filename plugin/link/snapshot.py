"""What was read from the canvas: whether it fits its request, and what it shows."""

from __future__ import annotations

from typing import Tuple

from .errors import ErrorCode, ScumbleError, bad_request
from .values import GenerationRequest, Mode, Snapshot

_SAMPLES = 64  # points a side; 4096 points take a millisecond or two in plain Python
_SELECTED = 128  # mask values from here on count as selected
_CLEAR = 8  # alpha values below count as empty canvas


def check_snapshot(snapshot: Snapshot, request: GenerationRequest) -> None:
    """Raise ScumbleError when the bytes do not cover the request's region."""
    pixels = request.region.size.pixels
    mask = snapshot.mask
    fits = snapshot.region == request.region and len(snapshot.pixels) == 4 * pixels
    if request.mode is Mode.INPAINT:
        fits = fits and mask is not None and len(mask) == pixels
    if not fits:
        raise ScumbleError(
            ErrorCode.INTERNAL,
            "The editor gave a picture of another size than asked for.",
            "Try again; if it happens again, save the document and open it anew.",
        )
    if request.mode is Mode.INPAINT and mask is not None and mask.count(0) == pixels:
        raise bad_request("The selection is empty.", "Select what to fill and try again.")


def blobs_of(snapshot: Snapshot) -> Tuple[bytes, ...]:
    """The snapshot as `submit` wants it: pixels, and the mask where there is one."""
    return (snapshot.pixels,) if snapshot.mask is None else (snapshot.pixels, snapshot.mask)


def mostly_empty(snapshot: Snapshot) -> bool:
    """Whether at least half of what is selected is empty canvas."""
    if snapshot.mask is None:
        return False
    width, height = snapshot.region.width, snapshot.region.height
    selected = clear = 0
    for y in range(0, height, max(1, height // _SAMPLES)):
        for x in range(0, width, max(1, width // _SAMPLES)):
            at = y * width + x
            if snapshot.mask[at] >= _SELECTED:
                selected += 1
                clear += snapshot.pixels[4 * at + 3] < _CLEAR
    return bool(selected) and 2 * clear >= selected
