"""Queues and schedulers: conservation, closed forms, and a plain packet-by-packet algorithm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.experiments.network.cells import Queues

SLOT_S = 1e-3


def serve(queues, arrivals, prb, bits, group=None, blocked=None):
    arrivals = np.asarray(arrivals, np.float64)
    group = np.zeros(arrivals.shape[1], np.int64) if group is None else np.asarray(group)
    return queues.serve(
        arrivals, group, np.asarray(prb, np.float64), np.asarray(bits, np.float64), blocked
    )


def test_an_unloaded_queue_takes_one_slot():
    found = serve(Queues(np.array([5]), SLOT_S), np.full((50, 1), 100.0), [10], [20])
    assert found.served_bits[0] == 5000
    assert found.dropped_bits[0] == 0
    assert found.delay_bits[0, 0] == 5000
    # 100 bits are 5 blocks of 20.
    assert found.used_prb[0] == 5 * 50


def test_groups_lend_what_they_leave_within_their_cell():
    """Two cells of two groups: one is idle, one overloaded; the other cell has nothing to give."""
    group, prb, bits = [0, 1, 2, 3], [6, 4, 5, 5], [10, 10, 10, 10]
    arrivals = np.tile([20.0, 90.0, 80.0, 80.0], (200, 1))
    alone = serve(Queues(np.full(4, 1), SLOT_S), arrivals, prb, bits, group)
    np.testing.assert_array_equal(alone.served_bits / 200, [20, 40, 50, 50])
    lent = serve(Queues(np.full(4, 1), SLOT_S, lenders=2), arrivals, prb, bits, group)
    # The first group needs 2 of its 6 blocks; 4 more serve the second.
    np.testing.assert_array_equal(lent.served_bits / 200, [20, 80, 50, 50])
    np.testing.assert_array_equal(lent.used_prb / 200, [2, 8, 5, 5])
    np.testing.assert_array_equal(lent.ue_granted_prb / 200, [2, 8, 5, 5])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_lending_hands_out_no_block_twice_and_serves_no_less(seed):
    rng = np.random.default_rng(seed)
    num_ues, group = 12, rng.integers(0, 6, 12)
    prb, bits = rng.integers(0, 8, 6), rng.integers(0, 30, num_ues)
    arrivals = rng.integers(0, 60, (40, num_ues))
    found = {
        lenders: serve(
            Queues(np.full(num_ues, 4), SLOT_S, lenders=lenders), arrivals, prb, bits, group
        )
        for lenders in (1, 3)
    }
    cells = found[3].used_prb.reshape(2, 3).sum(axis=1)
    assert (cells <= 40 * prb.reshape(2, 3).sum(axis=1)).all()
    assert found[3].used_prb.sum() >= found[1].used_prb.sum() - 1e-9
    assert (found[3].served_bits + found[3].dropped_bits <= found[3].arrived_bits + 1e-9).all()


def test_an_overloaded_queue_drops_the_rest_and_waits_its_budget():
    queues = Queues(np.array([5]), SLOT_S)
    serve(queues, np.full((100, 1), 150.0), [10], [10])  # until it is full
    found = serve(queues, np.full((1000, 1), 150.0), [10], [10])
    assert found.served_bits[0] == 100 * 1000
    assert found.dropped_bits[0] == pytest.approx(50 * 1000)
    # Everything that leaves has waited for its whole budget.
    assert found.delay_bits[0, 4] == found.served_bits[0]


def test_a_burst_is_served_over_the_slots_that_it_needs():
    arrivals = np.zeros((20, 1))
    arrivals[3] = 250
    found = serve(Queues(np.array([4]), SLOT_S), arrivals, [10], [10])
    np.testing.assert_array_equal(found.delay_bits[0], [100, 100, 50, 0])
    arrivals[3] = 450
    found = serve(Queues(np.array([4]), SLOT_S), arrivals, [10], [10])
    np.testing.assert_array_equal(found.delay_bits[0], [100, 100, 100, 100])
    assert found.dropped_bits[0] == 50


def test_round_robin_takes_turns_and_pf_evens_out_shares():
    bits = [10, 40]
    for scheduler in ("rr", "pf"):
        queues = Queues(np.array([50, 50]), SLOT_S, scheduler)
        found = serve(queues, np.full((4000, 2), 1000.0), [7], bits)
        # Full buffers: both serve equal shares of time, so rates are as the channels.
        assert found.served_bits[1] / found.served_bits[0] == pytest.approx(4.0, rel=0.02)
        assert found.used_prb[0] == 7 * 4000


def test_pf_rides_on_good_moments():
    """With fading channels that take turns PF serves who is good; round robin cannot."""
    totals = {}
    for scheduler in ("rr", "pf"):
        queues = Queues(np.array([50, 50]), SLOT_S, scheduler)
        total = 0.0
        for block in range(400):
            good = block % 2
            bits = np.where(np.arange(2) == good, 40.0, 10.0)
            total += serve(queues, np.full((5, 2), 1000.0), [7], bits).served_bits.sum()
        totals[scheduler] = total
    assert totals["pf"] > 1.4 * totals["rr"]


def test_groups_do_not_touch_each_other():
    arrivals = np.full((200, 4), 60.0)
    group, budget = np.array([0, 1, 0, 2]), np.full(4, 10)
    together = serve(Queues(budget, SLOT_S), arrivals, [6, 3, 0], [10] * 4, group)
    alone = serve(Queues(budget[[0, 2]], SLOT_S), arrivals[:, [0, 2]], [6], [10] * 2)
    np.testing.assert_array_equal(together.served_bits[[0, 2]], alone.served_bits)
    assert together.served_bits[1] == 30 * 200
    assert together.served_bits[3] == 0
    np.testing.assert_array_equal(together.used_prb, [6 * 200, 3 * 200, 0])


def test_nobody_serves_a_user_without_a_cell_or_a_channel():
    arrivals = np.full((100, 3), 10.0)
    group = np.array([-1, 0, 0])
    found = serve(Queues(np.full(3, 5), SLOT_S), arrivals, [10], [10, 0, 10], group)
    np.testing.assert_array_equal(found.served_bits, [0, 0, 1000])
    np.testing.assert_array_equal(found.dropped_bits, [960, 960, 0])
    assert found.used_prb[0] == 100


def test_a_blocked_user_waits():
    arrivals = np.zeros((20, 2))
    arrivals[0] = 10
    found = serve(
        Queues(np.full(2, 20), SLOT_S), arrivals, [10], [10, 10], blocked=np.array([0, 7])
    )
    assert found.delay_bits[0, 0] == 10
    assert found.delay_bits[0, 7] == 10


def plainly(arrivals, prb, bits, budget, scheduler):
    """One group, one packet of the queue at a time; averages and turns as documented."""
    num_slots, num_ues = arrivals.shape
    queues = [[] for _ in range(num_ues)]  # [slot of arrival, bits left]
    average, idle = np.ones(num_ues), np.zeros(num_ues)
    keep = 1.0 - SLOT_S / 0.1
    served, dropped = np.zeros(num_ues), np.zeros(num_ues)
    delays = np.zeros(budget)
    for slot in range(num_slots):
        for ue in range(num_ues):
            if arrivals[slot, ue]:
                queues[ue].append([slot, arrivals[slot, ue]])
        rank = average / (average + bits) if scheduler == "pf" else idle
        left = prb
        given = np.zeros(num_ues)
        sent = np.zeros(num_ues)
        for ue in np.argsort(rank, kind="stable"):
            waiting = sum(packet[1] for packet in queues[ue])
            given[ue] = min(left, np.ceil(waiting / bits[ue]))
            left -= given[ue]
            sent[ue] = min(waiting, given[ue] * bits[ue])
            rest, last = sent[ue], 0
            while rest > 0:
                taken = min(rest, queues[ue][0][1])
                queues[ue][0][1] -= taken
                rest -= taken
                last = queues[ue][0][0]
                if queues[ue][0][1] == 0:
                    queues[ue].pop(0)
            if sent[ue]:
                delays[slot - last] += sent[ue]
            while queues[ue] and queues[ue][0][0] <= slot - budget + 1:
                dropped[ue] += queues[ue].pop(0)[1]
        served += sent
        average = np.maximum(average * keep + (1 - keep) * sent, 0)
        idle = np.where(given > 0, 1.0, idle * 0.999)
    return served, dropped, delays


@given(st.integers(0, 2**32 - 1), st.sampled_from(["pf", "rr"]), st.integers(1, 12))
@settings(max_examples=40)
def test_a_plain_algorithm_agrees(seed, scheduler, budget):
    rng = np.random.default_rng(seed)
    arrivals = np.where(rng.random((60, 4)) < 0.3, rng.integers(1, 400, (60, 4)), 0)
    arrivals = arrivals.astype(np.float64)
    bits = rng.integers(5, 60, 4).astype(np.float64)
    queues = Queues(np.full(4, budget), SLOT_S, scheduler)
    # One piece: between pieces averages have a floor.
    found = serve(queues, arrivals, [6], bits)
    served, dropped, delays = plainly(arrivals, 6, bits, budget, scheduler)
    np.testing.assert_array_equal(found.served_bits, served)
    np.testing.assert_array_equal(found.dropped_bits, dropped)
    np.testing.assert_array_equal(found.delay_bits[0], delays)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
@settings(max_examples=30)
def test_no_bit_is_lost_or_made(seed, pieces):
    rng = np.random.default_rng(seed)
    budget = rng.integers(1, 30, 6)
    queues = Queues(budget, SLOT_S)
    balance = np.zeros(6)
    for _ in range(pieces):
        arrivals = rng.integers(0, 200, (25, 6)).astype(np.float64)
        prb = rng.integers(0, 12, 3).astype(np.float64)
        found = serve(queues, arrivals, prb, rng.integers(0, 50, 6), rng.integers(-1, 3, 6))
        balance += found.arrived_bits - found.served_bits - found.dropped_bits
        assert (found.used_prb <= 25 * prb).all()
        assert (found.dropped_bits >= 0).all()
        np.testing.assert_array_equal(balance, queues.backlog_bits)


def test_pieces_are_one_run():
    rng = np.random.default_rng(5)
    arrivals = rng.integers(0, 90, (60, 3)).astype(np.float64)
    whole = serve(Queues(np.full(3, 8), SLOT_S, "rr"), arrivals, [5], [9, 14, 20])
    queues = Queues(np.full(3, 8), SLOT_S, "rr")
    parts = [serve(queues, arrivals[i : i + 20], [5], [9, 14, 20]) for i in range(0, 60, 20)]
    for name in ("served_bits", "dropped_bits", "used_prb", "delay_bits"):
        np.testing.assert_array_equal(sum(getattr(p, name) for p in parts), getattr(whole, name))
