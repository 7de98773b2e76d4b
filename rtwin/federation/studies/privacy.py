"""What hiding updates costs: noise with its account, secure sums, fewer bits.

The same forecaster is built in synchronous rounds, with what leaves a station changed.
"""

import math
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import xarray

from rtwin import progress
from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.federation.learning import WEIGHT_BYTES, Aggregate, Model, learn_in_rounds, mean_of
from rtwin.federation.privacy import (
    clipped,
    dequantised,
    epsilon_of,
    noised_mean,
    quantised,
    secure_sum,
)
from rtwin.federation.traffic import TEST_DAYS, Traffic, errors, standardised, windows_of
from rtwin.settings import Between, Count, Settings


@dataclass(frozen=True)
class PrivacyStudy(Settings):
    """What is asked.

    Attributes:
        sigmas: Noise over the clipping norm.
        norm: To which every update is clipped.
        delta: Chance that the bound fails.
        bits: Of quantised numbers.
        rounds: Of building.
        seeds: Starts, orders and noise drawn.
    """

    sigmas: Annotated[tuple[float, ...], Between(0, math.inf)] = (0.5, 1.0, 2.0, 4.0, 8.0)
    norm: float = 0.2
    delta: float = 1e-3
    bits: tuple[int, ...] = (8, 4, 2)
    rounds: Count = 30
    seeds: Count = 5


@dataclass(frozen=True)
class Hidden:
    """What one way of hiding updates costs with one seed.

    Attributes:
        way: In words.
        seed: Of start, order and noise.
        epsilon: Privacy loss of all rounds; NaN where none is promised.
        mae: Of the test days, in standard deviations.
        sent_bytes: Of an update.
    """

    way: str
    seed: int
    epsilon: float
    mae: float
    sent_bytes: float


def run_privacy(
    study: PrivacyStudy, traffic: Traffic, model: Model, done: progress.Count = progress.uncounted
) -> list[Hidden]:
    """Build with every way of hiding updates.

    Args:
        study: What is asked.
        traffic: At least 14 days.
        model: What the stations learn.
        done: Called with runs done and in all.
    Raises:
        OutOfRangeError: if the traffic is too short.
        MissingExtraError: if dp-accounting is not installed and there are sigmas.
    """
    if traffic.num_days < 2 * TEST_DAYS:
        raise OutOfRangeError(f"the traffic has {traffic.num_days} days; it must have 14 or more")
    train_days = traffic.num_days - TEST_DAYS
    z, _, _ = standardised(traffic, train_days)
    train, test = windows_of(z, 0, train_days), windows_of(z, train_days, traffic.num_days)
    plain = float(WEIGHT_BYTES * model.num_weights)
    spent = {s: epsilon_of(s, study.rounds, study.delta) for s in study.sigmas}
    found: list[Hidden] = []
    for seed in range(1, study.seeds + 1):
        ways = _ways(study, seed)
        for way, (sigma, bits, aggregate) in ways.items():
            weights = learn_in_rounds(
                model,
                model.initial(seed),
                train.x,
                train.y,
                study.rounds,
                np.random.default_rng([seed, 50]),
                aggregate=aggregate,
            )
            forecast = model.predict(np.tile(weights, (len(test.x), 1)), test.x)
            size = plain if bits is None else model.num_weights * bits / 8.0 + WEIGHT_BYTES
            epsilon = np.nan if sigma is None else spent[sigma]
            found.append(Hidden(way, seed, epsilon, errors(forecast, test.y)[0], size))
            done(len(found), study.seeds * len(ways))
    return found


def _ways(study: PrivacyStudy, seed: int) -> dict[str, tuple[float | None, int | None, Aggregate]]:
    """Noise, bits and aggregation of every way; the noise of each is drawn anew."""
    ways: dict[str, tuple[float | None, int | None, Aggregate]] = {
        "as they are": (None, None, mean_of),
        f"clipped to {study.norm:g}": (None, None, lambda u: clipped(u, study.norm).mean(axis=0)),
        "secure sum": (None, None, lambda u: secure_sum(u, seed) / len(u)),
    }
    for bits in study.bits:
        ways[f"{bits} bits"] = (None, bits, _in_bits(bits, np.random.default_rng([seed, 51, bits])))
    for number, sigma in enumerate(study.sigmas):
        rng = np.random.default_rng([seed, 52, number])
        ways[f"noise {sigma:g}"] = (sigma, None, _noised(study.norm, sigma, rng))
    return ways


def _in_bits(bits: int, rng: np.random.Generator) -> Aggregate:
    def aggregate(updates: Floats) -> Floats:
        return dequantised(*quantised(updates, bits, rng)).mean(axis=0)

    return aggregate


def _noised(norm: float, sigma: float, rng: np.random.Generator) -> Aggregate:
    def aggregate(updates: Floats) -> Floats:
        return noised_mean(updates, norm, sigma, rng)

    return aggregate


def privacy_results(study: PrivacyStudy, model: str, found: list[Hidden]) -> StudyResults:
    """Everything that the study writes.

    Args:
        study: What was asked.
        model: Its name.
        found: From run_privacy.
    """
    from rtwin.federation.studies.pictures import plot_privacy

    rows: list[dict[str, Cell]] = [
        {
            "updates": h.way,
            "epsilon": "-" if np.isnan(h.epsilon) else f"{h.epsilon:.1f}",
            "bytes of an update": f"{h.sent_bytes:.0f}",
            "MAE": h.mae,
        }
        for h in found
    ]
    table = mean_rows(rows, ["updates", "epsilon", "bytes of an update"], ["MAE"])
    ways = list(dict.fromkeys(h.way for h in found))
    seeds = sorted({h.seed for h in found})
    mae = np.array([[h.mae for h in found if h.way == way] for way in ways])
    epsilon = np.array([next(h.epsilon for h in found if h.way == way) for way in ways])
    arrays = xarray.Dataset(
        {
            "mae": (("way", "seed"), mae, {"units": "standard deviations of the cell"}),
            "epsilon": ("way", epsilon, {"units": "1"}),
        },
        coords={"way": ways, "seed": seeds},
    )
    note = (
        f"Epsilon at delta {study.delta:g} after {study.rounds} rounds in which every station "
        "takes part; what is hidden is whether a station took part at all."
    )
    return StudyResults(
        "privacy",
        f"What hiding the updates of a {model} forecaster costs",
        asdict(study) | {"model": model},
        [StudyTable("ways", "Error by what leaves a station", table, notes=note)],
        arrays,
        {"epsilon": plot_privacy(epsilon, mae, ways)},
    )
