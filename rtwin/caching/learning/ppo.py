"""Maskable proximal policy optimisation from sb3-contrib as a caching policy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.caching.learning.environment import CachingEnv
from rtwin.extras import needs

STEPS = 200_000


def train_maskable_ppo(
    make_env: Callable[[], CachingEnv],
    steps: int = STEPS,
    seed: int = 0,
    num_envs: int = 8,
    **options: Any,
) -> Any:
    """Train MaskablePPO on the CPU.

    Args:
        make_env: Makes an environment; `baseline` should be the hit rate of LRU, so that the
            sign of a reward says something.
        steps: Requests to learn from.
        seed: Seed of weights and episodes.
        num_envs: Environments side by side.
        options: Further arguments of sb3_contrib.MaskablePPO.
    Returns:
        The trained model; `model.predict(observation, action_masks=env.action_masks())`.
    Raises:
        MissingExtraError: if sb3-contrib is not installed.
    Checked by tests/caching/learning/test_ppo_peer.py.
    """
    with needs("MaskablePPO needs sb3-contrib", "'rtwin[rl]'"):
        from sb3_contrib import MaskablePPO
        from stable_baselines3.common.vec_env import DummyVecEnv
    settings: dict[str, Any] = {
        "n_steps": 1024,
        "gamma": 0.99,
        "learning_rate": 3e-4,
        "ent_coef": 0.01,
        "policy_kwargs": {"net_arch": [64, 64]},
        "device": "cpu",
    }
    envs = DummyVecEnv([make_env] * num_envs)
    model = MaskablePPO("MlpPolicy", envs, seed=seed, **(settings | options))
    model.learn(steps)
    return model


def choose_by(model: Any) -> Callable[[CachingEnv, NDArray[np.float32]], int]:
    """What a trained model does, without chance, for rtwin.caching.learning.environment.play."""

    def choose(env: CachingEnv, observation: NDArray[np.float32]) -> int:
        action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=True)
        return int(action)

    return choose
