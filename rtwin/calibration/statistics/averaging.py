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
    weights = _weights(heard, level[seen], fold[seen])
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


def _weights(left_out: dict[str, Floats], level: Floats, fold: Ints) -> dict[str, float]:
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
