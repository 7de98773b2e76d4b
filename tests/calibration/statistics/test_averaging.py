"""The averaged twin: never worse than its parts, with intervals that hold."""

import numpy as np
import pytest

from rtwin.calibration import fit_twin, link_inputs, load_measurements, validate_twin
from rtwin.calibration.campaign.blocks import draw, folds, hold_out
from rtwin.calibration.judgement.validation import TWIN

OUTDOOR = "outdoor"


@pytest.fixture
def plain(plain_campaign):
    data = load_measurements(plain_campaign)
    return data, link_inputs(data)


def test_blocks_are_held_out_whole(plain):
    data, _ = plain
    rest, held = hold_out(data, 50.0, 0.4, 3)
    assert len(np.intersect1d(rest, held)) == 0
    assert len(rest) + len(held) == len(data)
    tile = {tuple(t) for t in np.floor(data.position_m[rest, :2] / 50).astype(int)}
    assert not tile & {tuple(t) for t in np.floor(data.position_m[held, :2] / 50).astype(int)}
    assert np.array_equal(held, hold_out(data, 50.0, 0.4, 3)[1])
    some = draw(data, rest, 30, 1)
    assert np.bincount(data.tx[some]).tolist() == [30, 30]
    fold = folds(data.position_m, 50.0, 5, 1)
    assert len(np.unique(fold)) == 5


def test_twin_beats_every_baseline_where_there_is_shadowing(plain):
    data, inputs = plain
    found = validate_twin(data, inputs, OUTDOOR, 50.0, share=0.4, repeats=2, points=150)
    rmse = {score.model: score.rmse_db for score in found.scores}
    statistical = [v for name, v in rmse.items() if name != TWIN and "kriging" not in name]
    assert rmse[TWIN] < 0.93 * min(statistical)
    assert 0.83 < found.coverage < 0.97
    assert sum(found.weights.values()) == pytest.approx(1.0)


def test_held_out_levels_are_not_looked_at(plain):
    from dataclasses import replace

    data, inputs = plain
    train, held = hold_out(data, 50.0, 0.4, 1)
    train = draw(data, train, 40, 1)
    level = data.level_db.copy()
    level[held] = 1e3
    a = fit_twin(data, inputs, OUTDOOR, train, 50.0)
    b = fit_twin(replace(data, level_db=level), inputs, OUTDOOR, train, 50.0)
    assert np.array_equal(a.mean_db, b.mean_db)
    assert np.array_equal(a.sd_db, b.sd_db)


@pytest.mark.parametrize("points", [1, 3, 10])
def test_few_points_fall_back(plain, points):
    data, inputs = plain
    train = draw(data, np.arange(len(data)), points, 1)
    twin = fit_twin(data, inputs, OUTDOOR, train, 50.0)
    rest = np.setdiff1d(np.arange(len(data)), train)
    error = {n: np.sqrt(np.mean((m - data.level_db)[rest] ** 2)) for n, m in twin.models.items()}
    own = np.sqrt(np.mean((twin.mean_db - data.level_db)[rest] ** 2))
    assert own < 1.35 * min(error.values())
    assert np.all(np.isfinite(twin.sd_db))


def test_one_transmitter_one_device(plain):
    data, _ = plain
    own = data.take((data.tx == 0) & (data.device == 0))
    twin = fit_twin(own, link_inputs(own), OUTDOOR, np.arange(60), 50.0)
    assert np.sqrt(np.mean((twin.mean_db - own.level_db)[60:] ** 2)) < 6.5
