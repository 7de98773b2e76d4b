"""What users' reports give away, and how to count them all the same.

Central: the slice adds Laplace noise to counts that users trust it with. Local: every user
answers by randomised response, and nobody needs to be trusted.
"""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError


def noised_counts(counts: ArrayLike, epsilon: float, rng: np.random.Generator) -> Floats:
    """Counts with Laplace noise of scale 2 / epsilon, same shape.

    One swipe that is replaced moves one count down and another up: an L1 sensitivity of 2. The
    variance of each count is 8 / epsilon^2, whatever the number of users.

    Raises:
        OutOfRangeError: if epsilon is not above 0.
    Source: C. Dwork and A. Roth 2014, theorem 3.6; checked by
        tests/streaming/twins/test_privacy.py.
    """
    _check(epsilon)
    exact = np.asarray(counts, np.float64)
    return np.asarray(exact + rng.laplace(0.0, 2.0 / epsilon, exact.shape))


def truth_chance(epsilon: float, num_values: int) -> float:
    """Chance that an answer is true, e^epsilon / (e^epsilon + k - 1)."""
    _check(epsilon)
    if num_values < 2:
        raise OutOfRangeError(f"num_values is {num_values}; there must be two or more")
    return float(1.0 / (1.0 + (num_values - 1) * np.exp(-epsilon)))


def randomised(
    values: ArrayLike, num_values: int, epsilon: float, rng: np.random.Generator
) -> Ints:
    """Answers of users who say another value than theirs now and then, same shape.

    Args:
        values: True ones, 0 to num_values - 1.
        num_values: k.
        epsilon: Of each answer.
        rng: Of the users.
    """
    true = np.asarray(values, np.int64)
    lies = rng.random(true.shape) >= truth_chance(epsilon, num_values)
    other = (true + rng.integers(1, num_values, true.shape)) % num_values
    return np.asarray(np.where(lies, other, true), np.int64)


def counts_of(answers: ArrayLike, num_values: int, epsilon: float) -> Floats:
    """Unbiased counts of the true values from randomised answers, [value]; some may be below 0.

    (c - n q) / (p - q) with p the chance of truth and q that of each other value.
    """
    answered = np.asarray(answers, np.int64).ravel()
    p, q = _chances(epsilon, num_values)
    seen = np.bincount(answered, minlength=num_values)
    return np.asarray((seen - len(answered) * q) / (p - q))


def count_variance(true_counts: ArrayLike, epsilon: float) -> Floats:
    """Variance of `counts_of` for given true counts, [value].

    (n_k p (1 - p) + (n - n_k) q (1 - q)) / (p - q)^2.
    """
    true = np.asarray(true_counts, np.float64)
    p, q = _chances(epsilon, len(true))
    return np.asarray((true * p * (1 - p) + (true.sum() - true) * q * (1 - q)) / (p - q) ** 2)


def _chances(epsilon: float, num_values: int) -> tuple[float, float]:
    p = truth_chance(epsilon, num_values)
    return p, (1.0 - p) / (num_values - 1)


def blurred(position_m: ArrayLike, epsilon_per_m: float, rng: np.random.Generator) -> Floats:
    """Places moved by planar Laplace noise, [..., 2 or 3] m; the mean move is 2 / epsilon.

    Source: M. Andres et al., CCS 2013 (geo-indistinguishability); the radius is Gamma(2).
    """
    _check(epsilon_per_m)
    moved = np.array(position_m, np.float64)
    radius = rng.gamma(2.0, 1.0 / epsilon_per_m, moved.shape[:-1])
    angle = rng.uniform(0.0, 2.0 * np.pi, moved.shape[:-1])
    moved[..., 0] += radius * np.cos(angle)
    moved[..., 1] += radius * np.sin(angle)
    return moved


def _check(epsilon: float) -> None:
    if not (np.isfinite(epsilon) and epsilon > 0):
        raise OutOfRangeError(f"epsilon is {epsilon:g}; it must be above 0")
