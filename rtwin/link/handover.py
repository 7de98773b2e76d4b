"""Which transmitter serves: event A3 with hysteresis and time to trigger."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools
from rtwin.errors import OutOfRangeError, ShapeError

NO_CELL = -1
MAX_SETTING = 1e6
_REMAINDER = 1e-9  # of a step: the rounding error of a time over a step


@dataclass(frozen=True)
class Handover:
    """Settings of event A3: a neighbour is better than the serving cell by an offset.

    Attributes:
        hysteresis_db: How much better a neighbour must be [dB].
        time_to_trigger_s: For how long [s].
    Raises:
        OutOfRangeError: if one is negative or not finite.
    """

    hysteresis_db: float = 3.0
    time_to_trigger_s: float = 0.16

    def __post_init__(self) -> None:
        for name in ("hysteresis_db", "time_to_trigger_s"):
            value = getattr(self, name)
            if not 0 <= value <= MAX_SETTING:
                raise OutOfRangeError(f"{name} is {value:g}; it must be 0 to {MAX_SETTING:g}")


def serving_cells(
    rss_dbm: ArrayLike, step_s: float, handover: Handover | None = None
) -> tuple[NDArray[np.int16], Bools]:
    """The serving cell of each UE over time.

    A UE starts in its strongest cell. It changes to a neighbour that was
    stronger by the hysteresis during the whole time to trigger; among several
    to the strongest. Where its cell is no longer received it takes the
    strongest at once.

    Args:
        rss_dbm: Received powers [dBm], [time, ue, tx]; -inf or NaN where
            nothing arrives.
        step_s: Time between rows [s].
        handover: Settings; default: 3 dB, 160 ms.
    Returns:
        Serving transmitter, [time, ue], -1 where none is received; and where
        it changed from one to another, [time, ue].
    Raises:
        ShapeError: if rss_dbm is not [time, ue, tx].
    Source: 3GPP TS 38.331, clause 5.5.4.4; checked by tests/link/test_handover.py.
    """
    handover = handover or Handover()
    rss = np.asarray(rss_dbm, np.float64)
    if rss.ndim != 3 or not rss.shape[2]:
        raise ShapeError(f"rss_dbm has shape {rss.shape}; it must be [time, ue, tx]")
    rss = np.where(np.isnan(rss), -np.inf, rss)
    num_steps, num_ues, num_tx = rss.shape
    held_for = np.ceil(handover.time_to_trigger_s / step_s - _REMAINDER)
    rows = np.arange(num_ues)
    serving = np.full((num_steps, num_ues), NO_CELL, np.int16)
    better_for = np.zeros((num_ues, num_tx), np.int64)
    current = np.full(num_ues, NO_CELL)
    for step in range(num_steps):
        power = rss[step]
        own = np.where(current >= 0, power[rows, current], -np.inf)
        better = power > (own + handover.hysteresis_db)[:, None]
        # The first row in which it is better starts the clock at 0.
        better_for = np.where(better, better_for + 1, 0)
        due = better & (better_for > held_for)
        target = np.where(due, power, -np.inf).argmax(axis=1)
        lost = np.isneginf(own)
        strongest = power.argmax(axis=1)
        reached = ~np.isneginf(power[rows, strongest])
        new = np.where(due.any(axis=1), target, current)
        new = np.where(lost, np.where(reached, strongest, NO_CELL), new)
        better_for[new != current] = 0
        current = new
        serving[step] = current
    changed = np.zeros(serving.shape, bool)
    both = (serving[1:] >= 0) & (serving[:-1] >= 0)
    changed[1:] = both & (serving[1:] != serving[:-1])
    return serving, changed
