"""Reservation: dynamic programme, envelope, branch and bound and heuristics, side by side."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.streaming.decision import (
    CellProblem,
    Quality,
    hull,
    reserve_convex,
    reserve_exact,
    reserve_heuristic,
    reserve_milp,
    worth_of,
)

TWO = Quality((1.0, 3.0))


def problem(seed, groups=3, blocks=6, price=0.02, versions=2, cycles=False):
    rng = np.random.default_rng(seed)
    need = rng.uniform(0.5, 3.0, groups)[:, None] * np.array([1.0, 3.0, 6.0, 9.0])[:versions]
    cost = rng.uniform(1, 4, (groups, versions)) if cycles else None
    return CellProblem(need, rng.uniform(0.1, 1.0, groups), blocks, price, cost)


def every(cell, quality, max_cycles=None):
    """All blocks and versions, one by one."""
    groups, versions = cell.need_prb.shape
    for blocks in product(range(cell.num_prb + 1), repeat=groups):
        if sum(blocks) > cell.num_prb:
            continue
        for chosen in product(range(versions), repeat=groups):
            prb, version = np.array(blocks), np.array(chosen)
            if max_cycles is not None:
                used = cell.cycles[np.arange(groups), version] * (prb > 0)
                if used.sum() > max_cycles:
                    continue
            yield worth_of(cell, quality, prb, version)


@pytest.mark.parametrize("seed", range(8))
def test_exact_is_brute_force(seed):
    cell = problem(seed)
    found = reserve_exact(cell, TWO)
    assert found.value == pytest.approx(max(every(cell, TWO)))
    assert worth_of(cell, TWO, found.prb, found.version) == pytest.approx(found.value)
    assert found.prb.sum() <= cell.num_prb


@pytest.mark.parametrize("seed", range(4))
def test_exact_with_cycles_is_brute_force(seed):
    # Cycles of whole steps, so that rounding takes nothing away.
    cell = problem(seed, cycles=True)
    cell = CellProblem(cell.need_prb, cell.weight, 6, 0.0, np.ceil(cell.cycles))
    for limit in (3, 5, 20):
        found = reserve_exact(cell, TWO, float(limit), steps=limit)
        assert found.value == pytest.approx(max(every(cell, TWO, limit)))
        used = cell.cycles[np.arange(3), found.version] * (found.prb > 0)
        assert used.sum() <= limit
        assert found.prb.sum() <= 6
        # What is reserved is worth what is said: groups and versions come back as they were chosen.
        assert worth_of(cell, TWO, found.prb, found.version) == pytest.approx(found.value)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 30))
@settings(max_examples=15, deadline=None)
def test_envelope_is_above_exact_above_rounded(seed, groups, blocks):
    pytest.importorskip("cvxpy")
    cell = problem(seed, groups, blocks, 0.01, 4)
    quality = Quality()
    exact = reserve_exact(cell, quality).value
    rounded, bound = reserve_convex(cell, quality)
    assert bound >= exact - 1e-6
    assert exact >= rounded.value - 1e-9
    assert rounded.value >= -1e-9
    assert rounded.prb.sum() <= blocks


@pytest.mark.parametrize("seed", range(5))
def test_branch_and_bound_has_the_same_optimum(seed):
    cell, quality = problem(seed, 5, 24, 0.005, 4), Quality()
    assert reserve_milp(cell, quality).value == pytest.approx(reserve_exact(cell, quality).value)


def test_more_blocks_never_lower_the_value():
    quality = Quality()
    values = [reserve_exact(problem(1, 4, n, 0.01, 4), quality).value for n in range(0, 40, 3)]
    assert (np.diff(values) >= -1e-12).all()
    assert values[0] == 0.0


def test_order_of_groups_does_not_matter():
    cell, quality = problem(2, 5, 20, 0.01, 4), Quality()
    order = np.array([3, 1, 4, 0, 2])
    other = CellProblem(cell.need_prb[order], cell.weight[order], 20, 0.01)
    assert reserve_exact(other, quality).value == pytest.approx(reserve_exact(cell, quality).value)


def test_heuristics_never_beat_exact():
    quality = Quality()
    for seed in range(10):
        cell = problem(seed, 5, 20, 0.01, 4)
        exact = reserve_exact(cell, quality).value
        for share in (np.ones(5), cell.weight):
            found = reserve_heuristic(cell, quality, share)
            assert found.value <= exact + 1e-12
            assert found.prb.sum() <= 20


def test_the_highest_version_that_fits_is_taken():
    cell = CellProblem(np.array([[2.0, 4.0, 8.0]]), np.ones(1), 20, 0.0)
    quality = Quality((1.0, 2.0, 4.0))
    for blocks, version in ((1, 0), (2, 0), (5, 1), (8, 2)):
        found = reserve_heuristic(cell, quality, np.array([float(blocks)]), fill=False)
        assert (found.prb[0], found.version[0]) == (blocks, version)


def test_groups_without_a_channel_get_nothing():
    cell = CellProblem(np.array([[np.inf] * 4, [1.0, 2.0, 3.0, 4.0]]), np.ones(2), 10, 0.01)
    found = reserve_exact(cell, Quality())
    assert (found.prb[0], found.version[0]) == (0, 0)
    assert found.prb[1] > 0


def test_hull_of_values():
    assert hull(np.array([0.0, 0.1, 1.0, 1.1])).tolist() == [0, 2, 3]
    assert hull(np.array([0.0, 1.0, 1.5])).tolist() == [0, 1, 2]


def test_what_is_impossible_is_said():
    with pytest.raises(ShapeError, match="must be"):
        CellProblem(np.ones((2, 2)), np.ones(3), 4, 0.0)
    with pytest.raises(OutOfRangeError, match="-1 blocks"):
        CellProblem(np.ones((2, 2)), np.ones(2), -1, 0.0)
