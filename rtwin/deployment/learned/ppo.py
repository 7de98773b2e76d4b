"""PPO of Stable-Baselines3 on the deployment environment."""

from typing import Any

import numpy as np

from rtwin.arrays import Ints
from rtwin.deployment.drift.exact import Deployment
from rtwin.deployment.learned.watch import Watch, wanted_mappings
from rtwin.errors import OutOfRangeError
from rtwin.extras import needs

NETWORKS = ("graph", "layers")
_ENVS = 8


class LearnedPolicy:
    """A trained network that decides as the policies of rtwin.deployment.drift.policies do.

    Args:
        network: From stations [batch, station, feature] to wants [batch, station, mapping - 1];
            or from all of it in one row, where `flat`.
        sees_busy: Whether it was trained to see which regions are busy.
        flat: Whether it knows one number of stations alone.
        crossed: Bytes that crossed between stations and server while it was trained.
    """

    def __init__(
        self, network: Any, sees_busy: bool = True, flat: bool = False, crossed: int = 0
    ) -> None:
        self.network, self.sees_busy, self.flat = network, sees_busy, flat
        self.crossed = crossed
        self._watch: Watch | None = None
        self._last: tuple[Ints, Ints] | None = None

    def __call__(self, plan: Deployment, state: Ints, slot: int, rng: np.random.Generator) -> Ints:
        """Mappings of a slot, [region]; slot 0 begins a new run."""
        import torch

        if slot == 0 or self._watch is None or self._last is None:
            self._watch = Watch(plan, self.sees_busy)
        else:
            self._watch.note(*self._last, state)
        seen = torch.from_numpy(self._watch.seen(state))
        shape = (1, -1) if self.flat else (1, len(state), -1)
        with torch.no_grad():
            wanted = self.network(seen.reshape(shape)).numpy()
        mapping = wanted_mappings(plan, np.clip(wanted, -1.0, 1.0))
        self._last = state, mapping
        return mapping


def train_policy(
    plan: Deployment,
    steps: int,
    *,
    network: str = "graph",
    bits: int = 0,
    sees_busy: bool = True,
    slots: int = 120,
    seed: int = 0,
    **options: Any,
) -> LearnedPolicy:
    """Train PPO on regions that share a budget, on the CPU.

    Args:
        plan: The regions; a graph can be used on others, and on more.
        steps: Slots to learn from.
        network: "graph" (stations and a server) or "layers" (Stable-Baselines3's own, on all
            regions in a row).
        bits: 0: the graph is in one place; 32 or 8: it is split at the stations, and numbers of
            so many bits cross.
        sees_busy: Whether it is told which regions are busy, as the index is.
        slots: Of an episode.
        seed: Of weights and episodes.
        options: Further arguments of stable_baselines3.PPO.
    Raises:
        MissingExtraError: if Stable-Baselines3 is not installed.
        OutOfRangeError: if there is no such network.
    Checked by tests/deployment/learned/test_ppo_peer.py.
    """
    if network not in NETWORKS:
        raise OutOfRangeError(f"no network '{network}'; there are {', '.join(NETWORKS)}")
    with needs("PPO needs stable-baselines3", "'rtwin[rl]'"):
        from stable_baselines3 import PPO
        from stable_baselines3.common.env_util import make_vec_env

        from rtwin.deployment.drift.environment import DeploymentEnv
        from rtwin.deployment.learned.graph import StarPolicy
        from rtwin.deployment.learned.split import Cut
    envs = make_vec_env(
        DeploymentEnv,
        _ENVS,
        seed=seed,
        env_kwargs={"plan": plan, "slots": slots, "sees_busy": sees_busy},
    )
    settings: dict[str, Any] = {
        "n_steps": 256,
        "batch_size": 512,
        "n_epochs": 5,
        "gamma": plan.discount,
        "learning_rate": lambda left: 1e-3 * left,
        "device": "cpu",
    }
    own: dict[str, Any] = {"log_std_init": -0.5}
    cut = None
    if network == "graph":
        cut = Cut(bits) if bits else None
        own |= {"stations": len(plan.regions), "cut": cut}
    policy = StarPolicy if network == "graph" else "MlpPolicy"
    model = PPO(policy, envs, seed=seed, policy_kwargs=own, **(settings | options))
    model.learn(steps)
    if network == "graph":
        actor = model.policy.mlp_extractor.actor
        crossed = cut.up_bytes + cut.down_bytes if cut else 0
        return LearnedPolicy(lambda seen: actor(seen)[0], sees_busy, crossed=crossed)
    return LearnedPolicy(lambda seen: model.policy._predict(seen, True), sees_busy, flat=True)
