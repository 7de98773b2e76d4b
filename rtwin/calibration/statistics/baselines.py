"""The statistical models that every calibrated twin has to beat.

Each gets the same offsets per transmitter and device as the twin, and is fitted
to the same rows. All are Bayesian linear regressions with wide priors, so that
ten points do not make a slope of 30.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from rtwin.arrays import Floats, Ints
from rtwin.calibration.campaign import GAIN, WALL_FEATURES, Inputs, Measurements
from rtwin.channel import free_space_path_loss_db, tr38901_los_probability, tr38901_path_loss_db
from rtwin.channel.tr38901 import Scenario

OFFSET_SD_DB, TRANSMITTER_SD_DB, DEVICE_SD_DB = 200.0, 30.0, 10.0  # each around the former
SLOPE, SLOPE_SD = -3.0, 1.0  # level over 10 log10(distance): a path loss exponent of 3 +- 1
PATTERN, PATTERN_SD = 1.0, 0.3
WALL_SD_DB = 6.0  # of a weight, over the spread of its feature
PHYSICS, MULTI_WALL = "physics + offset", "multi-wall"
_PASSES = 4
_HELD = 1e-6  # standard deviation of a weight that keeps its prior


@dataclass(frozen=True, eq=False)
class LinearModel:
    """level = fixed + columns x weights, with a normal prior on the weights."""

    name: str
    fixed: Callable[[Measurements, Inputs], Floats]
    columns: Callable[[Measurements, Inputs], list[tuple[Floats, float, float]]]
    walls: bool = False  # whether what stands in the way has weights, common to all

    def fit_predict(self, data: Measurements, inputs: Inputs, train: Ints) -> tuple[Floats, Floats]:
        """Mean and standard deviation of a measurement in every row [dB], from some rows.

        Args:
            data: All rows; only the levels of `train` are looked at.
            inputs: Of the same rows.
            train: Rows to learn from.
        """
        design, mean, sd = self._design(data, inputs, train)
        fixed = self.fixed(data, inputs) + design @ mean
        level = data.level_db[train] - fixed[train]
        rows, floor = design[train] * sd, level.copy()
        censored = data.censored[train]
        noise = max(float(np.std(level)), 1.0)
        for _ in range(_PASSES):
            inverse = np.linalg.inv(rows.T @ rows / noise**2 + np.eye(len(sd)))
            weights = inverse @ (rows.T @ level) / noise**2
            fitted = rows @ weights
            level = np.where(censored, below(fitted, noise, floor), level)
            freedom = max(len(train) - np.trace(inverse @ rows.T @ rows) / noise**2, 1.0)
            noise = max(float(np.sqrt(np.sum((level - fitted) ** 2) / freedom)), 0.5)
        scaled = design * sd
        spread = np.einsum("ij,jk,ik->i", scaled, inverse, scaled)
        return fixed + scaled @ weights, np.sqrt(spread + noise**2)

    def _design(
        self, data: Measurements, inputs: Inputs, train: Ints
    ) -> tuple[Floats, Floats, Floats]:
        """Columns, prior means and prior standard deviations.

        Slopes leave their prior only within the range of the training rows.
        """
        per_tx = [inputs.tx == number for number in range(len(data.transmitters))]
        parts = [(np.ones(len(inputs)), 0.0, OFFSET_SD_DB)]
        if len(per_tx) > 1:
            parts += [(mask.astype(float), 0.0, TRANSMITTER_SD_DB) for mask in per_tx]
        if len(data.devices) > 1:
            for mask in per_tx:
                for device in range(len(data.devices)):
                    both = (mask & (inputs.device == device)).astype(float)
                    parts.append((both, 0.0, DEVICE_SD_DB))
        for column, mean, sd in self.columns(data, inputs):
            kept = _clipped(column, train)
            parts += [(kept, mean, sd), (column - kept, mean, _HELD)]
            # Each transmitter has a slope of its own around the common one.
            parts += [(kept * mask, 0.0, sd / 2) for mask in per_tx if len(per_tx) > 1]
        if self.walls:
            for name in WALL_FEATURES:
                kept = _clipped(inputs.column(name), train)
                spread = max(float(kept[train].std()), 1e-6)
                parts.append(((kept - kept[train].mean()) / spread, 0.0, WALL_SD_DB))
        columns, means, sds = zip(*parts, strict=True)
        return np.column_stack(columns), np.array(means), np.array(sds)


def _clipped(column: Floats, train: Ints) -> Floats:
    return np.clip(column, column[train].min(), column[train].max()) if len(train) else column


def below(mean: Floats, sd: Floats | float, limit: Floats) -> Floats:
    """Expected value of a normal variable that is known to lie below a limit."""
    z = np.clip((limit - mean) / sd, -30.0, 30.0)
    return mean - sd * np.exp(norm.logpdf(z) - norm.logcdf(z))


def _no_columns(data: Measurements, inputs: Inputs) -> list[tuple[Floats, float, float]]:
    return []


def _distance(data: Measurements, inputs: Inputs) -> list[tuple[Floats, float, float]]:
    return [(inputs.log_distance_db, SLOPE, SLOPE_SD)]


def _antenna(data: Measurements, inputs: Inputs) -> list[tuple[Floats, float, float]]:
    return [*_distance(data, inputs), (inputs.pattern_db, PATTERN, PATTERN_SD)]


def _gain(data: Measurements, inputs: Inputs) -> Floats:
    return inputs.column(GAIN)


def _zero(data: Measurements, inputs: Inputs) -> Floats:
    return np.zeros(len(inputs))


def _free_space(data: Measurements, inputs: Inputs) -> Floats:
    frequency = np.array([link.frequency_hz for link in data.transmitters])[inputs.tx]
    return inputs.pattern_db - free_space_path_loss_db(
        10 ** (inputs.log_distance_db / 10), frequency
    )


def _tr38901(scenario: Scenario) -> Callable[[Measurements, Inputs], Floats]:
    def level(data: Measurements, inputs: Inputs) -> Floats:
        out = np.empty(len(inputs))
        for number, link in enumerate(data.transmitters):
            rows = np.flatnonzero(inputs.tx == number)
            flat = np.hypot(*(inputs.position_m[rows, :2] - link.position_m[:2]).T)
            heights = (link.position_m[2], inputs.position_m[rows, 2])
            seen, hidden = (
                tr38901_path_loss_db(scenario, flat, *heights, link.frequency_hz, los)
                for los in (True, False)
            )
            chance = tr38901_los_probability(scenario, flat)
            out[rows] = inputs.pattern_db[rows] - (chance * seen + (1 - chance) * hidden)
        return out

    return level


def baselines(environment: str, directional: bool, with_scene: bool = False) -> list[LinearModel]:
    """The statistical baselines of an environment, simplest first.

    Args:
        environment: "outdoor" or "indoor".
        directional: Whether any transmitter has an antenna pattern.
        with_scene: Whether a scene says what stands in the way, and its physics.

    Source: ITU-R P.525 (free space), 3GPP TR 38.901 (UMa, UMi, InH), COST 231 chapter 4
    (multi-wall); checked by
    tests/calibration/statistics/test_baselines.py.
    """
    found = [
        LinearModel("free space", _free_space, _no_columns),
        LinearModel("log-distance", _zero, _distance),
    ]
    if directional:
        found.append(LinearModel("log-distance + antenna", _zero, _antenna))
    scenarios = {"outdoor": ("uma", "umi"), "indoor": ("inh",)}[environment]
    labels = {"uma": "3GPP UMa", "umi": "3GPP UMi", "inh": "3GPP InH"}
    found += [LinearModel(labels[s], _tr38901(s), _no_columns) for s in scenarios]  # type: ignore[arg-type]
    if with_scene:
        own = _antenna if directional else _distance
        found.append(LinearModel(MULTI_WALL, _zero, own, walls=True))
        found.append(LinearModel(PHYSICS, _gain, _no_columns))
    return found
