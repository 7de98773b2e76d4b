"""Policies: which region gets which mapping in a slot."""

from collections.abc import Callable

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.deployment.drift.exact import Deployment
from rtwin.deployment.drift.regions import LEVELS, level_of

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


class Unseen:
    """The index where it is not seen which regions are busy: how levels rise shows it.

    What is known of each region is its chance to be busy, by Bayes' rule slot by slot; gains are
    means over it.
    """

    def __init__(self) -> None:
        self._last: tuple[Ints, Ints] | None = None
        self._busy: Floats = np.zeros(0)

    def __call__(self, plan: Deployment, state: Ints, slot: int, rng: np.random.Generator) -> Ints:
        """Mappings of a slot, [region]; slot 0 begins a new run, in which all is quiet."""
        level, row = level_of(state), np.arange(len(state))
        if slot == 0 or self._last is None:
            self._busy = np.zeros(len(state))
        else:
            before, mapping = self._last
            chance = plan.chances[row, mapping]
            now = [
                (1 - self._busy) * chance[row, before, level + turned]
                + self._busy * chance[row, before + LEVELS, level + turned]
                for turned in (0, LEVELS)
            ]
            self._busy = now[1] / np.maximum(now[0] + now[1], 1e-300)
        quiet, busy = plan.index[row, level], plan.index[row, level + LEVELS]
        known = self._busy[:, None]
        found = plan.knapsack((1 - known) * quiet + known * busy)
        self._last = level, found
        return found


POLICIES: dict[str, Policy] = {
    "random": random,
    "periodic vertical": periodic(2),
    "periodic horizontal": periodic(1),
    "horizontal only, greedy": greedy(1),
    "vertical only, greedy": greedy(2),
    "both, greedy": greedy(),
    "both, index, busy not seen": Unseen(),
    "both, index": index,
}
DEFAULT = "both, index"
