"""Profiles tell what a posterior's curvature cannot: other valleys, and ranges."""

import numpy as np
import pytest

from rtwin.calibration.physics.fitting import loss as losses
from rtwin.calibration.physics.fitting.loss import TOLD_APART
from rtwin.calibration.physics.fitting.profile_likelihood import profile


class Made:
    """A loss over two parameters; the other one is minimised by a few Newton steps."""

    def __init__(self, loss):
        self.loss = loss
        self.valleys = []

    def fringes(self, z, i):
        return []

    def descend(self, z, fixed=None, steps=12):
        z = np.array(z, float)
        free = [i for i in range(len(z)) if i != fixed]
        for _ in range(40 * steps):
            for i in free:
                step = 1e-4 * np.eye(len(z))[i]
                slope = (self.loss(z + step) - self.loss(z - step)) / 2e-4
                bend = (self.loss(z + step) - 2 * self.loss(z) + self.loss(z - step)) / 1e-8
                z[i] -= np.clip(slope / max(bend, 1.0), -0.2, 0.2)
        return z, self.loss(z)


def ridge(z):
    """A normal likelihood whose parameters make up for each other: correlation 0.9."""
    precision = np.linalg.inv([[0.04, 0.036], [0.036, 0.04]])
    return float(z @ precision @ z)


def two_valleys(z):
    """The second valley is 3 worse than the first: not told apart."""
    first = 400 * (z[0] - 1) ** 2
    second = 400 * (z[0] + 1) ** 2 + 3
    return float(min(first, second) + z[1] ** 2)


def test_range_of_a_normal_posterior_is_its_closed_form():
    covariance = np.array([[0.04, 0.036], [0.036, 0.04]])
    width = np.sqrt(np.diag(covariance))
    _, loss, found = profile(Made(ridge), np.zeros(2), 0.0, width, covariance, [0])
    end = np.sqrt(TOLD_APART) * 0.2  # profiled over the other, not with it held
    assert loss == 0.0
    assert found[0].low == pytest.approx(-end, rel=0.03)
    assert found[0].high == pytest.approx(end, rel=0.03)
    assert found[0].rivals == ()
    assert found[0].width == pytest.approx(0.2, rel=0.03)


def test_another_valley_is_a_rival():
    made = Made(two_valleys)
    made.valleys = [(3.0, np.array([-1.0, 0.0]))]
    width, covariance = np.array([0.05, 0.7]), np.diag([0.0025, 0.5])
    z = np.array([1.0, 0.0])
    _, _, found = profile(made, z, 0.0, width, covariance, [0])
    assert any(abs(value + 1) < 0.05 for value in found[0].rivals)
    assert found[0].low < -0.9
    assert found[0].high > 1.0


def test_a_profile_that_finds_something_better_becomes_the_best():
    made = Made(lambda z: two_valleys(-z) - 3.0)  # now the deeper valley is at -1
    made.valleys = [(-3.0, np.array([-1.0, 0.0]))]
    z, loss, _ = profile(
        made, np.array([1.0, 0.0]), 0.0, np.array([0.05, 0.7]), np.diag([0.0025, 0.5]), [0]
    )
    assert z[0] == pytest.approx(-1.0, abs=1e-3)
    assert loss == pytest.approx(-3.0, abs=1e-3)


def test_scans_are_alike_on_both_sides_of_the_prior():
    for grid in (losses._SCAN, losses._FINE):
        np.testing.assert_allclose(grid, -grid[::-1], atol=1e-12)
    # A twelfth of the prior's width tells valleys apart; coarse ends lie within the fine ones.
    assert np.diff(losses._FINE).max() < 1 / 12
    assert losses._SCAN[-1] < losses._FINE[-1] < losses.LIMIT
