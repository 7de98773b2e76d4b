"""Equation (1): the optimum in closed form, and identities."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from rtwin.errors import OutOfRangeError
from rtwin.streaming.decision import (
    Weights,
    best_rate_hz,
    freshness,
    mean_age_s,
    performance,
    value,
)


@pytest.mark.parametrize(("tau", "delay"), [(5.0, 0.0), (30.0, 2.0), (0.4, 0.1)])
def test_best_rate_is_half_over_tau(tau, delay):
    def fresh(log_rate):
        return -value(np.exp(log_rate), delay, 0.0, 0.0, Weights(tau_s=tau)).fresh

    best = best_rate_hz(tau)
    around = (np.log(best) - 3, np.log(best) + 3)
    found = minimize_scalar(fresh, bounds=around, method="bounded", options={"xatol": 1e-9})
    assert np.exp(found.x) == pytest.approx(1 / (2 * tau), rel=1e-5)
    assert -found.fun == pytest.approx(2 * tau * np.exp(-1 - delay / tau))


def test_the_other_reading_only_grows():
    weights = Weights(reading="f/F")
    rates = np.geomspace(0.01, 10, 40)
    assert (np.diff([value(r, 0.5, 0.0, 0.0, weights).fresh for r in rates]) > 0).all()


def test_value_is_linear_in_its_weights():
    one = Weights(alpha=0.3, beta=1.7, gamma=0.6)
    found = value(0.2, 0.1, 0.4, 0.8, one)
    assert found.total == pytest.approx(0.3 * found.fresh + 1.7 * 0.4 - 0.6 * 0.8)
    twice = replace(one, alpha=0.6, beta=3.4, gamma=1.2)
    assert value(0.2, 0.1, 0.4, 0.8, twice).total == pytest.approx(2 * found.total)


def test_ages_and_performance_have_their_bounds():
    assert mean_age_s(0.25, 1.0) == 3.0
    assert freshness(0.0, 5.0) == 1.0
    weights = Weights(radio=0.25, computing=0.05)
    assert performance(1.0, 0.0, 0.0, weights) == 1.0
    assert performance(0.0, 1.0, 1.0, weights) == pytest.approx(-0.3)


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="reading is 'f'"):
        Weights(reading="f")
    with pytest.raises(OutOfRangeError, match="satisfaction is 2"):
        performance(2.0, 0.0, 0.0, Weights())
    with pytest.raises(OutOfRangeError, match="rate is 0"):
        mean_age_s(0.0)
    with pytest.raises(OutOfRangeError, match="tau is 0"):
        best_rate_hz(0.0)
