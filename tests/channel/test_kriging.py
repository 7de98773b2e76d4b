"""Gaussian conditionals against scikit-learn, refits and a closed form."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from rtwin.channel import condition, shadowing_correlation

KERNEL = ConstantKernel(4.0) * RBF(3.0)


@pytest.fixture
def measured():
    rng = np.random.default_rng(3)
    x = rng.uniform(0, 10, (30, 2))
    return x, rng.normal(0, 2, 30)


def given(x, y):
    return condition(KERNEL(x) + 0.5 * np.eye(len(x)), y)


def test_mean_variance_and_likelihood_are_those_of_scikit_learn(measured):
    x, y = measured
    places = np.random.default_rng(4).uniform(0, 10, (7, 2))
    peer = GaussianProcessRegressor(KERNEL + WhiteKernel(0.5), alpha=0.0, optimizer=None).fit(x, y)
    wanted, sd = peer.predict(places, return_std=True)
    mean, variance = given(x, y).predict(KERNEL(places, x), 4.0)
    assert np.allclose(mean, wanted)
    assert np.allclose(variance + 0.5, sd**2)
    constant = len(x) / 2 * np.log(2 * np.pi)
    assert given(x, y).log_likelihood - constant == pytest.approx(
        peer.log_marginal_likelihood_value_
    )


def test_left_out_rows_are_refits_without_them(measured):
    x, y = measured
    fold = np.arange(30) % 4
    mean, variance = given(x, y).left_out(fold, y)
    alone, alone_variance = given(x, y).left_out_each(y)
    for number in range(4):
        rest, rows = fold != number, fold == number
        wanted, left = given(x[rest], y[rest]).predict(KERNEL(x[rows], x[rest]), 4.0)
        assert np.allclose(mean[rows], wanted)
        assert np.allclose(variance[rows], left + 0.5)
    wanted, left = given(x[1:], y[1:]).predict(KERNEL(x[:1], x[1:]), 4.0)
    assert alone[0] == pytest.approx(wanted[0])
    assert alone_variance[0] == pytest.approx(left[0] + 0.5)


def test_one_measurement_is_the_closed_form():
    correlation = shadowing_correlation(10.0, 20.0)
    mean, variance = condition(np.array([[9.0 + 1.0]]), np.array([5.0])).predict(
        np.array([[9.0 * correlation]]), 9.0
    )
    assert mean[0] == pytest.approx(5.0 * 9.0 * np.exp(-0.5) / 10.0)
    assert variance[0] == pytest.approx(9.0 - 81.0 * np.exp(-1.0) / 10.0)


def test_stacks_are_their_fields_one_by_one(measured):
    x, y = measured
    stack = np.stack([KERNEL(x) + noise * np.eye(30) for noise in (0.5, 2.0)])
    both = condition(stack, y)
    for number in range(2):
        alone = condition(stack[number], y)
        assert both.log_likelihood[number] == pytest.approx(alone.log_likelihood)
        assert np.allclose(both.white[number], alone.white)
