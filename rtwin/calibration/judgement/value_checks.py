"""Checks of what was measured: signs, units, and rows that were copied."""

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign import Measurements, block_of, link_inputs

LEAST_SPREAD_DB = 0.5
GROWS_SD = 3.0  # standard errors of the slope above which levels grow with distance
COPIED_SHARE = 0.5
LEAST_COPIES = 10
_LATTICE_M = 0.01
_MANY = 3000  # rows that copies are looked for in


def spread_db(data: Measurements) -> float:
    """Standard deviation of heard levels within transmitters and devices [dB]; NaN of none."""
    pair = data.tx * len(data.devices) + data.device
    seen = ~data.censored
    parts = [data.level_db[seen & (pair == n)] for n in np.unique(pair[seen])]
    off = [part - part.mean() for part in parts if len(part) > 1]
    return float(np.sqrt(np.mean(np.concatenate(off) ** 2))) if off else float("nan")


def growth_per_decade_db(data: Measurements, block_m: float) -> tuple[float, float]:
    """How levels grow with distance [dB per decade], and that over its standard error.

    Least squares with an offset for each transmitter and device, the antenna pattern
    taken off; errors are those of blocks, as neighbours are alike.

    Returns:
        NaN and 0 where distances do not differ.
    Source: cluster-robust errors after Liang and Zeger (1986); checked by
    tests/calibration/judgement/test_value_checks.py.
    """
    data = data.take(~data.censored)
    if not len(data):
        return float("nan"), 0.0
    inputs = link_inputs(data)
    pair = data.tx * len(data.devices) + data.device
    x = _centered(inputs.log_distance_db / 10, pair)
    y = _centered(data.level_db - inputs.pattern_db, pair)
    power = float(x @ x)
    if power < 1e-6:
        return float("nan"), 0.0
    slope = float(x @ y) / power
    score = np.bincount(block_of(data.position_m, block_m), x * (y - slope * x))
    return slope, slope * power / max(float(np.sqrt(np.sum(score**2))), 1e-9)


def shifted_copies(data: Measurements) -> tuple[int, Floats] | None:
    """Rows that stand elsewhere a second time: how many, and how far off [m].

    If rows were copied, many rows have the same level as the row at one and the same
    vector from them; chance makes a few.

    Returns:
        None if nothing looks copied.
    Source: checked by tests/calibration/judgement/test_value_checks.py.
    """
    # As they come, not at random: copies often keep their order.
    data = data.take(np.flatnonzero(~data.censored)[:_MANY])
    if len(data) < 2 * LEAST_COPIES:
        return None
    a, b = _equal_pairs(data)
    step = np.rint((data.position_m[b] - data.position_m[a])[:, :2] / _LATTICE_M).astype(np.int64)
    # A pair is one copy either way round; of one place it is another device or time.
    flip = (step[:, 0] < 0) | ((step[:, 0] == 0) & (step[:, 1] < 0))
    step[flip] *= -1
    step = step[step.any(axis=1)]
    if not len(step):
        return None
    vectors, counts = np.unique(step, axis=0, return_counts=True)
    best = int(counts.argmax())
    shift = vectors[best] * _LATTICE_M
    possible = _pairs_at(data, vectors[best])
    count = int(counts[best])
    if count < LEAST_COPIES or count < COPIED_SHARE * possible:
        return None
    return count, np.asarray(shift, np.float64)


def _centered(values: Floats, group: Ints) -> Floats:
    count = np.maximum(np.bincount(group), 1)
    return values - (np.bincount(group, values) / count)[group]


def _equal_pairs(data: Measurements) -> tuple[Ints, Ints]:
    """Pairs of rows of one transmitter and device that have the very same level."""
    left, right = [], []
    pair = data.tx * len(data.devices) + data.device
    for number in np.unique(pair):
        rows = np.flatnonzero(pair == number)
        level = data.level_db[rows]
        a, b = np.nonzero(np.triu(np.abs(level[:, None] - level[None]) < 1e-9, 1))
        left.append(rows[a])
        right.append(rows[b])
    return np.concatenate(left), np.concatenate(right)


def _pairs_at(data: Measurements, step: Ints) -> int:
    """How many pairs of rows of one transmitter and device lie one vector apart."""
    pair = data.tx * len(data.devices) + data.device
    spot = np.rint(data.position_m[:, :2] / _LATTICE_M).astype(np.int64)
    here = {(*place, int(n)) for place, n in zip(map(tuple, spot.tolist()), pair, strict=True)}
    return sum((x + int(step[0]), y + int(step[1]), n) in here for x, y, n in here)


def value_warnings(data: Measurements, block_m: float) -> list[str]:
    """What the values themselves say is wrong; empty if nothing is odd."""
    found = []
    spread = spread_db(data)
    if spread < LEAST_SPREAD_DB:
        found.append(
            f"levels of one transmitter differ by {spread:.2g} dB only; radio levels spread over "
            "decibels: is the column linear (watts, a quality from 0 to 1), or of another quantity?"
        )
        return found
    slope, sure = growth_per_decade_db(data, block_m)
    if slope > 0 and sure > GROWS_SD:
        found.append(
            f"levels grow with distance, by {slope:.1f} dB per decade; check the sign (is it a "
            "path loss?), the quantity, and which transmitter a row belongs to"
        )
    copies = shifted_copies(data)
    if copies is not None:
        count, (x, y) = copies
        found.append(
            f"{count} rows have the very level of the row {abs(x):.4g} m east and {abs(y):.4g} m "
            "north or south of them: were rows copied, or positions of one drive used for another?"
        )
    return found
