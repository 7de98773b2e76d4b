"""A rehearsal: blame adds up to the reward, copies differ by their shares alone."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.experiments import SimulatorSettings, SlicedNetwork, make_slices, reward_of
from rtwin.experiments.ahead.tuning import ConstantShares
from rtwin.experiments.learned import Rehearsal, cell_rewards
from rtwin.experiments.learned.shares import num_features

from ..conftest import trace_of

SLICES = make_slices({"vr": 2, "embb": 4, "urllc": 4})
BASE = (0.3, 0.3, 0.05)


@pytest.fixture
def network():
    """Users who wander between two cells; the last hears nobody for a while."""
    steps = np.random.default_rng(3).normal(0, 1.0, (80, 10, 2))
    snr_db = np.clip(8 + np.cumsum(steps, axis=0), -30, 35)
    snr_db[30:50, 9] = -np.inf
    settings = SimulatorSettings(epoch_s=2.0, slot_s=2e-3)
    return SlicedNetwork(trace_of(snr_db), SLICES, settings)


def test_blame_of_all_cells_is_the_reward(network):
    policy = ConstantShares(BASE)
    presences = []
    while not network.is_over:
        presences.append(network.presence())
        report = network.step(policy(network.view()))
        by_cell = cell_rewards(report, network, presences[-1], 0.2)
        total = reward_of(report, SLICES, network.num_prb, 0.2)
        assert by_cell.sum() == pytest.approx(total)
        assert (by_cell <= 0).all()
    served = np.array(presences).sum(axis=1)
    assert served.max() <= 1
    assert served.min() < 1  # some are out of coverage part of the time


def test_equal_wishes_earn_nothing_more_and_a_cell_answers_for_its_own():
    # Two users of each cell; one of the copies gives nothing away in the second cell.
    snr_db = np.full((20, 4, 2), -40.0)
    snr_db[:, :2, 0] = snr_db[:, 2:, 1] = 20.0
    slices = make_slices({"embb": 4})
    network = SlicedNetwork(trace_of(snr_db), slices, SimulatorSettings(epoch_s=2.0, slot_s=2e-3))
    rehearsal = Rehearsal([network], (0.8,), price=0.1, copies=3)
    seen = rehearsal.reset()
    assert seen.shape == (rehearsal.num_learners, num_features(1)) == (6, 6)
    np.testing.assert_array_equal(seen[:2], seen[4:])
    wish = np.zeros((6, 1))
    wish[5] = -1.0
    _, more, over = rehearsal.step(wish)
    assert over
    more = more.reshape(3, 2)
    np.testing.assert_allclose(more[:, 0], 0, atol=1e-12)
    assert more[2, 1] != 0
    np.testing.assert_allclose(more[:2, 1], -more[2, 1] / 2)


def test_where_cells_interfere_each_answers_for_all():
    snr_db = np.full((20, 4, 2), 10.0)
    snr_db[:, :2, 0] = snr_db[:, 2:, 1] = 20.0
    settings = SimulatorSettings(epoch_s=2.0, slot_s=2e-3, coupled=True)
    network = SlicedNetwork(trace_of(snr_db), make_slices({"embb": 4}), settings)
    rehearsal = Rehearsal([network], (0.8,), price=0.1, copies=3)
    rehearsal.reset()
    wish = np.zeros((6, 1))
    wish[5] = -1.0
    more = rehearsal.step(wish)[1].reshape(3, 2)
    np.testing.assert_allclose(more[:, 0], more[:, 1])
    assert more[2, 0] != 0
    # Powers go with the users whose channels are exchanged.
    order = np.array([2, 3, 0, 1])
    light = np.ones((2, 1)) * network.num_prb // 10
    swapped, bits = network.exchanged(order), network.view().under(light).bits_per_prb
    np.testing.assert_array_equal(swapped.view().under(light).bits_per_prb, bits[order])
    assert (bits > network.view().bits_per_prb).all()


def test_walks_differ_and_repeat_by_their_seed(network):
    def walk(seed):
        rehearsal = Rehearsal([network], BASE, price=0.1, copies=2, seed=seed)
        return np.array([rehearsal.reset() for _ in range(3)])

    first = walk(1)
    np.testing.assert_array_equal(first, walk(1))
    assert (first[0] != first[1]).any()
    assert (first != walk(2)).any()


def test_exchanged_users_have_each_other_s_channels(network):
    order = np.roll(np.arange(10), 3)
    other = network.exchanged(order)
    np.testing.assert_array_equal(other.presence(), network.presence()[:, order])
    np.testing.assert_array_equal(other.view().bits_per_prb, network.view().bits_per_prb[order])


def test_impossible_rehearsals(network):
    with pytest.raises(OutOfRangeError, match="two are needed"):
        Rehearsal([network], BASE, price=0.1, copies=1)
    one_cell = SlicedNetwork(trace_of(np.full((30, 10, 1), 10.0)), SLICES)
    with pytest.raises(ShapeError, match=r"\[1, 2\] cells"):
        Rehearsal([network, one_cell], BASE, price=0.1)
