"""Errors of models on held-out rows, and what they add up to over draws."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from rtwin.arrays import Bools, Floats, Ints
from rtwin.calibration.campaign import Measurements
from rtwin.calibration.statistics import log_score

TWIN = "calibrated + discrepancy"
PLAIN = "calibrated + discrepancy, plain mean"
SIGHT = ("line of sight", "no line of sight")
INTERVAL = 0.9
_TAIL = (1 - INTERVAL) / 2


@dataclass(frozen=True)
class Score:
    """Errors of one model on held-out rows, means over the draws.

    Attributes:
        model: Its name.
        rmse_db: Mean over transmitters, which all count the same, and draws.
        rmse_sd_db: Standard deviation over the draws.
        draws_db: Of each draw.
        median_db: Of the absolute error.
        bias_db: Mean error.
        log_score: Minus the logarithm of the predicted density, rows below the noise
            floor counted by their probability (Tobit); NaN where a model has no width.
        groups: RMSE by group and name.
    """

    model: str
    rmse_db: float
    rmse_sd_db: float
    draws_db: tuple[float, ...]
    median_db: float
    bias_db: float
    log_score: float
    groups: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What models say of the rows that one draw held out.

    Attributes:
        data: The rows, those below the noise floor with them.
        rows: Their numbers among all rows, [row].
        levels: By model, expected level given that it is heard [dB], [row].
        plain: By model, mean and standard deviation of a measurement [dB], [2, row].
        weights: Of the models in the average.
        floor_db: Noise floor of the campaign [dB]; -inf where it has none.
    """

    data: Measurements
    rows: Ints
    levels: dict[str, Floats]
    plain: dict[str, Floats]
    weights: dict[str, float]
    floor_db: float

    @property
    def judged(self) -> Bools:
        """Rows with a level of their own, [row]."""
        return ~self.data.censored

    def error_db(self, model: str) -> Floats:
        """Error of a model on the judged rows [dB]."""
        return (self.levels[model] - self.data.level_db)[self.judged]

    def rmse_db(self, model: str) -> float:
        """Mean over transmitters of the root-mean-square error [dB]."""
        tx, off = self.data.tx[self.judged], self.error_db(model)
        return float(np.mean([rms(off[tx == n]) for n in np.unique(tx)]))

    def log_score(self, model: str) -> float:
        """Mean log score of a model on all held-out rows; NaN where it has no width."""
        if model not in self.plain:
            return float("nan")
        data, (mean, sd) = self.data, self.plain[model]
        return float(np.mean(log_score(mean, sd, data.level_db, data.censored)))


def rms(values: Floats) -> float:
    """Root of the mean square; NaN of nothing."""
    return float(np.sqrt(np.mean(values**2))) if values.size else float("nan")


Marks = dict[str, tuple[Bools, str, str]]


def score_of(model: str, draws: list[HeldOut], marks: Marks) -> Score:
    """The score of a model over some draws.

    Args:
        marks: More groups by name: which rows of all have a mark, and what those with and
            those without it are called.
    """
    rmse = [held.rmse_db(model) for held in draws]
    off = np.concatenate([held.error_db(model) for held in draws])
    return Score(
        model,
        float(np.mean(rmse)),
        float(np.std(rmse)),
        tuple(rmse),
        float(np.median(np.abs(off))),
        float(np.mean(off)),
        float(np.mean([held.log_score(model) for held in draws])),
        _groups(draws, off, marks),
    )


def coverage(draws: list[HeldOut]) -> float:
    """Share of the judged rows that lie in the twin's 90 % intervals."""
    inside = []
    for held in draws:
        mean, sd = held.plain[TWIN]
        # Of what is heard, the interval that leaves 5 % of a truncated normal on either side.
        floor = (held.floor_db - mean) / sd
        low, high = (mean + sd * norm.isf(tail * norm.sf(floor)) for tail in (1 - _TAIL, _TAIL))
        level = held.data.level_db
        inside.append(((level >= low) & (level <= high))[held.judged])
    return float(np.mean(np.concatenate(inside))) if inside else float("nan")


def explained_variance(draws: list[HeldOut]) -> float:
    """Share of the variance within transmitters that the twin explains."""
    spread = left = 0.0
    for held in draws:
        tx, off = held.data.tx[held.judged], held.error_db(TWIN)
        level = held.data.level_db[held.judged]
        for number in np.unique(tx):
            spread += float(np.var(level[tx == number]))
            left += float(np.mean(off[tx == number] ** 2))
    return 1 - left / max(spread, 1e-9) if draws else float("nan")


def _groups(draws: list[HeldOut], off: Floats, marks: Marks) -> dict[str, dict[str, float]]:
    """RMSE by transmitter, device, distance and marks."""
    links, devices = draws[0].data.transmitters, draws[0].data.devices

    def of(values: list[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([v[held.judged] for v, held in zip(values, draws, strict=True)])

    tx = of([held.data.tx for held in draws])
    device = of([held.data.device for held in draws])
    distance = of([np.linalg.norm(h.data.position_m - h.data.tx_position_m, axis=1) for h in draws])
    masks = {"transmitter": {link.name: tx == n for n, link in enumerate(links)}}
    if len(devices) > 1:
        masks["device"] = {name: device == n for n, name in enumerate(devices)}
    low, high = np.quantile(distance, [1 / 3, 2 / 3])
    masks["distance"] = {
        f"below {low:.3g} m": distance < low,
        f"{low:.3g} to {high:.3g} m": (distance >= low) & (distance < high),
        f"above {high:.3g} m": distance >= high,
    }
    for group, (mark, yes, no) in marks.items():
        marked = of([mark[held.rows] for held in draws])
        masks[group] = {yes: marked, no: ~marked}
    return {
        group: {name: rms(off[mask]) for name, mask in named.items() if mask.any()}
        for group, named in masks.items()
    }
