"""Where to measure next: variances as promised, and fewer points than by chance."""

import numpy as np
import pytest

from rtwin.calibration import link_inputs, load_measurements, next_positions, plan_route
from rtwin.calibration.campaign.recipe import campaign_from_dict
from rtwin.calibration.statistics.designs import design
from rtwin.calibration.statistics.gaussian_process import fit_process

from ..conftest import TABLE, shadowed


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
        layout, data.level_db, np.zeros(len(data), bool), both, 1, process.kernel.theta
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
    theta = process.kernel.theta
    rows, _ = next_positions(process, pool, targets, 60)

    def error(extra):
        layout = design(link_inputs(data), "shared kriging", 2, start)
        no = np.zeros(len(data), bool)
        made = fit_process(layout, data.level_db, no, np.concatenate([start, extra]), 1, theta)
        _, _, field = made.predict(targets)
        return np.sqrt(np.mean(field**2))

    chance = np.mean([error(rng.permutation(pool)[:120]) for _ in range(4)])
    assert error(rows) <= chance * 1.02


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Three worlds of the same kind, measured with noise."""
    found = []
    for seed in (100, 101, 102):
        folder = tmp_path_factory.mktemp("field")
        lines = ["cell,phone,x,y,rss"]
        for t, p, (x, y), v in zip(*shadowed(np.random.default_rng(seed), 700), strict=True):
            lines.append(f"{'ab'[t]},{'pq'[p]},{x:.3f},{y:.3f},{v:.3f}")
        (folder / "points.csv").write_text("\n".join(lines))
        found.append(load_measurements(campaign_from_dict(TABLE, "plain", folder)))
    return found


def test_half_the_points_reach_the_same_measured_error(fields):
    """Not what the model promises: the error against levels that were measured."""
    planned, chance = [], []
    for seed, data in enumerate(fields):
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(data))
        start, pool, targets = order[:40], order[40:500], order[500:]
        process = fitted(data, start)
        theta = process.kernel.theta

        def error(extra, data=data, start=start, targets=targets, theta=theta):
            made = fitted(data, np.concatenate([start, extra]), theta)
            mean, _, _ = made.predict(targets)
            return np.sqrt(np.mean((mean - data.level_db[targets]) ** 2))

        rows, _ = next_positions(process, pool, targets, 60)
        planned.append(error(rows))
        chance.append(np.mean([error(rng.permutation(pool)[:120]) for _ in range(3)]))
    assert np.mean(planned) <= 1.01 * np.mean(chance)


def test_a_route_stays_where_was_measured_and_each_place_helps(plain_campaign):
    data = load_measurements(plain_campaign)
    route = np.array(plan_route(data.take(np.arange(80)), 6))
    measured = data.position_m[:80, :2]
    assert (route[:, :2] >= measured.min(axis=0)).all()
    assert (route[:, :2] <= measured.max(axis=0) + 1e-6).all()
    assert (np.diff(route[:, 2]) < 0).all()
