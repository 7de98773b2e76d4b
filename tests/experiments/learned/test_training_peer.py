"""PPO of Stable-Baselines3 learns shares; needs `pip install 'rtwin[rl]'`."""

import numpy as np
import pytest

from rtwin.experiments import SimulatorSettings, SlicedNetwork, make_slices, run_episode
from rtwin.experiments.ahead.tuning import ConstantShares
from rtwin.experiments.learned import Rehearsal, train_shares

from ..conftest import trace_of

pytestmark = pytest.mark.peer
# A third of a cell is too little for the first in one cell, and far more than nobody needs in the
# other: no constant is right for both.
SLICES = make_slices({"vr": 1, "mmtc": 3})
BASE = (0.33, 0.33)


@pytest.fixture
def network():
    snr_db = np.full((40, 4, 2), -40.0)
    snr_db[:, :2, 0] = snr_db[:, 2:, 1] = 18.0
    return SlicedNetwork(trace_of(snr_db), SLICES, SimulatorSettings(epoch_s=0.5, slot_s=2e-3))


@pytest.mark.filterwarnings("ignore")
def test_shares_learn_what_no_constant_can(network):
    pytest.importorskip("stable_baselines3")
    rehearsal = Rehearsal([network], BASE, price=0.3, copies=8)
    snapshots = train_shares(rehearsal, 12_000, seed=1, snapshots=3)
    assert [one.decisions for one in snapshots] == sorted(one.decisions for one in snapshots)
    assert len(snapshots) == 3
    learned = snapshots[-1].policy

    def earned(policy):
        return run_episode(network, policy, 5, prb_price=0.3).reward

    best = max(
        earned(ConstantShares((vr, 0.02))) for vr in (0.01, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.98)
    )
    assert earned(ConstantShares(BASE)) < best - 0.05
    assert earned(learned) > best + 0.02
    # Of the two cells it gives the one without the first service hardly anything.
    blocks = learned(network.view())
    assert blocks[1, 0] < blocks[0, 0] / 3
