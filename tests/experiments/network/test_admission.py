"""Admission: who is turned away costs nobody a block, and is told apart from who is let down."""

import numpy as np
import pytest

from rtwin.errors import ShapeError
from rtwin.experiments import (
    Admitting,
    Decision,
    Optimised,
    ProportionalToDemand,
    SimulatorSettings,
    Slice,
    SlicedNetwork,
    reward_of,
    run_episode,
)
from rtwin.experiments.network import run_together
from rtwin.experiments.network.reports import REFUSAL_PRICE

from .test_policies import VIDEO, view_of
from .test_simulator import STEADY


def test_who_is_turned_away_gets_nothing_and_costs_no_block(steady):
    network = SlicedNetwork(steady, [Slice(STEADY, 10)])
    admitted = np.arange(10) < 4
    told = network.step(Decision([[20], [20]], admitted))
    alone = SlicedNetwork(steady, [Slice(STEADY, 10)])
    full = alone.step([[20], [20]])
    np.testing.assert_array_equal(told.ue_throughput_mbps[~admitted], 0.0)
    np.testing.assert_array_equal(
        told.ue_throughput_mbps[admitted], full.ue_throughput_mbps[admitted]
    )
    np.testing.assert_array_equal(told.ue_offered_mbps, full.ue_offered_mbps)
    np.testing.assert_array_equal(told.ue_backlog_bits[~admitted], 0.0)
    np.testing.assert_array_equal(told.ue_requested_prb[~admitted], 0.0)
    assert told.refused[0] == 0.6
    assert told.sla_violation[0] == told.drop_share[0] == 0
    assert told.used_prb.sum() == pytest.approx(0.4 * full.used_prb.sum(), rel=0.01)
    price = 0.1 * 20 / network.num_prb
    assert reward_of(told, network.slices, network.num_prb) == pytest.approx(
        -REFUSAL_PRICE * 0.6 - price
    )


def test_who_is_admitted_again_has_no_debts(steady):
    network = SlicedNetwork(steady, [Slice(STEADY, 10)])
    nobody = np.zeros(10, bool)
    for _ in range(3):
        network.step([[1], [1]])  # all wait
    turned = network.step(Decision([[20], [20]], nobody))
    assert turned.refused[0] == 1.0
    assert turned.sla_violation[0] == 0
    after = network.step([[20], [20]])
    assert after.sla_violation[0] == 0
    np.testing.assert_array_equal(after.delay_ms, [[1.0, 1.0, 1.0]])


def test_copies_side_by_side_refuse_each_their_own(steady):
    slices, settings = [Slice(STEADY, 10)], SimulatorSettings()

    def fixed(admitted):
        return lambda view: Decision([[3], [3]], admitted)

    ways = [fixed(np.arange(10) % k > 0) for k in (2, 3, 11)]
    networks = [SlicedNetwork(steady, slices, settings) for _ in ways]
    together = run_together(networks, ways, 5)
    for way, found in zip(ways, together, strict=True):
        alone = run_episode(SlicedNetwork(steady, slices, settings), way, 5)
        assert alone.reward == pytest.approx(found.reward, abs=1e-12)
        assert alone.refused == pytest.approx(found.refused)


def test_another_number_of_users_is_refused(steady):
    network = SlicedNetwork(steady, [Slice(STEADY, 10)])
    with pytest.raises(ShapeError, match="admitted has shape"):
        network.step(Decision([[1], [1]], np.ones(9, bool)))


def test_a_cell_with_room_admits_everybody():
    view = view_of([Slice(VIDEO, 4)], [0, 0, 1, 1], 2000.0)
    said = Admitting(ProportionalToDemand())(view)
    assert said.admitted.all()
    np.testing.assert_array_equal(said.num_prb, ProportionalToDemand()(view))


def test_who_cannot_be_helped_goes_first_then_the_dearest():
    # Of cell 0: the last user's mean rate would take twice the cell; blocks of the third are poor.
    bits = [2000.0, 2000.0, 120.0, 10.0, 2000.0]
    view = view_of([Slice(VIDEO, 5)], [0, 0, 0, 0, 1], bits)
    said = Admitting(Optimised(), fill=0.8)(view)
    np.testing.assert_array_equal(said.admitted, [True, True, False, False, True])
    rest = view_of([Slice(VIDEO, 5)], [0, 0, 0, 0, 1], bits).of(said.admitted)
    np.testing.assert_array_equal(said.num_prb, Optimised()(rest))
    # With room for a burst of the third, only who cannot be helped goes.
    roomy = Admitting(Optimised(), fill=1.5)(view)
    np.testing.assert_array_equal(roomy.admitted, [True, True, True, False, True])


def test_a_place_of_which_nothing_is_known_is_not_bad():
    view = view_of([Slice(VIDEO, 2)], [-1, 0], [0.0, 2000.0])
    assert Admitting(Optimised())(view).admitted.all()


def test_a_heavy_promise_stays_longer():
    dear, light = Slice(VIDEO, 1, 10.0), Slice(VIDEO, 1, 0.1)
    view = view_of([light, dear], [0, 0], 150.0)
    said = Admitting(Optimised(), fill=1.0)(view)
    np.testing.assert_array_equal(said.admitted, [False, True])


def test_a_policy_that_decides_itself_is_left_alone():
    view = view_of([Slice(VIDEO, 2)], [0, 0], 10.0)
    own = Decision(np.zeros((2, 1)), np.array([True, False]))
    assert Admitting(lambda view: own)(view) is own
