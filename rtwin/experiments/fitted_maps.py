"""Maps fitted to measurements at a few places: a shifted map, log-distance, kriging."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel import condition, shadowing_correlation
from rtwin.dataset import RadioMap
from rtwin.errors import OutOfRangeError
from rtwin.experiments.worlds import with_gain
from rtwin.units import from_db, to_db

DISTANCES_M = (7.5, 15.0, 30.0, 60.0, 120.0)


@dataclass(frozen=True)
class SparsePoints:
    """Places where the world was measured, and what was received there.

    Attributes:
        cell: Cells of the world's map, (y, x), [point, 2].
        xy_m: Their centres [m], [point, 2].
        rss_dbm: Received powers [dBm], [point, tx]; NaN where nothing arrives.
    """

    cell: Ints
    xy_m: Floats
    rss_dbm: Floats

    def split(self, first: int) -> tuple["SparsePoints", "SparsePoints"]:
        """The first points and the others; one of them at least is among the others."""
        first = min(first, len(self.cell) - 1)
        parts = (slice(None, first), slice(first, None))
        a, b = (SparsePoints(self.cell[p], self.xy_m[p], self.rss_dbm[p]) for p in parts)
        return a, b

    def error_db(self, radio_map: RadioMap) -> float:
        """Root-mean-square error of a map's strongest cell at the points [dB].

        The map may have cells of its own. Only points where both arrive count;
        0 if there are none.
        """
        gain, _ = radio_map.path_gain_at(self.xy_m)
        believed = to_db(np.nan_to_num(gain)) + radio_map.tx_power_dbm
        strongest = np.argmax(np.nan_to_num(self.rss_dbm, nan=-np.inf), axis=1)
        miss = (believed - self.rss_dbm)[np.arange(len(self.cell)), strongest]
        miss = miss[np.isfinite(miss)]
        return float(np.sqrt(np.mean(miss**2))) if miss.size else 0.0


def measure(
    world: RadioMap, walkable: Bools, count: int, error_db: float, rng: np.random.Generator
) -> SparsePoints:
    """Measurements of received power at some cells of the world, with an error in dB.

    Args:
        world: The reference.
        walkable: Cells where one can measure, [cell_y, cell_x].
        count: How many.
        error_db: Standard deviation of a measurement [dB].
        rng: Draws the cells and errors.
    """
    cells = np.argwhere(walkable)
    if not len(cells):
        raise OutOfRangeError("no cell can be walked to for a measurement")
    chosen = cells[rng.choice(len(cells), min(count, len(cells)), replace=False)]
    power = world.rss_dbm[:, chosen[:, 0], chosen[:, 1]].T.astype(np.float64)
    power = np.where(np.isfinite(power), power, np.nan)
    xy = world.cell_centers_m[chosen[:, 0], chosen[:, 1], :2]
    return SparsePoints(chosen, xy, power + error_db * rng.standard_normal(power.shape))


def log_distance_map(free_space: RadioMap, points: SparsePoints) -> RadioMap:
    """Log-distance path loss, fitted to measurements, times the antenna patterns.

    gain_db = free space_db + offset_tx - slope * 10 log10(distance / 1 m), where
    free space has the patterns in it; least squares for one slope and an offset
    of each transmitter.

    Returns:
        The map; free space where there are too few measurements.
    Checked by tests/experiments/test_worlds.py.
    """
    centers = free_space.cell_centers_m
    base = to_db(free_space.path_gain)
    gap = centers[None] - free_space.tx_position_m[:, None, None]
    distance_db = 10.0 * np.log10(np.maximum(np.linalg.norm(gap, axis=-1), 1.0))
    rows, columns = points.cell.T
    num_tx = len(base)
    measured = points.rss_dbm - free_space.tx_power_dbm
    residual = (measured - base[:, rows, columns].T).ravel()
    tx = np.tile(np.arange(num_tx), len(rows))
    design = np.column_stack([distance_db[:, rows, columns].T.ravel(), np.eye(num_tx)[tx]])
    known = np.isfinite(residual)
    if known.sum() <= num_tx + 1:
        return free_space
    fitted, *_ = np.linalg.lstsq(design[known], residual[known], rcond=None)
    level = base + fitted[0] * distance_db + fitted[1:, None, None]
    return with_gain(free_space, np.minimum(from_db(level), 1.0))


def leveled(radio_map: RadioMap, points: SparsePoints) -> RadioMap:
    """A map shifted in decibels to the median of the measurements, for each transmitter.

    Places where the map has nothing do not count; a transmitter without any other
    takes the median of all.

    Checked by tests/experiments/test_worlds.py.
    """
    rows, columns = points.cell.T
    believed = to_db(radio_map.path_gain[:, rows, columns].T) + radio_map.tx_power_dbm
    miss = points.rss_dbm - believed
    miss = np.where(np.isfinite(miss), miss, np.nan)
    if np.isnan(miss).all():
        return radio_map
    known = ~np.isnan(miss).all(axis=0)
    shift = np.full(miss.shape[1], np.nanmedian(miss))
    shift[known] = np.nanmedian(miss[:, known], axis=0)
    gain = radio_map.path_gain * from_db(shift)[:, None, None]
    return with_gain(radio_map, np.minimum(gain, 1.0))


def filled(radio_map: RadioMap, other: RadioMap) -> RadioMap:
    """A map that has, where nothing arrives in it, what another one says."""
    gain = radio_map.path_gain
    return with_gain(radio_map, np.where(gain > 0, gain, other.path_gain))


def kriged_map(
    trend: RadioMap, points: SparsePoints, error_db: float, distance_m: float | None
) -> RadioMap:
    """A trend corrected by kriging of what it misses at measurements.

    The residual is a Gaussian field of exponential correlation; its variance is
    that of the residuals less the measurements' own.

    Args:
        trend: The map to correct.
        points: Measurements.
        error_db: Their standard deviation [dB].
        distance_m: Where the correlation is 1/e [m]; None: the most likely of
            DISTANCES_M, one for all transmitters.
    Checked by tests/experiments/test_worlds.py.
    """
    centers = trend.cell_centers_m[..., :2]
    rows, columns = points.cell.T
    level = to_db(trend.path_gain)
    there = centers[rows, columns]
    cells = centers.reshape(-1, 2)
    between = np.linalg.norm(there[:, None] - there[None], axis=-1)
    to_cells = np.linalg.norm(cells[:, None] - there[None], axis=-1)
    with np.errstate(invalid="ignore"):
        every = points.rss_dbm - trend.tx_power_dbm - level[:, rows, columns].T
    if distance_m is None:
        distance_m = max(DISTANCES_M, key=lambda d: _likelihood(every, between, error_db, d))
    for tx in range(len(level)):
        miss = every[:, tx]
        known = np.isfinite(miss)
        variance = _variance(miss[known], error_db)
        if variance <= 0:
            continue
        covariance = _covariance(between[np.ix_(known, known)], variance, error_db, distance_m)
        cross = variance * shadowing_correlation(to_cells[:, known], distance_m)
        guess, _ = condition(covariance, miss[known]).predict(cross, variance)
        level[tx] += guess.reshape(level[tx].shape)
    return with_gain(trend, np.minimum(from_db(level), 1.0))


def _variance(miss: Floats, error_db: float) -> float:
    return float(np.mean(miss**2)) - error_db**2 if miss.size else 0.0


def _covariance(between: Floats, variance: float, error_db: float, distance_m: float) -> Floats:
    noise = error_db**2 * np.eye(len(between))
    return variance * shadowing_correlation(between, distance_m) + noise


def _likelihood(every: Floats, between: Floats, error_db: float, distance_m: float) -> float:
    """Logarithm of how likely the misses [point, tx] are, up to a constant."""
    total = 0.0
    for miss in every.T:
        known = np.isfinite(miss)
        variance = _variance(miss[known], error_db)
        if variance <= 0:
            continue
        covariance = _covariance(between[np.ix_(known, known)], variance, error_db, distance_m)
        total += float(condition(covariance, miss[known]).log_likelihood)
    return total
