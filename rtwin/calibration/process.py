"""Gaussian processes of links: kriging, and the discrepancy between physics and measurement."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from threadpoolctl import threadpool_limits

from rtwin.calibration.baselines import PATTERN, SLOPE, below
from rtwin.calibration.inputs import Inputs
from rtwin.calibration.kernel import LinkKernel, Part

Real = NDArray[np.float64]
P = ParamSpec("P")
T = TypeVar("T")
POINTS_FOR_SHAPE = 600  # likelihoods are maximised on at most so many rows
MAX_POINTS = 4000
_PRIOR_SD = 1.0  # of the logarithm of each standard deviation and length
_ITERATIONS = 25
_PASSES = 2
_LENGTH = 0.25  # prior correlation length over the median distance


def one_thread(work: Callable[P, T]) -> Callable[P, T]:
    """Run with one thread of linear algebra: at these sizes more wait for each other."""

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, "blas"):
            return work(*args, **kwargs)

    return run


@dataclass(frozen=True)
class Design:
    """The input matrix of some links and the parts that a process is made of."""

    matrix: Real
    kernel: LinkKernel
    base_db: Real  # [row], what is expected before anything was measured, up to an offset


def design(inputs: Inputs, name: str, num_devices: int, train: NDArray[np.int64]) -> Design:
    """Inputs and covariance of one of the processes.

    Args:
        inputs: All links.
        name: "kriging" (each transmitter and device alone, over log-distance
            and antenna), "shared kriging" (one field over all of them as well) or
            "scene + kriging" (that, with the scene's features).
        num_devices: Number of devices.
        train: Rows that scales may be taken from.
    """
    columns: list[Real] = []

    def add(values: Real) -> tuple[int, ...]:
        values = values.reshape(len(inputs), -1)
        start = sum(c.shape[1] for c in columns)
        columns.append(values)
        return tuple(range(start, start + values.shape[1]))

    place = add(inputs.position_m)
    one = add(np.ones(len(inputs)))
    level = inputs.log_distance_db - np.median(inputs.log_distance_db[train])
    trend = [level / 10]
    if np.any(inputs.pattern_db):
        trend += [inputs.pattern_db / 10, np.maximum(inputs.pattern_db, -12) / 10]
    slope = add(np.column_stack(trend))
    tilt = inputs.elevation_deg / 20
    elevation = add(np.column_stack([tilt, np.minimum(tilt**2, 4.0)]))
    # Streets and gaps between buildings cast rays of shadow: neighbours in bearing are alike.
    fan = add(np.column_stack([2 * inputs.bearing, inputs.log_distance_db / 10 * np.log(10)]))
    tx, device, sector = (
        add(v.astype(np.float64)) for v in (inputs.tx, inputs.device, inputs.sector)
    )
    count = add(inputs.count)
    length = _LENGTH * float(np.median(10 ** (inputs.log_distance_db[train] / 10)))
    many_tx, many_devices = len(np.unique(inputs.tx)) > 1, num_devices > 1
    both = (*tx, *device) if many_devices else tx
    parts = [Part(one, tx, 30.0)]
    if many_devices:
        parts.append(Part(one, both, 5.0))
    if name == "kriging":
        parts += [Part(slope, tx, 10.0), Part(place, both, 7.0, length)]
    else:
        parts += [Part(slope, (), 20.0), Part(elevation, tx, 3.0)]
        parts += [Part(place, (), 5.0, length), Part(fan, sector, 4.0, 0.5)]
        if many_tx:
            parts += [Part(slope, tx, 3.0), Part(place, tx, 3.0, length)]
        if many_tx and len(np.unique(inputs.sector)) < len(np.unique(inputs.tx)):
            parts.append(Part(place, sector, 5.0, length))
        if many_devices:
            parts.append(Part(place, both, 2.0, length / 3))
    if name == "scene + kriging":
        center = inputs.physics[train].mean(axis=0)
        spread = np.maximum(inputs.physics[train].std(axis=0), 1e-6)
        physics = add((inputs.physics - center) / spread)
        parts += [Part(physics, (), 2.0), Part(physics, (), 3.0, 2.0)]
        if many_tx:
            parts.append(Part(physics, sector, 1.0))
    matrix = np.concatenate(columns, axis=1)
    kernel = LinkKernel(tuple(parts), device[0], count[0], num_devices)
    return Design(matrix, kernel, SLOPE * inputs.log_distance_db + PATTERN * inputs.pattern_db)


@dataclass(frozen=True)
class Process:
    """A fitted Gaussian process."""

    model: Any  # sklearn.gaussian_process.GaussianProcessRegressor
    base_db: Real  # [row], what was expected
    off_db: Real  # what was measured above it in the trained rows, censored ones replaced
    train: NDArray[np.int64]
    matrix: Real

    def predict(self, rows: NDArray[np.int64]) -> tuple[Real, Real, Real]:
        """Mean, standard deviation of a measurement and of the field [dB] of some rows."""
        mean, total = np.empty(len(rows)), np.empty(len(rows))
        x, kernel = self.matrix, self.model.kernel_
        for start in range(0, len(rows), 2000):
            part = rows[start : start + 2000]
            block = slice(start, start + len(part))
            mean[block], total[block] = self.model.predict(x[part], return_std=True)
        noise = kernel.noise_variance(x[rows]) if len(rows) else np.zeros(0)
        field = np.sqrt(np.maximum(total**2 - noise, 1e-6))
        return mean + self.base_db[rows], total, field

    def left_out(self, fold: NDArray[np.int64]) -> tuple[Real, Real]:
        """Mean and standard deviation of each row from the other folds, shape kept [dB].

        Source: Rasmussen and Williams (2006), equations 5.10 to 5.12 for blocks;
        checked by tests/calibration/test_process.py against refits.
        """
        inverse = self._inverse
        pull, level = inverse @ self.off_db, self.off_db + self.base_db[self.train]
        mean, sd = np.empty(len(pull)), np.empty(len(pull))
        for number in np.unique(fold):
            rows = np.flatnonzero(fold == number)
            covariance = np.linalg.inv(inverse[np.ix_(rows, rows)])
            mean[rows] = level[rows] - covariance @ pull[rows]
            sd[rows] = np.sqrt(np.maximum(np.diag(covariance), 1e-6))
        return mean, sd

    def left_out_each(self, rows: NDArray[np.int64]) -> tuple[Real, Real]:
        """Mean and standard deviation of some trained rows, each from all the others [dB]."""
        inverse = self._inverse
        pull, precision = (inverse @ self.off_db)[rows], np.diag(inverse)[rows]
        level = self.off_db[rows] + self.base_db[self.train[rows]]
        return level - pull / precision, 1 / np.sqrt(precision)

    @cached_property
    def _inverse(self) -> Real:
        return cho_solve((self.model.L_, True), np.eye(len(self.off_db)))

    def field_covariance(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> Real:
        """Posterior covariance of the field between rows [dB^2], [a, b]."""
        kernel, x = self.model.kernel_, self.matrix
        trained = x[self.train]
        left, right = kernel(x[a], trained), kernel(x[b], trained)
        solve = (solve_triangular(self.model.L_, k.T, lower=True) for k in (left, right))
        half_left, half_right = solve
        return kernel(x[a], x[b]) - half_left.T @ half_right


@one_thread
def fit_process(
    layout: Design,
    level_db: Real,
    censored: NDArray[np.bool_],
    train: NDArray[np.int64],
    seed: int,
    log_values: Real | None = None,
) -> Process:
    """Fit a process to some rows: first its shape, then its values.

    The shape (standard deviations, lengths, noise) maximises the marginal
    likelihood times log-normal priors, on at most 600 rows. Levels that are
    upper bounds are replaced by what the others make of them, below the bound.

    Args:
        log_values: The shape, where it is known already.
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
        shaped = GaussianProcessRegressor(
            kernel, alpha=1e-6, optimizer=_posterior_optimizer(kernel.prior)
        )
        kernel = shaped.fit(layout.matrix[train[some]], y[some]).kernel_
    else:
        kernel = kernel.clone_with_theta(log_values)
    model = GaussianProcessRegressor(kernel, alpha=1e-6, optimizer=None)
    limit, hidden = y.copy(), censored[train]
    model.fit(layout.matrix[train], y)
    for _ in range(_PASSES if hidden.any() and not hidden.all() else 0):
        process = Process(model, base, y, train, layout.matrix)
        mean, sd = process.left_out_each(np.flatnonzero(hidden))
        y = y.copy()
        y[hidden] = below(mean - base[train[hidden]], sd, limit[hidden])
        model = GaussianProcessRegressor(kernel, alpha=1e-6, optimizer=None).fit(
            layout.matrix[train], y
        )
    return Process(model, base, y, train, layout.matrix)


def _posterior_optimizer(prior: Real) -> Any:
    """An optimiser for scikit-learn that adds log-normal priors to the likelihood."""

    def run(objective: Any, start: Real, bounds: Real) -> tuple[Real, float]:
        def penalised(theta: Real) -> tuple[float, Real]:
            value, slope = objective(theta, eval_gradient=True)
            off = (theta - prior) / _PRIOR_SD
            return value + 0.5 * float(off @ off), slope + off / _PRIOR_SD

        found = minimize(
            penalised,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": _ITERATIONS},
        )
        return found.x, float(found.fun)

    return run
