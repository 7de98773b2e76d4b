"""Baselines recover what made the data; censored rows pull the way they should."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration import link_inputs, load_measurements
from rtwin.calibration.statistics.baselines import baselines, below
from rtwin.channel import free_space_path_loss_db


def named(name, environment="outdoor", directional=True):
    return next(m for m in baselines(environment, directional) if m.name == name)


def test_log_distance_finds_slope_and_offsets(plain_campaign):
    data = load_measurements(plain_campaign)
    inputs = link_inputs(data)
    offsets = np.array([[-30.0, -26.0], [-41.0, -37.0]])[data.tx, data.device]
    exact = replace(data, level_db=offsets - 3.2 * inputs.log_distance_db)
    mean, sd = named("log-distance").fit_predict(exact, inputs, np.arange(0, 900, 3))
    assert np.abs(mean - exact.level_db).max() < 0.05
    assert sd.max() < 0.6  # the least that noise is taken to be, and a little


def test_free_space_needs_an_offset_alone(plain_campaign):
    data = load_measurements(plain_campaign)
    inputs = link_inputs(data)
    distance = 10 ** (inputs.log_distance_db / 10)
    exact = replace(data, level_db=33.0 - free_space_path_loss_db(distance, 3.5e9))
    mean, _ = named("free space").fit_predict(exact, inputs, np.arange(20))
    assert np.abs(mean - exact.level_db).max() < 0.1


def test_ten_rows_do_not_make_a_wild_slope(plain_campaign):
    data = load_measurements(plain_campaign)
    near = np.flatnonzero(data.tx == 0)[:5]
    mean, _ = named("log-distance").fit_predict(data, link_inputs(data), near)
    assert np.all(np.isfinite(mean))
    assert np.abs(mean[data.tx == 0] - data.level_db[data.tx == 0]).mean() < 20


def test_mean_below_a_limit():
    rng = np.random.default_rng(1)
    draws = rng.normal(-100.0, 5.0, 2_000_000)
    wanted = draws[draws < -103.0].mean()
    assert below(np.array([-100.0]), 5.0, np.array([-103.0]))[0] == pytest.approx(wanted, abs=0.02)
    far = below(np.array([0.0]), 1.0, np.array([-1000.0]))
    assert np.isfinite(far).all()


def test_censored_rows_steepen_the_slope(plain_campaign):
    """A floor flattens a fit that takes it for a number, and not one that knows better."""
    data = load_measurements(plain_campaign)
    inputs = link_inputs(data)
    truth = -30 - 4.0 * inputs.log_distance_db
    floor = float(np.quantile(truth, 0.35))
    at_floor = replace(data, level_db=np.maximum(truth, floor), censored=truth < floor)
    model, train = named("log-distance"), np.arange(len(data))
    knows, _ = model.fit_predict(at_floor, inputs, train)
    naive, _ = model.fit_predict(
        replace(at_floor, censored=np.zeros(len(data), bool)), inputs, train
    )
    far = truth < floor
    assert np.abs(knows - truth)[far].mean() < 0.5 * np.abs(naive - truth)[far].mean()
