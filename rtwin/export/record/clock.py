"""Time steps of devices, as formats want them: shared by all and even."""

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.export.record.view import PathView

_TOLERANCE = 1e-6  # of a step


def shared_times_s(view: PathView, tool: str, otherwise: str = "") -> Floats:
    """The times that all devices share [s], [time]; time 0 where all stand.

    Args:
        view: What is exported.
        tool: What has one clock, for the message.
        otherwise: What else can be done, for the message.
    Raises:
        OutOfRangeError: if devices move at times of their own.
    """
    if view.time_s is None:
        return np.zeros(1)
    times = [view.time_s[track] for track in view.tracks]
    if any(not np.array_equal(other, times[0]) for other in times[1:]):
        raise OutOfRangeError(
            f"{len(times)} receivers move at times of their own, {tool} has one clock; "
            f"export one of them with rx (--rx){otherwise}"
        )
    return times[0]


def even_step_s(times_s: Floats, tool: str) -> float:
    """The step between times [s]; NaN for one time.

    Raises:
        OutOfRangeError: if the steps differ, as where receivers were turned away.
    """
    if len(times_s) < 2:
        return float("nan")
    steps = np.diff(times_s)
    step = float(times_s[-1] - times_s[0]) / len(steps)
    if np.abs(steps - step).max() > _TOLERANCE * step:
        at = int(np.abs(steps - step).argmax())
        raise OutOfRangeError(
            f"times step by {steps.min():g} to {steps.max():g} s (row {at}), {tool} steps evenly; "
            "choose rows without a gap with rx (--rx)"
        )
    return step


def simulated_times_s(steps: int, duration_s: float, moving: bool) -> Floats:
    """Times at which the channel of standing receivers is sampled [s], [time].

    Raises:
        OutOfRangeError: if there is no step or no duration, or receivers move,
            whose times are those of the twin.
    """
    if steps < 1 or duration_s <= 0:
        raise OutOfRangeError(f"steps is {steps} and duration_s {duration_s:g}; both are above 0")
    if moving and steps > 1:
        raise OutOfRangeError(
            f"steps is {steps}, but the receivers move and have times of their own; leave it out"
        )
    return np.arange(steps, dtype=np.float64) * (duration_s / steps)
