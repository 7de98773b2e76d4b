"""What no prediction says: levels above free space, below what a receiver can tell, behind."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from rtwin.calibration import fit_twin, link_inputs, load_measurements
from rtwin.calibration.statistics.bounds import (
    ABOVE_FREE_SPACE_DB,
    heard_mean,
    level_bounds,
    log_score,
    noise_floor_db,
)
from rtwin.channel import free_space_path_loss_db, tr38901_element_gain_db


def test_mean_of_what_is_heard_is_that_of_draws():
    rng = np.random.default_rng(1)
    for mean, sd in ((-120.0, 6.0), (-128.0, 9.0), (-90.0, 5.0)):
        draws = rng.normal(mean, sd, 2_000_000)
        wanted = draws[draws > -125.0].mean()
        found = heard_mean(np.array([mean]), np.array([sd]), -125.0)[0]
        assert found == pytest.approx(wanted, abs=0.03)
    level = np.array([-100.0])
    assert heard_mean(level, np.array([5.0]), -np.inf) is level


def test_censored_rows_are_scored_by_their_chance():
    mean, sd = np.array([-120.0, -120.0]), np.array([5.0, 5.0])
    found = log_score(mean, sd, np.array([-118.0, -125.0]), np.array([False, True]))
    assert found[0] == pytest.approx(-norm(-120, 5).logpdf(-118))
    assert found[1] == pytest.approx(-norm(-120, 5).logcdf(-125))


def test_bounds_are_free_space_and_the_floor(plain_campaign):
    data = load_measurements(plain_campaign)
    loss = free_space_path_loss_db(
        np.linalg.norm(data.position_m - data.tx_position_m, axis=1), 3.5e9
    )
    level = np.where(data.device == 0, 30.0, 34.0) - loss
    free = replace(data, level_db=level)
    low, high = level_bounds(free, np.arange(400))
    assert np.allclose(high, level + ABOVE_FREE_SPACE_DB)
    assert np.all(low == level[:400].min())
    floor = float(np.quantile(level, 0.3))
    cut = replace(free, level_db=np.maximum(level, floor), censored=level < floor)
    low, _ = level_bounds(cut, np.arange(400))
    assert np.all(low == floor)
    assert noise_floor_db(cut) == floor
    assert noise_floor_db(free) == -np.inf


def test_nothing_is_bounded_without_a_row(plain_campaign):
    low, high = level_bounds(load_measurements(plain_campaign), np.zeros(0, int))
    assert np.all(low == -np.inf)
    assert np.all(high == np.inf)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_before_an_antenna_do_not_run_away_behind_it(plain_campaign, seed):
    """Learned within 60 degrees of boresight, judged behind: no level that nobody could read."""
    data = load_measurements(plain_campaign)
    mast = replace(data.transmitters[0], yaw_deg=0.0, pattern="tr38901")
    data = replace(data.take(data.tx == 0), transmitters=(mast,))
    away = data.position_m - data.tx_position_m
    azimuth = np.degrees(np.arctan2(away[:, 1], away[:, 0]))
    distance = np.linalg.norm(away, axis=1)
    noise = np.random.default_rng(seed).normal(0, 4.0, len(data))
    pattern = tr38901_element_gain_db(azimuth, np.full(len(data), 90.0))
    data = replace(data, level_db=-30 - 32 * np.log10(distance) + pattern + noise)
    before = np.flatnonzero(np.abs(azimuth) < 60)
    behind = np.flatnonzero(np.abs(azimuth) > 120)
    twin = fit_twin(data, link_inputs(data), "outdoor", before, 50.0)
    off = {n: level[behind] - data.level_db[behind] for n, level in twin.models.items()}
    error = np.sqrt(np.mean((twin.mean_db - data.level_db)[behind] ** 2))
    assert error < np.sqrt(np.mean(off["log-distance"] ** 2)) + 1.0
    assert twin.mean_db.min() >= data.level_db[before].min() - 0.01
    assert twin.sd_db.max() < 30
