"""The twin's levels: models weighted by how well they predict blocks they have not seen.

measurement = scaled physics + spatial discrepancy + noise (Kennedy and O'Hagan,
2001), averaged with the statistical baselines by stacking: weights that are not
negative, add up to one and minimise the error on left-out spatial blocks. A
twin with few points so becomes the best simple model.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import norm

from rtwin.calibration.campaign import Inputs, Measurements, block_of, folds
from rtwin.calibration.statistics.baselines import LinearModel, baselines
from rtwin.calibration.statistics.gaussian_process import Process, design, fit_process, one_thread
from rtwin.units import Floats

NUM_FOLDS = 6
_INTERVAL = 0.9
_ENOUGH = 20  # rows below which intervals are not adjusted
_SUM_WEIGHT = 1e3


@dataclass(frozen=True, eq=False)
class Twin:
    """Levels of all links of a campaign, learned from some of them.

    Attributes:
        weights: Weight of each model, adding up to 1.
        models: Mean of each model [dB], by name, [row].
        mean_db: Weighted mean [dB], [row].
        sd_db: Standard deviation of a measurement [dB], [row].
        field_sd_db: Standard deviation of the level itself, without noise [dB], [row].
        widening: Factor on the standard deviations that gave left-out blocks
            their coverage.
        left_out: RMSE of each model on left-out blocks of the training rows [dB].
    """

    weights: dict[str, float]
    models: dict[str, Floats]
    mean_db: Floats
    sd_db: Floats
    field_sd_db: Floats
    widening: float
    left_out: dict[str, float]
    left_out_db: Floats  # [train], weighted mean from the other blocks
    process: Process


@dataclass(frozen=True, eq=False)
class _Candidate:
    mean: Floats
    sd: Floats
    field_sd: Floats
    left_out: Floats  # [train]
    left_out_sd: Floats


@one_thread
def fit_twin(
    data: Measurements,
    inputs: Inputs,
    environment: str,
    train: NDArray[np.int64],
    block_m: float,
    seed: int = 1,
) -> Twin:
    """Learn all links' levels from the rows `train`.

    Args:
        data: All links; the levels of other rows than `train` are not looked at.
        inputs: Of the same rows.
        environment: "outdoor" or "indoor".
        train: Rows to learn from.
        block_m: Side of the blocks that are left out in turn [m].
        seed: Of the folds.
    Returns:
        Mean and standard deviation of every row.
    Source: stacking after Breiman (1996) and Kennedy and O'Hagan (2001);
    checked by tests/calibration/statistics/test_averaging.py.
    """
    blocks = block_of(data.position_m[train], block_m).max(initial=0) + 1
    fold = folds(data.position_m[train], block_m, int(min(NUM_FOLDS, max(blocks, 1))), seed)
    directional = any(link.is_directional for link in data.transmitters)
    found: dict[str, _Candidate] = {}
    for model in baselines(environment, directional):
        found[model.name] = _linear(model, data, inputs, train, fold)
    processes = {}
    names = ["kriging", "shared kriging"] + (["scene + kriging"] if inputs.physics.shape[1] else [])
    for name in names:
        layout = design(inputs, name, len(data.devices), train)
        process = fit_process(layout, data.level_db, data.censored, train, seed)
        found[name] = _gaussian(process, len(inputs), train, fold)
        processes[name] = process
    seen = ~data.censored[train]
    level = data.level_db[train]
    weights = _weights({n: c.left_out[seen] for n, c in found.items()}, level[seen], fold[seen])
    mix = _mix(found, weights)
    off = np.abs(level - mix.left_out)[seen] / mix.left_out_sd[seen]
    widening = 1.0
    if len(off) >= _ENOUGH:
        target = norm.ppf(0.5 + _INTERVAL / 2)
        widening = float(np.clip(np.quantile(off, _INTERVAL) / target, 0.7, 1.6))
    best = max((n for n in processes), key=lambda n: weights[n])
    return Twin(
        weights=weights,
        models={name: c.mean for name, c in found.items()},
        mean_db=mix.mean,
        sd_db=mix.sd * widening,
        field_sd_db=mix.field_sd * widening,
        widening=widening,
        left_out={n: _rms(level[seen] - c.left_out[seen]) for n, c in found.items()},
        left_out_db=mix.left_out,
        process=processes[best],
    )


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")


def _linear(
    model: LinearModel,
    data: Measurements,
    inputs: Inputs,
    train: NDArray[np.int64],
    fold: NDArray[np.int64],
) -> _Candidate:
    mean, sd = model.fit_predict(data, inputs, train)
    left, left_sd = np.empty(len(train)), np.empty(len(train))
    for number in np.unique(fold):
        others = train[fold != number]
        rows = fold == number
        if not len(others):
            left[rows], left_sd[rows] = mean[train[rows]], sd[train[rows]]
            continue
        m, s = model.fit_predict(data, inputs, others)
        left[rows], left_sd[rows] = m[train[rows]], s[train[rows]]
    return _Candidate(mean, sd, sd, left, left_sd)


def _gaussian(
    process: Process, num: int, train: NDArray[np.int64], fold: NDArray[np.int64]
) -> _Candidate:
    mean, sd, field = process.predict(np.arange(num))
    place = np.searchsorted(train, process.train)
    left, left_sd = mean[train], sd[train]
    left[place], left_sd[place] = process.left_out(fold[place])
    return _Candidate(mean, sd, field, left, left_sd)


def _weights(
    left_out: dict[str, Floats], level: Floats, fold: NDArray[np.int64]
) -> dict[str, float]:
    """Stacked weights, or all of it on the best model where stacking does not hold up.

    Whether it does is asked of each fold with weights from the others.
    """
    if not len(level):
        return {name: float(name == "log-distance") for name in left_out}
    errors = {name: _rms(values - level) for name, values in left_out.items()}
    best = min(errors, key=lambda name: errors[name])
    stacked = np.empty(len(level))
    for number in np.unique(fold):
        rows = fold == number
        others = {name: values[~rows] for name, values in left_out.items()}
        weights = _stack(others, level[~rows])
        stacked[rows] = sum((weights[n] * v[rows] for n, v in left_out.items()), np.zeros(1))
    if _rms(stacked - level) < errors[best]:
        return _stack(left_out, level)
    return {name: float(name == best) for name in left_out}


def _stack(left_out: dict[str, Floats], level: Floats) -> dict[str, float]:
    """Weights of the models, from their predictions of left-out levels."""
    columns = np.column_stack(list(left_out.values()))
    if len(level) < 2:
        return {name: float(name == "log-distance") for name in left_out}
    # Offsets matter less than shape here, and a common one keeps the numbers small.
    center = level.mean()
    matrix = np.vstack([columns - center, np.full(columns.shape[1], _SUM_WEIGHT * len(level))])
    weights, _ = nnls(matrix, np.append(level - center, _SUM_WEIGHT * len(level)))
    weights = weights / max(weights.sum(), 1e-12)
    return dict(zip(left_out, map(float, weights), strict=True))


def _mix(found: dict[str, _Candidate], weights: dict[str, float]) -> _Candidate:
    def average(name: str) -> Floats:
        return sum((weights[n] * getattr(c, name) for n, c in found.items()), np.zeros(1))

    mean, left = average("mean"), average("left_out")

    def spread(sd: str, of: str, center: Floats) -> Floats:
        second = sum(
            (
                weights[n] * (getattr(c, sd) ** 2 + (getattr(c, of) - center) ** 2)
                for n, c in found.items()
            ),
            np.zeros(1),
        )
        return np.sqrt(second)

    return _Candidate(
        mean,
        spread("sd", "mean", mean),
        spread("field_sd", "mean", mean),
        left,
        spread("left_out_sd", "left_out", left),
    )
