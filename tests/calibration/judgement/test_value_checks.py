"""Signs, units and copies are noticed, and honest rows are let be."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.calibration import load_measurements
from rtwin.calibration.application.discrepancy_map import _joined
from rtwin.calibration.judgement.value_checks import (
    growth_per_decade_db,
    shifted_copies,
    spread_db,
    value_warnings,
)


@pytest.fixture
def data(plain_campaign):
    return load_measurements(plain_campaign)


def test_honest_rows_are_let_be(data):
    assert value_warnings(data, 50.0) == []
    slope, sure = growth_per_decade_db(data, 50.0)
    assert -40 < slope < -24
    assert sure < -5


def test_a_wrong_sign_is_noticed(data):
    found = value_warnings(replace(data, level_db=-data.level_db - 150.0), 50.0)
    assert len(found) == 1
    assert "grow with distance" in found[0]


def test_a_linear_column_is_noticed(data):
    quality = 10 ** (data.level_db / 10)
    assert spread_db(replace(data, level_db=quality)) < 0.1
    assert "differ by" in value_warnings(replace(data, level_db=quality), 50.0)[0]


def test_copies_a_block_away_are_noticed(data):
    rows = data.take(np.arange(300))
    moved = replace(rows, position_m=rows.position_m + np.array([50.0, -30.0, 0.0]))
    count, shift = shifted_copies(_joined(data, moved))
    assert count == 300
    assert np.abs(shift) == pytest.approx([50.0, 30.0])


def test_whole_decibels_on_a_grid_are_no_copies(data):
    """Every tenth pair of neighbours has the same level by chance."""
    grid = np.round(data.position_m / 10) * 10
    rough = replace(data, position_m=grid, level_db=np.round(data.level_db))
    assert shifted_copies(rough) is None


def test_distances_that_do_not_differ(data):
    one = data.take(np.arange(1))
    assert growth_per_decade_db(one, 50.0)[1] == 0.0
    assert shifted_copies(one) is None
    assert np.isnan(spread_db(one))
