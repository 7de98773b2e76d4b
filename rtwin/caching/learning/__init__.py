"""Learning of policies: the cross-entropy method, and an environment for others.

The environment and its PPO need Gymnasium; they are loaded when they are asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from rtwin.errors import MissingExtraError

if TYPE_CHECKING:
    from rtwin.caching.learning.environment import CachingEnv as CachingEnv
    from rtwin.caching.learning.environment import play as play
    from rtwin.caching.learning.ppo import choose_by as choose_by
    from rtwin.caching.learning.ppo import train_maskable_ppo as train_maskable_ppo

# name: module, what to install. Not in __all__: `import *` needs no extras.
_LAZY = {
    "CachingEnv": ("environment", "'rtwin[experiments]'"),
    "play": ("environment", "'rtwin[experiments]'"),
    "choose_by": ("ppo", "'rtwin[rl]'"),
    "train_maskable_ppo": ("ppo", "'rtwin[rl]'"),
}

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


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, package = _LAZY[name]
    try:
        return getattr(import_module(f"rtwin.caching.learning.{module}"), name)
    except ImportError as error:
        raise MissingExtraError(f"{name} needs Gymnasium; pip install {package}") from error
