"""Policies: which region gets which mapping in a slot."""

from collections.abc import Callable

import numpy as np

from rtwin.arrays import Ints
from rtwin.deployment.exact import Deployment

Policy = Callable[[Deployment, Ints, int, np.random.Generator], Ints]  # state [region], slot


def random(plan: Deployment, state: Ints, slot: int, rng: np.random.Generator) -> Ints:
    """Mappings drawn, as long as units are left."""
    found, left = np.zeros(len(state), np.int64), plan.budget
    for region in rng.permutation(len(state)):
        choice = int(rng.integers(len(plan.mappings)))
        if plan.units[choice] <= left:
            found[region] = choice
            left -= plan.units[choice]
    return found


def periodic(choice: int) -> Policy:
    """One mapping for all regions in turn."""

    def policy(plan: Deployment, state: Ints, slot: int, rng: np.random.Generator) -> Ints:
        found = np.zeros(len(state), np.int64)
        number = min(plan.budget // max(int(plan.units[choice]), 1), len(state))
        found[(slot * number + np.arange(number)) % len(state)] = choice
        return found

    return policy


def greedy(*choices: int) -> Policy:
    """What saves most in this slot, of some mappings or of all."""

    def policy(plan: Deployment, state: Ints, slot: int, rng: np.random.Generator) -> Ints:
        gains = plan.greedy[np.arange(len(state)), state]
        if choices:
            allowed = np.isin(np.arange(gains.shape[1]), (0, *choices))
            gains = np.where(allowed, gains, -np.inf)
        return plan.knapsack(gains)

    return policy


def index(plan: Deployment, state: Ints, slot: int, rng: np.random.Generator) -> Ints:
    """What saves most in the long run, by the Lagrangian index."""
    return plan.share(plan.index, state)


POLICIES: dict[str, Policy] = {
    "random": random,
    "periodic vertical": periodic(2),
    "periodic horizontal": periodic(1),
    "horizontal only, greedy": greedy(1),
    "vertical only, greedy": greedy(2),
    "both, greedy": greedy(),
    "both, index": index,
}
DEFAULT = "both, index"
