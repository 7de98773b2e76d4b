"""The twin's levels: models weighted by how well they predict blocks they have not seen.

measurement = scaled physics + spatial discrepancy + noise (Kennedy and O'Hagan,
2001), averaged with the statistical baselines by stacking: weights that are not
negative, add up to one and minimise the error on left-out spatial blocks. A
twin with few points so becomes the best simple model.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls
from scipy.stats import norm

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign import GAIN, Inputs, Measurements, block_of, folds
from rtwin.calibration.statistics.baselines import LinearModel, baselines
from rtwin.calibration.statistics.bounds import (
    BELOW_WEAKEST_DB,
    heard_mean,
    level_bounds,
    noise_floor_db,
)
from rtwin.calibration.statistics.designs import design, processes
from rtwin.calibration.statistics.gaussian_process import (
    STUDENT_FREEDOM,
    Process,
    fit_process,
    one_thread,
)

NUM_FOLDS = 6
_INTERVAL = 0.9
_ENOUGH = 20  # rows below which intervals are not adjusted
_SUM_WEIGHT = 1e3
_SHARPNESS = 40.0  # of weights by error: 5 % more of it is worth a sixtieth
_DRAW, _DRAW_ROWS = 0.03, 5.0  # as rows of the level's spread: share of the rows, and at least


@dataclass(frozen=True, eq=False)
class Prediction:
    """What one model says of every row, learned from some of them.

    Attributes:
        mean: Level [dB], [row].
        sd: Standard deviation of a measurement [dB], [row].
        field_sd: Standard deviation of the level itself, without noise [dB], [row].
        left_out: Level of each trained row from the other folds [dB], [train].
        left_out_sd: Standard deviation of a measurement there [dB], [train].
    """

    mean: Floats
    sd: Floats
    field_sd: Floats
    left_out: Floats
    left_out_sd: Floats


@dataclass(frozen=True, eq=False)
class Twin:
    """Levels of all links of a campaign, learned from some of them.

    Attributes:
        weights: Weight of each model, adding up to 1.
        predictions: What each model says, by name.
        mean_db: Weighted mean [dB], [row].
        heard_db: That, given that the level is above the noise floor [dB], [row].
        sd_db: Standard deviation of a measurement [dB], [row].
        field_sd_db: Standard deviation of the level itself, without noise [dB], [row].
        floor_db: Noise floor of the campaign [dB]; -inf where it has none.
        widening: Factor on the standard deviations that gave left-out blocks
            their coverage.
        left_out: RMSE of each model on left-out blocks of the training rows [dB].
        left_out_db: Weighted mean from the other blocks [dB], [train].
        process: The process of the largest weight.
    """

    weights: dict[str, float]
    predictions: dict[str, Prediction]
    mean_db: Floats
    heard_db: Floats
    sd_db: Floats
    field_sd_db: Floats
    floor_db: float
    widening: float
    left_out: dict[str, float]
    left_out_db: Floats
    process: Process

    @property
    def models(self) -> dict[str, Floats]:
        """Mean of each model [dB], by name, [row]."""
        return {name: prediction.mean for name, prediction in self.predictions.items()}


@one_thread
def fit_twin(
    data: Measurements,
    inputs: Inputs,
    environment: str,
    train: Ints,
    block_m: float,
    seed: int = 1,
    by_transmitter: bool = False,
) -> Twin:
    """Learn all links' levels from the rows `train`.

    Args:
        data: All links; the levels of other rows than `train` are not looked at.
        inputs: Of the same rows.
        environment: "outdoor" or "indoor".
        train: Rows to learn from.
        block_m: Side of the blocks that are left out in turn [m].
        seed: Of the folds.
        by_transmitter: Weights are those that predict a transmitter from the others,
            not a block from other blocks.
    Returns:
        Mean and standard deviation of every row, within what free space and the
        noise floor allow.
    Source: stacking after Breiman (1996) and Kennedy and O'Hagan (2001);
    checked by tests/calibration/statistics/test_averaging.py.
    """
    fold = data.tx[train]
    if not by_transmitter or len(np.unique(fold)) < 2:
        blocks = block_of(data.position_m[train], block_m).max(initial=0) + 1
        fold = folds(data.position_m[train], block_m, int(min(NUM_FOLDS, max(blocks, 1))), seed)
    directional = any(link.is_directional for link in data.transmitters)
    found: dict[str, Prediction] = {}
    for model in baselines(environment, directional, GAIN in inputs.names):
        found[model.name] = _linear(model, data, inputs, train, fold)
    fitted = {}
    for name in processes(inputs):
        layout = design(inputs, name, len(data.devices), train)
        process = fit_process(
            layout, data.level_db, data.censored, train, seed, freedom=STUDENT_FREEDOM
        )
        found[name] = _gaussian(process, len(inputs), train, fold)
        fitted[name] = process
    low, high = level_bounds(data, train)
    wide = low - BELOW_WEAKEST_DB, high
    found = {name: _bounded(prediction, wide, train) for name, prediction in found.items()}
    floor = noise_floor_db(data.take(train))
    seen = ~data.censored[train]
    level = data.level_db[train]
    heard = {n: heard_mean(p.left_out, p.left_out_sd, floor)[seen] for n, p in found.items()}
    weights = _weights(heard, level[seen])
    mix = _mix(found, weights)
    off = np.abs(level - mix.left_out)[seen] / mix.left_out_sd[seen]
    widening = 1.0
    if len(off) >= _ENOUGH:
        target = norm.ppf(0.5 + _INTERVAL / 2)
        widening = float(np.clip(np.quantile(off, _INTERVAL) / target, 0.7, 1.6))
    best = max(fitted, key=lambda n: weights[n])
    return Twin(
        weights=weights,
        predictions=found,
        mean_db=np.clip(mix.mean, low, high),
        heard_db=np.clip(heard_mean(mix.mean, mix.sd * widening, floor), low, high),
        sd_db=mix.sd * widening,
        field_sd_db=mix.field_sd * widening,
        floor_db=floor,
        widening=widening,
        left_out={n: _rms(level[seen] - values) for n, values in heard.items()},
        left_out_db=mix.left_out,
        process=fitted[best],
    )


def _bounded(prediction: Prediction, bounds: tuple[Floats, Floats], train: Ints) -> Prediction:
    low, high = bounds
    return replace(
        prediction,
        mean=np.clip(prediction.mean, low, high),
        left_out=np.clip(prediction.left_out, low[train], high[train]),
    )


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")


def _linear(
    model: LinearModel, data: Measurements, inputs: Inputs, train: Ints, fold: Ints
) -> Prediction:
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
    return Prediction(mean, sd, sd, left, left_sd)


def _gaussian(process: Process, num: int, train: Ints, fold: Ints) -> Prediction:
    mean, sd, field = process.predict(np.arange(num))
    place = np.searchsorted(train, process.train)
    left, left_sd = mean[train], sd[train]
    left[place], left_sd[place] = process.left_out(fold[place])
    return Prediction(mean, sd, field, left, left_sd)


def _weights(left_out: dict[str, Floats], level: Floats) -> dict[str, float]:
    """Stacked weights, drawn to those that the models' errors alone would give.

    The draw settles what left-out rows cannot: which of several models that say much the
    same is best. Taking the best one alone instead costs more than it saves.
    """
    if len(level) < 2:
        return {name: float(name == "log-distance") for name in left_out}
    squares = np.array([np.mean((values - level) ** 2) for values in left_out.values()])
    simple = np.exp(-_SHARPNESS * (squares / max(squares.min(), 1e-12) - 1.0))
    simple /= simple.sum()
    # Offsets matter less than shape here, and a common one keeps the numbers small.
    center = level.mean()
    columns = np.column_stack(list(left_out.values())) - center
    total = np.full(columns.shape[1], _SUM_WEIGHT * len(level))
    draw = np.sqrt(_DRAW_ROWS + _DRAW * len(level)) * max(float(np.std(level)), 1e-6)
    matrix = np.vstack([columns, total, draw * np.eye(len(simple))])
    wanted = np.concatenate([level - center, [_SUM_WEIGHT * len(level)], draw * simple])
    weights, _ = nnls(matrix, wanted)
    weights = weights / max(weights.sum(), 1e-12)
    return dict(zip(left_out, map(float, weights), strict=True))


def _mix(found: dict[str, Prediction], weights: dict[str, float]) -> Prediction:
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

    return Prediction(
        mean,
        spread("sd", "mean", mean),
        spread("field_sd", "mean", mean),
        left,
        spread("left_out_sd", "left_out", left),
    )
