"""Rows that everything else contradicts, in campaigns whose liars are known."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration.campaign import (
    GAIN,
    WALL_FEATURES,
    hold_out,
    link_inputs,
    load_measurements,
)
from rtwin.calibration.statistics import check_rows, fit_twin, trust_table

NUM = 300


@pytest.fixture
def campaign(plain_campaign):
    """Rows of two masts and two phones, and inputs with a physics that knows most of them."""
    data = load_measurements(plain_campaign).take(np.arange(NUM))
    physics = np.zeros((NUM, 1 + len(WALL_FEATURES)))
    physics[:, 0] = data.level_db + np.random.default_rng(1).normal(0, 3.0, NUM)
    return data, link_inputs(data, physics, (GAIN, *WALL_FEATURES))


def spoiled(data, rows, shift_db):
    level = data.level_db.copy()
    level[rows] += shift_db
    return replace(data, level_db=level)


def rmse_db(data, inputs, train, held, truth):
    twin = fit_twin(data, inputs, "outdoor", train, 50.0)
    return np.sqrt(np.mean((twin.heard_db - truth.level_db)[held] ** 2))


def test_clean_rows_are_believed(campaign):
    data, inputs = campaign
    for own in (inputs, link_inputs(data)):
        found = check_rows(data, own, np.arange(NUM))
        assert found.untrusted.sum() <= 0.01 * NUM
        assert not found.undecided


def test_poisoned_rows_do_not_move_the_held_out_error(campaign):
    data, inputs = campaign
    train, held = hold_out(data, 50.0, 0.4, 1)
    rng = np.random.default_rng(2)
    count = round(0.1 * len(train))
    bad = rng.permutation(train)[:count]
    poisoned = spoiled(data, bad, 20 * rng.choice([-1, 1], count))
    found = check_rows(poisoned, inputs, train)
    assert np.isin(bad, train[found.untrusted]).mean() > 0.9
    assert np.isin(train[found.untrusted], bad).mean() > 0.9
    clean = rmse_db(data, inputs, train, held, data)
    checked = rmse_db(poisoned, inputs, found.kept, held, data)
    assert checked < 1.02 * clean


def test_a_lying_phone_is_named(campaign):
    data, inputs = campaign
    own = np.flatnonzero(data.device == 1)
    middle = data.position_m[own].mean(axis=0)
    liars = own[np.argsort(np.linalg.norm(data.position_m[own] - middle, axis=1))[:30]]
    found = check_rows(spoiled(data, liars, 20.0), inputs, np.arange(NUM))
    assert found.untrusted[liars].mean() > 0.9
    table = trust_table(data, found)
    worst, other = table["by_device"]
    assert worst["name"] == data.devices[1]
    assert worst["off_db"] == pytest.approx(20.0, abs=3.0)
    assert other["untrusted"] <= 1
    assert table["untrusted"] == sum(row["untrusted"] for row in table["by_device"])
    assert table["untrusted"] == sum(row["untrusted"] for row in table["by_transmitter"])
    assert len(table["places"]) == table["untrusted"]
    assert table["rows"] == NUM


def test_few_rows_and_rows_below_the_floor_are_not_asked(campaign):
    data, inputs = campaign
    few = check_rows(spoiled(data, [0], 90.0), inputs, np.arange(20))
    assert not few.untrusted.any()
    hidden = replace(spoiled(data, [0], 90.0), censored=np.arange(NUM) == 0)
    found = check_rows(hidden, inputs, np.arange(NUM))
    assert not found.untrusted[0]
    assert found.score[0] == 0


def test_of_very_many_rows_all_are_judged(campaign, monkeypatch):
    data, inputs = campaign
    monkeypatch.setattr("rtwin.calibration.statistics.trust.MAX_POINTS", 200)
    liars = np.arange(0, NUM, 10)
    found = check_rows(spoiled(data, liars, 25.0), inputs, np.arange(NUM))
    assert found.untrusted[liars].mean() > 0.9
    assert found.untrusted.sum() <= len(liars) + 6
