"""Exact references: value iteration, knapsack, bound and index."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.deployment.drift.exact import Deployment, knapsack, policy_value, value_iteration
from rtwin.deployment.drift.policies import POLICIES, index
from rtwin.deployment.drift.regions import LEVELS, MAPPINGS, STATES, Region, drawn_regions, step
from rtwin.deployment.drift.simulate import simulate
from rtwin.errors import OutOfRangeError, ShapeError


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda m: m.name)
def test_transitions_are_chances_and_mappings_help(mapping):
    region = Region()
    moves = region.transition(mapping)
    np.testing.assert_allclose(moves.sum(axis=1), 1)
    assert (moves >= 0).all()
    assert (moves @ region.loss() <= region.transition(MAPPINGS[0]) @ region.loss() + 1e-12).all()
    assert mapping.after(np.array([0])) == 0


def test_draws_follow_the_chances():
    regions, rng = (Region(), Region(weight=2, grows=0.4)), np.random.default_rng(1)
    state = np.full((20_000, 2), 3 + LEVELS)
    plan = Deployment(regions, MAPPINGS, budget=1)
    after = step(plan.cumulated, state, np.ones_like(state), rng)
    for i, region in enumerate(regions):
        share = np.bincount(after[:, i], minlength=STATES) / len(state)
        np.testing.assert_allclose(share, region.transition(MAPPINGS[1])[3 + LEVELS], atol=0.015)


@given(st.integers(0, 2**31), st.floats(0, 2), st.floats(0.1, 0.97))
def test_value_iteration_solves_its_own_policy(seed, price, discount):
    (region,) = drawn_regions(1, seed)
    chances = np.array([region.transition(m) for m in MAPPINGS])
    cost = price * np.array([m.units[0] for m in MAPPINGS])
    value, q = value_iteration(chances, region.loss(), cost, discount)
    best = policy_value(chances, region.loss(), cost, discount, q.argmin(axis=1))
    np.testing.assert_allclose(value, best, atol=1e-6)
    other = np.random.default_rng(seed).integers(0, len(MAPPINGS), STATES)
    assert (policy_value(chances, region.loss(), cost, discount, other) >= value - 1e-6).all()


@given(st.integers(0, 2**31), st.integers(0, 7))
def test_knapsack_is_the_best_of_all_combinations(seed, budget):
    rng = np.random.default_rng(seed)
    gains, units = rng.normal(size=(4, 3)), np.array([0, 1, 4])
    found = knapsack(gains, units, budget)
    assert units[found].sum() <= budget
    best = max(
        sum(gains[i, c] for i, c in enumerate(choice))
        for choice in product(range(3), repeat=4)
        if units[list(choice)].sum() <= budget
    )
    assert gains[np.arange(4), found].sum() == pytest.approx(best)


def test_one_region_with_plenty_is_value_iteration():
    region = Region(weight=1.5)
    plan = Deployment((region,), MAPPINGS, budget=4)
    chances = np.array([region.transition(m) for m in MAPPINGS])
    value, q = value_iteration(chances, region.loss(), np.zeros(3), plan.discount)
    for state in range(STATES):
        chosen = index(plan, np.array([state]), 0, np.random.default_rng(0))[0]
        assert q[state, chosen] == pytest.approx(q[state].min())
    bound, price = plan.bound()
    assert price == pytest.approx(0, abs=1e-3)
    assert bound == pytest.approx(value[0], abs=1e-3)


def test_no_policy_beats_the_bound_or_breaks_the_budget():
    plan = Deployment(drawn_regions(5, 3), MAPPINGS, budget=3)
    bound, price = plan.bound()
    assert price > 0
    for name, policy in POLICIES.items():
        runs = simulate(plan, policy, runs=30, slots=120, seed=2)
        assert (runs.units.max(axis=1) <= plan.budget).all(), name
        mean, deviation = runs.loss.mean(), runs.loss.std(ddof=1) / np.sqrt(30)
        assert mean > bound - 3 * deviation, name


def test_what_cannot_be_is_refused():
    with pytest.raises(OutOfRangeError, match="discount is 1"):
        value_iteration(np.ones((1, 1, 1)), np.ones(1), np.zeros(1), 1.0)
    with pytest.raises(ShapeError):
        knapsack(np.zeros((1, 2)), np.array([1, 2]), 3)
    with pytest.raises(ShapeError):
        knapsack(np.zeros((1, 2)), np.array([0, -1]), 3)
    with pytest.raises(ShapeError):
        knapsack(np.zeros((1, 2)), np.array([0, 1]), -1)
    with pytest.raises(OutOfRangeError):
        Region(grows=1.2)
    with pytest.raises(OutOfRangeError):
        drawn_regions(0)


def test_a_slot_of_a_region_by_hand():
    """State: level + LEVELS * busy. Quiet, the level rises by one, busy by two, and ends there."""
    region = Region(2.0, grows=0.1, grows_busy=0.6, becomes_busy=0.3, becomes_quiet=0.2)
    one, quiet, busy = 1, LEVELS - 1, STATES - 1
    assert region.loss()[[0, one, quiet, LEVELS, busy]] == pytest.approx(
        [0.0, 2 / (LEVELS - 1), 2.0, 0.0, 2.0]
    )
    stays = region.transition(MAPPINGS[0])
    assert stays.sum(axis=1) == pytest.approx(np.ones(STATES))
    assert stays[0, [0, 1, LEVELS, LEVELS + 1]] == pytest.approx([0.63, 0.07, 0.27, 0.03])
    assert stays[LEVELS, [0, 2, LEVELS, LEVELS + 2]] == pytest.approx([0.08, 0.12, 0.32, 0.48])
    assert stays[quiet, [quiet, busy]] == pytest.approx([0.7, 0.3])
    assert stays[busy, [quiet, busy]] == pytest.approx([0.2, 0.8])
    rebuilt = region.transition(MAPPINGS[2])
    assert rebuilt[quiet] == pytest.approx(stays[0])
    updated = region.transition(MAPPINGS[1])
    assert updated[quiet] == pytest.approx(stays[max(quiet - 3, 1)])


def test_drawn_regions_are_within_what_is_said():
    regions = drawn_regions(400, 3)
    for name, low, high in (("weight", 0.3, 2.0), ("grows", 0.05, 0.3), ("grows_busy", 0.5, 0.9)):
        values = np.array([getattr(region, name) for region in regions])
        assert low <= values.min() < low + 0.03 * (high - low)
        assert high >= values.max() > high - 0.03 * (high - low)
    assert regions[:5] != drawn_regions(5, 4)
    with pytest.raises(OutOfRangeError, match="number is 0, it must be 1 or more"):
        drawn_regions(0)
