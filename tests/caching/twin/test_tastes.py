"""Twins of users: what a station wants is what its users want."""

import numpy as np
import pytest

from rtwin.caching.demand import WalkingDemand, ring_reach
from rtwin.caching.twin import PresentCounts, TasteTwin, fit_counts, fit_tastes, generate_walks
from rtwin.errors import OutOfRangeError

DEMAND = WalkingDemand(kinds=4, items_per_kind=50)


@pytest.fixture(scope="module")
def walk():
    ring = ring_reach(20, 4, 6000, 400, 0.25, np.random.default_rng(2))
    return ring, DEMAND.draw(ring, 6000, 3)


def by_hand(twin, trace, rows, station):
    """Shares from the definition, without anything that is kept up to date."""
    wanted = np.zeros(4)
    for row in rows:
        for client in np.flatnonzero(trace.place[row] == station):
            taste = twin.asked[client] / twin.asked[client].sum()
            wanted += twin.rate[client] * taste
    share = wanted[twin.kind] * twin.popular / twin.of_kind[twin.kind]
    return share / share.sum()


@pytest.mark.parametrize(("late", "ahead"), [(0, 0), (50, 0), (0, 80)])
def test_what_is_kept_up_to_date_is_what_the_definition_says(walk, late, ahead):
    _, trace = walk
    twin = TasteTwin(4, 20, trace.catalogue.kind, late=late, ahead=ahead)
    for row in range(1500):
        twin.at(trace, row)
        if row % 250 == 249:
            rows = [max(row - late, 0)] + ([row + ahead] if ahead else [])
            for station in range(4):
                if (trace.place[rows] == station).any():
                    wanted = by_hand(twin, trace, rows, station)
                    np.testing.assert_allclose(twin.shares(station), wanted, rtol=1e-6)
        twin.observe(trace, row)


def test_shares_add_up_and_scores_are_theirs(walk):
    _, trace = walk
    twin = fit_tastes(trace.part(0, 800))
    twin.at(trace, 800)
    for station in range(4):
        assert twin.shares(station).sum() == pytest.approx(1.0)
        score = twin.log_scores(np.array([station]), np.arange(200)[None])[0]
        assert np.ptp(score - np.log(twin.shares(station))) < 1e-9


def test_present_counts_by_hand(walk):
    _, trace = walk
    twin = PresentCounts(4, 20, trace.catalogue.kind)
    for row in range(900):
        twin.at(trace, row)
        twin.observe(trace, row)
    twin.at(trace, 900)
    for station in range(4):
        here = np.flatnonzero(trace.place[900] == station)
        rows = np.isin(trace.client[:900], here)
        wanted = np.bincount(trace.item[:900][rows], minlength=200)
        found = np.exp(twin.log_scores(np.array([station]), np.arange(200)[None])[0]) - 0.01
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def loss(twin, trace, start):
    total = 0.0
    for row in range(start, len(trace)):
        total += twin.log_loss(trace, row)
        twin.observe(trace, row)
    return total / (len(trace) - start)


def test_tastes_are_worth_more_than_counts_where_users_walk(walk):
    _, trace = walk
    start = 1500
    tastes = loss(fit_tastes(trace.part(0, start)), trace, start)
    counts = loss(fit_counts(trace.part(0, start)), trace, start)
    old = loss(fit_tastes(trace.part(0, start), late=1000), trace, start)
    assert tastes < counts - 0.05
    assert tastes < old - 0.02, "where users were long ago says less"


def test_drawn_walks_have_the_twins_tastes(walk):
    ring, trace = walk
    twin = fit_tastes(trace)
    made = generate_walks(twin, ring, trace, 20_000, 1)
    kind = made.catalogue.kind[made.item]
    for client in range(3):
        mine = made.client == client
        share = np.bincount(kind[mine], minlength=4) / mine.sum()
        np.testing.assert_allclose(share, twin.taste[client], atol=0.06)
    assert (made.place[np.arange(len(made)), made.client] == made.first).all()
    assert generate_walks(twin, ring, trace, 50, 2).hash == (
        generate_walks(twin, ring, trace, 50, 2).hash
    )


def test_drawn_walks_ask_where_the_history_asks():
    ring = ring_reach(20, 3, 5000, 200, 0.0, np.random.default_rng(4))
    history = WalkingDemand(kinds=4, items_per_kind=50, load=(4.0, 1.0, 1.0)).draw(ring, 6000, 3)
    made = generate_walks(fit_tastes(history), ring, history, 6000, 1)
    shares = [np.bincount(t.first, minlength=3) / 6000 for t in (history, made)]
    assert shares[0][0] > 0.5
    np.testing.assert_allclose(*shares, atol=0.03)


def test_impossible_twins(walk):
    _, trace = walk
    with pytest.raises(OutOfRangeError, match="late is -1"):
        TasteTwin(1, 1, np.zeros(3, int), late=-1)
    with pytest.raises(OutOfRangeError, match="no requests"):
        fit_tastes(trace.part(0, 0))
