"""Where to measure next: variances as promised, and fewer points than by chance."""

import numpy as np

from rtwin.calibration import link_inputs, load_measurements, next_positions
from rtwin.calibration.process import design, fit_process


def fitted(data, train, log_values=None):
    layout = design(link_inputs(data), "shared kriging", 2, train)
    no = np.zeros(len(data), bool)
    return fit_process(layout, data.level_db, no, train, 1, log_values)


def test_promised_variance_is_that_of_a_refit(plain_campaign):
    data = load_measurements(plain_campaign)
    train, targets = np.arange(100), np.arange(300, 420)
    process = fitted(data, train)
    rows, after = next_positions(process, np.arange(100, 300), targets, 4)
    assert np.all(np.diff(after) < 0)
    both = np.concatenate([train, rows])
    layout = design(link_inputs(data), "shared kriging", 2, train)
    again = fit_process(
        layout, data.level_db, np.zeros(len(data), bool), both, 1, process.model.kernel_.theta
    )
    _, _, sd = again.predict(targets)
    assert np.isclose(np.sqrt(np.mean(sd**2)), after[-1], rtol=2e-3)


def test_half_the_points_are_enough(plain_campaign):
    """Chosen places reach the error of random ones with at most half as many."""
    data = load_measurements(plain_campaign)
    rng = np.random.default_rng(3)
    order = rng.permutation(len(data))
    start, pool, targets = order[:40], order[40:600], order[600:]
    process = fitted(data, start)
    theta = process.model.kernel_.theta
    rows, _ = next_positions(process, pool, targets, 60)

    def error(extra):
        layout = design(link_inputs(data), "shared kriging", 2, start)
        no = np.zeros(len(data), bool)
        made = fit_process(layout, data.level_db, no, np.concatenate([start, extra]), 1, theta)
        _, _, field = made.predict(targets)
        return np.sqrt(np.mean(field**2))

    chance = np.mean([error(rng.permutation(pool)[:120]) for _ in range(4)])
    assert error(rows) <= chance * 1.02
