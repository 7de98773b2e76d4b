"""Drawn demand follows its laws."""

import numpy as np
import pytest
from scipy.stats import chisquare

from rtwin.caching.demand import (
    NO_BURSTS,
    Bursts,
    DriftingDemand,
    WalkingDemand,
    joined,
    ring_reach,
    zipf,
)
from rtwin.errors import OutOfRangeError, ShapeError


@pytest.fixture
def ring():
    return ring_reach(40, 5, 2000, 100, 0.25, np.random.default_rng(1))


def test_the_same_seed_is_the_same_trace(ring):
    for demand in (WalkingDemand(), DriftingDemand()):
        one, two, other = (demand.draw(ring, 500, seed).hash for seed in (1, 1, 2))
        assert one == two != other


def test_zipf_shares():
    assert zipf(50, 0.9).sum() == pytest.approx(1.0)
    assert zipf(50, 0.9)[0] / zipf(50, 0.9)[9] == pytest.approx(10**0.9)


def test_counts_pass_a_chi_squared_test(ring):
    """Of one type and one taste, items are asked for by Zipf's law, whatever their numbers."""
    trace = WalkingDemand(kinds=1, items_per_kind=30).draw(ring, 20_000, 3)
    counts = np.sort(np.bincount(trace.item, minlength=30))[::-1]
    assert chisquare(counts, 20_000 * zipf(30, 0.9)).pvalue > 0.001


def test_loads_are_uneven_as_asked(ring):
    still = ring_reach(40, 5, 10, np.inf, 0.25, np.random.default_rng(1))
    demand = DriftingDemand(bursts=NO_BURSTS)
    trace = demand.draw(still, 30_000, 1)
    share = np.bincount(trace.first, minlength=5) / len(trace)
    np.testing.assert_allclose(share, np.array(demand.load) / sum(demand.load), atol=0.01)
    assert trace.share_with_two > 0.1


def test_without_drift_nothing_changes():
    still = ring_reach(10, 1 + 1, 10, np.inf, 0.0, np.random.default_rng(1))
    demand = DriftingDemand(
        items=50, drift=0.0, shared=1.0, load=(1.0, 1.0), exponent=1.2, bursts=NO_BURSTS
    )
    trace = demand.draw(still, 40_000, 1)
    early, late = (np.bincount(part, minlength=50) for part in np.split(trace.item, 2))
    assert np.corrcoef(early, late)[0, 1] > 0.99
    moved = DriftingDemand(items=50, drift=0.2, load=(1.0, 1.0), exponent=1.2, bursts=NO_BURSTS)
    early, late = (
        np.bincount(p, minlength=50) for p in np.split(moved.draw(still, 40_000, 1).item, 2)
    )
    assert np.corrcoef(early, late)[0, 1] < 0.9


def test_bursts_take_their_share(ring):
    still = ring_reach(10, 2, 10, np.inf, 0.0, np.random.default_rng(1))
    demand = DriftingDemand(load=(1.0, 1.0), bursts=Bursts(every=1000, length=400, share=0.5))
    trace = demand.draw(still, 200_000, 1)
    # About 40 % of the time one of two stations has a burst, which takes half of its requests.
    assert trace.burst.mean() == pytest.approx(0.1, abs=0.02)
    assert not DriftingDemand(load=(1.0, 1.0), bursts=NO_BURSTS).draw(still, 500, 1).burst.any()


def test_users_take_their_tastes_along(ring):
    trace = WalkingDemand().draw(ring, 20_000, 2)
    kind = trace.catalogue.kind[trace.item]
    taste = np.zeros((2, 40, 8))
    np.add.at(taste, (np.arange(len(trace)) // 10_000, trace.client, kind), 1)
    alike = [np.corrcoef(*taste[:, user])[0, 1] for user in range(40)]
    others = [np.corrcoef(taste[0, user], taste[1, user - 1])[0, 1] for user in range(40)]
    assert np.mean(alike) > 0.95 > 0.5 > np.mean(others)
    assert len(set(trace.first[trace.client == 7])) > 1, "the user walks"
    assert (trace.place[np.arange(len(trace)), trace.client] == trace.first).all()


def test_users_ask_more_at_busy_stations(ring):
    """Requests per user who is there are in proportion to the load of the station."""
    load = tuple(range(1, ring.num_stations + 1))
    trace = WalkingDemand(load=load).draw(ring, 30_000, 2)
    there = np.stack([(trace.place == s).sum(axis=1) for s in range(len(load))], axis=1)
    weight = there * np.array(load)
    wanted = (weight / weight.sum(axis=1, keepdims=True)).mean(axis=0)
    found = np.bincount(trace.first, minlength=len(load)) / len(trace)
    np.testing.assert_allclose(found, wanted, atol=0.01)
    with pytest.raises(OutOfRangeError, match="load has 1"):
        WalkingDemand(load=(1.0,)).draw(ring, 10, 1)


def test_parts_and_joins(ring):
    trace = WalkingDemand().draw(ring, 300, 1)
    again = joined(trace.part(0, 100), trace.part(100, 300))
    assert again.hash == trace.hash
    with pytest.raises(ShapeError, match="different catalogues"):
        joined(trace, DriftingDemand().draw(ring, 10, 1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Bursts(share=2.0), "share of 2"),
        (lambda: Bursts(share=-0.1), "share of -0.1"),
        (lambda: Bursts(every=-1.0), "every -1 requests"),
        (lambda: Bursts(every=np.inf), "every inf requests"),
        (lambda: Bursts(length=0), "of 0 with"),
        (lambda: DriftingDemand(items=1), "1 items"),
        (lambda: DriftingDemand(shared=1.1), "shared 1.1"),
        (lambda: DriftingDemand(shared=-0.1), "shared -0.1"),
        (lambda: DriftingDemand(drift=1.1), "drift 1.1"),
        (lambda: DriftingDemand(drift=-0.1), "drift -0.1"),
        (lambda: DriftingDemand(drift_every=0), "drift_every is 0"),
        (lambda: DriftingDemand(load=(1.0, 0.0)), "all must be above 0"),
        (lambda: WalkingDemand(exponent=-1.0), "exponent is -1"),
        (lambda: DriftingDemand(load=()), "load"),
        (lambda: ring_reach(5, 1, 5, 5, 0, np.random.default_rng(1)), "1 stations"),
    ],
)
def test_impossible_settings(make, words):
    with pytest.raises(OutOfRangeError, match=words):
        make()


def test_settings_that_are_just_possible():
    Bursts(every=0.0, length=1, share=0.0)
    Bursts(every=0.5, length=1, share=1.0)
    DriftingDemand(items=2, shared=1.0, drift=1.0, drift_every=1, load=(0.1,))
    DriftingDemand(items=2, shared=0.0, drift=0.0, drift_every=1, load=(0.1,))
