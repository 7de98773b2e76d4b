"""Counts under privacy: unbiased, with the variance of their closed forms."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.twins.privacy import (
    blurred,
    count_variance,
    counts_of,
    noised_counts,
    randomised,
    truth_chance,
)

TRUE = np.array([700, 200, 60, 30, 10])


def test_randomised_response_is_unbiased_with_its_variance():
    rng = np.random.default_rng(0)
    values = np.repeat(np.arange(5), TRUE)
    found = np.array([counts_of(randomised(values, 5, 1.5, rng), 5, 1.5) for _ in range(1500)])
    error = np.sqrt(count_variance(TRUE, 1.5) / len(found))
    assert (abs(found.mean(axis=0) - TRUE) < 4 * error).all()
    assert found.var(axis=0) == pytest.approx(count_variance(TRUE, 1.5), rel=0.15)
    assert found.sum(axis=1) == pytest.approx(np.full(1500, 1000.0))


def test_answers_keep_their_epsilon():
    p = truth_chance(0.8, 7)
    assert p / ((1 - p) / 6) == pytest.approx(np.exp(0.8))


def test_central_noise_has_its_variance_whatever_the_counts():
    rng = np.random.default_rng(1)
    found = np.array([noised_counts(TRUE, 0.5, rng) - TRUE for _ in range(8000)])
    assert found.var() == pytest.approx(8 / 0.5**2, rel=0.06)
    assert abs(found.mean()) < 0.15


def test_places_move_by_two_over_epsilon():
    rng = np.random.default_rng(2)
    place = np.zeros((20_000, 3))
    moved = blurred(place, 0.1, rng)
    assert np.linalg.norm(moved, axis=1).mean() == pytest.approx(20.0, rel=0.03)
    assert (moved[:, 2] == 0).all()
    assert (place == 0).all()


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="epsilon is 0"):
        noised_counts([1], 0.0, np.random.default_rng())
    with pytest.raises(OutOfRangeError, match="num_values is 1"):
        truth_chance(1.0, 1)
