"""The Gaussian process: block formulas, upper bounds, outliers."""

import numpy as np
import pytest

from rtwin.calibration import link_inputs, load_measurements
from rtwin.calibration.campaign.blocks import folds
from rtwin.calibration.statistics.designs import design
from rtwin.calibration.statistics.gaussian_process import fit_process


@pytest.fixture
def small(plain_campaign):
    data = load_measurements(plain_campaign)
    train = np.arange(150)
    return data, design(link_inputs(data), "shared kriging", 2, train), train


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
        x, kernel = layout.matrix[train], process.kernel
        cross = np.linalg.solve(kernel(x[others]), kernel(x[others], x[rows]))
        wanted = cross.T @ process.off_db[others]
        variance = kernel.diag(x[rows]) - np.sum(cross * kernel(x[others], x[rows]), axis=0)
        assert np.allclose(mean[rows], wanted + process.base_db[train][rows], atol=1e-4)
        assert np.allclose(sd[rows], np.sqrt(variance), rtol=1e-3)


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


def test_outliers_count_less_under_students_t(small):
    data, layout, train = small
    no = np.zeros(len(data), bool)
    level = data.level_db.copy()
    wild = train[::15]
    level[wild] += np.where(np.arange(len(wild)) % 2, 40.0, -40.0)
    rest = np.arange(150, 500)
    errors = {}
    for freedom in (None, 4.0):
        process = fit_process(layout, level, no, train, 1, freedom=freedom)
        mean, _, _ = process.predict(rest)
        errors[freedom] = np.sqrt(np.mean((mean - data.level_db[rest]) ** 2))
    assert errors[4.0] < 0.9 * errors[None]
    tame = np.setdiff1d(np.arange(len(train)), np.arange(0, len(train), 15))
    assert process.noise_factor[::15].min() > 3 * np.median(process.noise_factor[tame])
