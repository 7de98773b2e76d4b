"""Learning of policies: the cross-entropy method, and an environment for others.

The environment and its PPO need Gymnasium; they are loaded when they are asked for.
"""

from typing import TYPE_CHECKING

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
from rtwin.extras import lazy_members

if TYPE_CHECKING:
    from rtwin.caching.learning.environment import CachingEnv as CachingEnv
    from rtwin.caching.learning.environment import play as play
    from rtwin.caching.learning.ppo import choose_by as choose_by
    from rtwin.caching.learning.ppo import train_maskable_ppo as train_maskable_ppo

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

# Not in __all__: `import *` needs no extras.
__getattr__ = lazy_members(
    __name__,
    {
        "CachingEnv": ("environment", "Gymnasium", "'rtwin[experiments]'"),
        "play": ("environment", "Gymnasium", "'rtwin[experiments]'"),
        "choose_by": ("ppo", "Gymnasium", "'rtwin[rl]'"),
        "train_maskable_ppo": ("ppo", "Gymnasium", "'rtwin[rl]'"),
    },
)
