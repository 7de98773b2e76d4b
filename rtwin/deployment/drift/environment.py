"""DeploymentEnv: regions that share a slot's units among mappings, for Gymnasium."""

from typing import Any

import gymnasium
import numpy as np

from rtwin.arrays import Bools, Ints
from rtwin.deployment.drift.exact import Deployment
from rtwin.deployment.drift.regions import step
from rtwin.deployment.learned.watch import Singles, Watch, wanted_mappings
from rtwin.errors import OutOfRangeError


class DeploymentEnv(gymnasium.Env[Singles, Singles]):
    """Choose in every slot which regions are updated and which are rebuilt.

    Action, Box(-1, 1), [region * (mapping - 1)]: how much each mapping but the first is wanted
    for each region. An exact knapsack takes those that are wanted most, as long as they are
    wanted at all (above 0), within the slot's units: no action can spend too much.

    Observation, Box(0, 1), [region * FEATURES]: the error level, how it changed in the last three
    slots (half is not at all), the region's weight over the largest, and the slots since its last
    mapping. Whether a region is busy is hidden and shows in how levels rise, unless `sees_busy`
    makes it one feature more.

    Reward: minus the weighted error of a slot, over that of all regions at their worst; from -1
    to 0.

    An episode ends (truncated) after `slots`.
    """

    def __init__(self, plan: Deployment, slots: int = 120, sees_busy: bool = False) -> None:
        if slots < 1:
            raise OutOfRangeError(f"slots is {slots}, it must be 1 or more")
        self.plan, self.slots = plan, slots
        number, self._watch = len(plan.regions), Watch(plan, sees_busy)
        self.action_space = gymnasium.spaces.Box(
            -1.0, 1.0, (number * (len(plan.mappings) - 1),), np.float32
        )
        self.observation_space = gymnasium.spaces.Box(
            0.0, 1.0, (number * len(self._watch.features),), np.float32
        )
        self._loss = np.array([region.loss() for region in plan.regions])
        self._weight = np.array([region.weight for region in plan.regions])

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Singles, dict[str, Any]]:
        """Begin with regions that are right and quiet."""
        super().reset(seed=seed)
        number = len(self.plan.regions)
        self.state: Ints = np.zeros(number, np.int64)
        self._watch.reset()
        self._slot = 0
        return self._watch.seen(self.state), self._info(np.zeros(number, np.int64))

    def mappings_of(self, action: Singles) -> Ints:
        """The mapping of each region that an action stands for, [region]."""
        return wanted_mappings(self.plan, action)

    def action_of(self, mapping: Ints) -> Singles:
        """An action that stands for mappings, [region], where they are within the units."""
        wanted: Bools = np.asarray(mapping)[:, None] == np.arange(1, len(self.plan.mappings))
        return np.where(wanted, 1.0, -1.0).ravel().astype(np.float32)

    def step(self, action: Singles) -> tuple[Singles, float, bool, bool, dict[str, Any]]:
        """Make the mappings, and let the slot pass."""
        mapping = self.mappings_of(action)
        before = self.state
        self.state = step(self.plan.cumulated, before, mapping, self.np_random)
        self._watch.note(before, mapping, self.state)
        self._slot += 1
        lost = float(self._loss[np.arange(len(mapping)), self.state].sum())
        most = max(float(self._weight.sum()), 1e-12)
        done = self._slot >= self.slots
        seen = self._watch.seen(self.state)
        return seen, -lost / most, False, done, self._info(mapping) | {"loss": lost}

    def _info(self, mapping: Ints) -> dict[str, Any]:
        return {"units": int(self.plan.units[mapping].sum()), "mapping": mapping.tolist()}
