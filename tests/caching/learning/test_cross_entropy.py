"""The cross-entropy method finds what is known to be best, and keeps to a constraint."""

import numpy as np
import pytest

from rtwin.caching.caches import ALL, LRU, NONE, Network, Reliability, hit_first, run
from rtwin.caching.learning import Constraint, Plan, learn, learn_each, overload_shares
from rtwin.caching.twin import CountTwin
from rtwin.errors import OutOfRangeError

SMALL = Plan(rounds=4, candidates=8, elite=3, seed=1)


def test_it_beats_lru_under_zipf(independent):
    """Independent requests: counts are all that matters, recency is noise."""
    found = learn([independent(2500, 300, 1.0)], 20, plan=SMALL)
    fresh = independent(6000, 300, 1.0, seed=9)
    out = run(Network([LRU, found.policy], 1, 300, 20), fresh)
    assert out.hit[2000:, 1].mean() > out.hit[2000:, 0].mean() + 0.05


def test_the_same_seed_is_the_same_policy(independent):
    trace = independent(600, 100)
    one, two = (learn([trace], 10, plan=SMALL) for _ in range(2))
    assert one.policy.tolist() == two.policy.tolist()
    assert one.requests == 4 * 8 * 600


def test_weights_that_change_nothing_stay_zero(independent):
    found = learn([independent(400, 100)], 10, plan=SMALL)
    assert found.policy[[4, 6]].tolist() == [0.0, 0.0]
    twin = learn(
        [independent(400, 100)], 10, plan=SMALL, make_forecaster=lambda trace: CountTwin(1, 100)
    )
    assert twin.policy[4] != 0


def test_a_multiplier_rises_while_a_station_is_overloaded(independent):
    """Nothing helps a station whose clients hear no other one: its price rises every round."""
    state = Reliability(state=True)
    alone = independent(800, 100, num_stations=4, two=0.1, load=(9, 1, 1, 1))
    found = learn(
        [alone], 10, reliability=state, constraint=Constraint(0.05), plan=Plan(rounds=4, seed=1)
    )
    assert (np.diff(found.multiplier[:, 0], prepend=0.0) > 0).all()
    assert found.multiplier[:, 1:].max() < found.multiplier[0, 0]


def test_a_constraint_is_kept_where_it_can_be(independent):
    trace = independent(2500, 100, num_stations=4, two=0.7, load=(4, 1, 1, 1))
    state = Reliability(state=True)
    found = learn(
        [trace], 10, reliability=state, constraint=Constraint(0.05), plan=Plan(rounds=4, seed=1)
    )
    rows = slice(600, None)
    free = run(Network(LRU, 4, 100, 10, router=hit_first), trace)
    bound = run(Network(found.policy, 4, 100, 10, reliability=state), trace)
    shares = [overload_shares(out, 4, state, rows)[0, 0] for out in (free, bound)]
    assert shares[1] < 0.7 * shares[0]


def test_choices_are_learned_together_as_alone(independent):
    """One pass for several choices of modules finds what one pass for each finds."""
    trace = independent(500, 100, num_stations=3, two=0.6, load=(4, 1, 1))
    switched = [(NONE, None), (ALL, Constraint(0.05)), (Reliability(state=True), None)]
    together = learn_each([trace], 10, switched, plan=SMALL)
    for (reliability, constraint), found in zip(switched, together, strict=True):
        alone = learn([trace], 10, reliability=reliability, constraint=constraint, plan=SMALL)
        assert alone.policy.tolist() == found.policy.tolist()
        assert alone.multiplier.tolist() == found.multiplier.tolist()


def test_prices_of_module_three_count(independent):
    trace = independent(1500, 100, num_stations=4, two=0.7, load=(4, 1, 1, 1))
    for reliability in (NONE, ALL):
        assert len(learn([trace], 10, reliability=reliability, plan=SMALL).value) == 4


def test_impossible_plans(independent):
    with pytest.raises(OutOfRangeError, match="nothing to learn from"):
        learn([], 10)
    with pytest.raises(OutOfRangeError, match="5 of 3 candidates"):
        Plan(candidates=3, elite=5)
    with pytest.raises(OutOfRangeError, match="share is 2"):
        Constraint(share=2.0)
