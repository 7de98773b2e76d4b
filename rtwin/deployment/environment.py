"""DeploymentEnv: regions that share a slot's units among mappings, for Gymnasium."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.deployment.exact import Deployment
from rtwin.deployment.process import LEVELS, level_of, step
from rtwin.errors import OutOfRangeError

Singles = NDArray[np.float32]
FEATURES = ("level", "rise", "rise a slot before", "rise two before", "weight", "age")
_PAST = 3  # rises of the level that are shown
_LONG = 20.0  # slots since a mapping that count as long


class DeploymentEnv(gymnasium.Env[Singles, Singles]):
    """Choose in every slot which regions are updated and which are rebuilt.

    Action, Box(-1, 1), [region * (mapping - 1)]: how much each mapping but the first is wanted
    for each region. An exact knapsack takes those that are wanted most, as long as they are
    wanted at all (above 0), within the slot's units: no action can spend too much.

    Observation, Box(0, 1), [region * FEATURES]: the error level, how it changed in the last three
    slots (half is not at all), the region's weight over the largest, and the slots since its last
    mapping. Whether a region is busy is hidden; it shows in how levels rise.

    Reward: minus the weighted error of a slot, over that of all regions at their worst; from -1
    to 0.

    An episode ends (truncated) after `slots`.
    """

    def __init__(self, plan: Deployment, slots: int = 120) -> None:
        if slots < 1:
            raise OutOfRangeError(f"slots is {slots}, it must be 1 or more")
        self.plan, self.slots = plan, slots
        number = len(plan.regions)
        self.action_space = gymnasium.spaces.Box(
            -1.0, 1.0, (number * (len(plan.mappings) - 1),), np.float32
        )
        self.observation_space = gymnasium.spaces.Box(
            0.0, 1.0, (number * len(FEATURES),), np.float32
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
        self._rises = np.zeros((_PAST, number))
        self._age = np.zeros(number)
        self._slot = 0
        return self._observation(), self._info(np.zeros(number, np.int64))

    def mappings_of(self, action: Singles) -> Ints:
        """The mapping of each region that an action stands for, [region]."""
        wanted = np.asarray(action, np.float64).reshape(len(self.plan.regions), -1)
        gains = np.concatenate([np.zeros((len(wanted), 1)), wanted], axis=1)
        return self.plan.knapsack(gains)

    def action_of(self, mapping: Ints) -> Singles:
        """An action that stands for mappings, [region], where they are within the units."""
        wanted: Bools = np.asarray(mapping)[:, None] == np.arange(1, len(self.plan.mappings))
        return np.where(wanted, 1.0, -1.0).ravel().astype(np.float32)

    def step(self, action: Singles) -> tuple[Singles, float, bool, bool, dict[str, Any]]:
        """Make the mappings, and let the slot pass."""
        mapping = self.mappings_of(action)
        before = level_of(self.state)
        self.state = step(self.plan.cumulated, self.state, mapping, self.np_random)
        self._rises = np.concatenate([[level_of(self.state) - before], self._rises[:-1]])
        self._age = np.where(mapping > 0, 0.0, self._age + 1.0)
        self._slot += 1
        lost = float(self._loss[np.arange(len(mapping)), self.state].sum())
        most = max(float(self._weight.sum()), 1e-12)
        done = self._slot >= self.slots
        return self._observation(), -lost / most, False, done, self._info(mapping) | {"loss": lost}

    def _observation(self) -> Singles:
        rises: Floats = np.clip(0.5 + self._rises / (2.0 * LEVELS), 0.0, 1.0)
        columns = [
            level_of(self.state) / (LEVELS - 1.0),
            *rises,
            self._weight / max(float(self._weight.max()), 1e-12),
            np.minimum(self._age / _LONG, 1.0),
        ]
        return np.stack(columns, axis=-1).ravel().astype(np.float32)

    def _info(self, mapping: Ints) -> dict[str, Any]:
        return {"units": int(self.plan.units[mapping].sum()), "mapping": mapping.tolist()}
