"""The closed loop on channels without a ray tracer."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.decision import Decision, Quality, search
from rtwin.streaming.loop import Belief, ClosedLoop, World, bits_of_block, multicast_trace
from rtwin.streaming.twins import Store, UserTwin

from ..conftest import BLOCK_BITS, walking_trace


@pytest.fixture(scope="module")
def world(trace, catalogue, crowd):
    return World(trace, catalogue, crowd, 30.0, 1)


def unicast(world, prb, version=0):
    cell = world.cell(0)
    num = len(cell)
    blocks, needs = np.full(num, prb), np.full(num, 30.0)
    taste, nothing = world.population.taste, (0.0, 0.0, 0.0, 0.0)
    versions = np.full(num, version)
    return Decision(np.arange(num), cell, taste, versions, blocks, needs, np.ones(num), *nothing)


def test_bits_are_those_of_the_cell(trace):
    cell = np.array([0, 1] * 8)
    bits = bits_of_block(trace, cell, slice(4, 9))
    wanted = trace.spectral_efficiency[4:9, np.arange(16), cell] * BLOCK_BITS
    assert bits == pytest.approx(wanted)
    less = bits_of_block(trace, cell, slice(4, 9), error_db=6.0)
    assert less.mean() < bits.mean()
    assert (bits_of_block(trace, np.full(16, -1), slice(0, 2)) == 0).all()


def test_a_group_has_the_channel_of_its_worst_member(trace):
    group = np.array([0] * 5 + [1] * 10 + [-1])
    cell = np.array([1, 0])
    made = multicast_trace(trace, slice(10, 40), group, cell)
    for number, members in ((0, range(5)), (1, range(5, 15))):
        worst = trace.rate_mbps[10:40, list(members), cell[number]].min(axis=1)
        assert made.of_serving("rate_mbps")[:, number] == pytest.approx(worst)
    assert made.num_ues == 2
    assert not made.handover.any()


def test_a_group_of_one_is_the_user(trace):
    made = multicast_trace(trace, slice(0, 5), np.arange(16), trace.serving_tx[0].astype(int))
    own = np.take_along_axis(trace.sinr_db[:5], trace.serving_tx[:1][..., None].astype(int), 2)
    assert np.array_equal(made.of_serving("sinr_db"), own[..., 0])


def test_ratio_is_what_blocks_carry_over_what_is_needed(world):
    quality = Quality((6.0,))
    for prb, seen in ((4, 4), (7, 3)):
        made, rank = unicast(world, prb), np.zeros(16, int)
        for cell in range(2):
            mine = made.cell == cell
            rank[mine] = np.arange(mine.sum())
        # As many as a cell has blocks for.
        made.prb[rank >= 24 // prb] = 0
        out = world.happens(0, made, quality)
        wanted = prb * out.bits / (6e6 * out.demand_s / 30.0)
        wanted = np.where(made.prb > 0, wanted, 0.0)
        near = (wanted > 0.4) & (wanted < 2.0)
        assert near.sum() >= seen
        # The simulator serves whole blocks in slots: a part of one is a whole one.
        assert out.ratio[near] == pytest.approx(wanted[near], rel=0.12)
        assert (out.late[wanted > 1.2] < 0.1).all()
        assert (out.late[wanted < 0.7] > 0.1).all()


def test_no_blocks_no_satisfaction(world):
    out = world.happens(0, unicast(world, 0), Quality())
    assert out.satisfaction.max() == 0.0
    assert (out.late == 1.0).all()


def test_the_same_happens_to_every_decision(world):
    one, other = (world.happens(1, unicast(world, n), Quality()) for n in (1, 2))
    assert np.array_equal(one.demand_s, other.demand_s)
    assert (other.satisfaction >= one.satisfaction - 1e-9).all()


def test_twins_learn_on_the_way(world, trace, setting):
    store = Store()
    log = ClosedLoop(world, Belief(trace), setting, search, store).run()
    assert [s.interval for s in log.steps] == [0, 1, 2, 3]
    twin = UserTwin("ue_3", store)
    assert twin.models.newest("haste").version == 4
    assert twin.age_s("position_m", 125.0) == pytest.approx(5.0)
    haste = [UserTwin(ue, store).haste().mean for ue in trace.ue_name]
    assert np.corrcoef(np.log(haste), np.log(world.population.haste))[0, 1] > 0.6
    for step in log.steps:
        assert 0 <= step.satisfaction <= 1
        spent = 0.25 * step.consumption + 0.05 * min(step.computing, 1)
        assert step.utility == pytest.approx(step.satisfaction - spent)
    assert log.steps[0].channel_error_db == pytest.approx(0.0, abs=0.7)
    assert {"accepted", "emulated_utility", "value"} <= set(log.rows()[0])


def test_a_store_is_taken_up_again(world, trace, setting, tmp_path):
    store = Store(tmp_path / "t.db")
    ClosedLoop(world, Belief(trace), setting, search, store).run(1)
    store.close()
    again = ClosedLoop(world, Belief(trace), setting, search, Store(tmp_path / "t.db"))
    fresh = ClosedLoop(world, Belief(trace), setting, search)
    assert not np.allclose(again.knowledge(1).taste, fresh.knowledge(1).taste)


def test_users_that_are_known_are_served_better(trace, catalogue, crowd, setting):
    world = World(trace, catalogue, crowd, 30.0, 4)
    found = {
        users: ClosedLoop(world, Belief(trace, users=users), setting, search).run().mean("utility")
        for users in ("none", "true")
    }
    assert found["true"] > found["none"]


def test_reports_correct_a_channel_that_is_off(world, setting):
    off = walking_trace(shift_db=-12.0)
    logs = {
        refit: ClosedLoop(world, Belief(off, refit=refit), setting, search).run()
        for refit in (False, True)
    }
    assert logs[True].steps[0].refitted
    errors = {refit: log.steps[-1].channel_error_db for refit, log in logs.items()}
    assert errors[True] < 0.5 * errors[False]


def test_the_last_decision_stays_where_the_new_one_is_worse(world, trace, setting):
    calls = []

    def worse_and_worse(setting, known):
        calls.append(1)
        made = search(setting, known)
        if len(calls) == 1:
            return made
        return Decision(*[*vars(made).values()][:-1], utility=-1.0)

    log = ClosedLoop(world, Belief(trace), setting, worse_and_worse).run(2)
    assert [s.accepted for s in log.steps] == [True, False]


def test_old_reports_hold_the_place(world, trace, setting):
    loop = ClosedLoop(world, Belief(trace, ways="held", report_s=50.0), setting, search)
    assert loop.knowledge(3).bits == pytest.approx(
        bits_of_block(trace, world.cell(3), slice(65, 66))
    )


def test_what_is_impossible_is_said(trace, catalogue, crowd):
    with pytest.raises(OutOfRangeError, match="users is 'some'"):
        Belief(trace, users="some")
    with pytest.raises(OutOfRangeError, match="an interval 500 s"):
        World(trace, catalogue, crowd, 500.0)
    with pytest.raises(OutOfRangeError, match="report_s 0"):
        Belief(trace, report_s=0.0)
