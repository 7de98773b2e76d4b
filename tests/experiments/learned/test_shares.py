"""Shares of a network: no wish is the constant, features are what they say, cells are alike."""

import itertools

import numpy as np
import pytest

from rtwin.experiments import SimulatorSettings, SlicedNetwork, make_slices
from rtwin.experiments.ahead.tuning import ConstantShares
from rtwin.experiments.learned import LearnedShares, blocks_of, features
from rtwin.experiments.learned.shares import PER_SLICE, num_features

from ..conftest import trace_of

BASE = (0.5, 0.3, 0.004)
SLICES = make_slices({"vr": 2, "embb": 4, "urllc": 4})


@pytest.fixture
def view(moving):
    return SlicedNetwork(moving, SLICES, SimulatorSettings(epoch_s=5.0, frame_s=1.0)).view()


def test_no_wish_is_the_constant_policy(view):
    constant = ConstantShares(BASE)(view)
    zero = (np.zeros((3, num_features(3))), np.zeros(3))
    np.testing.assert_array_equal(LearnedShares(BASE, (zero,))(view), constant)
    assert constant[:, 2].tolist() == [1, 1]  # of 51 blocks, rounded up


def test_wishes_multiply_and_never_give_more_than_all():
    wish = np.array([[0.0, np.log(1.5) / 2.0, 0.0], [9.0, 9.0, 9.0], [-1.0, -9.0, 0.0]])
    blocks = blocks_of(BASE, wish, 200)
    np.testing.assert_array_equal(blocks[0], [100, 90, 1])
    # All at e^2 times their share is in proportion again; what is left over stays free.
    np.testing.assert_array_equal(blocks[1], [124, 74, 1])
    np.testing.assert_array_equal(blocks[2], [13, 8, 1])
    full = blocks_of((0.999, 5e-4, 5e-4), np.zeros((1, 3)), 50)
    np.testing.assert_array_equal(full, [[48, 1, 1]])


def test_features_are_of_the_cell_s_own_users():
    snr_db = np.full((50, 10, 2), -40.0)
    snr_db[:, :, 0] = 20.0
    snr_db[:, 9, 1] = 30.0  # the last urllc user alone is in the second cell
    network = SlicedNetwork(trace_of(snr_db), SLICES, SimulatorSettings(epoch_s=5.0, frame_s=1.0))
    seen = features(network.view(), BASE)
    assert seen.shape == (2, num_features(3))
    first, second = (dict(zip(PER_SLICE, row[:-1].reshape(3, 5).T, strict=True)) for row in seen)
    np.testing.assert_allclose(first["users"], [1, 1, 0.75])
    np.testing.assert_allclose(second["users"], [0, 0, 0.25])
    np.testing.assert_array_equal(second["peak demand"][:2], -3)
    np.testing.assert_array_equal(second["mean rate"][:2], 0)
    assert second["mean rate"][2] > first["mean rate"][2]
    assert first["mean rate"][0] == pytest.approx(first["lowest rate"][0])
    rate_mbps = network.view().bits_per_prb[0] / 1e3
    assert first["mean rate"][0] == pytest.approx(np.log(rate_mbps) / 2, abs=1e-6)


def test_one_network_serves_any_number_of_cells(moving):
    rng = np.random.default_rng(0)
    sizes = [num_features(3), 8, 3]
    layers = tuple(
        (rng.normal(0, 0.5, (b, a)), rng.normal(0, 0.5, b)) for a, b in itertools.pairwise(sizes)
    )
    policy = LearnedShares(BASE, layers)
    snr_db = np.tile(np.linspace(0, 25, 10)[None, :, None], (50, 1, 1))
    alone = SlicedNetwork(trace_of(snr_db), SLICES).view()
    # A second cell that nobody hears changes nothing in the first.
    beside = np.concatenate([snr_db, np.full_like(snr_db, -60.0)], axis=2)
    two = SlicedNetwork(trace_of(beside), SLICES).view()
    assert policy(two).shape == (2, 3)
    np.testing.assert_array_equal(policy(two)[0], policy(alone)[0])
    assert (policy(two)[1] != policy(two)[0]).any()
