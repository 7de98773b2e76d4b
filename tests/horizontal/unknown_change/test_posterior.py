"""The library's posterior: Bayes in closed form, and what it names on made-up measurements."""

import numpy as np
import pytest
from scipy.stats import t as student

from rtwin.horizontal.unknown_change import posterior as module
from rtwin.horizontal.unknown_change.posterior import (
    COUNT,
    FREEDOM,
    MODEL_DB,
    MODEL_SHARE,
    Evidence,
    krige_rest,
    library_map,
    library_posterior,
)


@pytest.fixture(scope="module")
def cells(small_state):
    return small_state.grid.centers_m.reshape(-1, 3)


def change_of(library, row):
    change = np.zeros(library.num_columns)
    change[library.entries[row].cell] = library.entries[row].gain_db
    return change.reshape(len(library.tx_names), -1)


def measured(library, change, rows=25, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    tx = np.repeat(np.arange(len(library.tx_names)), rows)
    cell = rng.integers(library.num_cells, size=len(tx))
    value = change[tx, cell] + rng.normal(0, noise, len(tx))
    return Evidence(tx, cell, value, np.full(len(tx), noise))


def strongest(library, kind):
    rows = [k for k, e in enumerate(library.entries) if e.hypothesis.kind == kind]
    return max(rows, key=lambda k: library.entries[k].effect_db2)


def test_weights_are_prior_times_likelihood(small_library, cells):
    evidence = measured(small_library, change_of(small_library, 0))
    found = library_posterior(small_library, evidence, cells)
    assert found.weight.sum() + found.p_none == pytest.approx(1.0)
    scale = np.sqrt(evidence.sd_db**2 + MODEL_DB**2 + (MODEL_SHARE * found.predicted_db) ** 2)
    left = evidence.value_db - found.predicted_db
    expected = COUNT * student.logpdf(left / scale, FREEDOM) - COUNT * np.log(scale)
    np.testing.assert_allclose(found.log_likelihood, expected.sum(axis=1), rtol=1e-9)
    odds = np.log(found.weight[0] / found.weight[1])
    score = found.log_likelihood + found.worlds.log_prior
    assert odds == pytest.approx(score[0] - score[1])


@pytest.mark.parametrize("kind", ["gone", "material", "added"])
def test_what_happened_is_named_and_the_map_follows(small_library, cells, kind):
    row = strongest(small_library, kind)
    change = change_of(small_library, row)
    found = library_posterior(small_library, measured(small_library, change), cells)
    chance, entries = found.named()[0]
    assert entries == (row,)
    assert chance > 0.5
    guess = library_map(found, cells)
    error = np.sqrt(np.mean((guess.change_db - change) ** 2))
    assert error < 0.4 * np.sqrt(np.mean(change**2))
    field, _ = krige_rest(found.evidence, found.evidence.value_db, cells, 2)
    assert error < 0.7 * np.sqrt(np.mean((field - change) ** 2))


def test_two_at_once(small_library, cells):
    one, two = strongest(small_library, "gone"), strongest(small_library, "added")
    change = change_of(small_library, one) + change_of(small_library, two)
    found = library_posterior(small_library, measured(small_library, change, 40), cells)
    assert found.named()[0][1] == tuple(sorted((one, two)))


def test_half_way_between_neighbours_is_between(small_library, cells):
    rows = [k for k, e in enumerate(small_library.entries) if e.hypothesis.kind == "tx_moved"]
    mast = [k for k in rows if small_library.entries[k].hypothesis.subject == "mast"][:2]
    change = sum(change_of(small_library, k) for k in mast) / 2
    # Measured where it moves most, so that few measurements can tell.
    tx, cell = np.unravel_index(np.argsort(-np.abs(change).ravel())[:60], change.shape)
    evidence = Evidence(tx, cell, change[tx, cell], np.full(60, 0.5))
    found = library_posterior(small_library, evidence, cells)
    half = [k for k in range(len(found.weight)) if set(found.worlds.share[k].data) == {0.5}]
    assert found.weight[half].sum() > 0.5
    guess = library_map(found, cells).change_db
    assert np.sqrt(np.mean((guess - change) ** 2)) < 0.5 * np.sqrt(np.mean(change**2))


def test_nothing_happened(small_library, cells):
    evidence = measured(small_library, np.zeros((2, small_library.num_cells)))
    found = library_posterior(small_library, evidence, cells)
    assert found.named()[0][1] == ()
    guess = library_map(found, cells)
    assert np.sqrt(np.mean(guess.change_db**2)) < 0.5
    assert np.mean(guess.chance > 0.5) < 0.01


def test_a_level_is_a_level(small_library, cells):
    change = np.zeros((2, small_library.num_cells))
    change[1] = -4.0
    found = library_posterior(small_library, measured(small_library, change), cells)
    guess = library_map(found, cells)
    np.testing.assert_allclose(guess.change_db[1], -4.0, atol=1.0)
    assert np.abs(guess.change_db[0]).max() < 1.0


def test_what_no_entry_explains_is_none_of_these(small_library, cells):
    """A smooth field of another shape: places explain it, the library does not."""
    field = 15 * np.sin(cells[:, 0] / 20) * np.cos(cells[:, 1] / 15)
    change = np.stack([field, -field])
    found = library_posterior(small_library, measured(small_library, change, 60), cells)
    assert found.p_none > 0.5
    guess = library_map(found, cells)
    assert np.sqrt(np.mean((guess.change_db - change) ** 2)) < 0.7 * np.sqrt(np.mean(change**2))


def test_what_the_likeliest_leaves_is_told_from_noise(small_library, cells):
    """An edit of the library, and a step of 25 dB around a place, which it does not know."""
    change = change_of(small_library, strongest(small_library, "gone"))
    known = library_posterior(small_library, measured(small_library, change, 40), cells)
    assert known.p_left > 0.05
    assert not known.is_unexplained
    more = change - 25 * (np.hypot(cells[:, 0] - 20, cells[:, 1] - 20) < 15)
    both = library_posterior(small_library, measured(small_library, more, 40), cells)
    assert both.p_left < 0.01
    assert both.is_unexplained


def test_without_measurements_nothing_changes(small_library, cells):
    none = np.zeros(0, np.int64)
    evidence = Evidence(none, none, np.zeros(0), np.zeros(0))
    found = library_posterior(small_library, evidence, cells)
    assert found.weight[0] == found.weight.max() == pytest.approx(module.P_NOTHING, abs=0.02)
    assert np.abs(library_map(found, cells).chance).max() < 0.5
