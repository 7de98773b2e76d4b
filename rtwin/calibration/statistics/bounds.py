"""What no prediction may say: more than free space brings, less than a receiver can tell."""

import numpy as np
from scipy.stats import norm

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import Measurements
from rtwin.channel import free_space_path_loss_db

ABOVE_FREE_SPACE_DB = 10.0
BELOW_WEAKEST_DB = 30.0  # that a model may predict before it is averaged


def level_bounds(data: Measurements, train: Ints) -> tuple[Floats, Floats]:
    """Lowest and highest level that a prediction may have in every row [dB], [row] each.

    Free space is absolute only where powers are known, and they rarely are: the row
    of a transmitter and device that lies highest over free space stands for both,
    with a margin of 10 dB. The lowest level is the noise floor, where levels are
    censored at one, and else the weakest trained row.

    Args:
        data: All rows; only the levels of `train` are looked at.
        train: Rows to learn from.
    Returns:
        Bounds; infinite without a trained row.
    Checked by tests/calibration/statistics/test_bounds.py.
    """
    if not len(train):
        return np.full(len(data), -np.inf), np.full(len(data), np.inf)
    frequency = np.array([link.frequency_hz for link in data.transmitters])[data.tx]
    distance = np.linalg.norm(data.position_m - data.tx_position_m, axis=1)
    loss = free_space_path_loss_db(np.maximum(distance, 0.1), frequency)
    over = (data.level_db + loss)[train]
    pair = data.tx * len(data.devices) + data.device
    count = len(data.transmitters) * len(data.devices)
    top = np.full(count, -np.inf)
    np.maximum.at(top, pair[train], over)
    top[np.isinf(top)] = over.max()
    level, censored = data.level_db[train], data.censored[train]
    low = float(level[censored].min()) if censored.any() else float(level.min())
    high = top[pair] + ABOVE_FREE_SPACE_DB - loss
    return np.minimum(low, high), high


def heard_mean(mean_db: Floats, sd_db: Floats, floor_db: float) -> Floats:
    """Expected level where a receiver hears anything at all [dB], [row].

    A row that was heard says that its level was above the floor: E[y | y > floor]
    of a normal y. Far above the floor it is the mean.

    Args:
        mean_db: Expected level [dB], [row].
        sd_db: Its standard deviation, noise included [dB], [row].
        floor_db: The noise floor [dB]; -inf where there is none.
    Source: Tobin (1958), mean of a truncated normal; checked by
    tests/calibration/statistics/test_bounds.py against draws.
    """
    if not np.isfinite(floor_db):
        return mean_db
    z = np.clip((mean_db - floor_db) / sd_db, -30.0, 30.0)
    return mean_db + sd_db * np.exp(norm.logpdf(z) - norm.logcdf(z))


def log_score(mean_db: Floats, sd_db: Floats, level_db: Floats, censored: Bools) -> Floats:
    """Minus the logarithm of a normal prediction's density at what was measured, [row].

    Censored rows count with the probability of their being below the floor (Tobit).
    """
    z = (level_db - mean_db) / sd_db
    return np.where(censored, -norm.logcdf(z), np.log(sd_db) - norm.logpdf(z))


def noise_floor_db(data: Measurements) -> float:
    """The level below which rows are censored [dB]; -inf where none is."""
    return float(data.level_db[data.censored].min()) if data.censored.any() else -np.inf
