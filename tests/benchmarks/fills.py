"""Prints the tables of what a fill is worth: colour, seam, bytes outside, resolution, time.

    python tests/benchmarks/fills.py [--every N] [--side PIXELS]

A "truth engine" stands for the model: it returns the true picture, altered in
a known way. What is then missing inside the mask is the pipeline's own fault.
Photographs: see photographs.py. --every N takes every Nth pair of photograph
and shape (1: all, which takes long).

The method beside ours is the leader's as far as its description goes (a shift
in Lab, one for the whole picture): the difference is averaged over the whole
frame, in which the masked part counts as no difference. It is our reading and
not its code.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import resolution
from alterations import OTHERS, SHIFTS
from photographs import photographs
from shapes import FIELDS, shape

from scumble.imaging.composite import finish_inpaint
from scumble.imaging.crop import Prepared, prepare_inpaint
from scumble.imaging.lab import lab, levels
from scumble.link.values import GenerationRequest, Region, Size

sys.path.insert(0, str(Path(__file__).parents[1]))
from pictures import over, request_for

Pixels = npt.NDArray[np.uint8]
COVERAGES = (0.3, 0.5, 0.7)
SEAM = 2  # pixels to either side of the mask's edge
SURROUNDINGS = (6, 24)  # pixels from the edge: where the picture's own gradient is measured


@dataclass(frozen=True)
class Case:
    """One photograph under one selection, opaque and at the model's native size."""

    picture: Pixels
    mask: Pixels
    request: GenerationRequest
    prepared: Prepared


def case(picture: Pixels, mask: Pixels) -> Case:
    side = picture.shape[0]
    request = request_for(Region(0, 0, side, side), Size(side, side))
    opaque = np.dstack((picture, np.full((side, side), 255, np.uint8)))
    prepared = prepare_inpaint(request, opaque.tobytes(), mask.tobytes(), side, 8)
    return Case(picture, mask, request, prepared)


def filled(of: Case, generated: Pixels) -> tuple[Pixels, Pixels]:
    """What the editor shows, and the layer's own colours over the whole context."""
    region, data = finish_inpaint(of.request, of.prepared, generated)
    layer = np.frombuffer(data, np.uint8).reshape(region.height, region.width, 4)
    colours = of.picture.copy()
    colours[region.y : region.bottom, region.x : region.right] = layer[..., :3]
    return over(of.picture, layer, region.x, region.y), colours


def whole_frame_shift(of: Case, generated: Pixels) -> Pixels:
    """The method beside ours."""
    known = (of.mask < 128)[..., None]
    shift = ((lab(of.picture) - lab(generated)) * known).mean((0, 1))
    return np.clip(np.rint(levels(lab(generated) + shift)), 0, 255).astype(np.uint8)


def residual(of: Case, shown: Pixels) -> float:
    """The length of the mean difference in Lab inside the mask."""
    inside = of.mask > 127
    return float(np.linalg.norm((lab(shown) - lab(of.picture))[inside].mean(0)))


def seam(of: Case, shown: Pixels) -> float:
    """Mean gradient across the mask's edge over the mean gradient in the surroundings."""
    inside = np.asarray(of.mask > 127, np.uint8)
    away = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    away += cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    grey = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = np.hypot(cv2.Scharr(grey, cv2.CV_32F, 1, 0), cv2.Scharr(grey, cv2.CV_32F, 0, 1))
    near, far = SURROUNDINGS
    around = (away > near) & (away < far) & (inside == 0)
    return float(size[away <= SEAM].mean() / max(1e-3, size[around].mean()))


def fills(every: int, side: int) -> None:
    pictures = list(photographs(side))
    rows: dict[tuple[str, float], list[tuple[float, ...]]] = defaultdict(list)
    outside = worse = runs = 0
    for coverage in COVERAGES:
        for i, name in enumerate(FIELDS):
            mask = shape(name, side, coverage)
            for j, (_, picture) in enumerate(pictures):
                if (i + j) % every:
                    continue
                of = case(picture, mask)
                for how, alter in {**SHIFTS, **OTHERS}.items():
                    given = alter(picture)
                    shown, colours = filled(of, given)
                    outside += int(np.count_nonzero((shown != picture)[mask == 0]))
                    before, after = residual(of, given), residual(of, colours)
                    runs += 1
                    worse += after > before + 0.1 and not how.startswith("drift")
                    other = residual(of, whole_frame_shift(of, given))
                    ratio = seam(of, shown) / seam(of, picture)
                    rows[how, coverage].append((before, other, after, seam(of, shown), ratio))
    print(f"{len(pictures)} photographs, {len(FIELDS)} shapes, {side}² contexts, {runs} fills\n")
    print(
        "| alteration | coverage | unmatched | whole-frame shift | ours: mean | median | worst 5 %"
        " | seam (median) | seam to the true picture's (mean, 90 % within) |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for (how, coverage), values in rows.items():
        a = np.array(values)
        low, high = np.quantile(a[:, 4], (0.05, 0.95))
        print(
            f"| {how} | {coverage:.0%} | {a[:, 0].mean():.2f} | {a[:, 1].mean():.2f} |"
            f" {a[:, 2].mean():.2f} | {np.median(a[:, 2]):.2f} | {np.quantile(a[:, 2], 0.95):.2f} |"
            f" {np.median(a[:, 3]):.2f} | {a[:, 4].mean():.2f} ({low:.2f} … {high:.2f}) |"
        )
    print(f"\nbytes outside the selection that differ: {outside}")
    print(
        f"fills whose colours are worse than unmatched by over 0.1, drift by place apart:"
        f" {worse} of {runs}\n"
    )


def best(times: int, act: Callable[[], object], clock: Callable[[], float]) -> float:
    """The least milliseconds that `act` took."""
    taken = []
    for _ in range(times):
        start = clock()
        act()
        taken.append(clock() - start)
    return min(taken) * 1000


def times() -> None:
    side = 1024
    picture = next(photographs(side))[1]
    mask = shape("blob", side, 0.5)
    given = SHIFTS["shift L 5"](picture)
    of = case(picture, mask)
    print(f"| {side}² context, best of 15 | wall ms | processor ms |\n|---|---|---|")
    stages: dict[str, Callable[[], object]] = {
        "prepare": lambda: case(picture, mask),
        "finish with colour match": lambda: finish_inpaint(of.request, of.prepared, given),
        "both": lambda: finish_inpaint(of.request, case(picture, mask).prepared, given),
    }
    for name, act in stages.items():
        wall, processor = (best(15, act, clock) for clock in (time.perf_counter, time.process_time))
        print(f"| {name} | {wall:.0f} | {processor:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--side", type=int, default=512)
    options = parser.parse_args()
    print("\n".join(resolution.table()) + "\n")
    times()
    print()
    fills(options.every, options.side)


if __name__ == "__main__":
    main()
