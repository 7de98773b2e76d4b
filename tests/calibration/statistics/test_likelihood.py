"""The likelihood of a shape: its value against scipy's density, its slopes against differences."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from rtwin.calibration import link_inputs, load_measurements
from rtwin.calibration.statistics.designs import design
from rtwin.calibration.statistics.likelihood import JITTER, ShapeLikelihood


@pytest.fixture
def small(plain_campaign):
    data, rows = load_measurements(plain_campaign), np.arange(40)
    layout = design(link_inputs(data), "shared kriging", 2, rows)
    x = layout.matrix[rows]
    values = data.level_db[rows] - layout.base_db[rows]
    factor = np.linspace(1.0, 3.0, len(rows))
    return layout.kernel, x, values - np.median(values), factor


def test_value_is_density_times_priors(small):
    kernel, x, values, factor = small
    likelihood = ShapeLikelihood(kernel, x, values, factor)

    def wanted(theta):
        own = kernel.with_theta(theta)
        noise = own.noise_variance(x) * factor + JITTER
        density = multivariate_normal(cov=own(x, x) + np.diag(noise)).logpdf(values)
        return 0.5 * np.sum((theta - kernel.prior) ** 2) - density

    a, b = kernel.prior, kernel.prior + 0.2
    assert likelihood(a)[0] - likelihood(b)[0] == pytest.approx(wanted(a) - wanted(b), rel=1e-6)


def test_slopes_are_finite_differences(small):
    kernel, x, values, factor = small
    likelihood = ShapeLikelihood(kernel, x, values, factor)
    theta = kernel.prior + 0.1
    _, slope = likelihood(theta)
    for i in range(len(theta)):
        step = np.zeros_like(theta)
        step[i] = 1e-5
        wanted = (likelihood(theta + step)[0] - likelihood(theta - step)[0]) / 2e-5
        assert slope[i] == pytest.approx(wanted, rel=1e-4, abs=1e-3)


def test_climbing_lowers_the_cost(small):
    kernel, x, values, factor = small
    likelihood = ShapeLikelihood(kernel, x, values, factor)
    found = likelihood.climb(kernel.prior)
    assert likelihood(found)[0] < likelihood(kernel.prior)[0]
    assert np.all(found >= kernel.bounds[:, 0])
    assert np.all(found <= kernel.bounds[:, 1])
