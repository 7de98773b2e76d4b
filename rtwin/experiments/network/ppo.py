"""Proximal policy optimisation from Stable-Baselines3 as a slicing policy."""

from pathlib import Path
from typing import Any

from rtwin.arrays import Ints
from rtwin.experiments.network.environment import SlicingEnv
from rtwin.extras import needs


class PpoPolicy:
    """A trained PPO agent that decides for an environment.

    Args:
        model: What `train_ppo` returns inside, stable_baselines3.PPO.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def blocks(self, env: SlicingEnv, observation: Any) -> Ints:
        """Whole resource blocks, [cell, slice], for an observation of an environment."""
        action, _ = self.model.predict(observation, deterministic=True)
        return env.blocks_of(action)

    def mean_reward(self, env: SlicingEnv, seed: int) -> float:
        """Mean reward of an epoch over an episode."""
        observation, _ = env.reset(seed=seed)
        total, count, over = 0.0, 0, False
        while not over:
            blocks = self.blocks(env, observation)
            observation, reward, _, over, _ = env.step_blocks(blocks)
            total, count = total + reward, count + 1
        return total / count

    def save(self, file: str | Path) -> None:
        """Write the agent as Stable-Baselines3 does; its loader unpickles: load your own only."""
        self.model.save(file)


def train_ppo(env: SlicingEnv, steps: int = 50_000, seed: int = 0, **options: Any) -> PpoPolicy:
    """Train PPO on an environment, on the CPU.

    Args:
        env: Best with random_start, so that the agent sees all of the trace.
        steps: Epochs to learn from.
        seed: Seed of weights and episodes.
        options: Further arguments of stable_baselines3.PPO.
    Returns:
        The trained policy.
    Raises:
        MissingExtraError: if stable-baselines3 is not installed.
    Checked by tests/experiments/network/test_ppo_peer.py.
    """
    with needs("PPO needs stable-baselines3", "'rtwin[rl]'"):
        from stable_baselines3 import PPO
    settings: dict[str, Any] = {"n_steps": 512, "batch_size": 128, "gamma": 0.9, "device": "cpu"}
    model = PPO("MlpPolicy", env, seed=seed, **(settings | options))
    model.learn(steps)
    return PpoPolicy(model)
