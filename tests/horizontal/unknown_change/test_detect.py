"""False alarms stay below their rate, changes are seen, and what is no change is not one."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from rtwin.horizontal import trace_state
from rtwin.horizontal.edits import edits_from_dict
from rtwin.horizontal.unknown_change.detect import agreements, local_p, misfit_p
from rtwin.horizontal.unknown_change.residuals import residuals_of
from rtwin.horizontal.unknown_change.synthesis import Synthesis, stored_twin

NOISE_DB, ROWS = 1.5, 40


@pytest.fixture(scope="module")
def twin(two_boxes):
    recipe = two_boxes(radio_map={"area": [-40, -40, 40, 40]})
    return stored_twin(trace_state(recipe), 1.0)


@pytest.fixture(scope="module")
def removed_db(twin):
    """The map without the metal box."""
    edits = edits_from_dict({"edit": [{"kind": "remove_object", "object": "brick_box"}]}).edit
    return Synthesis(twin).gain_db(edits, np.arange(len(twin.cell_m)))


def measured(twin, truth_db, rng, rows=ROWS, tx=0, noise=None):
    """A campaign of one transmitter; noise as large as twin and device state together."""
    cell = rng.choice(np.flatnonzero(twin.gain_db[tx] > -120), rows, replace=False)
    spread = np.hypot(NOISE_DB, 1.0) if noise is None else noise
    level = truth_db[tx, cell] + rng.normal(0, spread, rows)
    return residuals_of(twin, np.full(rows, tx), cell, level, NOISE_DB)


def test_null_p_values_are_not_too_small():
    rng = np.random.default_rng(0)
    for num in (6, 15, 60):
        p = np.array([misfit_p(rng.normal(size=num)) for _ in range(1500)])
        for alpha in (0.01, 0.05, 0.2):
            assert (p <= alpha).sum() <= binom.ppf(1 - 1e-4, len(p), alpha)
        assert (p <= 0.2).mean() > 0.05  # and not useless


def test_false_alarms_on_unchanged_twins(twin):
    rng, trials = np.random.default_rng(1), 200
    alarms = sum(
        agreements(twin, measured(twin, twin.gain_db, rng))[0].verdict != "agrees"
        for _ in range(trials)
    )
    assert alarms <= binom.ppf(1 - 1e-3, trials, 0.05)


def test_false_alarms_of_places_under_any_noise(twin):
    """Shuffling needs no normal distribution and no honest sigma."""
    rng, trials = np.random.default_rng(2), 150
    cells = np.flatnonzero(twin.gain_db[0] > -120)
    p = [
        local_p(twin, 0, rng.choice(cells, 30, replace=False), 5 * rng.standard_t(2, 30), seed)
        for seed in range(trials)
    ]
    assert (np.array(p) <= 0.05).sum() <= binom.ppf(1 - 1e-3, trials, 0.05)


def test_a_real_change_is_found_and_tied_to_places(twin, removed_db):
    rng = np.random.default_rng(3)
    verdicts = [agreements(twin, measured(twin, removed_db, rng))[0].verdict for _ in range(20)]
    assert sum(v in ("local", "scatter", "outlier") for v in verdicts) >= 17
    assert verdicts.count("local") >= 8


def test_shuffled_measurements_are_tied_to_nothing(twin):
    rng, trials, found = np.random.default_rng(4), 40, []
    for seed in range(trials):
        data = measured(twin, twin.gain_db, rng)
        level = twin.gain_db[0, data.cell] + data.value_db
        dealt = residuals_of(twin, data.tx, data.cell, rng.permutation(level), NOISE_DB)
        found.append(agreements(twin, dealt, seed=seed)[0])
    assert all(a.p_misfit < 0.01 for a in found)
    verdicts = [a.verdict for a in found]
    assert verdicts.count("local") <= binom.ppf(1 - 1e-3, trials, 0.05)
    assert verdicts.count("scatter") > trials / 2


def test_one_outlier_is_no_change(twin):
    rng = np.random.default_rng(5)
    for _ in range(15):
        data = measured(twin, twin.gain_db, rng)
        value = data.value_db.copy()
        value[7] -= 40.0
        verdict = agreements(twin, replace(data, value_db=value))[0].verdict
        assert verdict in ("agrees", "outlier")


def test_one_level_for_all_is_a_device(twin):
    rng = np.random.default_rng(6)
    names = []
    for _ in range(15):
        data = measured(twin, twin.gain_db, rng)
        shifted = replace(data, value_db=data.value_db + 8.0)
        found = agreements(twin, shifted)[0]
        names.append(found.verdict)
        assert found.offset_db == pytest.approx(8.0, abs=1.5)
        assert agreements(twin, shifted, offsets=True)[0].verdict in ("agrees", found.verdict)
    assert names.count("offset") >= 13
    assert "local" not in names


def test_thousands_of_rows_are_tested_on_some_of_them(twin, removed_db):
    cells = np.resize(np.flatnonzero(twin.gain_db[0] > -120), 5000)
    rng = np.random.default_rng(8)
    value = (removed_db - twin.gain_db)[0, cells] + rng.normal(0, NOISE_DB, 5000)
    assert local_p(twin, 0, cells, value / NOISE_DB) < 0.01
    assert local_p(twin, 0, cells, rng.permutation(value) / NOISE_DB) > 0.01


def test_says_it_in_a_sentence(twin):
    data = measured(twin, twin.gain_db, np.random.default_rng(7))
    assert str(agreements(twin, data)[0]).startswith("mast: the twin agrees with the measure")
    few = agreements(twin, measured(twin, twin.gain_db, np.random.default_rng(7), rows=4))[0]
    assert (few.verdict, few.p_misfit) == ("too few", 1.0)
