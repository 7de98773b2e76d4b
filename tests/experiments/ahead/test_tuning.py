"""Tuned policies: what they earn where they were tuned, and shares that leave blocks free."""

import numpy as np
import pytest

from rtwin.experiments import SimulatorSettings, SlicedNetwork, StaticShares, make_slices
from rtwin.experiments.ahead.tuning import (
    MARGINS,
    ConstantShares,
    mean_rewards,
    tuned_margin,
    tuned_shares,
)
from rtwin.experiments.network.policies import Optimised

SLICES = make_slices({"embb": 3, "urllc": 3})
PRICE = 0.1


@pytest.fixture
def networks(steady):
    return [SlicedNetwork(steady, SLICES, SimulatorSettings(epoch_s=2.0, frame_s=1.0))]


def test_constant_shares_leave_the_rest_free(networks):
    blocks = ConstantShares((0.3, 0.1))(networks[0].view())
    assert blocks.tolist() == [[15, 5]] * 2
    assert ConstantShares((0.001, 0.5))(networks[0].view())[0, 0] == 1


def test_tuned_shares_earn_at_least_what_nominal_demand_does(networks):
    tuned = tuned_shares(networks, SLICES, PRICE)
    assert sum(tuned.shares) <= 1
    ours, static = mean_rewards(networks, [tuned, StaticShares()], PRICE)
    assert ours >= static


def test_the_margin_is_the_best_of_those_tried(networks):
    pytest.importorskip("cvxpy")
    best = tuned_margin(networks, PRICE)
    tried = [Optimised(PRICE, margin) for margin in MARGINS]
    *earned, found = mean_rewards(networks, [*tried, best], PRICE)
    assert found == max(earned)
    assert best.margin == MARGINS[int(np.argmax(earned))]
