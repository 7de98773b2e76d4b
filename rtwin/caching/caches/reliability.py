"""Four ways to keep stations from being overloaded, each switched by itself.

1. shield (action): a station above (1 + eps) of the mean load hands a client over to its
   other station, if that one is less loaded.
2. mask (action): an item that was asked for within the last requests is not evicted while
   the newcomer can be left out instead.
3. penalty (reward): overload and unfairness cost hits when a policy is trained.
4. state: a policy sees loads, and may route by them.

Every change of what a policy chose is an intervention and is counted. What is guaranteed:
the shield never raises the load of the most loaded station, and it can do something only
for clients that reach two stations.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.settings import AtLeast, NotNegative, Settings

LOAD_WINDOW = 400.0
ShareOfMean = Annotated[float, AtLeast(1)]  # a load over the mean load


@dataclass(frozen=True)
class Reliability(Settings):
    """Which modules are on, and their settings.

    Attributes:
        shield, mask, penalty, state: The four modules.
        shield_at: Load over the mean from which the shield acts.
        mask_requests: A station's requests within which an item is protected.
        overload_at: Load over the mean that counts as overload.
        overload_price: Hits that a request at an overloaded station costs in training.
        unfairness_price: Hits that 1 - Jain's index costs in training.
    """

    shield: bool = False
    mask: bool = False
    penalty: bool = False
    state: bool = False
    shield_at: ShareOfMean = 1.25
    mask_requests: Annotated[int, AtLeast(0)] = 10
    overload_at: ShareOfMean = 1.5
    overload_price: NotNegative = 0.3
    unfairness_price: NotNegative = 0.3


NONE = Reliability()
ALL = Reliability(shield=True, mask=True, penalty=True, state=True)


def shielded(chosen: Ints, other: Ints, load: Floats, shield_at: Floats) -> Bools:
    """Where the shield hands a client over to its other station.

    Args:
        chosen: Station that a policy chose, [candidate].
        other: The other one in reach, [candidate]; -1 where there is none.
        load: Of each station, [candidate, station].
        shield_at: Load over the mean from which the shield acts, [candidate].
    Returns:
        [candidate].
    """
    rows = np.arange(len(chosen))
    mean = load.mean(axis=1)
    own, theirs = load[rows, chosen], load[rows, np.maximum(other, 0)]
    return np.asarray((other >= 0) & (own > shield_at * mean) & (theirs < own))
