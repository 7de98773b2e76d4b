"""Gaussian processes of links: kriging, and the discrepancy between physics and measurement."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
from scipy.linalg import solve_triangular
from threadpoolctl import threadpool_limits

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.statistics.baselines import below
from rtwin.calibration.statistics.kernel import LinkKernel
from rtwin.calibration.statistics.likelihood import JITTER, ShapeLikelihood
from rtwin.channel import GaussianField, condition

P = ParamSpec("P")
T = TypeVar("T")
POINTS_FOR_SHAPE = 900  # likelihoods are maximised on at most so many rows
MAX_POINTS = 4000
STUDENT_FREEDOM = 4.0
_PASSES = 2
_STUDENT_PASSES = 4
_REFITS = 1
_REFIT_ITERATIONS = 10


def one_thread(work: Callable[P, T]) -> Callable[P, T]:
    """Run with one thread of linear algebra: at these sizes more wait for each other."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, "blas"):
            return work(*args, **kwargs)

    return run


@dataclass(frozen=True)
class Design:
    """The input matrix of some links and the terms that a process is made of."""

    matrix: Floats
    kernel: LinkKernel
    base_db: Floats  # [row], what is expected before anything was measured, up to an offset


@dataclass(frozen=True, eq=False)
class Process:
    """A fitted Gaussian process.

    Attributes:
        kernel: Its covariance, as fitted.
        given: The process given the rows that it was fitted to.
        base_db: Level that was expected of every row [dB], [row].
        off_db: What was measured above it in the trained rows, censored ones replaced.
        train: The trained rows.
        matrix: Input of every row, [row, column].
        noise_factor: On the noise variance of each trained row; above 1 for outliers.
        freedom: Degrees of freedom of Student's t noise; None for normal noise.
    """

    kernel: LinkKernel
    given: GaussianField
    base_db: Floats
    off_db: Floats
    train: Ints
    matrix: Floats
    noise_factor: Floats
    freedom: float | None = None

    @property
    def _inflation(self) -> float:
        """Variance of the noise over its squared scale."""
        return 1.0 if self.freedom is None else self.freedom / (self.freedom - 2.0)

    def predict(self, rows: Ints) -> tuple[Floats, Floats, Floats]:
        """Mean, standard deviation of a measurement and of the field [dB] of some rows."""
        mean, total, field = (np.empty(len(rows)) for _ in range(3))
        trained = self.matrix[self.train]
        for start in range(0, len(rows), 2000):
            x, block = self.matrix[rows[start : start + 2000]], slice(start, start + 2000)
            noise = self.kernel.noise_variance(x)
            before = self.kernel.diag(x) - noise
            mean[block], variance = self.given.predict(self.kernel(x, trained), before)
            total[block] = np.sqrt(variance + self._inflation * noise)
            field[block] = np.sqrt(np.maximum(variance, 1e-6))
        return mean + self.base_db[rows], total, field

    def left_out(self, fold: Ints) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each row from the other folds, shape kept [dB].

        Checked by tests/calibration/statistics/test_gaussian_process.py against refits.
        """
        mean, variance = self.given.left_out(fold, self.off_db)
        noise = self.kernel.noise_variance(self.matrix[self.train])
        variance = variance + (self._inflation - self.noise_factor) * noise
        return mean + self.base_db[self.train], np.sqrt(np.maximum(variance, 1e-6))

    def field_covariance(self, a: Ints, b: Ints) -> Floats:
        """Posterior covariance of the field between rows [dB^2], [a, b]."""
        x, trained = self.matrix, self.matrix[self.train]
        left, right = (
            solve_triangular(self.given.lower, self.kernel(x[rows], trained).T, lower=True)
            for rows in (a, b)
        )
        return self.kernel(x[a], x[b]) - left.T @ right


@one_thread
def fit_process(
    layout: Design,
    level_db: Floats,
    censored: Bools,
    train: Ints,
    seed: int,
    log_values: Floats | None = None,
    freedom: float | None = None,
) -> Process:
    """Fit a process to some rows: first its shape, then its values.

    The shape (standard deviations, lengths, noise) maximises the marginal
    likelihood times log-normal priors, on at most 900 rows. Levels that are
    upper bounds are replaced by what the others make of them, below the bound.
    Outliers under Student's t noise count less: its scale mixture is solved by
    expectation and maximisation.

    Args:
        log_values: The shape, where it is known already.
        freedom: Degrees of freedom of Student's t noise; None for normal noise.
    Source: Lange, Little and Taylor (1989) for Student's t; checked by
    tests/calibration/statistics/test_gaussian_process.py.
    """
    rng = np.random.default_rng(seed)
    if len(train) > MAX_POINTS:
        train = np.sort(rng.permutation(train)[:MAX_POINTS])
    off = level_db[train] - layout.base_db[train]
    base = layout.base_db + float(np.median(off))
    y = level_db[train] - base[train]
    kernel = layout.kernel
    if log_values is None:
        some = np.sort(rng.permutation(len(train))[:POINTS_FOR_SHAPE])
        kernel = _shaped(kernel, layout.matrix[train[some]], y[some], freedom)
    else:
        kernel = kernel.with_theta(log_values)
    x, limit, hidden = layout.matrix[train], y.copy(), censored[train]
    field, noise = kernel(x, x), kernel.noise_variance(x)
    factor = np.ones(len(train))
    given = _given(field, noise, factor, y)
    passes = _PASSES if hidden.any() and not hidden.all() else 0
    for _ in range(passes if freedom is None else _STUDENT_PASSES):
        if freedom is not None:
            factor = _outlier_factor(given, noise, factor, y, freedom)
        if passes:
            mean, variance = given.left_out_each(y)
            y = y.copy()
            y[hidden] = below(mean[hidden], np.sqrt(variance[hidden]), limit[hidden])
        given = _given(field, noise, factor, y)
    return Process(kernel, given, base, y, train, layout.matrix, factor, freedom)


def _given(field: Floats, noise: Floats, factor: Floats, y: Floats) -> GaussianField:
    return condition(field + np.diag(noise * factor + JITTER), y)


def _shaped(kernel: LinkKernel, x: Floats, y: Floats, freedom: float | None) -> LinkKernel:
    """The kernel with the shape of the highest posterior."""
    factor = np.ones(len(y))
    theta = ShapeLikelihood(kernel, x, y, factor).climb(kernel.theta)
    kernel = kernel.with_theta(theta)
    for _ in range(_REFITS if freedom is not None else 0):
        noise = kernel.noise_variance(x)
        field = kernel(x, x)
        for _ in range(_PASSES):
            assert freedom is not None
            given = _given(field, noise, factor, y)
            factor = _outlier_factor(given, noise, factor, y, freedom)
        theta = ShapeLikelihood(kernel, x, y, factor).climb(kernel.theta, _REFIT_ITERATIONS)
        kernel = kernel.with_theta(theta)
    return kernel


def _outlier_factor(
    given: GaussianField, noise: Floats, factor: Floats, y: Floats, freedom: float
) -> Floats:
    """Expected precision of each row's noise under Student's t, turned over."""
    own = noise * factor
    inverse = given.inverse
    # The noise of a row given all rows: its mean and its variance.
    mean = own * (inverse @ y)
    variance = np.maximum(own - own**2 * np.diag(inverse), 0.0)
    return (freedom + (mean**2 + variance) / noise) / (freedom + 1.0)
