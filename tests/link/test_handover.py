"""Event A3: closed forms on ramps, and a plain second algorithm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.link import Handover, serving_cells


def ramp(step_s=0.1, num_steps=200):
    """One user that leaves cell 0 for cell 1 at 1 dB/s; equal at 10 s."""
    time = step_s * np.arange(num_steps)
    return np.stack([-80 - 0.5 * (time - 10), -80 + 0.5 * (time - 10)], axis=-1)[:, None, :]


@pytest.mark.parametrize(("hysteresis_db", "trigger_s"), [(0, 0), (3, 0), (3, 0.16), (2, 1.0)])
def test_a_ramp_changes_once_and_when_it_should(hysteresis_db, trigger_s):
    serving, changed = serving_cells(ramp(), 0.1, Handover(hysteresis_db, trigger_s))
    assert changed.sum() == 1
    # The gap of 1 dB/s passes the hysteresis this long after 10 s, in the next row.
    first_row = int(np.floor((10 + hysteresis_db) / 0.1 + 1e-9)) + 1
    assert np.flatnonzero(changed)[0] == first_row + int(np.ceil(trigger_s / 0.1 - 1e-9))
    assert set(serving[:first_row, 0]) == {0}


def test_a_short_peak_is_no_reason():
    rss = np.full((30, 1, 2), -80.0)
    rss[10:12, 0, 1] = -60.0
    rss[:, 0, 0] = -79.0
    _, changed = serving_cells(rss, 0.1, Handover(3.0, 0.25))
    assert not changed.any()
    _, changed = serving_cells(rss, 0.1, Handover(3.0, 0.1))
    assert changed.sum() == 1  # and never back: the difference is below the hysteresis


def test_a_lost_cell_is_left_at_once():
    rss = np.full((6, 2, 2), -80.0)
    rss[:, :, 1] = -100.0
    rss[3:, 0, 0] = -np.inf
    rss[3:, 1] = np.nan
    serving, changed = serving_cells(rss, 0.1, Handover(3.0, 10.0))
    np.testing.assert_array_equal(serving[:, 0], [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(serving[:, 1], [0, 0, 0, -1, -1, -1])
    # From a cell to nowhere is an outage, not a handover.
    assert changed.sum() == 1
    assert changed[3, 0]


def slow(rss, held_for, hysteresis_db):
    """The same for one user, one row and one neighbour at a time."""
    current, clocks, serving = -1, {}, []
    for row in rss:
        own = row[current] if current >= 0 else -np.inf
        due = []
        for tx, power in enumerate(row):
            clocks[tx] = clocks.get(tx, 0) + 1 if power > own + hysteresis_db else 0
            if clocks[tx] > held_for:
                due.append((power, -tx))
        new = current
        if own == -np.inf:
            new = int(np.argmax(row)) if row.max() > -np.inf else -1
        elif due:
            new = -max(due)[1]
        if new != current:
            clocks = {}
        current = new
        serving.append(current)
    return serving


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.sampled_from([0.0, 1.0, 3.0]))
def test_a_plain_algorithm_agrees(seed, held_for, hysteresis_db):
    rng = np.random.default_rng(seed)
    rss = rng.normal(-90, 6, (40, 3, 4))
    rss[rng.random(rss.shape) < 0.15] = -np.inf
    serving, _ = serving_cells(rss, 0.1, Handover(hysteresis_db, 0.1 * held_for))
    for ue in range(3):
        assert list(serving[:, ue]) == slow(rss[:, ue], held_for, hysteresis_db)


@given(st.integers(0, 2**32 - 1))
def test_without_hysteresis_the_strongest_serves(seed):
    rss = np.random.default_rng(seed).normal(-90, 6, (20, 5, 3))
    serving, _ = serving_cells(rss, 0.1, Handover(0.0, 0.0))
    np.testing.assert_array_equal(serving, rss.argmax(axis=-1))


def test_impossible_settings():
    with pytest.raises(OutOfRangeError, match="hysteresis_db is -1"):
        Handover(-1.0)
    with pytest.raises(ShapeError, match=r"\[time, ue, tx\]"):
        serving_cells(np.zeros((3, 2)), 0.1)
