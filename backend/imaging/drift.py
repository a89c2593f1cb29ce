"""How a model's colours drifted, fitted to samples of the ring by colour and by place at once.

The correction is the sum of a shift, an affine map in CIE Lab (gain, contrast,
saturation, a turn of hue) and a polynomial of the place in the picture (a cast
that is stronger on one side, a vignette). A sky that is blue and at the top
says the same about colour and place, so all terms are solved for together, by
robust least squares with a Gaussian prior on each. Which terms are used is
decided by validation: a quarter of the ring at a time is predicted from the
rest, and a term that does not predict it is left out. Where more terms tell the
ring better and ask for less under the mask, they are believed all the same: a
vignette seen in four corners only looks like a shift that it is not. What the
ring cannot know, a drift that begins and ends under the mask, is not corrected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scumble.imaging.pixels import Floats
from scumble.imaging.ring import FOLDS, Numbers, Samples

Doubles = npt.NDArray[np.float64]

# How large terms are believed to be: standard deviations, in Lab units where not said otherwise
SHIFT_DEVIATION = 8.0
SLOPE_DEVIATION = 4.0  # from the picture's middle to its edge
BEND_DEVIATION = 3.0  # likewise, of the quadratic terms
# of the matrix, by L, a, b that it gives and L, a, b that it takes
MATRIX_DEVIATION = np.array([[0.15, 0.03, 0.03], [0.06, 0.15, 0.15], [0.06, 0.15, 0.15]])

# The columns of the design: 1; x, y; x², xy, y²; L, a, b
SHIFT, SLOPES, BENDS, COLOURS = [0], [1, 2], [3, 4, 5], [6, 7, 8]
COLUMNS = 9
# From simple to rich; a richer one has to prove itself against the best before it
FAMILIES = (
    SHIFT,
    SHIFT + SLOPES,
    SHIFT + SLOPES + BENDS,
    SHIFT + COLOURS,
    SHIFT + SLOPES + COLOURS,
    SHIFT + SLOPES + BENDS + COLOURS,
)
LEAST_GAIN = 0.1  # what is richer has to lower the residual by this share

INDEPENDENT = 0.5  # share of samples that count as independent of their neighbours
REACH = 2.5  # standard deviations of the ring's colours, as far as the matrix is carried
LEAST_SPREAD = 2.0  # Lab units; a ring of one colour still has some reach
ROUNDS = 4
TUKEY = 4.685  # residuals beyond so many robust standard deviations count for nothing
NOISE_FLOOR = 0.15  # Lab units; the rounding of 8-bit levels
MEDIAN_LENGTH = 1.54  # of a vector of three unit normal deviates
OTHER_CONTENT = 12.0  # Lab units; what is further off is not the same thing in another colour


@dataclass(frozen=True)
class Drift:
    """What brings colours back: lab + matrix (lab' - centre) + shift + terms · (x, y, x², xy, y²).

    lab' is `lab` drawn into the ring's reach. matrix: (3, 3), by Lab given and
    taken; shift: (3,); terms: (5, 3), all of them 0 where not used. whiten:
    (3, 3), makes the ring's colours round `centre` spread evenly by 1.
    """

    matrix: Doubles
    shift: Doubles
    terms: Doubles
    centre: Doubles
    whiten: Doubles

    @property
    def by_colour(self) -> bool:
        """Whether colours change wherever they stand."""
        return bool(self.matrix.any() or self.shift.any())

    @property
    def by_place(self) -> bool:
        return bool(self.terms.any())

    def colours(self, lab: Floats | Doubles) -> Doubles:
        """Lab (n, 3) after the part that depends on the colour alone."""
        if not self.matrix.any():
            return np.asarray(lab + self.shift, np.float64)
        away = np.asarray(lab - self.centre, np.float64)
        spread = away @ self.whiten.T
        distance = np.sqrt(np.einsum("ij,ij->i", spread, spread))
        away *= np.minimum(1, REACH / np.maximum(distance, 1e-9))[:, None]
        return np.asarray(lab + away @ self.matrix.T + self.shift, np.float64)

    def places(self, places: Floats | Doubles) -> Doubles:
        """Lab (n, 3) to add at places x, y (n, 2), -1 … 1 across the picture."""
        return np.asarray(_by_place(places) @ self.terms, np.float64)


def none() -> Drift:
    """No drift at all."""
    return Drift(np.zeros((3, 3)), np.zeros(3), np.zeros((5, 3)), np.zeros(3), np.eye(3))


def fit(samples: Samples) -> Drift:
    """The drift that holds best in parts of the ring that it was not fitted to; at worst none."""
    missing = np.asarray(samples.before - samples.after, np.float64)
    centre = np.average(samples.after.astype(np.float64), axis=0, weights=samples.worth)
    design = _design(samples.place, samples.after - centre)
    weight, noise = _robust(design, missing, samples.worth)
    columns = _best_family(design, missing, weight, noise, samples)
    if columns is None:
        return none()
    hidden = _design(samples.hidden_place, samples.hidden - centre)
    solved = _least_change(columns, hidden, design, missing, weight, noise, samples.worth)
    away = samples.after - centre
    spread = (away * weight[:, None]).T @ away / weight.sum()
    whiten = np.linalg.inv(np.linalg.cholesky(spread + LEAST_SPREAD**2 * np.eye(3)))
    return Drift(solved[COLOURS].T, solved[0], solved[SLOPES + BENDS], centre, whiten)


def loss(missing: Floats | Doubles) -> Doubles:
    """How bad what is missing is, Lab (n, 3): its length, and no more than OTHER_CONTENT."""
    return np.minimum(_lengths(missing), OTHER_CONTENT)


def _design(places: Floats, colours: Doubles) -> Doubles:
    return np.concatenate((np.ones((len(places), 1)), _by_place(places), colours), 1)


def _by_place(places: Floats | Doubles) -> Doubles:
    x, y = np.asarray(places, np.float64).T
    return np.stack((x, y, x * x, x * y, y * y), -1)


def _lengths(vectors: Floats | Doubles) -> Doubles:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)), np.float64)


def _robust(design: Doubles, missing: Doubles, worth: Floats) -> tuple[Doubles, float]:
    """How far each sample is to be believed, by Tukey's biweight, and the samples' noise."""
    solved = np.zeros((COLUMNS, 3))
    solved[0] = np.median(missing, axis=0)
    for rest in reversed(range(ROUNDS + 1)):
        lengths = _lengths(missing - design @ solved)
        noise = max(NOISE_FLOOR, float(np.median(lengths)) / MEDIAN_LENGTH)
        weight = worth * (1 - np.minimum(lengths / (TUKEY * noise), 1) ** 2) ** 2
        if rest:
            products = _products(design, missing, weight)
            solved = _solve(*products, FAMILIES[-1], noise)
    return np.asarray(weight, np.float64), noise


def _best_family(
    design: Doubles, missing: Doubles, weight: Doubles, noise: float, samples: Samples
) -> list[int] | None:
    """The columns worth using; None: what is there is best left alone."""
    squares, products = _products(design, missing, weight)
    folds = []
    for fold in range(FOLDS):
        held = samples.quarter == fold
        if held.any() and not held.all():
            own = _products(design[held], missing[held], weight[held])
            folds.append((held, squares - own[0], products - own[1]))
    if not folds:
        return None
    best, least = None, loss(missing) * samples.worth
    for family in FAMILIES:
        lost = least.copy()
        for held, *rest in folds:
            solved = _solve(rest[0], rest[1], family, noise)
            lost[held] = loss(missing[held] - design[held] @ solved) * samples.worth[held]
        if is_better(lost, least, samples.quarter):
            best, least = family, lost
    return best


def is_better(lost: Doubles, than: Doubles, part: Numbers) -> bool:
    """Whether held-out losses (n,) beat others: by LEAST_GAIN over all, and by more than the
    standard error of the gains in the ring's parts, (n,), which were held out in turn."""
    if lost.sum() >= than.sum() * (1 - LEAST_GAIN):
        return False
    gains = np.bincount(part, than - lost)[np.unique(part)]
    return bool(gains.sum() > np.sqrt(len(gains)) * gains.std(ddof=1))


def _least_change(
    best: list[int],
    hidden: Doubles,
    design: Doubles,
    missing: Doubles,
    weight: Doubles,
    noise: float,
    worth: Floats,
) -> Doubles:
    """Coefficients (COLUMNS, 3) that change least under the mask, whose design is `hidden`.

    They are those of the `best` family, or of a richer one that fits the ring
    better by LEAST_GAIN: where two accounts of the ring differ, the smaller
    change is the safer one.
    """
    products = _products(design, missing, weight)
    total = hidden.sum(0)
    found = _solve(*products, best, noise)
    enough = loss(missing - design @ found) @ worth * (1 - LEAST_GAIN)
    for family in FAMILIES:
        if set(family) > set(best):
            solved = _solve(*products, family, noise)
            fits = loss(missing - design @ solved) @ worth < enough
            if fits and np.linalg.norm(total @ solved) < np.linalg.norm(total @ found):
                found = solved
    return found


def _products(design: Doubles, missing: Doubles, weight: Doubles) -> tuple[Doubles, Doubles]:
    weighted = (design * weight[:, None]).T
    return weighted @ design, weighted @ missing


def _solve(squares: Doubles, products: Doubles, columns: list[int], noise: float) -> Doubles:
    """Coefficients (COLUMNS, 3) by least squares with the priors; 0 for columns not used."""
    solved = np.zeros((COLUMNS, 3))
    square = squares[np.ix_(columns, columns)]
    for channel in range(3):
        prior = (noise / _deviations(channel)[columns]) ** 2 / INDEPENDENT
        solved[columns, channel] = np.linalg.solve(
            square + np.diag(prior), products[columns, channel]
        )
    return solved


def _deviations(channel: int) -> Doubles:
    place = [SLOPE_DEVIATION] * len(SLOPES) + [BEND_DEVIATION] * len(BENDS)
    return np.array([SHIFT_DEVIATION, *place, *MATRIX_DEVIATION[channel]])
