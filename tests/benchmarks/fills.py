"""Prints the tables of what a fill is worth: colour, seam, bytes outside, resolution, time.

    python tests/benchmarks/fills.py [--every N] [--side PIXELS]

A "truth engine" stands for the model: it returns the true picture, altered in
a known way. What is then missing inside the mask is the pipeline's own fault.
Photographs: see photographs.py. --every N takes every Nth pair of photograph
and shape (1: all, which takes long). Beside ours stands the leader, as
leader.py describes it.

Residual: the length of the mean difference in Lab inside the mask, a colour
cast. Distance: the mean length of the difference, which also counts what is
too light here and too dark there. Fitted: with the option that fits the edge's
colours in the gradient domain.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import leader
import numpy as np
import numpy.typing as npt
import resolution
from alterations import BY_PLACE, HIDDEN, REST, SHIFTS, TONES
from objects import with_object
from photographs import photographs
from shapes import FIELDS, shape

from scumble.imaging.composite import finish_inpaint
from scumble.imaging.crop import Prepared, prepare_inpaint
from scumble.imaging.lab import lab
from scumble.link.values import GenerationRequest, Region, Size

sys.path.insert(0, str(Path(__file__).parents[1]))
from pictures import over, request_for

Pixels = npt.NDArray[np.uint8]
Measured = npt.NDArray[np.float64]
ALTERATIONS = {**SHIFTS, **TONES, **REST, **BY_PLACE, **HIDDEN}
OBJECTS = {f"object, {how}": ALTERATIONS[how] for how in ("nothing", "shift L 5", "vignette")}
OBJECTS["object, waves"] = HIDDEN["waves"]
COVERAGES = (0.3, 0.5, 0.7)
TRIALS = 40  # the best of them: on a machine that others use too, the rest says little
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


def filled(of: Case, generated: Pixels, fitted: bool = False) -> tuple[Pixels, Pixels]:
    """What the editor shows, and the layer's own colours over the whole context."""
    request = replace(of.request, gradient_domain=fitted)
    region, data = finish_inpaint(request, of.prepared, generated)
    layer = np.frombuffer(data, np.uint8).reshape(region.height, region.width, 4)
    colours = of.picture.copy()
    colours[region.y : region.bottom, region.x : region.right] = layer[..., :3]
    return over(of.picture, layer, region.x, region.y), colours


def differences(of: Case, shown: Pixels, true: Pixels) -> tuple[float, float]:
    """Residual and distance."""
    missing = (lab(shown) - lab(true))[of.mask > 127]
    return float(np.linalg.norm(missing.mean(0))), float(np.linalg.norm(missing, axis=1).mean())


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


@dataclass
class Fills:
    """rows: of each alteration and coverage the measures of every fill (MEASURES)."""

    pictures: int
    outside: int
    rows: dict[tuple[str, float], list[tuple[float, ...]]]

    def of(self, names: Iterable[str], coverage: float | None = None) -> Measured:
        """(n, MEASURES) of all fills with these alterations."""
        chosen = [
            row
            for (name, covered), rows in self.rows.items()
            if name in names and coverage in (None, covered)
            for row in rows
        ]
        return np.array(chosen)


# columns of the measures
UNMATCHED, LEADER, OURS, FAR_UNMATCHED, FAR_OURS, FAR_FITTED = range(6)
SEAM_OURS, SEAM_FITTED, SEAM_RATIO = range(6, 9)


def fills(every: int, side: int) -> Fills:
    pictures = list(photographs(side))
    made = Fills(len(pictures), 0, defaultdict(list))
    for coverage in COVERAGES:
        for i, name in enumerate(FIELDS):
            mask = shape(name, side, coverage)
            for j, (_, picture) in enumerate(pictures):
                if (i + j) % every:
                    continue
                of = case(picture, mask)
                other = pictures[(j + 1) % len(pictures)][1]
                drawn = with_object(picture, other, mask, of.prepared.change, i + j)
                for how, alter in {**ALTERATIONS, **OBJECTS}.items():
                    true = drawn if how in OBJECTS else picture
                    row, outside = measured(of, true, alter(true))
                    made.rows[how, coverage].append(row)
                    made.outside += outside
    return made


def measured(of: Case, true: Pixels, given: Pixels) -> tuple[tuple[float, ...], int]:
    """The measures of a fill, and how many bytes outside the selection it changed."""
    shown, colours = filled(of, given)
    shown_fitted, fitted = filled(of, given, fitted=True)
    outside = np.count_nonzero((shown != of.picture)[of.mask == 0])
    outside += np.count_nonzero((shown_fitted != of.picture)[of.mask == 0])
    unmatched, far_unmatched = differences(of, given, true)
    ours, far_ours = differences(of, colours, true)
    _, far_fitted = differences(of, fitted, true)
    theirs, _ = differences(of, leader.matched(of.picture, given, of.mask), true)
    seams = (seam(of, shown), seam(of, shown_fitted))
    lengths = (unmatched, theirs, ours, far_unmatched, far_ours, far_fitted)
    return (*lengths, *seams, seams[0] / seam(of, true)), int(outside)


