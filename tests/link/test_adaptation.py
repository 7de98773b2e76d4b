"""Link adaptation: Shannon with a gap, TS 38.306's rate, and what happens outside of the tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.errors import OutOfRangeError
from rtwin.link import LinkAdaptation, cqi_efficiency, mcs_efficiency
from rtwin.units import from_db


def test_rate_is_that_of_ts_38_306():
    # 4 layers, 256QAM, 100 MHz at 30 kHz: 2337 Mbit/s, the formula's textbook case.
    wide = LinkAdaptation(100e6)
    assert 4 * wide.rate_mbps(8 * 948 / 1024) == pytest.approx(2337.0, abs=0.5)
    assert wide.rate_mbps(1.0, 10) == pytest.approx(10 * 12 * 14 * 2 * 0.86 / 1e3)


@pytest.mark.parametrize("table", [1, 2, 3])
@pytest.mark.parametrize("gap_db", [0.0, 3.0, 7.4])
def test_at_its_threshold_a_cqi_takes_shannon_less_the_gap(table, gap_db):
    link = LinkAdaptation(20e6, table=table, shannon_gap_db=gap_db)
    capacity = np.log2(1 + from_db(link.cqi_threshold_db - gap_db))
    np.testing.assert_allclose(capacity, cqi_efficiency(table)[1:])
    np.testing.assert_array_equal(link.cqi(link.cqi_threshold_db + 1e-9), np.arange(1, 16))
    np.testing.assert_array_equal(link.cqi(link.cqi_threshold_db - 1e-9), np.arange(15))


def test_outside_of_the_table():
    link = LinkAdaptation(20e6)
    cqi = link.cqi([np.nan, -np.inf, -30.0, 80.0, np.inf])
    np.testing.assert_array_equal(cqi, [-1, 0, 0, 15, 15])
    np.testing.assert_array_equal(link.mcs(cqi), [-1, -1, -1, 27, 27])
    np.testing.assert_allclose(link.spectral_efficiency(cqi), [0, 0, 0, 7.40625, 7.40625])


@pytest.mark.parametrize("table", [1, 2, 3])
def test_the_mcs_is_the_fastest_that_the_cqi_allows(table):
    link, speed = LinkAdaptation(20e6, table=table), mcs_efficiency(table)
    for cqi, wanted in enumerate(cqi_efficiency(table)[1:], start=1):
        allowed = [m for m in range(len(speed)) if speed[m] <= wanted + 1e-9]
        mcs = int(link.mcs(cqi))
        # MCS 17 of table 1 is a little slower than 16; either may carry a CQI.
        assert speed[mcs] == max((speed[m] for m in allowed), default=speed[0])
        assert link.spectral_efficiency(cqi) == min(speed[mcs], wanted)


def test_the_lowest_cqi_repeats_the_lowest_mcs():
    link = LinkAdaptation(20e6, table=1)
    assert link.mcs(1) == 0
    assert link.spectral_efficiency(1) == pytest.approx(0.15234375)


@given(st.floats(-60, 80), st.floats(0, 20))
def test_more_sinr_is_never_slower(sinr_db, more_db):
    link = LinkAdaptation(20e6)
    low, high = link.spectral_efficiency(link.cqi([sinr_db, sinr_db + more_db]))
    assert low <= high
    # Nothing beats Shannon.
    assert low <= np.log2(1 + from_db(sinr_db)) + 1e-12


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"bandwidth_hz": -1.0}, "above 0 Hz"),
        ({"bandwidth_hz": 20e6, "overhead": 1.0}, r"in \[0, 1\)"),
        ({"bandwidth_hz": 20e6, "shannon_gap_db": -1.0}, "0 to 30 dB"),
        ({"bandwidth_hz": 20e6, "subcarrier_spacing_hz": 20e3}, "15e3, 30e3"),
        ({"bandwidth_hz": 20e6, "table": 7}, "tables 1, 2 and 3"),
    ],
)
def test_impossible_settings(wrong, words):
    with pytest.raises(OutOfRangeError, match=words):
        LinkAdaptation(**wrong)
