"""What an epoch is worth, for every policy and environment alike."""

from collections.abc import Sequence

import numpy as np

from rtwin.experiments.network.services import Slice
from rtwin.experiments.network.simulator import EpochReport

PRB_PRICE = 0.1


def reward_of(
    report: EpochReport, slices: Sequence[Slice], num_prb: int, prb_price: float = PRB_PRICE
) -> float:
    """Broken promises and blocks reserved, both as costs; between -1 - prb_price and 0.

    -(sum of weight times violation) / (sum of weights) - prb_price times the
    share of all blocks that was reserved.

    Args:
        report: What happened.
        slices: The slices, for their weights.
        num_prb: Blocks of a cell.
        prb_price: What reserving everything costs.
    Checked by tests/experiments/test_environment.py.
    """
    weight = np.array([s.weight for s in slices])
    broken = float(weight @ report.sla_violation) / max(float(weight.sum()), 1e-12)
    return -broken - prb_price * float(report.reserved_prb.sum(axis=1).mean()) / num_prb
