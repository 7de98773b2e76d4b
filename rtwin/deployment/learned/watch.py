"""What an operator sees of regions that drift, and what its wishes stand for."""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.deployment.drift.exact import Deployment
from rtwin.deployment.drift.regions import LEVELS, level_of

Singles = NDArray[np.float32]
FEATURES = ("level", "rise", "rise a slot before", "rise two before", "weight", "age")
BUSY = "busy"  # one more, where it is seen
_PAST = 3  # rises of the level that are shown
_LONG = 20.0  # slots since a mapping that count as long


class Watch:
    """What an operator sees of regions, slot by slot.

    Args:
        plan: The regions.
        sees_busy: Whether it shows which of them are busy.
    """

    def __init__(self, plan: Deployment, sees_busy: bool = False) -> None:
        weight = np.array([region.weight for region in plan.regions])
        self.features = (*FEATURES, BUSY) if sees_busy else FEATURES
        self._weight = weight / max(float(weight.max()), 1e-12)
        self._sees_busy = sees_busy
        self.reset()

    def reset(self) -> None:
        """Nothing has been seen yet."""
        self._rises = np.zeros((_PAST, len(self._weight)))
        self._age = np.zeros(len(self._weight))

    def note(self, before: Ints, mapping: Ints, after: Ints) -> None:
        """A slot passed: states before and after, and the mappings made, [region] each."""
        rise = level_of(after) - level_of(before)
        self._rises = np.concatenate([[rise], self._rises[:-1]])
        self._age = np.where(mapping > 0, 0.0, self._age + 1.0)

    def seen(self, state: Ints) -> Singles:
        """The observation, [region * feature], 0 to 1."""
        rises: Floats = np.clip(0.5 + self._rises / (2.0 * LEVELS), 0.0, 1.0)
        columns = [
            level_of(state) / (LEVELS - 1.0),
            *rises,
            self._weight,
            np.minimum(self._age / _LONG, 1.0),
            *([state >= LEVELS] if self._sees_busy else []),
        ]
        return np.stack(columns, axis=-1).ravel().astype(np.float32)


def wanted_mappings(plan: Deployment, action: Singles) -> Ints:
    """The mappings that an action stands for, within the units, [region]."""
    wanted = np.asarray(action, np.float64).reshape(len(plan.regions), -1)
    return plan.knapsack(np.concatenate([np.zeros((len(wanted), 1)), wanted], axis=1))
