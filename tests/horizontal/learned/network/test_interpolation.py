"""Fields of residuals against scikit-learn, closed forms and made-up changes."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from rtwin.horizontal.learned.network.interpolation import (
    _averaged,
    distances,
    explained,
    inverse_distance,
    kriging,
    nearest,
    path_kriging,
)


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    cells = rng.uniform(0, 100, (200, 2))
    measured = rng.choice(200, 12, replace=False)
    return cells, measured, rng.normal(0, 4, 12), np.full(12, 1.5)


def test_one_covariance_is_scikit_learns(drawn):
    cells, measured, value, noise = drawn
    far = distances(cells, measured)
    near = np.exp(-far / 20)
    ours = _averaged([([near[measured]], [near], np.array([9.0]))], value, noise, len(cells))
    # An exponential covariance is a Matern one of order 1/2.
    kernel = ConstantKernel(9.0, "fixed") * Matern(20.0, "fixed", nu=0.5)
    theirs = GaussianProcessRegressor(kernel, alpha=noise**2 + 1e-6, optimizer=None)
    mean, sd = theirs.fit(cells[measured], value).predict(cells, return_std=True)
    np.testing.assert_allclose(ours.mean_db, mean, atol=1e-6)
    np.testing.assert_allclose(ours.sd_db, sd, atol=1e-4)


def test_order_of_measurements_does_not_matter(drawn):
    cells, measured, value, noise = drawn
    order = np.random.default_rng(0).permutation(len(measured))
    shares = [np.random.default_rng(1).dirichlet(np.ones(4), len(cells))]
    for field in (kriging, lambda c, *rest: path_kriging(c, shares, *rest)):
        one = field(cells, measured, value, noise)
        two = field(cells, measured[order], value[order], noise[order])
        np.testing.assert_allclose(one.mean_db, two.mean_db, atol=1e-9)
        np.testing.assert_allclose(one.sd_db, two.sd_db, atol=1e-6)


def test_a_level_is_found_everywhere(drawn):
    cells, measured, _, noise = drawn
    value = np.full(len(measured), 6.0)
    for field in (
        kriging(cells, measured, value, 0.1 * noise),
        explained([np.zeros((len(cells), 3))], measured, value, noise),
    ):
        np.testing.assert_allclose(field.mean_db, 6.0, atol=0.4)


def test_nothing_measured_is_nothing_known(drawn):
    cells = drawn[0]
    none = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    assert (kriging(cells, *none).mean_db == 0).all()
    assert (kriging(cells, *none).sd_db > 1).all()


def test_one_object_that_mirrors_less_is_told_from_the_others(drawn):
    cells, measured, _, noise = drawn
    rng = np.random.default_rng(5)
    share = rng.dirichlet([0.3] * 5, len(cells))
    truth = 10 * np.log10(1 - share[:, 2] * (1 - 10**-1.5))
    field = explained([share], measured, truth[measured], noise)
    assert np.sqrt(np.mean((field.mean_db - truth) ** 2)) < 0.3 * np.sqrt(np.mean(truth**2))
    blind = kriging(cells, measured, truth[measured], noise)
    assert np.sqrt(np.mean((blind.mean_db - truth) ** 2)) > 0.6 * np.sqrt(np.mean(truth**2))


def test_weights_of_neighbours_in_closed_form():
    cells = np.array([[0.0, 0.0], [3.0, 0.0], [4.0, 0.0]])
    measured, value = np.array([0, 2]), np.array([1.0, 5.0])
    weights = np.array([1 / 9, 1.0])
    expected = weights @ value / weights.sum()
    assert inverse_distance(cells, measured, value)[1] == pytest.approx(expected)
    assert nearest(cells, measured, value, 1)[1] == 5.0
    assert nearest(cells, measured, value, 9)[1] == 3.0
