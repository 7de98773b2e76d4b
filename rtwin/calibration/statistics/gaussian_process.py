"""Gaussian processes of links: kriging, and the discrepancy between physics and measurement."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.gaussian_process import GaussianProcessRegressor
from threadpoolctl import threadpool_limits

from rtwin.calibration.campaign import Inputs
from rtwin.calibration.statistics.baselines import PATTERN, SLOPE, below
from rtwin.calibration.statistics.kernel import LinkKernel, Term
from rtwin.channel import GaussianField, condition
from rtwin.units import Floats

P = ParamSpec("P")
T = TypeVar("T")
POINTS_FOR_SHAPE = 600  # likelihoods are maximised on at most so many rows
MAX_POINTS = 4000
_PRIOR_SD = 1.0  # of the logarithm of each standard deviation and length
_ITERATIONS = 25
_PASSES = 2
_JITTER = 1e-6  # on the diagonal [dB^2]
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
    """The input matrix of some links and the terms that a process is made of."""

    matrix: Floats
    kernel: LinkKernel
    base_db: Floats  # [row], what is expected before anything was measured, up to an offset


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
    columns: list[Floats] = []

    def add(values: Floats) -> tuple[int, ...]:
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
    terms = [Term(one, tx, 30.0)]
    if many_devices:
        terms.append(Term(one, both, 5.0))
    if name == "kriging":
        terms += [Term(slope, tx, 10.0), Term(place, both, 7.0, length)]
    else:
        terms += [Term(slope, (), 20.0), Term(elevation, tx, 3.0)]
        terms += [Term(place, (), 5.0, length), Term(fan, sector, 4.0, 0.5)]
        if many_tx:
            terms += [Term(slope, tx, 3.0), Term(place, tx, 3.0, length)]
        if many_tx and len(np.unique(inputs.sector)) < len(np.unique(inputs.tx)):
            terms.append(Term(place, sector, 5.0, length))
        if many_devices:
            terms.append(Term(place, both, 2.0, length / 3))
    if name == "scene + kriging":
        center = inputs.physics[train].mean(axis=0)
        spread = np.maximum(inputs.physics[train].std(axis=0), 1e-6)
        physics = add((inputs.physics - center) / spread)
        terms += [Term(physics, (), 2.0), Term(physics, (), 3.0, 2.0)]
        if many_tx:
            terms.append(Term(physics, sector, 1.0))
    matrix = np.concatenate(columns, axis=1)
    kernel = LinkKernel(tuple(terms), device[0], count[0], num_devices)
    return Design(matrix, kernel, SLOPE * inputs.log_distance_db + PATTERN * inputs.pattern_db)


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
    """

    kernel: LinkKernel
    given: GaussianField
    base_db: Floats
    off_db: Floats
    train: NDArray[np.int64]
    matrix: Floats

    def predict(self, rows: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
        """Mean, standard deviation of a measurement and of the field [dB] of some rows."""
        mean, total, field = (np.empty(len(rows)) for _ in range(3))
        trained = self.matrix[self.train]
        for start in range(0, len(rows), 2000):
            x, block = self.matrix[rows[start : start + 2000]], slice(start, start + 2000)
            noise = self.kernel.noise_variance(x)
            before = self.kernel.diag(x) - noise
            mean[block], variance = self.given.predict(self.kernel(x, trained), before)
            total[block] = np.sqrt(variance + noise)
            field[block] = np.sqrt(np.maximum(variance, 1e-6))
        return mean + self.base_db[rows], total, field

    def left_out(self, fold: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each row from the other folds, shape kept [dB].

        Checked by tests/calibration/statistics/test_gaussian_process.py against refits.
        """
        mean, variance = self.given.left_out(fold, self.off_db)
        return mean + self.base_db[self.train], np.sqrt(np.maximum(variance, 1e-6))

    def field_covariance(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> Floats:
        """Posterior covariance of the field between rows [dB^2], [a, b]."""
        x, trained = self.matrix, self.matrix[self.train]
        left, right = (
            np.linalg.solve(self.given.lower, self.kernel(x[rows], trained).T) for rows in (a, b)
        )
        return self.kernel(x[a], x[b]) - left.T @ right


@one_thread
def fit_process(
    layout: Design,
    level_db: Floats,
    censored: NDArray[np.bool_],
    train: NDArray[np.int64],
    seed: int,
    log_values: Floats | None = None,
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
            kernel, alpha=_JITTER, optimizer=_posterior_optimizer(kernel.prior)
        )
        kernel = shaped.fit(layout.matrix[train[some]], y[some]).kernel_
    else:
        kernel = kernel.clone_with_theta(log_values)
    limit, hidden = y.copy(), censored[train]
    covariance = kernel(layout.matrix[train]) + _JITTER * np.eye(len(train))
    given = condition(covariance, y)
    for _ in range(_PASSES if hidden.any() and not hidden.all() else 0):
        mean, variance = given.left_out_each(y)
        y = y.copy()
        y[hidden] = below(mean[hidden], np.sqrt(variance[hidden]), limit[hidden])
        given = condition(covariance, y)
    return Process(kernel, given, base, y, train, layout.matrix)


def _posterior_optimizer(prior: Floats) -> Any:
    """An optimiser for scikit-learn that adds log-normal priors to the likelihood."""

    def run(objective: Any, start: Floats, bounds: Floats) -> tuple[Floats, float]:
        def penalised(theta: Floats) -> tuple[float, Floats]:
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
