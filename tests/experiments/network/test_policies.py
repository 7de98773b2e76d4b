"""Policies: closed forms of demand, whole blocks, and the optimum by a bisection of our own."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import OutOfRangeError
from rtwin.experiments import (
    NetworkView,
    Optimised,
    ProportionalToDemand,
    Service,
    Slice,
    StaticShares,
    demand_prb,
    whole_blocks,
)

# 2 Mbit/s on average, 10 Mbit/s within its budget.
VIDEO = Service("video", 20_000.0, 0.010, True, 0.0, 0.002, 0.99)
SMOOTH = Service("smooth", 1000.0, 0.001, True, 0.0, 0.001, 0.99)


def view_of(slices, cell, bits, backlog=0.0, num_cells=2):
    counts = [s.num_ues for s in slices]
    ue_slice = np.repeat(np.arange(len(slices)), counts)
    return NetworkView(
        num_prb=100,
        slot_s=1e-3,
        epoch_s=0.1,
        slices=tuple(slices),
        ue_slice=ue_slice,
        cell=np.asarray(cell),
        bits_per_prb=np.broadcast_to(bits, len(ue_slice)).astype(float),
        backlog_bits=np.broadcast_to(backlog, len(ue_slice)).astype(float),
        num_cells=num_cells,
    )


def test_one_user_needs_its_peak_and_many_their_mean():
    one = demand_prb(view_of([Slice(VIDEO, 1)], [0], 500.0))
    assert one[0, 0] == pytest.approx(10e6 * 1e-3 / 500)
    assert one[1, 0] == 0
    many = demand_prb(view_of([Slice(VIDEO, 400)], [0] * 400, 500.0))
    mean, peak = 2e6 * 1e-3 / 500, 10e6 * 1e-3 / 500
    wanted = 400 * mean + 3 * np.sqrt(400 * mean * (peak - mean))
    assert many[0, 0] == pytest.approx(wanted)
    # Nobody ever needs more than all peaks at once.
    two = demand_prb(view_of([Slice(VIDEO, 2)], [0, 0], 500.0))
    assert peak < two[0, 0] <= 2 * peak


def test_bursts_take_whole_blocks():
    coarse = demand_prb(view_of([Slice(SMOOTH, 1)], [0], 700.0))
    assert coarse[0, 0] == pytest.approx(2.0)  # 1000 bits in blocks of 700, every millisecond


def test_what_waits_counts_on_top():
    calm = demand_prb(view_of([Slice(SMOOTH, 1)], [0], 500.0))
    busy = demand_prb(view_of([Slice(SMOOTH, 1)], [0], 500.0, backlog=101_000.0))
    # 100 kbit beyond the usual, within an epoch of 100 ms: a megabit a second.
    assert busy[0, 0] - calm[0, 0] == pytest.approx(1e6 * 1e-3 / 500)


def test_lost_and_hopeless_users():
    slices = [Slice(SMOOTH, 3)]
    lost = demand_prb(view_of(slices, [0, 0, -1], [500.0, 500.0, 0.0]))
    np.testing.assert_allclose(lost, [[5.0], [1.0]])  # half of its two blocks in each cell
    hopeless = demand_prb(view_of(slices, [0, 0, 1], [500.0, 500.0, 5.0]))
    np.testing.assert_allclose(hopeless, [[4.0], [0.0]])
    nobody = demand_prb(view_of(slices, [-1, -1, -1], 0.0))
    np.testing.assert_array_equal(nobody, 0.0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_whole_blocks_fit_and_stay_close(seed, num_prb):
    blocks = np.random.default_rng(seed).exponential(num_prb / 3, (3, 4))
    whole = whole_blocks(blocks, num_prb)
    total = blocks.sum(axis=1)
    assert whole.sum(axis=1).tolist() == np.minimum(np.ceil(total - 0.01), num_prb).tolist()
    scaled = blocks * np.minimum(1, num_prb / total)[:, None]
    assert (np.abs(whole - scaled) <= 1 + 1e-9).all()


def test_static_shares():
    slices = [Slice(VIDEO, 3), Slice(SMOOTH, 2)]
    view = view_of(slices, [0] * 5, 500.0)
    np.testing.assert_array_equal(StaticShares()(view), [[75, 25]] * 2)
    np.testing.assert_array_equal(StaticShares((0.2, 0.3))(view), [[20, 30]] * 2)
    np.testing.assert_array_equal(StaticShares((3.0, 1.0))(view), [[75, 25]] * 2)
    tiny = [Slice(VIDEO, 500), Slice(Service("t", 8.0, 1.0, True, 0.0, 1.0, 0.9), 1)]
    assert StaticShares()(view_of(tiny, [0] * 501, 500.0)).min() == 1
    with pytest.raises(OutOfRangeError, match="there must be 2 of them"):
        StaticShares((1.0,))(view)


def test_proportional_gives_everything_away():
    slices = [Slice(SMOOTH, 2), Slice(SMOOTH, 1)]
    blocks = ProportionalToDemand()(view_of(slices, [0, 1, 0], [500.0, 500.0, 250.0]))
    np.testing.assert_array_equal(blocks, [[33, 67], [100, 0]])
    even = ProportionalToDemand()(view_of(slices, [-1, -1, -1], 0.0))
    np.testing.assert_array_equal(even, [[50, 50]] * 2)


def bisected(needed, weight, price):
    """The optimum of one cell: where all slices have the same marginal gain."""

    def shares(level):
        # 2 w / d (1 - n / d) = level
        return np.maximum(needed * (1 - level * needed / (2 * weight)), 0.0)

    if shares(price).sum() <= 1:
        return shares(price)
    low, high = price, 1e6
    for _ in range(200):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if shares(middle).sum() > 1 else (low, middle)
    return shares(high)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_optimum_is_where_marginal_gains_are_equal(seed):
    pytest.importorskip("cvxpy")
    rng = np.random.default_rng(seed)
    needed, weight = rng.uniform(0.05, 0.8, (2, 3)), rng.uniform(0.3, 2.0, (2, 3))
    found = OPTIMISED.solve(needed, weight)
    for cell in range(2):
        wanted = bisected(needed[cell], weight[cell], OPTIMISED.price)
        np.testing.assert_allclose(found[cell], wanted, atol=2e-4)
    assert (found.sum(axis=1) <= 1 + 1e-6).all()


OPTIMISED = Optimised(price=0.05)


def test_optimised_reserves_no_more_than_is_needed():
    pytest.importorskip("cvxpy")
    view = view_of([Slice(SMOOTH, 2), Slice(SMOOTH, 2)], [0, 1, 0, 0], 500.0)
    blocks = Optimised(price=1e-6, margin=1.0)(view)
    np.testing.assert_array_equal(blocks, [[2, 4], [2, 0]])
    heavy = replace(view, bits_per_prb=np.full(4, 16.0))
    blocks = Optimised()(heavy)
    assert blocks[0].sum() == 100
    assert blocks[0, 1] > blocks[0, 0] > 0
