"""Prints what a selection larger than the model costs: peak memory and time of both passes.

    python tests/benchmarks/large.py

Every line is a process of its own, so that its peak is its own. The model is
an identity that returns what it sees: what is measured is the way to it and
back, tile by tile, as a card with room for any number of tiles would go it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from pictures import request_for

from scumble.engine import second_pass
from scumble.engine.start import Canvas
from scumble.engine.work import Work
from scumble.imaging.crop import prepare_inpaint
from scumble.link.geometry import context_region
from scumble.link.values import Region, Size

NATIVE, MULTIPLE = 1024, 8
TILES = 10_000

# selection, canvas
CASES = (
    (Size(600, 600), Size(2000, 2000)),
    (Size(600, 600), Size(8000, 6000)),
    (Size(2000, 1500), Size(4000, 3000)),
    (Size(2000, 1500), Size(8000, 6000)),
    (Size(4000, 3000), Size(4000, 3000)),
    (Size(8000, 6000), Size(8000, 6000)),
)


def identity(size: Size, canvas: Size) -> tuple[Size, int, float]:
    """Context, tiles and seconds of a fill of `size` in the middle of `canvas`."""
    place = Region(
        (canvas.width - size.width) // 2,
        (canvas.height - size.height) // 2,
        size.width,
        size.height,
    )
    region = context_region(place, canvas)
    pixels = np.random.default_rng(0).integers(
        0, 256, (region.height, region.width, 4), dtype=np.uint8
    )
    pixels[..., 3] = 255
    mask = np.zeros((region.height, region.width), np.uint8)
    left, top = place.x - region.x, place.y - region.y
    mask[top : top + place.height, left : left + place.width] = 255
    request = request_for(region, canvas)
    data, selection = pixels.tobytes(), mask.tobytes()
    del pixels, mask
    start = time.perf_counter()
    prepared = prepare_inpaint(request, data, selection, NATIVE, MULTIPLE)
    shown = prepared.image.shape
    work = Work(
        request,
        Canvas(Size(shown[1], shown[0]), prepared.image, prepared.change),
        prepared.window,
        prepared,
    )
    model: Any = SimpleNamespace(native=NATIVE, scale=MULTIPLE, device=SimpleNamespace(tiles=TILES))
    second = second_pass.plan(model, work)
    placed, layer = work.finish(prepared.image)
    if second.tiles:
        second.refine(work, placed, layer, lambda _, tile: tile.canvas.image)
    return region.size, len(second.tiles), time.perf_counter() - start


def main() -> None:
    if sys.argv[1:]:
        width, height, across, down = map(int, sys.argv[1:])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        context, tiles, seconds = identity(Size(width, height), Size(across, down))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(
            f"| {width}×{height} | {across}×{down} | {context.width}×{context.height} | {tiles} |"
            f" {peak / 1024:.0f} | {peak * 1024 / context.pixels:.0f} | {seconds:.1f} |"
        )
        return
    print("| selection | canvas | context | tiles | peak MiB | bytes a pixel | s |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for size, canvas in CASES:
        sides = map(str, (size.width, size.height, canvas.width, canvas.height))
        subprocess.run([sys.executable, __file__, *sides], check=True)


if __name__ == "__main__":
    main()
