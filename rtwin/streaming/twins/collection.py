"""When to report: at a fixed beat, or when the twin would be wrong by too much."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats
from rtwin.errors import OutOfRangeError


def on_delta(values: ArrayLike, delta: float, most_rows: int) -> Bools:
    """Where a user reports who sends on delta with a greatest age, [row].

    A value is sent if it is further from the last one sent than delta, or that one is most_rows
    old; the first is sent, and so is the first after a gap (NaN).

    Raises:
        OutOfRangeError: if delta is below 0 or most_rows below 1.
    Source: M. Miskowicz, Sensors 6(1), 2006; checked by tests/streaming/twins/test_collection.py.
    """
    if not delta >= 0 or most_rows < 1:
        raise OutOfRangeError(f"delta is {delta:g}, most_rows {most_rows}; >= 0 and >= 1")
    rows = np.asarray(values, np.float64)
    sent = np.zeros(len(rows), bool)
    last, age = np.nan, 0
    for number, value in enumerate(rows):
        age += 1
        if np.isnan(value):
            continue
        if np.isnan(last) or abs(value - last) > delta or age >= most_rows:
            sent[number], last, age = True, value, 0
    return sent


def on_beat(num_rows: int, every: int) -> Bools:
    """Where a user reports at a fixed beat, [row]."""
    if every < 1:
        raise OutOfRangeError(f"every is {every}; it must be 1 or more")
    return np.arange(num_rows) % every == 0


def held(values: ArrayLike, sent: Bools) -> Floats:
    """What the twin holds: the last value that was sent, [row]; NaN before the first."""
    rows = np.asarray(values, np.float64)
    place = np.maximum.accumulate(np.where(sent, np.arange(len(rows)), -1))
    return np.where(place >= 0, rows[np.maximum(place, 0)], np.nan)
