"""Requests that are drawn by simple laws."""

import numpy as np
import pytest

from rtwin.caching.demand import NO_STATION, Catalogue, RequestTrace, zipf


@pytest.fixture
def independent():
    """Makes requests that are independent of each other, at stations drawn alike."""

    def make(num, num_items, exponent=0.8, num_stations=1, seed=1, two=0.0, load=None):
        rng = np.random.default_rng(seed)
        item = rng.choice(num_items, size=num, p=zipf(num_items, exponent))
        share = np.ones(num_stations) if load is None else np.asarray(load, float)
        first = rng.choice(num_stations, size=num, p=share / share.sum())
        both = rng.random(num) < two
        second = np.where(both, (first + 1) % num_stations, NO_STATION)
        return RequestTrace(
            Catalogue(np.zeros(num_items, int), np.ones(num_items)),
            np.zeros(num, int),
            item,
            first,
            second,
            first[:, None].astype(np.int16),
            np.zeros(num, bool),
            num_stations,
        )

    return make
