"""Stations in reach, from the levels of a link trace."""

import numpy as np
import pytest

from rtwin.caching.demand import NO_STATION, Catalogue, reach_of_trace, requests_at
from rtwin.dataset import make_link_trace
from rtwin.errors import OutOfRangeError
from rtwin.link import LinkAdaptation


def trace_of(gain_db):
    """A link trace of gains [time, user, station] dB."""
    gain = 10 ** (np.asarray(gain_db, float) / 10)
    steps, users, stations = gain.shape
    return make_link_trace(
        {
            "tx_name": tuple(f"s{n}" for n in range(stations)),
            "tx_position_m": np.zeros((stations, 3)),
            "tx_orientation_rad": np.zeros((stations, 3)),
            "tx_velocity_m_s": np.zeros((stations, 3)),
            "tx_power_dbm": np.full(stations, 40.0),
        },
        np.arange(steps, dtype=float),
        tuple(f"u{n}" for n in range(users)),
        np.zeros((steps, users, 3)),
        gain,
        noise_power_w=1e-13,
        adaptation=LinkAdaptation(20e6),
    )


def test_second_station_within_some_decibels():
    trace = trace_of([[[-80, -84, -100], [-90, -97, -98]]] * 3)
    reach = reach_of_trace(trace, within_db=6.0)
    assert reach.first[0].tolist() == [0, 0]
    assert reach.second[0].tolist() == [1, NO_STATION]
    assert reach_of_trace(trace, within_db=8.0).second[0].tolist() == [1, 1]
    assert reach.station_name == ("s0", "s1", "s2")


def test_the_serving_station_is_the_first_after_handover():
    before, after = [[-80.0, -95.0]], [[-95.0, -80.0]]
    reach = reach_of_trace(trace_of([before] * 3 + [after] * 5))
    assert reach.first[0, 0] == 0
    assert reach.first[-1, 0] == 1
    assert reach.rows_at(np.array([-5.0, 0.5, 99.0])).tolist() == [0, 0, 7]


def test_nobody_is_left_without_a_station():
    nothing = [[-np.inf, -np.inf]]
    reach = reach_of_trace(trace_of([nothing, [[-80.0, -95.0]], nothing, nothing]))
    assert reach.first[:, 0].tolist() == [0, 0, 0, 0]
    with pytest.raises(OutOfRangeError, match="hears no station"):
        reach_of_trace(trace_of([nothing] * 3))
    with pytest.raises(OutOfRangeError, match="within_db is -1"):
        reach_of_trace(trace_of([[[-80.0, -95.0]]]), within_db=-1.0)


def test_requests_of_another_study_on_the_same_stations():
    """Users, stations, times and catalogue come from elsewhere; hashes are theirs."""
    before, after = [[-80.0, -95.0]], [[-95.0, -80.0]]
    reach = reach_of_trace(trace_of([before] * 3 + [after] * 5))
    films = Catalogue(np.zeros(4, int), np.ones(4), shared_hash="c" * 64)
    trace = requests_at(
        np.zeros(3, int), np.array([3, 1, 3]), np.array([0.0, 1.0, 7.0]), reach, films
    )
    assert trace.first.tolist() == [0, 0, 1]
    assert trace.catalogue.hash == "c" * 64
    with pytest.raises(OutOfRangeError, match="ascending"):
        requests_at(np.zeros(2, int), np.zeros(2, int), np.array([2.0, 1.0]), reach, films)
