"""Where a fit descends from: draws from the prior, or places that a search without slopes found.

All methods look at the same loss and hand their best places to the same descent.
"""

import warnings
from collections.abc import Callable

import numpy as np
from scipy.optimize import dual_annealing, minimize
from scipy.stats import norm, qmc
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from rtwin.arrays import Floats
from rtwin.calibration.physics.fitting.loss import LIMIT

Loss = Callable[[Floats], float]
_REACH = 2.0  # prior standard deviations that starts and grids may lie off
_GRID = np.linspace(-_REACH, _REACH, 9)
_SWEEPS = 2
_CANDIDATES = 512
_JITTER = 1e-4
_LEARN_EVERY = 8  # evaluations after which the surrogate's lengths are learned anew


def starting_points(method: str, loss: Loss, size: int, budget: int, seed: int) -> list[Floats]:
    """Places in prior standard deviations, the prior's median first.

    Args:
        method: "gradient": draws from the prior; "annealing", "bayesian", "grid":
            what the search found best.
        loss: What is to be small.
        size: Number of parameters.
        budget: `fit.starts`: draws of "gradient" and evaluations of "bayesian";
            "annealing" makes 20 times as many, "grid" two sweeps of 9 for each
            parameter, whatever it is.
        seed: Of draws.
    Source: generalised simulated annealing (Xiang et al., 1997) as in SciPy; expected
    improvement (Jones et al., 1998); checked by tests/calibration/physics/test_starting_points.py.
    """
    origin = np.zeros(size)
    if method == "annealing":
        found = dual_annealing(
            loss,
            [(-LIMIT, LIMIT)] * size,
            maxfun=budget * 20,
            rng=seed,
            no_local_search=True,
            x0=origin,
        )
        return [origin, found.x]
    if method == "grid":
        return [origin, _coordinate_grid(loss, origin)]
    if method == "bayesian":
        return [origin, _expected_improvement(loss, size, budget, seed)]
    return [origin, *_prior_draws(size, budget, seed)]


def _prior_draws(size: int, count: int, seed: int) -> list[Floats]:
    # As many as a power of two: the sequence is balanced only then.
    power = int(np.ceil(np.log2(max(count, 2))))
    draws = qmc.MultivariateNormalQMC(np.zeros(size), rng=seed).random(2**power)[:count]
    return list(np.clip(draws, -_REACH, _REACH))


def _coordinate_grid(loss: Loss, origin: Floats) -> Floats:
    """Coordinate by coordinate over a grid, keeping the best."""
    z, best = origin.copy(), loss(origin)
    for _ in range(_SWEEPS):
        for i in range(len(z)):
            for value in _GRID:
                other = z.copy()
                other[i] = value
                new = loss(other)
                if new < best:
                    z, best = other, new
    return z


def _expected_improvement(loss: Loss, size: int, budget: int, seed: int) -> Floats:
    """The best of so many evaluations, a third of them drawn, the others where most is expected."""
    rng = np.random.default_rng(seed)
    first = max(min(budget // 3, 4 * size), 2)
    places = [np.zeros(size), *_prior_draws(size, first, seed)]
    values = [loss(z) for z in places]
    kernel = ConstantKernel(1.0) * Matern(np.full(size, 1.0), (0.1, 20.0), nu=2.5)
    for number in range(max(budget - len(values), 0)):
        # A loss is a sum of squares: its logarithm is what a smooth surrogate can follow.
        y = np.log(np.array(values) + 1e-9)
        learn = _few_steps if number % _LEARN_EVERY == 0 else None
        model = GaussianProcessRegressor(kernel, alpha=_JITTER, normalize_y=True, optimizer=learn)
        with warnings.catch_warnings():
            # A length at its bound says that a parameter does not matter: no harm.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(np.array(places), y)
        kernel = model.kernel_
        best = places[int(np.argmin(y))]
        near = best + rng.normal(0.0, 1.0, (_CANDIDATES, size)) * 10 ** rng.uniform(
            -2.0, 0.0, (_CANDIDATES, 1)
        )
        wide = rng.uniform(-_REACH, _REACH, (_CANDIDATES, size))
        candidates = np.clip(np.concatenate([near, wide]), -LIMIT, LIMIT)
        mean, sd = model.predict(candidates, return_std=True)
        gain = (y.min() - mean) / np.maximum(sd, 1e-9)
        improvement = sd * (gain * norm.cdf(gain) + norm.pdf(gain))
        places.append(candidates[int(np.argmax(improvement))])
        values.append(loss(places[-1]))
    return places[int(np.argmin(values))]


def _few_steps(
    objective: Callable[..., tuple[float, Floats]], start: Floats, bounds: Floats
) -> tuple[Floats, float]:
    """A short climb on the surrogate's likelihood: it is learned anew soon."""
    found = minimize(
        objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 15}
    )
    return found.x, float(found.fun)
