"""Where to measure next: the places that would narrow the map most."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import Measurements, link_inputs
from rtwin.calibration.statistics.designs import SHARED, design
from rtwin.calibration.statistics.gaussian_process import Process, fit_process, one_thread

MAX_ROWS = 600
_ACROSS = 16  # places along the longer side


@one_thread
def next_positions(
    process: Process, candidates: Ints, targets: Ints, count: int, seed: int = 1
) -> tuple[Ints, Floats]:
    """Rows to measure next, each with what the map's standard deviation would then be.

    Greedy: each place is the one that lowers the mean variance of the field over
    the targets most, given those before it. Gaussian variances do not depend on
    what will be measured, so that a whole route can be planned ahead.

    Args:
        process: A fitted process whose matrix holds all rows.
        candidates: Rows that could be measured.
        targets: Rows that make up the map.
        count: How many places.
        seed: Of the draw where there are too many candidates or targets.
    Returns:
        Rows of candidates, [place], and the root of the mean variance over the
        targets after each [dB], [place].
    Source: active learning after Cohn (1996); checked by
    tests/calibration/statistics/test_measurement_plan.py.
    """
    rng = np.random.default_rng(seed)
    candidates, targets = (_some(rows, rng) for rows in (candidates, targets))
    rows = np.unique(np.concatenate([candidates, targets]))
    covariance = process.field_covariance(rows, rows)
    noise = process.kernel.noise_variance(process.matrix[rows])
    is_target = np.isin(rows, targets)
    free = np.isin(rows, candidates)
    chosen: list[int] = []
    after: list[float] = []
    for _ in range(min(count, len(candidates))):
        gain = (covariance[is_target] ** 2).sum(axis=0) / (np.diag(covariance) + noise)
        best = int(np.argmax(np.where(free, gain, -np.inf)))
        column = covariance[:, best].copy()
        covariance -= np.outer(column, column) / (column[best] + noise[best])
        free[best] = False
        chosen.append(int(rows[best]))
        variance = np.maximum(np.diag(covariance)[is_target], 0.0)
        after.append(float(np.sqrt(variance.mean())))
    return np.array(chosen, np.int64), np.array(after)


def plan_route(
    data: Measurements,
    count: int,
    in_the_open: Callable[[Floats], Bools] | None = None,
    seed: int = 1,
) -> list[tuple[float, float, float]]:
    """New places to measure: x and y [m], and the standard deviation of the map after each [dB].

    Places are on a grid over the measured area; statistics alone decide.

    Args:
        data: What was measured so far.
        in_the_open: Whether places [place, 3] can be walked to; default: all.
    """
    flat = data.position_m[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    step = max(float((high - low).max()) / _ACROSS, 0.25)
    # No place lies beyond what was measured, where nothing is known of walls.
    x, y = (np.arange(a, b + 1e-9 * step, step) for a, b in zip(low, high, strict=True))
    place = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    height = float(np.median(data.position_m[:, 2]))
    place = np.column_stack([place, np.full(len(place), height)])
    if in_the_open is not None:
        place = place[in_the_open(place)]
    if not len(place):
        return []
    links = np.unique(data.tx)
    old, new = len(data), len(place) * len(links)
    both = replace(
        data,
        tx=np.concatenate([data.tx, np.tile(links, len(place))]),
        device=np.concatenate([data.device, np.zeros(new, np.int64)]),
        position_m=np.concatenate([data.position_m, np.repeat(place, len(links), axis=0)]),
        level_db=np.concatenate([data.level_db, np.zeros(new)]),
        censored=np.concatenate([data.censored, np.zeros(new, bool)]),
        count=np.concatenate([data.count, np.ones(new, np.int64)]),
        uncertainty_db=np.concatenate([data.uncertainty_db, np.ones(new)]),
    )
    train = _some(np.arange(old), np.random.default_rng(seed))
    layout = design(link_inputs(both), SHARED, len(data.devices), train)
    process = fit_process(layout, both.level_db, both.censored, train, seed)
    fresh = np.arange(old, old + new)
    rows, after = next_positions(process, fresh, fresh, 4 * count, seed)
    found: dict[tuple[float, float], float] = {}
    for row, sd in zip(rows, after, strict=True):
        x_m, y_m = (float(v) for v in both.position_m[row, :2])
        if len(found) < count:
            # The first of a place's links counts: what others of it add comes after later places.
            found.setdefault((x_m, y_m), float(sd))
    return [(*spot, sd) for spot, sd in found.items()]


def _some(rows: Sequence[int] | Ints, rng: np.random.Generator) -> Ints:
    rows = np.asarray(rows, np.int64)
    return np.sort(rng.permutation(rows)[:MAX_ROWS])
