"""Kriging against scikit-learn, closed forms and made-up fields."""

from importlib import import_module

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from rtwin.horizontal.unknown_change.kriging import Kriging, extent_m, inverse_distance, kriging


@pytest.fixture
def drawn():
    rng = np.random.default_rng(3)
    cells = rng.uniform(0, 100, (200, 2))
    measured = rng.choice(200, 12, replace=False)
    return cells, measured, rng.normal(0, 4, 12), np.full(12, 1.5)


def test_one_covariance_is_scikit_learns(drawn, monkeypatch):
    cells, measured, value, noise = drawn
    module = import_module("rtwin.horizontal.unknown_change.kriging")
    for name, value_of in (("_LENGTHS", 0.2), ("_LEVEL_DB", 0.0), ("_SPATIAL_DB", 3.0)):
        monkeypatch.setattr(module, name, (value_of,))
    ours = Kriging(cells[measured], value, noise, 100.0)
    # An exponential covariance is a Matern one of order 1/2.
    kernel = ConstantKernel(9.0, "fixed") * Matern(20.0, "fixed", nu=0.5)
    theirs = GaussianProcessRegressor(kernel, alpha=noise**2 + 1e-6, optimizer=None)
    theirs.fit(cells[measured], value)
    mean, sd = theirs.predict(cells, return_std=True)
    field = ours.at(cells)
    np.testing.assert_allclose(field.mean_db, mean, atol=1e-6)
    np.testing.assert_allclose(field.sd_db, sd, atol=1e-4)
    share, spread = ours.shares(cells)
    np.testing.assert_allclose(share @ value, mean, atol=1e-6)
    np.testing.assert_allclose(spread, sd, atol=1e-4)
    assert ours.log_evidence == pytest.approx(theirs.log_marginal_likelihood_value_, abs=1e-4)


def test_a_grid_is_convolved_to_the_same(monkeypatch):
    rng = np.random.default_rng(5)
    x, y = np.meshgrid(3.0 + 2.5 * np.arange(30), -7.0 + 1.5 * np.arange(21))
    cells = np.column_stack([x.ravel(), y.ravel(), rng.normal(0, 9, x.size)])
    measured = rng.choice(len(cells), 60, replace=False)
    value = rng.normal(0, 4, 60)
    ours = Kriging(cells[measured], value, np.full(60, 1.0), extent_m(cells))
    module = import_module("rtwin.horizontal.unknown_change.kriging")
    assert module._Grid.of(cells).shape == (21, 30)
    direct = ours.at(cells)
    monkeypatch.setattr(module, "_MANY_CELLS", 1)
    quick = ours.at(cells)
    np.testing.assert_allclose(quick.mean_db, direct.mean_db, atol=1e-9)
    np.testing.assert_allclose(quick.sd_db, direct.sd_db, atol=1e-6)
    # Cells of no grid, and places that are no cells, are taken one by one.
    assert module._Grid.of(cells[:-1]) is None
    assert module._Grid.of(cells[rng.permutation(len(cells))]) is None
    beside = Kriging(cells[measured] + 0.3, value, np.full(60, 1.0), extent_m(cells))
    assert beside._means_on_grid(cells) is None
    some = cells[:40]
    np.testing.assert_allclose(beside.at(some).mean_db, beside.at(cells).mean_db[:40], atol=1e-9)


def test_order_of_measurements_does_not_matter(drawn):
    cells, measured, value, noise = drawn
    order = np.random.default_rng(0).permutation(len(measured))
    one = kriging(cells, measured, value, noise)
    two = kriging(cells, measured[order], value[order], noise[order])
    np.testing.assert_allclose(one.mean_db, two.mean_db, atol=1e-9)
    np.testing.assert_allclose(one.sd_db, two.sd_db, atol=1e-6)


def test_a_level_is_found_everywhere(drawn):
    cells, measured, _, noise = drawn
    field = kriging(cells, measured, np.full(len(measured), 6.0), 0.1 * noise)
    np.testing.assert_allclose(field.mean_db, 6.0, atol=0.4)


def test_nothing_measured_is_nothing_known(drawn):
    none = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    assert (kriging(drawn[0], *none).mean_db == 0).all()


def test_weights_of_places_in_closed_form():
    cells = np.array([[0.0, 0.0], [3.0, 0.0], [4.0, 0.0]])
    found = inverse_distance(cells, np.array([0, 2]), np.array([1.0, 5.0]))
    # Weights 1/9 and 1 at the place between.
    assert found[1] == pytest.approx((1 / 9 + 5.0) / (1 / 9 + 1))
    assert found[0] == pytest.approx(1.0, abs=1e-4)


def test_what_is_not_asked_for_changes_nothing_else():
    """Blocks of cells, and standard deviations of the cells that matter alone."""
    rng = np.random.default_rng(3)
    cells = np.column_stack([rng.uniform(0, 100, (3000, 2)), np.ones(3000)])
    field = Kriging(cells[:30], rng.normal(0, 5, 30), np.full(30, 1.0), extent_m(cells))
    every, some = field.at(cells), field.at(cells, least_db=2.0)
    np.testing.assert_allclose(some.mean_db, every.mean_db, rtol=1e-12)
    asked = np.abs(every.mean_db) > 2.0
    assert 0 < asked.sum() < len(cells)
    np.testing.assert_allclose(some.sd_db[asked], every.sd_db[asked], rtol=1e-9)
    alone = [field.at(cells[n : n + 1]) for n in (0, 1500, 2999)]
    np.testing.assert_allclose([f.sd_db[0] for f in alone], every.sd_db[[0, 1500, 2999]], rtol=1e-9)
