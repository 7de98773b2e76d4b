"""How forecasts are compared: z-scores of each cell, lags of hours and days, the last week."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.federation.traffic.series import DAY, Traffic

CLOSE_H, PERIOD_H = (3, 2, 1), (72, 48, 24)  # lags, the oldest first
FIRST_H = PERIOD_H[0]
NUM_INPUTS = len(CLOSE_H) + len(PERIOD_H)
TEST_DAYS = 7


@dataclass(frozen=True, eq=False)
class Windows:
    """Inputs and what follows them.

    Attributes:
        x: [cell, window, 6]: one to three hours before, then the same hour of three days before.
        y: The hour itself, [cell, window].
        hour: Which hour of the traffic that is, [window].
    """

    x: Floats
    y: Floats
    hour: np.ndarray

    def take(self, cells: list[int] | np.ndarray) -> "Windows":
        """The windows of some cells."""
        return Windows(self.x[cells], self.y[cells], self.hour)


def standardised(traffic: Traffic, train_days: int) -> tuple[Floats, Floats, Floats]:
    """Traffic in standard deviations of each cell about its mean, both of the first days.

    Returns:
        z [hour, cell], mean [cell] and standard deviation [cell]; of a cell that never
        changes the deviation is 1.
    """
    known = traffic.values[: DAY * train_days]
    mean, sd = known.mean(axis=0), known.std(axis=0)
    sd = np.where(sd > 0, sd, 1.0)
    return (traffic.values - mean) / sd, mean, sd


def windows_of(z: Floats, first_day: int, last_day: int) -> Windows:
    """Windows whose hours lie in some days; the first three days have none.

    Args:
        z: Traffic, [hour, cell].
        first_day, last_day: From the first to before the last.
    Source: the protocol of FedDA (C. Zhang et al., INFOCOM 2021); checked by
    tests/federation/test_traffic.py.
    """
    hour = np.arange(max(DAY * first_day, FIRST_H), DAY * last_day)
    lags = [z[hour - lag] for lag in (*CLOSE_H, *PERIOD_H)]
    x = np.stack(lags, axis=-1).transpose(1, 0, 2) if len(hour) else np.zeros((z.shape[1], 0, 6))
    return Windows(np.ascontiguousarray(x), np.ascontiguousarray(z[hour].T), hour)


def errors(forecast: Floats, truth: Floats) -> tuple[float, float]:
    """Mean absolute and mean squared error in standard deviations, over all cells and hours."""
    off = forecast - truth
    return float(np.abs(off).mean()), float((off**2).mean())
