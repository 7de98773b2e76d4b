"""Policies that are learned: a graph network by PPO, in one place or split at the stations.

What needs PyTorch is loaded when it is asked for.
"""

from rtwin.deployment.learned.ppo import NETWORKS, LearnedPolicy, train_policy

__all__ = ["NETWORKS", "LearnedPolicy", "train_policy"]
