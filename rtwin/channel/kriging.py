"""Kriging of shadow fading: Gaussian fields whose correlation falls with distance.

Every estimate of a field from few measurements (held-out levels, corrected maps,
residuals of an edited world) is one conditional distribution. What differs is
the covariance, which the caller makes, and what it does with the likelihood.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats

_LARGE = 48  # rows from which on a stack is solved one by one, as triangles


def shadowing_correlation(distance_m: ArrayLike, correlation_distance_m: float) -> Floats:
    """Correlation of shadow fading over a distance, 1 at 0 and 1/e at its correlation distance.

    Args:
        distance_m: Distances [m], any shape.
        correlation_distance_m: Where the correlation is 1/e [m].
    Source: M. Gudmundson, Electronics Letters 27(23), 1991; checked by
    tests/channel/test_kriging.py.
    """
    return np.exp(-np.asarray(distance_m, np.float64) / correlation_distance_m)


@dataclass(frozen=True, eq=False)
class GaussianField:
    """A Gaussian field given measurements of it.

    Stacks of fields have further axes in front; all have the same number of rows.

    Attributes:
        lower: Cholesky factor of the covariance of the measurements, [..., row, row].
        white: Measurements over that factor, [..., row].
    """

    lower: Floats
    white: Floats

    @property
    def log_likelihood(self) -> Floats:
        """Logarithm of the density of the measurements, without the constant, [...]."""
        logdet = np.log(np.diagonal(self.lower, axis1=-2, axis2=-1)).sum(axis=-1)
        return np.asarray(-0.5 * np.square(self.white).sum(axis=-1) - logdet, np.float64)

    def predict(self, cross: Floats, variance: ArrayLike) -> tuple[Floats, Floats]:
        """Mean and variance of the field in other places, [place] each; of one field.

        Args:
            cross: Covariance of places and measurements, [place, row].
            variance: Variance of each place before any measurement, [place] or one number.
        """
        from scipy.linalg import solve_triangular

        solved = solve_triangular(self.lower, cross.T, lower=True)
        left = np.maximum(variance - np.square(solved).sum(axis=0), 0.0)
        return solved.T @ self.white, left

    def left_out(self, fold: ArrayLike, values: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of each measurement given those of the other folds, [row] each.

        Args:
            fold: Fold of each row, [row].
            values: The measurements, [row].
        Source: Rasmussen and Williams (2006), equations 5.10 to 5.12, for blocks;
        checked by tests/channel/test_kriging.py.
        """
        inverse = self.inverse
        pull = inverse @ values
        mean, variance = np.empty(len(values)), np.empty(len(values))
        fold = np.asarray(fold)
        for number in np.unique(fold):
            rows = np.flatnonzero(fold == number)
            covariance = np.linalg.inv(inverse[np.ix_(rows, rows)])
            mean[rows] = values[rows] - covariance @ pull[rows]
            variance[rows] = np.diag(covariance)
        return mean, variance

    def left_out_each(self, values: Floats) -> tuple[Floats, Floats]:
        """Mean and variance of each measurement given all others, [row] each."""
        inverse = self.inverse
        precision = np.diag(inverse)
        return values - (inverse @ values) / precision, 1.0 / precision

    @cached_property
    def inverse(self) -> Floats:
        """Inverse of the covariance of the measurements, [row, row]."""
        from scipy.linalg import lapack

        lower, _ = lapack.dpotri(self.lower, lower=1)
        return np.asarray(np.tril(lower) + np.tril(lower, -1).T, np.float64)


def condition(covariance: Floats, values: Floats) -> GaussianField:
    """The field given measurements.

    Args:
        covariance: Of the measurements, their noise included, [..., row, row].
        values: What was measured, less what was expected, [..., row] or [row].
    Raises:
        numpy.linalg.LinAlgError: if the covariance is not positive definite.
    Source: Rasmussen and Williams (2006), equations 2.25, 2.26 and 2.30; checked by
    tests/channel/test_kriging.py against scikit-learn.
    """
    lower = np.asarray(np.linalg.cholesky(covariance), np.float64)
    column = np.broadcast_to(np.asarray(values, np.float64), lower.shape[:-1])
    if lower.shape[-1] < _LARGE and lower.ndim > 2:
        reduced: Floats = np.asarray(np.linalg.solve(lower, column[..., None])[..., 0], np.float64)
        return GaussianField(lower, reduced)
    from scipy.linalg import solve_triangular

    # NumPy's solver does not know that these are triangular.
    white = np.empty(column.shape)
    for at in np.ndindex(lower.shape[:-2]):
        white[at] = solve_triangular(lower[at], column[at], lower=True)
    return GaussianField(lower, white)
