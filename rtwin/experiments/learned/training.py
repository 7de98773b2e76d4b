"""PPO of Stable-Baselines3 that learns shares in a rehearsal."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rtwin.experiments.learned.rehearsal import Rehearsal
from rtwin.experiments.learned.shares import LearnedShares, num_features
from rtwin.extras import needs

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

_ROLLOUT = 512  # decisions between updates, about
_SCALE = 10.0  # what a cell earns more than its like is a few hundredths


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A policy on the way of learning.

    Attributes:
        decisions: That it has learned from.
        seconds: Of the processor, that it took so far.
        policy: What it decides, without chance.
    """

    decisions: int
    seconds: float
    policy: LearnedShares


def check_library() -> None:
    """Whether Stable-Baselines3 is there.

    Raises:
        MissingExtraError: if it is not installed.
    """
    with needs("PPO needs stable-baselines3", "'rtwin[rl]'"):
        import stable_baselines3  # noqa: F401


def train_shares(
    rehearsal: Rehearsal, steps: int, seed: int = 0, snapshots: int = 1, **options: Any
) -> list[Snapshot]:
    """Learn shares by PPO, on the CPU.

    Args:
        rehearsal: Where it is learned.
        steps: Decisions to learn from, those of all cells of all copies counted.
        seed: Of weights and exploration.
        snapshots: How many policies to return.
        options: Further arguments of stable_baselines3.PPO.
    Returns:
        Policies after more and more decisions; the last is the learned one.
    Raises:
        MissingExtraError: if Stable-Baselines3 is not installed.
    Checked by tests/experiments/learned/test_training_peer.py.
    """
    check_library()
    from stable_baselines3 import PPO
    from stable_baselines3.common.callbacks import BaseCallback

    class Snapshots(BaseCallback):
        """Policies on the way."""

        def _on_step(self) -> bool:
            return True

        def _on_rollout_start(self) -> None:
            if self.num_timesteps >= steps * len(found) / snapshots:
                found.append(snapshot(self.model))

    def snapshot(model: Any) -> Snapshot:
        seconds = time.process_time() - start
        return Snapshot(int(model.num_timesteps), seconds, _policy_of(model, rehearsal.base))

    start = time.process_time()
    found: list[Snapshot] = []
    rows = max(1, _ROLLOUT // rehearsal.num_learners)
    settings: dict[str, Any] = {
        # A window hardly tells on the next: nothing waits longer than a second.
        "gamma": 0.0,
        "gae_lambda": 1.0,
        "n_steps": rows,
        "batch_size": rows * rehearsal.num_learners // 4,
        "learning_rate": lambda left: 2e-3 * left,
        # Wide enough to cross what promises do not tell apart: a share that is far too small
        # breaks them all, and a little more does so as well.
        "policy_kwargs": {"net_arch": [32, 32], "log_std_init": -1.0},
        "device": "cpu",
    }
    model = PPO("MlpPolicy", _vector(rehearsal), seed=seed, **(settings | options))
    model.learn(steps, callback=Snapshots())
    # The first is from before anything was learned.
    return [*found[1:], snapshot(model)]


def _policy_of(model: Any, base: tuple[float, ...]) -> LearnedShares:
    """What an agent decides without chance, in NumPy."""
    policy = model.policy
    linear = [*policy.mlp_extractor.policy_net, policy.action_net]
    return LearnedShares(
        base,
        tuple(
            (
                layer.weight.detach().numpy().astype(np.float64),
                layer.bias.detach().numpy().astype(np.float64),
            )
            for layer in linear
            if hasattr(layer, "weight")
        ),
    )


def _vector(rehearsal: Rehearsal) -> "VecEnv":
    """A rehearsal as Stable-Baselines3 has environments side by side: a learner in each."""
    from gymnasium.spaces import Box
    from stable_baselines3.common.vec_env import VecEnv

    class Learners(VecEnv):
        def __init__(self) -> None:
            size = len(rehearsal.base)
            super().__init__(
                rehearsal.num_learners,
                Box(-np.inf, np.inf, (num_features(size),), np.float32),
                Box(-1.0, 1.0, (size,), np.float32),
            )

        def reset(self) -> Any:
            return rehearsal.reset()

        def step_async(self, actions: Any) -> None:
            self._wish = actions

        def step_wait(self) -> Any:
            seen, more, over = rehearsal.step(self._wish)
            told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
            return seen, (_SCALE * more).astype(np.float32), np.full(self.num_envs, over), told

        def close(self) -> None:
            pass

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
            return [getattr(self, attr_name, None)] * self.num_envs

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
            raise AttributeError(attr_name)

        def env_method(self, method_name: str, *args: Any, indices: Any = None, **kw: Any) -> Any:
            raise AttributeError(method_name)

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
            return [False] * self.num_envs

    return Learners()
