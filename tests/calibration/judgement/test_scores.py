"""Errors, coverage and variance of predictions whose quality is known."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration import link_inputs, load_measurements, validate_twin
from rtwin.calibration.judgement.scores import (
    TWIN,
    HeldOut,
    coverage,
    explained_variance,
    score_of,
)


@pytest.fixture
def data(plain_campaign):
    return load_measurements(plain_campaign)


def predicted(data, mean, sd, floor_db=-np.inf):
    both = np.stack([mean, np.full(len(data), sd)])
    return HeldOut(data, np.arange(len(data)), {TWIN: mean}, {TWIN: both}, {}, floor_db)


def test_transmitters_count_the_same(data):
    off = np.where(data.tx == 0, 3.0, 5.0)
    held = predicted(data, data.level_db + off, 4.0)
    score = score_of(TWIN, [held, held], {})
    assert score.rmse_db == pytest.approx(4.0)
    assert score.draws_db == pytest.approx((4.0, 4.0))
    assert score.groups["transmitter"] == pytest.approx({"a": 3.0, "b": 5.0})


@pytest.mark.parametrize(("factor", "low", "high"), [(1.0, 0.88, 0.92), (0.5, 0.5, 0.7)])
def test_coverage_is_that_of_normal_errors(data, factor, low, high):
    data = data.take(np.tile(np.arange(len(data)), 20))
    error = np.random.default_rng(1).normal(0, 4.0, len(data))
    assert low < coverage([predicted(data, data.level_db + error, 4.0 * factor)]) < high


def test_coverage_of_what_is_heard_knows_the_floor(data):
    """Levels about the floor are cut from below: intervals that ignore it would be too low."""
    data = data.take(np.tile(np.arange(len(data)), 20))
    level = np.random.default_rng(2).normal(-120.0, 6.0, len(data))
    data = replace(data, level_db=np.maximum(level, -122.0), censored=level < -122.0)
    held = predicted(data, np.full(len(data), -120.0), 6.0, -122.0)
    assert 0.88 < coverage([held]) < 0.92


def test_explained_variance(data):
    assert explained_variance([predicted(data, data.level_db, 1.0)]) == pytest.approx(1.0)
    mean = np.array([data.level_db[data.tx == n].mean() for n in (0, 1)])[data.tx]
    assert explained_variance([predicted(data, mean, 1.0)]) == pytest.approx(0.0, abs=1e-9)


def test_an_unseen_transmitter_is_predicted_from_the_other(data):
    found = validate_twin(
        data,
        link_inputs(data),
        "outdoor",
        50.0,
        share=0.4,
        repeats=1,
        points=100,
        held_out="transmitters",
    )
    scores = {score.model: score for score in found.scores}
    assert len(scores[TWIN].draws_db) == 2
    best = min(s.rmse_db for n, s in scores.items() if n != TWIN)
    assert np.isfinite(scores[TWIN].rmse_db)
    assert scores[TWIN].rmse_db < best + 2.0
