"""Learning of policies: the cross-entropy method, and an environment for others.

The environment and its PPO need Gymnasium: rtwin.caching.learning.environment and .ppo.
"""

from rtwin.caching.learning.cross_entropy import (
    START,
    Constraint,
    Learned,
    Plan,
    Switched,
    learn,
    learn_each,
    objective,
    overload_shares,
)

__all__ = [
    "START",
    "Constraint",
    "Learned",
    "Plan",
    "Switched",
    "learn",
    "learn_each",
    "objective",
    "overload_shares",
]
