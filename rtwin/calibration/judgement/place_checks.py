"""Checks of where transmitters stand: displaced, exchanged, columns under another's name.

All compare errors on left-out blocks, block by block: a place is believed to be
wrong if another is better in more blocks than chance explains.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign import Link, Measurements, block_of, folds
from rtwin.calibration.statistics import PATTERN, PATTERN_SD, SLOPE, SLOPE_SD
from rtwin.channel import tr38901_element_gain_db
from rtwin.units import azimuth_zenith, wrap_angle

SURE_SD = 3.0  # standard errors, over blocks, by which another place has to be better
_ERROR_LEFT = 0.85  # and it has to leave less than this of the error
_FAR = 0.3  # a displaced transmitter is believed from this share of the median link on
_EXCHANGED_LEFT = 0.9
_STEPS = 9
_FINER = 3  # times that the grid is narrowed about its best place
MIN_ROWS = 30
_MAX_ROWS = 400
_NOISE_DB = 6.0  # that the priors of the slopes are weighed against
_FOLDS = 5
_NEVER = 1e12


@dataclass(frozen=True, eq=False)
class _Rows:
    """Heard rows of one transmitter, drawn, with what their comparison needs."""

    position_m: Floats
    device: Ints
    level_db: Floats
    fold: Ints
    block: Ints


@dataclass(frozen=True)
class Displaced:
    """A transmitter that fits better elsewhere.

    Attributes:
        name: Of the transmitter.
        off_m: How far off the better place is [m].
        error_left: Left-out error there over that where the campaign puts it.
    """

    name: str
    off_m: float
    error_left: float


def displaced(data: Measurements, block_m: float, seed: int = 1) -> list[Displaced]:
    """Transmitters that would fit better elsewhere.

    Log-distance with antenna is fitted to left-out blocks for places on a grid over
    the measured area, then on finer ones about the best.

    Source: checked by tests/calibration/judgement/test_place_checks.py; how often it is
    wrong is what benchmarks/campaign_warnings.py counts.
    """
    found = []
    for number, link in enumerate(data.transmitters):
        rows = _rows_of(data, number, block_m, seed)
        if rows is None:
            continue
        own = np.array(link.position_m)
        here = _left_out(rows, link, own)
        best, away = _search(rows, link, own, here)
        off = float(np.hypot(*(best - own)[:2]))
        left = _rms(away) / max(_rms(here), 1e-9)
        link_m = float(np.median(np.linalg.norm(rows.position_m - own, axis=1)))
        if left < _ERROR_LEFT and off > _FAR * link_m and _sure(here, away, rows.block) > SURE_SD:
            found.append(Displaced(link.name, off, left))
    return found


def exchanged(data: Measurements, block_m: float, seed: int = 1) -> list[tuple[str, str]]:
    """Whose levels look like whose: (name in the file, transmitter that they fit).

    Each transmitter's rows are fitted from the place of every other; the assignment
    of the least error is another than the file's if names were exchanged.

    Returns:
        Empty if the file's own is the best, or as good as any.
    Source: assignment after Kuhn (1955), scipy; checked by
    tests/calibration/judgement/test_place_checks.py.
    """
    known = _all_rows(data, block_m, seed)
    if len(known) < 2:
        return []
    links = [data.transmitters[n] for n in known]
    error = _errors_of_all(known.values(), links)
    cost = _mean_squares(error)
    _, column = linear_sum_assignment(cost)
    moved = [i for i, j in enumerate(column) if i != j and _apart(links[i], links[j])]
    if not moved:
        return []
    parts = list(known.values())
    own = np.concatenate([error[i][i] for i in moved])
    other = np.concatenate([error[i][column[i]] for i in moved])
    # Blocks of all that moved: one place counts once, whoever is heard there.
    place = np.concatenate([parts[i].block for i in moved])
    if _rms(other) > _EXCHANGED_LEFT * _rms(own) or _sure(own, other, place) < SURE_SD:
        return []
    return [(links[i].name, links[column[i]].name) for i in moved]


class Fit(NamedTuple):
    """Which of some transmitters the levels of a name fall away from.

    Attributes:
        link: Its number.
        error_db: Left-out error of log-distance from there [dB].
        next_db: That from the place that it has in the next best assignment of all names [dB].
        is_sure: Whether the best assignment is better in more blocks than chance explains.
    """

    link: int
    error_db: float
    next_db: float
    is_sure: bool


def whose_levels(
    data: Measurements, links: Sequence[Link], block_m: float, seed: int = 1
) -> dict[int, Fit]:
    """Whose the levels are that a table gives under names of its own.

    Args:
        data: Rows by name; where its transmitters stand counts for nothing.
        links: Transmitters that the names may be, each at most once.
        block_m: Side of the blocks that are left out [m].
        seed: Of rows and folds that are drawn.
    Returns:
        By number of the name; without names of fewer than 30 rows.
    Source: as `exchanged`; checked by tests/calibration/test_drive_test.py.
    """
    known = _all_rows(data, block_m, seed)
    if not known:
        return {}
    parts = list(known.values())
    error = _errors_of_all(parts, links)
    cost = _mean_squares(error)
    chosen = dict(zip(*linear_sum_assignment(cost), strict=True))
    found = {}
    for i, j in chosen.items():
        # The best that is left if this name is another's: it may take others with it.
        without = cost.copy()
        without[i, j] = _NEVER
        other = dict(zip(*linear_sum_assignment(without), strict=True))
        moved = [k for k in chosen if other.get(k, chosen[k]) != chosen[k]]
        own_db, next_db, sure = _rms(error[i][j]), np.inf, False
        if moved and other.get(i, j) != j:
            own = np.concatenate([error[k][chosen[k]] for k in moved])
            away = np.concatenate([error[k][other[k]] for k in moved])
            place = np.concatenate([parts[k].block for k in moved])
            next_db = _rms(error[i][other[i]])
            sure = _rms(own) < _EXCHANGED_LEFT * _rms(away) and _sure(away, own, place) > SURE_SD
        found[list(known)[i]] = Fit(int(j), own_db, next_db, sure)
    return found


def place_warnings(data: Measurements, block_m: float, seed: int) -> list[str]:
    """Lines about transmitters that are not where, or not who, the campaign says."""
    mixed = exchanged(data, block_m, seed)
    if mixed:
        pairs = ", ".join(f"'{a}' like '{b}'" for a, b in mixed)
        return [
            f"levels look as if names were exchanged: {pairs}; check columns, cells and positions"
        ]
    return [
        f"transmitter '{one.name}' fits much better {one.off_m:.0f} m from where the campaign puts "
        f"it (error {100 * (1 - one.error_left):.0f} % lower); check its position and the origin"
        for one in displaced(data, block_m, seed)
    ]


def _all_rows(data: Measurements, block_m: float, seed: int) -> dict[int, _Rows]:
    """Rows of each transmitter that has enough of them, by its number."""
    rows = {n: _rows_of(data, n, block_m, seed) for n in range(len(data.transmitters))}
    return {n: part for n, part in rows.items() if part is not None}


def _errors_of_all(rows: Iterable[_Rows], links: Sequence[Link]) -> list[list[Floats]]:
    """Left-out errors of all rows from the place of each link [dB], [name][link]."""
    return [[_left_out(part, link, np.array(link.position_m)) for link in links] for part in rows]


def _mean_squares(error: list[list[Floats]]) -> Floats:
    return np.array([[np.mean(e**2) for e in row] for row in error])


def _rows_of(data: Measurements, number: int, block_m: float, seed: int) -> _Rows | None:
    rows = np.flatnonzero((data.tx == number) & ~data.censored)
    if len(rows) < MIN_ROWS:
        return None
    rows = np.sort(np.random.default_rng(seed).permutation(rows)[:_MAX_ROWS])
    place = data.position_m[rows]
    # Of all rows, so that blocks of different transmitters have the same numbers.
    block = block_of(data.position_m, block_m)[rows]
    return _Rows(
        place, data.device[rows], data.level_db[rows], folds(place, block_m, _FOLDS, seed), block
    )


def _search(rows: _Rows, link: Link, own_m: Floats, here: Floats) -> tuple[Floats, Floats]:
    """The best place of a narrowing grid, and its left-out errors."""
    low, high = rows.position_m[:, :2].min(axis=0), rows.position_m[:, :2].max(axis=0)
    best, away = own_m, here
    center, reach = (low + high) / 2, (high - low) / 2
    for _ in range(_FINER):
        axis = np.linspace(-1.0, 1.0, _STEPS)
        for x, y in np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2):
            place = np.array([*(center + reach * np.array([x, y])), own_m[2]])
            error = _left_out(rows, link, place)
            if _rms(error) < _rms(away):
                best, away = place, error
        center, reach = best[:2], reach / (_STEPS - 1) * 2
    return best, away


def _left_out(rows: _Rows, link: Link, place_m: Floats) -> Floats:
    """Errors of log-distance (and antenna) from a place, each fold from the others [dB]."""
    away = rows.position_m - place_m
    far = 10 * np.log10(np.maximum(np.linalg.norm(away, axis=1), 0.1))
    devices = np.unique(rows.device)
    columns = [(rows.device == d).astype(float) for d in devices]
    base, slopes = SLOPE * far, [(far, SLOPE_SD)]
    if link.is_directional:
        azimuth, zenith = azimuth_zenith(away)
        off = np.degrees(wrap_angle(azimuth - np.radians(link.yaw_deg)))
        pattern = tr38901_element_gain_db(off, np.degrees(zenith) - link.downtilt_deg)
        base = base + PATTERN * pattern
        slopes.append((pattern, PATTERN_SD))
    x = np.column_stack([*columns, *(v for v, _ in slopes)])
    weight = np.diag([1e-6] * len(devices) + [(_NOISE_DB / sd) ** 2 for _, sd in slopes])
    y = rows.level_db - base
    error = np.empty(len(y))
    for number in np.unique(rows.fold):
        others, own = rows.fold != number, rows.fold == number
        if not others.any():
            others = own
        part = x[others]
        solved = np.linalg.solve(part.T @ part + weight, part.T @ y[others])
        error[own] = y[own] - x[own] @ solved
    return error


def _sure(before: Floats, after: Floats, block: Ints) -> float:
    """Mean gain over its standard error, from blocks."""
    gain = np.bincount(block, before**2 - after**2)
    gain = gain[np.bincount(block) > 0]
    if len(gain) < 2:
        return 0.0
    return float(gain.mean() / max(gain.std(ddof=1) / np.sqrt(len(gain)), 1e-9))


def _apart(a: Link, b: Link) -> bool:
    """Whether two transmitters could be told from one another by where and how they stand."""
    off = np.hypot(*np.subtract(a.position_m, b.position_m)[:2])
    return bool(off > 1.0 or (a.is_directional and abs(a.yaw_deg - b.yaw_deg) > 1.0))


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))
