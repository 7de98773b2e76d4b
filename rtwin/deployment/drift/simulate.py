"""Running a policy over slots: what it loses, what it spends, what it does."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.deployment.drift.exact import Deployment
from rtwin.deployment.drift.policies import Policy
from rtwin.deployment.drift.regions import level_of, step


@dataclass(frozen=True, eq=False)
class Runs:
    """What a policy did.

    Attributes:
        loss: Discounted loss of each run, [run].
        units: Spent in each slot, [run, slot].
        mapping: What was done, [run, slot, region].
        level: Error at the end of each slot, [run, slot, region].
    """

    loss: Floats
    units: Ints
    mapping: Ints
    level: Ints


def simulate(
    plan: Deployment,
    policy: Policy,
    *,
    runs: int = 30,
    slots: int = 120,
    seed: int = 0,
) -> Runs:
    """Run a policy from a world without error; runs of one seed see the same drift's draws.

    Args:
        plan: Regions, mappings, budget.
        policy: Of rtwin.deployment.drift.policies, or your own.
        runs, slots: How often and how long.
        seed: Of the draws.
    """
    number = len(plan.regions)
    losses = np.array([region.loss() for region in plan.regions])
    mapping, level = (np.empty((runs, slots, number), np.int64) for _ in range(2))
    loss = np.zeros(runs)
    for run in range(runs):
        world, own = np.random.default_rng((seed, run)), np.random.default_rng((seed, run, 1))
        state = np.zeros(number, np.int64)
        for slot in range(slots):
            action = policy(plan, state, slot, own)
            state = step(plan.cumulated, state, action, world)
            loss[run] += plan.discount**slot * losses[np.arange(number), state].sum()
            mapping[run, slot], level[run, slot] = action, level_of(state)
    return Runs(loss, plan.units[mapping].sum(axis=2), mapping, level)
