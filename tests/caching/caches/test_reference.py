"""Closed forms against each other and against simulation."""

import numpy as np
import pytest

from rtwin.caching.caches import (
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
    characteristic_time,
    jain_index,
    lfu_hit_rate,
    lru_hit_rate,
    run_textbook,
)
from rtwin.caching.demand import zipf
from rtwin.errors import OutOfRangeError


@pytest.mark.parametrize(("exponent", "slots"), [(0.8, 50), (1.0, 20), (0.6, 100)])
def test_lru_comes_to_che(independent, exponent, slots):
    trace = independent(60_000, 500, exponent)
    hit = run_textbook([LeastRecentlyUsed(slots)], trace).hit[10_000:]
    assert hit.mean() == pytest.approx(lru_hit_rate(zipf(500, exponent), slots), abs=0.01)


def test_lfu_comes_to_the_largest_shares(independent):
    trace = independent(60_000, 200, 1.0)
    hit = run_textbook([LeastFrequentlyUsed(20)], trace).hit[30_000:]
    assert hit.mean() == pytest.approx(lfu_hit_rate(zipf(200, 1.0), 20), abs=0.01)


def test_characteristic_time_of_equal_shares():
    """Of n equal items, 1 - exp(-t / n) is slots / n."""
    time = characteristic_time(np.full(100, 0.01), 50)
    assert time == pytest.approx(100 * np.log(2), rel=1e-9)
    assert lru_hit_rate(np.full(100, 0.01), 50) == pytest.approx(0.5)
    assert lru_hit_rate(np.full(10, 0.1), 10) == 1.0
    with pytest.raises(OutOfRangeError, match="1 to 9"):
        characteristic_time(np.full(10, 0.1), 10)


def test_jain():
    assert jain_index([3.0, 3.0, 3.0, 3.0]) == pytest.approx(1.0)
    assert jain_index([5.0, 0.0, 0.0, 0.0]) == pytest.approx(0.25)
    assert jain_index([0.0, 0.0]) == 1.0
    loads = np.random.default_rng(1).random((7, 5))
    np.testing.assert_allclose(jain_index(loads), jain_index(3.0 * loads))
    assert ((jain_index(loads) >= 0.2) & (jain_index(loads) <= 1)).all()
