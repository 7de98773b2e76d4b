"""Values of a Gaussian process that the others contradict: single ones, and neighbours together.

With the precision matrix Q of all values y, what a set of them is off the others, as one
common shift, is sum(Q y) / sum(Q) over the set, and over its standard deviation
sum(Q y) / sqrt(sum(Q)). For one value that is its leave-one-out score. Neighbours that lie
together vouch for each other, so that the sets of the nearest values of a source about each
of them are asked as well, of all sizes (a scan).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from rtwin.arrays import Bools, Floats, Ints

LIMIT = 4.5  # robust standard deviations
LEAST_SHIFT_DB = 10.0  # honest neighbours behind a house that the map lacks are off by less
MOST = 0.35  # of the values that can be told from the rest
_READMIT = 2.0
_ROUNDS = 40
_TOGETHER = (8, 150)  # values of a set: among fewer, honest ones may be the minority
_SHARE_TOGETHER = 0.2  # of all values that a set may have
_CENTERS = 300
_LEAST_SCALE = 0.3
_OF_ONE_MIND = 0.8  # of a set
_AROUND = 12  # neighbours of what is set aside that are looked at again first


@dataclass(frozen=True, eq=False)
class Contradiction:
    """What the others say of each value.

    Attributes:
        contradicted: Values that the others do not support, [value].
        score: Signed distance from what the supported others say, in robust standard
            deviations, [value]; 0 of what was not asked.
        off_db: That distance [dB], [value].
        undecided: Whether more than a third would be contradicted: nobody can tell then who
            lies, and nothing is.
    """

    contradicted: Bools
    score: Floats
    off_db: Floats
    undecided: bool = False


def contradictions(
    covariance: Floats,
    values_db: Floats,
    place_m: Floats,
    sources: Sequence[Ints],
    asked: Bools | None = None,
    *,
    limit: float = LIMIT,
    least_scale: float = _LEAST_SCALE,
) -> Contradiction:
    """Set the most contradicted values aside and look again, until nothing is left.

    Args:
        covariance: Of the values, their noise included [dB^2], [value, value].
        values_db: What was measured above what was expected [dB], [value].
        place_m: Where, [value, 2].
        sources: For each kind of source, who sent each value, [value] each; values of one
            source at one place may lie together.
        asked: Values that may be contradicted, [value]; default: all. Others speak, and
            are believed.
        limit: Robust standard deviations that are believed.
        least_scale: What the robust standard deviation of scores is at least.
    Returns:
        The verdict.
    Source: leave-one-out scores by Rasmussen and Williams (2006), equation 5.12; scan over
    neighbours after M. Kulldorff (Communications in Statistics 26, 1997); checked by
    tests/calibration/statistics/test_contradiction.py.
    """
    num = len(values_db)
    asked = np.ones(num, bool) if asked is None else asked
    nobody = np.zeros(num, bool)
    if num == 0:
        return Contradiction(nobody, np.zeros(0), np.zeros(0))
    everything = np.asarray(np.linalg.inv(covariance), np.float64)
    precision = everything
    neighbours = [_nearest(place_m, source) for source in sources]
    alive = np.ones(num, bool)
    undecided = False
    for _ in range(_ROUNDS):
        worst = _worst(precision, values_db, neighbours, alive, asked, limit, least_scale)
        fresh = _apart(worst, place_m, precision, values_db, alive)
        if not len(fresh):
            break
        precision = _without(precision, fresh, alive)
        alive[fresh] = False
        if (~alive).mean() > MOST:
            alive, undecided = ~nobody, True
            precision = everything
            break
    off, score = _scores(covariance, precision, values_db, alive, asked, least_scale)
    # Sets are disks: who lies within one and agrees with the believed is believed.
    contradicted = ~alive & (np.abs(score) > _READMIT)
    return Contradiction(contradicted, score, off, undecided)


def _nearest(place_m: Floats, source: Ints) -> list[Ints]:
    """For some values, those of their source from the nearest on."""
    low, high = _TOGETHER
    most = min(high, int(_SHARE_TOGETHER * len(source)))
    found = []
    for name in np.unique(source):
        own = np.flatnonzero(source == name)
        count = min(most, len(own))
        if count < low:
            continue
        step = max(1, int(np.ceil(len(own) / _CENTERS)))
        _, order = cKDTree(place_m[own]).query(place_m[own[::step]], k=count)
        found += list(own[np.asarray(order).reshape(-1, count)])
    return found


def _worst(
    precision: Floats,
    values: Floats,
    neighbours: list[list[Ints]],
    alive: Bools,
    asked: Bools,
    limit: float,
    least_scale: float,
) -> list[tuple[float, Ints]]:
    """Values and sets beyond the limit, by how far they are beyond, the worst first."""
    pull = precision @ np.where(alive, values, 0.0)
    free = alive & asked
    power = np.maximum(np.diag(precision), 1e-12)
    each = np.where(free, pull / np.sqrt(power), 0.0)
    scale = max(_robust_sd(each[free]), least_scale)
    beyond = np.abs(each) / (scale * limit)
    found = [(float(beyond[i]), np.array([i])) for i in np.flatnonzero(beyond > 1.0)]
    for about in neighbours:
        found += _worst_sets(precision, pull, about, free, limit, scale)
    return sorted(found, key=lambda one: -one[0])


def _worst_sets(
    precision: Floats,
    pull: Floats,
    about: list[Ints],
    free: Bools,
    limit: float,
    scale: float,
) -> list[tuple[float, Ints]]:
    low = _TOGETHER[0]
    orders = [order[free[order]] for order in about]
    orders = [order for order in orders if len(order) >= low]
    if not orders:
        return []
    size = max(map(len, orders))
    sets = np.full((2, len(orders), size), np.nan)
    for row, order in enumerate(orders):
        block = precision[np.ix_(order, order)]
        # Sums over the first k rows and columns, for every k at once.
        grown = np.maximum(np.cumsum(2 * np.tril(block).sum(axis=1) - np.diag(block)), 1e-12)
        sets[0, row, : len(order)] = np.cumsum(pull[order]) / np.sqrt(grown)
        sets[1, row, : len(order)] = np.cumsum(pull[order]) / grown
    with np.errstate(invalid="ignore"):
        # Of the lower quarter: many sets about liars hold some of them.
        spread = np.nanquantile(np.abs(sets[0]), 0.25, axis=0) / norm.ppf(0.625)
        over = np.abs(sets[0]) / (np.maximum(spread, scale) * limit)
        over[~(np.abs(sets[1]) > LEAST_SHIFT_DB)] = 0.0
    over[:, : low - 1] = 0.0
    best = over.argmax(axis=1)
    return [
        (float(over[row, k]), orders[row][: k + 1])
        for row, k in enumerate(best)
        if over[row, k] > 1
    ]


def _apart(
    worst: list[tuple[float, Ints]],
    place_m: Floats,
    precision: Floats,
    values: Floats,
    alive: Bools,
) -> Ints:
    """The worst, and others so far away from them that they do not look odd for their sake."""
    pull = precision @ np.where(alive, values, 0.0)
    taken: list[Ints] = []
    near = np.zeros(len(place_m), bool)
    for _, rows in worst:
        if near[rows].any() or not _is_one(precision[np.ix_(rows, rows)], pull[rows]):
            continue
        taken.append(rows)
        middle = place_m[rows].mean(axis=0)
        far = np.linalg.norm(place_m - middle, axis=1)
        near |= far <= 2.0 * far[rows].max()
        near[np.argsort(far)[:_AROUND]] = True
    return np.concatenate(taken) if taken else np.zeros(0, np.int64)


def _is_one(precision: Floats, pull: Floats) -> bool:
    """Whether most of a set are off by about the shift that they have in common.

    Liars among honest neighbours are a set of two minds: they are asked one by one.
    """
    shift = pull.sum() / precision.sum()
    off = np.linalg.solve(precision, pull)
    return bool(np.mean(off * np.sign(shift) > abs(shift) / 2) >= _OF_ONE_MIND)


def _without(precision: Floats, out: Ints, alive: Bools) -> Floats:
    """The precision of the rest once some values are gone; 0 where gone."""
    rest = alive.copy()
    rest[out] = False
    cross = precision[:, out]
    made = precision - cross @ np.linalg.solve(precision[np.ix_(out, out)], cross.T)
    return np.asarray(np.where(rest[:, None] & rest, made, 0.0), np.float64)


def _scores(
    covariance: Floats,
    precision: Floats,
    values: Floats,
    alive: Bools,
    asked: Bools,
    least_scale: float,
) -> tuple[Floats, Floats]:
    """Distance of every value from what the believed others say [dB], and over its spread."""
    pull = precision @ np.where(alive, values, 0.0)
    variance = 1.0 / np.maximum(np.diag(precision), 1e-12)
    off = pull * variance
    out = np.flatnonzero(~alive)
    cross = covariance[out]
    off[out] = values[out] - cross @ pull
    variance[out] = np.diag(covariance)[out] - np.einsum("ij,jk,ik->i", cross, precision, cross)
    score = off / np.sqrt(np.maximum(variance, 1e-9))
    scale = max(_robust_sd(score[alive & asked]), least_scale)
    return np.where(asked, off, 0.0), np.where(asked, score / scale, 0.0)


def _robust_sd(values: Floats) -> float:
    return float(1.4826 * np.median(np.abs(values))) if len(values) else 0.0
