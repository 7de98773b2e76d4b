"""The Gaussian process: gradients, block formulas, and shapes that come back."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor

from rtwin.calibration import link_inputs, load_measurements
from rtwin.calibration.campaign.blocks import folds
from rtwin.calibration.statistics.gaussian_process import design, fit_process


@pytest.fixture
def small(plain_campaign):
    data = load_measurements(plain_campaign)
    train = np.arange(150)
    return data, design(link_inputs(data), "shared kriging", 2, train), train


def test_gradient_is_the_finite_difference(small):
    _, layout, train = small
    x, kernel = layout.matrix[train[:30]], layout.kernel
    _, slope = kernel(x, eval_gradient=True)
    for i in range(len(kernel.theta)):
        step = np.zeros_like(kernel.theta)
        step[i] = 1e-6
        up, down = (kernel.clone_with_theta(kernel.theta + s)(x) for s in (step, -step))
        wanted = (up - down) / 2e-6
        assert np.allclose(slope[..., i], wanted, rtol=1e-4, atol=1e-3 * np.abs(wanted).max())


def test_kernel_is_symmetric_and_positive(small):
    _, layout, train = small
    covariance = layout.kernel(layout.matrix[train])
    assert np.allclose(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert np.allclose(np.diag(covariance), layout.kernel.diag(layout.matrix[train]))


def test_left_out_blocks_equal_refits(small):
    data, layout, train = small
    no = np.zeros(len(data), bool)
    process = fit_process(layout, data.level_db, no, train, 1)
    fold = folds(data.position_m[train], 50.0, 4, 1)
    mean, sd = process.left_out(fold)
    for number in range(4):
        others, rows = fold != number, fold == number
        again = GaussianProcessRegressor(process.kernel, alpha=1e-6, optimizer=None)
        x = layout.matrix[train]
        again.fit(x[others], process.off_db[others])
        wanted, wanted_sd = again.predict(x[rows], return_std=True)
        assert np.allclose(mean[rows], wanted + process.base_db[train][rows], atol=1e-4)
        assert np.allclose(sd[rows], wanted_sd, rtol=1e-3)


def test_field_covariance_has_the_predicted_variance(small):
    data, layout, train = small
    process = fit_process(layout, data.level_db, np.zeros(len(data), bool), train, 1)
    rows = np.arange(200, 230)
    _, _, field = process.predict(rows)
    diagonal = np.diag(process.field_covariance(rows, rows))
    assert np.allclose(np.sqrt(np.maximum(diagonal, 1e-6)), field, rtol=1e-3, atol=1e-3)


def test_upper_bounds_lower_the_field(small):
    data, layout, train = small
    floor = float(np.quantile(data.level_db[train], 0.3))
    level, censored = np.maximum(data.level_db, floor), data.level_db < floor
    known, naive = (
        fit_process(layout, level, c, train, 1).predict(np.flatnonzero(censored))[0]
        for c in (censored, np.zeros(len(data), bool))
    )
    truth = data.level_db[censored]
    assert np.mean((known - truth) ** 2) < np.mean((naive - truth) ** 2)