def print_fills(made: Fills) -> None:
    print(
        "| alteration | coverage | residual unmatched | leader | ours | median | worst 5 % |"
        " distance unmatched | ours | seam (median) | over the true picture's (90 % within) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for how, coverage in made.rows:
        a = made.of([how], coverage)
        mean = a.mean(0)
        low, high = np.quantile(a[:, SEAM_RATIO], (0.05, 0.95))
        print(
            f"| {how} | {coverage:.0%} | {mean[UNMATCHED]:.2f} | {mean[LEADER]:.2f} |"
            f" {mean[OURS]:.2f} | {np.median(a[:, OURS]):.2f} |"
            f" {np.quantile(a[:, OURS], 0.95):.2f} |"
            f" {mean[FAR_UNMATCHED]:.2f} | {mean[FAR_OURS]:.2f} |"
            f" {np.median(a[:, SEAM_OURS]):.2f} |"
            f" {mean[SEAM_RATIO]:.2f} ({low:.2f} … {high:.2f}) |"
        )


def print_summary(made: Fills) -> None:
    """What the README gives."""
    groups: dict[str, Iterable[str]] = {
        "shift of 5 in L, a, b": SHIFTS,
        "gain, contrast, hue": TONES,
        "blur, nothing": REST,
        "drift by place": BY_PLACE,
        "drift that is hidden by the mask": HIDDEN,
    }
    total = sum(len(rows) for rows in made.rows.values())
    print(f"{made.pictures} photographs, {len(FIELDS)} shapes, {total} fills\n")
    print(
        "| alteration | residual unmatched | leader: 30, 50, 70 % | ours: 30, 50, 70 % |"
        " distance unmatched | ours | worse by over 0.1: residual | distance |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for title, names in groups.items():
        a = made.of(names)
        by_coverage = [made.of(names, coverage).mean(0) for coverage in COVERAGES]
        theirs, ours = (
            ", ".join(f"{mean[column]:.2f}" for mean in by_coverage) for column in (LEADER, OURS)
        )
        worse, farther = (
            np.count_nonzero(a[:, after] > a[:, before] + 0.1)
            for before, after in ((UNMATCHED, OURS), (FAR_UNMATCHED, FAR_OURS))
        )
        print(
            f"| {title} | {a[:, UNMATCHED].mean():.2f} | {theirs} | {ours} |"
            f" {a[:, FAR_UNMATCHED].mean():.2f} | {a[:, FAR_OURS].mean():.2f} |"
            f" {worse} of {len(a)} | {farther} of {len(a)} |"
        )
    print_fitted(made, {**groups, "an object over the edge": OBJECTS})
    medians = [
        np.median(made.of([how], c)[:, SEAM_OURS]) for how, c in made.rows if how in ALTERATIONS
    ]
    print(f"\nseam, medians: {min(medians):.2f} to {max(medians):.2f}")
    print(f"bytes outside the selection that differ: {made.outside}\n")


def print_fitted(made: Fills, groups: dict[str, Iterable[str]]) -> None:
    print(
        "\n| alteration | distance | fitted | better by over 0.1 | worse by over 0.1 |"
        " seam (median) | fitted |"
    )
    print("|---|---|---|---|---|---|---|")
    for title, names in groups.items():
        a = made.of(names)
        gained = a[:, FAR_OURS] - a[:, FAR_FITTED]
        better, worse = np.count_nonzero(gained > 0.1), np.count_nonzero(gained < -0.1)
        print(
            f"| {title} | {a[:, FAR_OURS].mean():.2f} | {a[:, FAR_FITTED].mean():.2f} |"
            f" {better} of {len(a)} | {worse} of {len(a)} |"
            f" {np.median(a[:, SEAM_OURS]):.2f} | {np.median(a[:, SEAM_FITTED]):.2f} |"
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
    opaque = np.dstack((picture, np.full((side, side), 255, np.uint8))).tobytes()
    selection = mask.tobytes()

    def prepare() -> Prepared:
        return prepare_inpaint(of.request, opaque, selection, side, 8)

    def both() -> object:
        return finish_inpaint(of.request, prepare(), given)

    def both_fitted() -> object:
        return finish_inpaint(replace(of.request, gradient_domain=True), prepare(), given)

    print(f"| {side}² context, best of {TRIALS} | wall ms | processor ms |\n|---|---|---|")
    stages: dict[str, Callable[[], object]] = {
        "prepare": prepare,
        "finish with colour match": lambda: finish_inpaint(of.request, of.prepared, given),
        "both": both,
        "both, and the edge fitted": both_fitted,
    }
    for name, act in stages.items():
        wall, processor = (
            best(TRIALS, act, clock) for clock in (time.perf_counter, time.process_time)
        )
        print(f"| {name} | {wall:.0f} | {processor:.0f} |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=9)
    parser.add_argument("--side", type=int, default=384)
    options = parser.parse_args()
    print("\n".join(resolution.table()) + "\n")
    times()
    made = fills(options.every, options.side)
    print_fills(made)
    print()
    print_summary(made)


if __name__ == "__main__":
    main()
