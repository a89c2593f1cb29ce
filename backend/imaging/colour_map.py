"""A map from the model's colours to the picture's, fitted to samples of the ring.

An affine map in CIE Lab holds shifts, gain, contrast, saturation and a turn of
hue. It is fitted robustly, drawn towards a mere shift where the ring's colours
say nothing, and not carried further than the ring's colours reach.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scumble.imaging.pixels import Floats

Doubles = npt.NDArray[np.float64]

# How far a map is believed to be from the identity: standard deviations of its matrix
PRIOR_DEVIATION = np.array([[0.15, 0.03, 0.03], [0.06, 0.15, 0.15], [0.06, 0.15, 0.15]])
INDEPENDENT = 0.5  # share of samples that count as independent of their neighbours
REACH = 2.5  # standard deviations of the ring's colours, as far as a map is carried
LEAST_SPREAD = 2.0  # Lab units; a ring of one colour still has some reach
ROUNDS = 4
TUKEY = 4.685  # residuals beyond so many robust standard deviations count for nothing
NOISE_FLOOR = 0.15  # Lab units; the rounding of 8-bit levels
MEDIAN_LENGTH = 1.54  # of a vector of three unit normal deviates
OTHER_CONTENT = 12.0  # Lab units; what is further off is not the same thing in another colour


@dataclass(frozen=True)
class ColourMap:
    """lab -> lab + matrix (lab' - centre) + shift, where lab' is `lab` drawn into the reach.

    matrix: (3, 3), 0 for a mere shift. whiten: (3, 3), makes the ring's colours
    round `centre` spread evenly by 1.
    """

    matrix: Doubles
    shift: Doubles
    centre: Doubles
    whiten: Doubles

    @property
    def is_identity(self) -> bool:
        return not (self.matrix.any() or self.shift.any())

    def __call__(self, lab: Floats) -> Doubles:
        """Mapped colours; lab: (n, 3)."""
        if not self.matrix.any():
            return np.asarray(lab + self.shift, np.float64)
        away = lab - self.centre
        spread = away @ self.whiten.T
        distance = np.sqrt(np.einsum("ij,ij->i", spread, spread))
        away *= np.minimum(1, REACH / np.maximum(distance, 1e-9))[:, None]
        return np.asarray(lab + away @ self.matrix.T + self.shift, np.float64)


def identity() -> ColourMap:
    return ColourMap(np.zeros((3, 3)), np.zeros(3), np.zeros(3), np.eye(3))


def fit_shift(before: Floats, after: Floats) -> ColourMap:
    """The robust mean difference. before, after: Lab (n, 3)."""
    difference = before - after
    shift = np.median(difference, axis=0)
    for _ in range(ROUNDS):
        trust, _ = _trust(_lengths(difference - shift))
        shift = trust @ difference / trust.sum()
    return ColourMap(np.zeros((3, 3)), shift, np.zeros(3), np.eye(3))


def fit_affine(before: Floats, after: Floats) -> ColourMap:
    """The robust affine map: least squares, reweighted by Tukey's biweight each round.

    The matrix has a Gaussian prior round the identity (PRIOR_DEVIATION).
    Arguments as for `fit_shift`.
    """
    result = fit_shift(before, after)
    difference = before - after
    for _ in range(ROUNDS):
        trust, noise = _trust(_lengths(before - result(after)))
        total = trust.sum()
        centre = trust @ after / total
        shift = trust @ difference / total
        x = after - centre
        weighted = x * trust[:, None] / total
        spread = weighted.T @ x
        products = weighted.T @ (difference - shift)
        count = INDEPENDENT * total
        priors = (noise / PRIOR_DEVIATION) ** 2 / count
        matrix = np.stack(
            [np.linalg.solve(spread + np.diag(priors[i]), products[:, i]) for i in range(3)]
        )
        floor = LEAST_SPREAD**2 * np.eye(3)
        whiten = np.linalg.inv(np.linalg.cholesky(spread + floor))
        result = ColourMap(matrix, shift, centre, whiten)
    return result


def residual(missing: Floats | Doubles) -> float:
    """The mean length of `missing`, Lab (n, 3); other content counts as OTHER_CONTENT."""
    return float(np.minimum(_lengths(missing), OTHER_CONTENT).mean())


def _lengths(vectors: Floats | Doubles) -> Doubles:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)), np.float64)


def _trust(distance: Doubles) -> tuple[Doubles, float]:
    """Tukey's biweight of each residual, and the residuals' robust standard deviation."""
    noise = max(NOISE_FLOOR, float(np.median(distance)) / MEDIAN_LENGTH)
    scaled = np.minimum(distance / (TUKEY * noise), 1)
    return np.asarray((1 - scaled**2) ** 2, np.float64), noise
