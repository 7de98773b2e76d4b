"""Policies as scores: their corners are textbook caches, and modules do what they promise."""

import numpy as np
import pytest

from rtwin.caching.caches import (
    ALL,
    LFU,
    LRU,
    NONE,
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
    Network,
    Reliability,
    hit_first,
    least_loaded,
    loads_of,
    nearest,
    run,
    run_textbook,
    weights,
)
from rtwin.errors import OutOfRangeError, ShapeError


def network(policies, trace, slots=20, **options):
    return Network(policies, trace.num_stations, trace.catalogue.num_items, slots, **options)


def test_corners_are_textbook_caches(independent):
    trace = independent(4000, 200, num_stations=2, seed=4)
    found = run(network([LRU, LFU], trace, decays=False, router=nearest), trace)
    caches = [[LeastRecentlyUsed(20) for _ in range(2)]]
    caches.append([LeastFrequentlyUsed(20, admits=True) for _ in range(2)])
    for policy, own in enumerate(caches):
        assert found.hit[:, policy].tolist() == run_textbook(own, trace).hit[:, 0].tolist()


def test_policies_do_not_see_each_other(independent):
    trace = independent(1500, 100, num_stations=3, two=0.5)
    rows = [LRU, weights(short=1.0, long=0.5, elsewhere=0.2, load=0.3), LFU]
    together = run(network(rows, trace, reliability=ALL), trace)
    for number, row in enumerate(rows):
        alone = run(network(row, trace, reliability=ALL), trace)
        assert alone.hit[:, 0].tolist() == together.hit[:, number].tolist()
        assert alone.station[:, 0].tolist() == together.station[:, number].tolist()


def test_each_policy_has_its_own_modules(independent):
    trace = independent(1200, 100, num_stations=3, two=0.6, load=(4, 1, 1))
    each = [Reliability(), Reliability(shield=True), Reliability(mask=True), ALL]
    row = weights(short=1.0, long=0.5, load=0.3)
    together = run(network([row] * 4, trace, reliability=each), trace)
    for number, modules in enumerate(each):
        alone = run(network(row, trace, reliability=modules), trace)
        for name in ("hit", "station", "overloaded", "handed_over", "kept"):
            wanted = getattr(alone, name)[:, 0].tolist()
            assert getattr(together.of(slice(number, number + 1)), name)[:, 0].tolist() == wanted
    with pytest.raises(ShapeError, match="2 entries for 1"):
        network(row, trace, reliability=each[:2])


def test_a_newcomer_may_be_left_out(independent):
    """Without a bonus, what was asked for once does not push out what was asked for often."""
    trace = independent(6000, 300, 1.0, seed=2)
    both = run(network([weights(long=1.0), LFU], trace, decays=False), trace)
    assert both.hit[3000:, 0].mean() > both.hit[3000:, 1].mean()


def test_the_shield_never_raises_the_greatest_load(independent):
    trace = independent(3000, 100, num_stations=5, two=0.6, load=(4, 1, 1, 1, 1))
    net = network(LRU, trace, reliability=Reliability(shield=True), router=nearest)
    handed = 0
    for row in range(len(trace)):
        before = net.load.copy()
        _, station, moved, _ = net.step(trace, row)
        if moved[0]:
            handed += 1
            other = before[0, trace.first[row]]
            assert before[0, station[0]] < other <= before[0].max()
    assert handed > 100


def test_the_shield_lowers_overload(independent):
    trace = independent(4000, 100, num_stations=5, two=0.6, load=(4, 1, 1, 1, 1))
    plain = run(network(LRU, trace, router=nearest), trace)
    safe = run(network(LRU, trace, reliability=Reliability(shield=True), router=nearest), trace)
    assert safe.overloaded.mean() < 0.5 * plain.overloaded.mean()
    assert safe.jain[1000:].mean() > plain.jain[1000:].mean()
    assert not plain.handed_over.any()


def test_no_second_station_no_handover(independent):
    trace = independent(2000, 100, num_stations=4, two=0.0, load=(9, 1, 1, 1))
    found = run(network(LRU, trace, reliability=ALL), trace)
    assert not found.handed_over.any()
    assert found.station[:, 0].tolist() == trace.first.tolist()


def test_the_mask_keeps_what_was_just_asked_for(independent):
    trace = independent(2000, 100)
    policy = weights(recency=-1.0, newcomer=1e6)  # throws out the latest
    wild = run(network(policy, trace, slots=5), trace)
    safe = run(network(policy, trace, slots=5, reliability=Reliability(mask=True)), trace)
    assert safe.kept.any()
    assert not wild.kept.any()
    assert safe.hit.mean() > wild.hit.mean()


def test_routers(independent):
    trace = independent(2000, 100, num_stations=3, two=1.0)
    for router in (nearest, hit_first, least_loaded):
        found = run(network(LRU, trace, router=router), trace)
        own = found.station[:, 0]
        assert ((own == trace.first) | (own == trace.second)).all()
    at_first = run(network(LRU, trace, router=nearest), trace)
    by_hits = run(network(LRU, trace, router=hit_first), trace)
    assert by_hits.hit.mean() > at_first.hit.mean()


def test_loads_of_a_fixed_route(independent):
    """The closed filter is the recursion that the network steps through."""
    trace = independent(500, 50, num_stations=3)
    net = network(LRU, trace, router=nearest)
    loads = []
    for row in range(len(trace)):
        net.step(trace, row)
        loads.append(net.load[0].copy())
    np.testing.assert_allclose(loads_of(trace.first, 3), loads, atol=1e-12)


def test_impossible_policies(independent):
    trace = independent(10, 5)
    with pytest.raises(OutOfRangeError, match="'recent' is no weight"):
        weights(recent=1.0)
    with pytest.raises(ShapeError, match="must be"):
        network([[1.0, 2.0]], trace)
    with pytest.raises(OutOfRangeError, match="shield_at is"):
        Reliability(shield_at=0.5)


def test_unasked_nothing_is_safeguarded(independent):
    off = Reliability()
    assert (off.shield, off.mask, off.penalty, off.state) == (False,) * 4
    assert off == NONE
    assert (ALL.shield, ALL.mask, ALL.penalty, ALL.state) == (True,) * 4
