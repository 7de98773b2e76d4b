"""Textbook caches against versions written straight from their definitions."""

from collections import Counter, OrderedDict

import numpy as np
import pytest

from rtwin.caching.caches import (
    TEXTBOOK,
    Belady,
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
    S3Fifo,
    TinyLfu,
    belady_caches,
    run_textbook,
)
from rtwin.caching.demand import zipf
from rtwin.errors import OutOfRangeError


def hits(cache, items):
    return np.array([cache.request(int(item)) for item in items])


@pytest.fixture(scope="module")
def items():
    return np.random.default_rng(3).choice(300, size=10_000, p=zipf(300, 0.9))


def test_lru(items):
    order, found = OrderedDict(), []
    for item in items:
        found.append(item in order)
        order[item] = order.pop(item, None)
        if len(order) > 40:
            del order[next(iter(order))]
    assert hits(LeastRecentlyUsed(40), items).tolist() == found


def test_lfu(items):
    count, held, last, found = Counter(), set(), {}, []
    for time, item in enumerate(items):
        found.append(item in held)
        count[item] += 1
        last[item] = time
        if item not in held:
            if len(held) == 40:
                held.remove(min(held, key=lambda i: (count[i], last[i])))
            held.add(item)
    assert hits(LeastFrequentlyUsed(40, admits=True), items).tolist() == found


def test_nothing_beats_belady(items):
    best = hits(Belady(40, items), items).mean()
    for name, make in TEXTBOOK.items():
        assert hits(make(40), items).mean() <= best, name


def test_belady_is_the_best_of_all_choices():
    """On short traces every sequence of evictions can be tried."""
    rng = np.random.default_rng(5)

    def best(items, held, slots):
        if not len(items):
            return 0
        first, rest = items[0], items[1:]
        if first in held:
            return 1 + best(rest, held, slots)
        options = [held]
        if len(held) < slots:
            options.append(held | {first})
        else:
            options += [held - {out} | {first} for out in held]
        return max(best(rest, option, slots) for option in options)

    for _ in range(5):
        trace = rng.integers(5, size=10).tolist()
        assert hits(Belady(2, trace), trace).sum() == best(trace, frozenset(), 2)


@pytest.mark.parametrize("make", [*TEXTBOOK.values()], ids=[*TEXTBOOK])
def test_room_for_all(items, make):
    """With a slot for each item only first requests miss."""
    cache = make(400)
    assert hits(cache, items).sum() == len(items) - len(set(items))


@pytest.mark.parametrize("make", [*TEXTBOOK.values()], ids=[*TEXTBOOK])
@pytest.mark.parametrize("slots", [1, 2, 7])
def test_never_more_than_the_slots(items, make, slots):
    cache = make(slots)
    for item in items[:2000]:
        there = item in cache
        assert cache.request(int(item)) == there
        assert sum(i in cache for i in range(300)) <= slots


def test_modern_admission_beats_lru_under_zipf(items):
    """What their papers claim: one-hit wonders do not push popular items out."""
    plain = hits(LeastRecentlyUsed(20), items)[2000:].mean()
    assert hits(S3Fifo(20), items)[2000:].mean() > plain
    assert hits(TinyLfu(20), items)[2000:].mean() > plain


def test_decay_follows_change():
    old, new = np.tile(np.arange(20), 50), np.tile(np.arange(20, 40), 50)
    trace = np.concatenate([old, new])
    ever = hits(LeastFrequentlyUsed(20), trace)[1000:].mean()
    fading = hits(LeastFrequentlyUsed(20, half_life=100), trace)[1000:].mean()
    assert fading > ever + 0.3


def test_slots_of_each_station(independent):
    trace = independent(3000, 100, num_stations=3)
    best = run_textbook(belady_caches(trace, 10), trace)
    plain = run_textbook([LeastRecentlyUsed(10) for _ in range(3)], trace)
    assert best.hit.mean() > plain.hit.mean()
    assert best.station[:, 0].tolist() == trace.first.tolist()


def test_impossible_slots():
    with pytest.raises(OutOfRangeError, match="slots is 0"):
        LeastRecentlyUsed(0)


def test_segments_of_tiny_lfu():
    """A hundredth of the slots is the window, four fifths of the others are protected."""
    cache = TinyLfu(100)
    for _ in range(4):
        for item in range(100):
            cache.request(item)
    assert (len(cache._window), len(cache._protected), len(cache._probation)) == (1, 79, 20)
