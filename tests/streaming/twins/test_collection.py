"""Reports on delta: what the twin holds is never off by more, between reports."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import OutOfRangeError
from rtwin.streaming.twins.collection import held, on_beat, on_delta


@given(st.integers(0, 10_000), st.floats(0.0, 5.0), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_the_twin_is_off_by_delta_at_most(seed, delta, most_rows):
    values = np.cumsum(np.random.default_rng(seed).normal(size=200))
    sent = on_delta(values, delta, most_rows)
    assert abs(values - held(values, sent)).max() <= delta
    assert np.diff(np.flatnonzero(sent)).max(initial=1) <= most_rows


def test_fewer_reports_for_the_same_error():
    # A channel that rests and then moves: a fixed beat of as many reports is further off.
    rng = np.random.default_rng(3)
    steps = rng.normal(size=4000) * np.repeat(rng.random(40) < 0.2, 100) * 1.5
    values = np.cumsum(steps)
    sent = on_delta(values, 2.0, 400)
    beat = on_beat(len(values), max(1, round(len(values) / sent.sum())))
    error = [np.sqrt(np.mean((values - held(values, s)) ** 2)) for s in (sent, beat)]
    assert error[0] < 0.6 * error[1]


def test_gaps_are_passed_over():
    values = np.array([np.nan, 1.0, np.nan, 1.2, 5.0])
    sent = on_delta(values, 1.0, 10)
    assert sent.tolist() == [False, True, False, False, True]
    assert np.isnan(held(values, sent)[0])


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="delta is -1"):
        on_delta([1.0], -1.0, 3)
    with pytest.raises(OutOfRangeError, match="every is 0"):
        on_beat(3, 0)
