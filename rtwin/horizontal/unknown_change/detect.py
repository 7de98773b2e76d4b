"""Does a twin still agree with new measurements, and is what differs tied to a place?

Three questions, each with a test whose false alarms are controlled: is the
misfit larger than twin and measurements say; is it one level for all, as a
phone or a cable makes; is it alike among neighbours in space or among cells
that the same object feeds, as a change of the world makes it.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.horizontal.unknown_change.cell_paths import MapTwin
from rtwin.horizontal.unknown_change.residuals import Residuals

Verdict = Literal["agrees", "offset", "outlier", "local", "scatter", "too few"]
ALPHA = 0.05
_CLIP = 3.0  # standard deviations that one measurement may speak for
_DRAWS = 999
_ENOUGH = 5  # rows of a transmitter below which nothing is tested
_NEIGHBOURS = (3, 5, 9)
_MOST_ROWS = 400  # neighbourhoods are asked for among so many; more would tell nothing new


@dataclass(frozen=True)
class Agreement:
    """What the measurements of one transmitter say.

    Attributes:
        transmitter: Its name.
        verdict: agrees; offset: one level for all; outlier: one row alone; local:
            tied to places or objects; scatter: too large, but tied to nothing;
            too few: fewer than 5 rows.
        p_misfit: Chance of such a misfit if nothing had changed.
        p_local: Chance of such neighbourhoods if residuals were dealt at random.
        offset_db: Median residual [dB].
        num_rows: Measured cells.
    """

    transmitter: str
    verdict: Verdict
    p_misfit: float
    p_local: float
    offset_db: float
    num_rows: int

    def __str__(self) -> str:
        says = {
            "agrees": "the twin agrees with the measurements",
            "offset": f"all differ by {self.offset_db:+.1f} dB: a device or the power, no place",
            "outlier": "one measurement alone differs: measure there again",
            "local": "differences are tied to places or objects",
            "scatter": "differences are too large and tied to no place",
            "too few": "too few measurements to tell",
        }[self.verdict]
        return f"{self.transmitter}: {says} ({self.num_rows} cells, p {self.p_misfit:.3f})"


def agreements(
    twin: MapTwin, found: Residuals, *, offsets: bool = False, alpha: float = ALPHA, seed: int = 0
) -> tuple[Agreement, ...]:
    """The verdict on each transmitter that was measured.

    Args:
        twin: Whose stored paths say which cells belong together.
        found: Residuals.
        offsets: Whether each device has a level of its own that says nothing.
        alpha: False alarms that are allowed, over all transmitters together.
        seed: Of the permutations.
    Source: Monte Carlo and permutation tests (Davison and Hinkley, 1997, chapter 4),
    Bonferroni over transmitters; checked by tests/horizontal/unknown_change/test_detect.py.
    """
    used = np.unique(found.tx)
    each = alpha / max(len(used), 1)
    return tuple(_agreement(twin, found, int(tx), offsets, each, seed) for tx in used)


def _agreement(
    twin: MapTwin, found: Residuals, tx: int, offsets: bool, alpha: float, seed: int
) -> Agreement:
    rows = np.flatnonzero(found.tx == tx)
    level = found.without_offsets(found.value_db) if offsets else found.value_db
    z = level[rows] / np.maximum(found.sd_db[rows], 1e-3)
    offset = float(np.median(found.value_db[rows]))
    name = twin.names[tx]
    if len(rows) < _ENOUGH:
        return Agreement(name, "too few", 1.0, 1.0, offset, len(rows))
    p_misfit = misfit_p(z, centred=offsets)
    if p_misfit >= alpha:
        return Agreement(name, "agrees", p_misfit, 1.0, offset, len(rows))
    p_local = local_p(twin, tx, found.cell[rows], z, seed)
    flat = z - np.median(z)
    # A median of n normal values is off by 1.25 / sqrt(n) standard deviations.
    is_level = abs(np.median(z)) > 3 * 1.2533 / np.sqrt(len(z))
    without_worst = np.delete(z, np.argmax(np.abs(flat)))
    verdict: Verdict = "scatter"
    if is_level and misfit_p(flat, centred=True) >= alpha:
        verdict = "offset"
    elif p_local < alpha:
        verdict = "local"
    elif misfit_p(without_worst, centred=offsets) >= alpha:
        verdict = "outlier"
    return Agreement(name, verdict, p_misfit, p_local, offset, len(rows))


def misfit_p(z: Floats, centred: bool = False) -> float:
    """Chance of a misfit as large as this under standard normal residuals.

    Args:
        z: Residuals over their standard deviations, [row].
        centred: Whether their median was taken off.
    """
    null = _null_misfits(len(z), centred)
    seen = _misfits(z)
    beyond = (null >= seen[:, None]).sum(axis=1)
    return float(min(1.0, 2 * (1 + beyond.min()) / (1 + null.shape[1])))


def _misfits(z: Floats) -> Floats:
    """Sum of squares in which no row counts much, and the largest row, [2, ...]."""
    bulk = np.minimum(np.square(z), _CLIP**2).sum(axis=-1)
    return np.stack([bulk, np.abs(z).max(axis=-1)])


@lru_cache(maxsize=256)
def _null_misfits(num: int, centred: bool) -> Floats:
    z = np.random.default_rng(num).normal(size=(_DRAWS, num))
    if centred:
        z -= np.median(z, axis=1, keepdims=True)
    return _misfits(z)


def local_p(twin: MapTwin, tx: int, cell: Ints, z: Floats, seed: int = 0) -> float:
    """Chance that residuals dealt at random are as alike among neighbours and objects.

    Whatever the residuals are as a whole, shuffling keeps it: neither scatter nor
    one outlier nor an offset counts. What follows the twin's own level is taken off
    first: levels that were mixed up differ from a smooth map smoothly.
    """
    rng = np.random.default_rng(seed)
    if len(z) > _MOST_ROWS:
        some = np.sort(rng.permutation(len(z))[:_MOST_ROWS])
        cell, z = cell[some], z[some]
    shapes = _neighbourhoods(twin.cell_m[cell, :2]), _fed_together(twin, tx, cell)
    level = twin.gain_db[tx, cell]
    trend = np.column_stack([np.ones(len(z)), level - level.mean()])
    flat = z - trend @ np.linalg.lstsq(trend, z, rcond=None)[0]
    flat = np.clip(flat, *(np.median(flat) + np.array([-2, 2]) * _CLIP))
    dealt = np.stack([flat, *(rng.permutation(flat) for _ in range(_DRAWS))])
    chances = []
    for shape in shapes:
        if len(shape):
            most = np.abs(dealt @ shape.T).max(axis=1)
            chances.append(np.count_nonzero(most >= most[0] * (1 - 1e-9)) / len(most))
    return float(min(1.0, len(chances) * min(chances))) if chances else 1.0


def _neighbourhoods(place_m: Floats) -> Floats:
    """Rows that average the nearest of each point, of unit length, [neighbourhood, row]."""
    num = len(place_m)
    far = np.linalg.norm(place_m[:, None] - place_m[None], axis=-1)
    order = np.argsort(far, axis=1, kind="stable")
    out = []
    for size in _NEIGHBOURS:
        if 2 * size <= num:
            member = np.zeros((num, num))
            np.put_along_axis(member, order[:, :size], 1.0, axis=1)
            out.append(_unit(member))
    return np.concatenate(out) if out else np.zeros((0, num))


def _fed_together(twin: MapTwin, tx: int, cell: Ints) -> Floats:
    """Shares of power through each object, and what has a line of sight, as `_neighbourhoods`."""
    if not twin.paths:
        return np.zeros((0, len(cell)))
    unique, back = np.unique(cell, return_inverse=True)
    paths = twin.paths[tx].take(unique)
    share = paths.share(int(twin.paths[tx].object.max(initial=-1)) + 1)
    direct = np.zeros(len(unique))
    direct[paths.cell[(paths.interactions == 0).all(axis=1)]] = 1.0
    weight = np.column_stack([share, direct])[np.asarray(back).reshape(-1)].T
    return _unit(weight[np.count_nonzero(weight > 0.1, axis=1) >= 2])


def _unit(weight: Floats) -> Floats:
    weight = weight - weight.mean(axis=1, keepdims=True)
    length = np.linalg.norm(weight, axis=1, keepdims=True)
    return np.divide(weight, length, out=np.zeros_like(weight), where=length > 1e-9)
