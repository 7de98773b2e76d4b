"""Shares that are learned: one network for every cell, in walks that copies play side by side.

What needs PyTorch is loaded when it is asked for.
"""

from rtwin.experiments.learned.rehearsal import Rehearsal, cell_rewards
from rtwin.experiments.learned.shares import LearnedShares, blocks_of, features
from rtwin.experiments.learned.training import Snapshot, check_library, train_shares

__all__ = [
    "LearnedShares",
    "Rehearsal",
    "Snapshot",
    "blocks_of",
    "cell_rewards",
    "check_library",
    "features",
    "train_shares",
]
