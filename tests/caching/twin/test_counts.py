"""Twins of counts: shares add up, forecasts beat the obvious, drawn traces follow them."""

import numpy as np
import pytest
from scipy.stats import chisquare

from rtwin.caching.demand import NO_BURSTS, DriftingDemand, ring_reach, zipf
from rtwin.caching.twin import (
    CountTwin,
    GeneratorSettings,
    counted,
    fit_counts,
    fit_exponent,
    generate_requests,
    loss_of,
)
from rtwin.errors import OutOfRangeError, ShapeError


@pytest.fixture(scope="module")
def history():
    ring = ring_reach(40, 5, 10, np.inf, 0.25, np.random.default_rng(1))
    return DriftingDemand(items=200).draw(ring, 1500, 1)


@pytest.mark.parametrize("span", [np.inf, 50.0])
def test_shares_add_up(history, span):
    twin = counted(history, 30.0, span)
    for station in range(5):
        shares = twin.shares(station)
        assert shares.sum() == pytest.approx(1.0)
        assert (shares > 0).all()
        score = twin.log_scores(np.array([station]), np.arange(200)[None])[0]
        assert np.ptp(score - np.log(shares)) < 1e-9, "the same up to a constant"


def test_log_loss_is_that_of_the_shares(history):
    twin = counted(history.part(0, 700), 30.0, 100.0)
    share = twin.shares(int(history.first[700]))[history.item[700]]
    assert twin.log_loss(history, 700) == pytest.approx(-np.log(share))


def test_a_dirichlet_multinomial_by_hand():
    """Two stations, two items, no fading: shares from the formula itself."""
    twin = CountTwin(2, 2, strength=4.0)
    twin.count[...] = [[3.0, 1.0], [0.0, 0.0]]
    twin.seen[...] = [4.0, 0.0]
    twin.pooled[...] = [3.0, 1.0]  # and half a request for each item: 0.7 and 0.3
    assert twin.shares(0) == pytest.approx([(3 + 4 * 0.7) / 8, (1 + 4 * 0.3) / 8])
    assert twin.shares(1) == pytest.approx([0.7, 0.3])


def test_fading_is_exponential():
    ring = ring_reach(2, 2, 5, np.inf, 0.0, np.random.default_rng(1))
    trace = DriftingDemand(items=20, load=(1.0, 1.0)).draw(ring, 60, 1)
    fading = counted(trace, 5.0, 10.0)
    age = len(trace) - 1 - np.arange(len(trace))
    for station in range(2):
        mine = trace.first == station
        weight = np.exp(-age[mine] / 20.0)
        wanted = np.bincount(trace.item[mine], weight, 20)
        np.testing.assert_allclose(fading.count[station] / fading._gain, wanted, rtol=1e-9)


def test_what_nobody_asked_for_keeps_its_share():
    """The prior does not fade: long after, an item that was never seen is still possible."""
    ring = ring_reach(2, 2, 5, np.inf, 0.0, np.random.default_rng(1))
    trace = DriftingDemand(items=20, load=(1.0, 1.0), bursts=NO_BURSTS).draw(ring, 4000, 1)
    twin = CountTwin(2, 21, strength=5.0, span=50.0)
    for row in range(len(trace)):
        twin.observe(trace, row)
    # 100 requests of both stations count on average, and half of one for each of 21 items.
    prior = 0.5 / (100 + 10.5)
    expected = 5.0 * prior / (twin.seen[0] / twin._gain + 5.0)
    assert twin.shares(0)[20] == pytest.approx(expected, rel=0.01)


def test_forecasts_beat_no_knowledge_and_single_stations(history):
    fitted = fit_counts(history)
    own = loss_of(history, fitted.strength, fitted.span, 500)
    alone = loss_of(history, 1e-3, np.inf, 500)
    assert own < np.log(200) - 0.2, "better than all items alike"
    assert own < alone, "other stations tell something"


@pytest.mark.parametrize("exponent", [0.5, 0.8, 1.1])
def test_exponent_of_each_station(exponent):
    """Ranked by station; pooled ranks would flatten it."""
    rng = np.random.default_rng(1)
    counts = np.stack([rng.multinomial(20_000, rng.permutation(zipf(300, exponent)))] * 3)
    assert fit_exponent(counts) == pytest.approx(exponent, abs=0.05)
    with pytest.raises(ShapeError, match="no item"):
        fit_exponent(np.zeros(5))


def test_drawn_traces_follow_the_twin(history):
    twin = fit_counts(history)
    still = GeneratorSettings(drift=0.0, bursts=NO_BURSTS)
    made = generate_requests(twin, history, 30_000, 1, still)
    for station in range(5):
        mine = made.first == station
        expected = twin.shares(station) * mine.sum()
        often = expected > 5
        counts = np.bincount(made.item[mine], minlength=200)
        observed = np.append(counts[often], counts[~often].sum())
        wanted = np.append(expected[often], expected[~often].sum())
        keep = wanted > 0
        assert chisquare(observed[keep], wanted[keep]).pvalue > 1e-3
    assert generate_requests(twin, history, 99, 5, still).hash == (
        generate_requests(twin, history, 99, 5, still).hash
    )


def test_wrong_twins_are_wrong_as_asked(history):
    twin = fit_counts(history)
    for error in (-0.3, 0.3):
        made = generate_requests(twin, history, 20_000, 1, GeneratorSettings(error, 0.0))
        right = generate_requests(twin, history, 20_000, 1, GeneratorSettings(0.0, 0.0))
        tables = [
            np.stack([np.bincount(t.item[t.first == s], minlength=200) for s in range(5)])
            for t in (made, right)
        ]
        found, true = (fit_exponent(table) for table in tables)
        assert np.sign(found - true) == np.sign(error)


def test_bursts_are_drawn(history):
    twin = fit_counts(history)
    made = generate_requests(twin, history, 20_000, 1, GeneratorSettings())
    assert 0.02 < made.burst.mean() < 0.2


def test_impossible_twins(history):
    with pytest.raises(OutOfRangeError, match="no requests"):
        fit_counts(history.part(0, 0))
    with pytest.raises(OutOfRangeError, match="strength is 0"):
        CountTwin(1, 1, strength=0.0)
