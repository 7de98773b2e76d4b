"""Tampered traffic: what is found, and what a forecast loses poisoned, replaced and clean."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.errors import OutOfRangeError
from rtwin.federation.defence import Verdict, believe, by_source, check_series
from rtwin.federation.learning import LinearModel
from rtwin.federation.traffic import DAY, TEST_DAYS, Traffic, errors, standardised, windows_of
from rtwin.progress import Count, uncounted

LEAST_CELLS = 10
Tamper = Callable[[Floats, np.random.Generator], tuple[Floats, Bools]]


@dataclass(frozen=True, eq=False)
class Tampering:
    """What came of one kind of tampering with one seed.

    Attributes:
        auc: Area under the curve of hits over false alarms.
        precision, recall: Of the values that were masked.
        liars_found, liars: Sources found lasting liars that are, and how many there are.
        clean, poisoned, replaced: MAE of the forecast that follows, in standard deviations.
        verdict: All of it.
    """

    kind: str
    seed: int
    auc: float
    precision: float
    recall: float
    liars_found: int
    liars: int
    clean: float
    poisoned: float
    replaced: float
    verdict: Verdict


def _spikes(share: float, size: float) -> Tamper:
    def tamper(z: Floats, rng: np.random.Generator) -> tuple[Floats, Bools]:
        where = rng.random(z.shape) < share
        return z + np.where(where, size * rng.choice([-1.0, 1.0], z.shape), 0.0), where

    return tamper


def _sources(count: int, change: Callable[[Floats], Floats], neighbours: bool = False) -> Tamper:
    def tamper(z: Floats, rng: np.random.Generator) -> tuple[Floats, Bools]:
        side = round(np.sqrt(z.shape[1]))
        if neighbours:
            first = int(rng.integers(0, side)) * side + int(rng.integers(0, max(side - count, 1)))
            chosen = np.arange(first, min(first + count, z.shape[1]))
        else:
            chosen = rng.permutation(z.shape[1])[:count]
        where = np.zeros(z.shape, bool)
        where[:, chosen] = True
        return np.where(where, change(z), z), where

    return tamper


KINDS: dict[str, Tamper] = {
    "5 % of values by 1 sd": _spikes(0.05, 1.0),
    "5 % of values by 2 sd": _spikes(0.05, 2.0),
    "5 % of values by 4 sd": _spikes(0.05, 4.0),
    "20 % of values by 2 sd": _spikes(0.20, 2.0),
    "one source, all hours, +1 sd": _sources(1, lambda z: z + 1.0),
    "five sources, scaled by 1.5": _sources(5, lambda z: 1.5 * z + 0.5),
    "three neighbours together, +2 sd": _sources(3, lambda z: z + 2.0, neighbours=True),
}


def run_trust(
    traffic: Traffic, seeds: int = 3, kinds: tuple[str, ...] = tuple(KINDS), done: Count = uncounted
) -> list[Tampering]:
    """Tamper with the last week in every way, check it, and forecast from what is left.

    Args:
        traffic: At least 14 days of 10 cells.
        seeds: Tamperings drawn.
        kinds: Of KINDS.
        done: Called with steps done and in all.
    Raises:
        OutOfRangeError: if the traffic is too short, of too few cells, or a kind is unknown.
    """
    lost = [kind for kind in kinds if kind not in KINDS]
    if lost:
        raise OutOfRangeError(f"kinds has {lost[0]!r}; there are {', '.join(KINDS)}")
    if traffic.num_days < 2 * TEST_DAYS or seeds < 1:
        raise OutOfRangeError(
            f"the traffic has {traffic.num_days} days and seeds is {seeds}; "
            "there must be 14 days and a seed"
        )
    if traffic.values.shape[1] < LEAST_CELLS:
        raise OutOfRangeError(
            f"the traffic has {traffic.values.shape[1]} cells; to tamper with five of them takes "
            f"{LEAST_CELLS} or more"
        )
    train_days = traffic.num_days - TEST_DAYS
    z, _, _ = standardised(traffic, train_days)
    belief = believe(z[: DAY * train_days])
    model = LinearModel(6)
    known = windows_of(z, 0, train_days)
    weights = np.tile(model.pooled(known.x, known.y), (z.shape[1], 1))
    test = windows_of(z, train_days, traffic.num_days)

    def mae(series: Floats) -> float:
        """Of forecasts from a series of what truly came."""
        seen = np.concatenate([z[: DAY * train_days], series])
        inputs = windows_of(seen, train_days, traffic.num_days)
        return errors(model.predict(weights, inputs.x), test.y)[0]

    last = z[DAY * train_days : DAY * traffic.num_days]
    clean, found = mae(last), []
    for seed in range(1, seeds + 1):
        for number, kind in enumerate(kinds):
            rng = np.random.default_rng([seed, 30, number])
            series, where = KINDS[kind](last, rng)
            verdict = check_series(belief, series)
            found.append(
                _scored(kind, seed, verdict, where, (clean, mae(series), mae(verdict.replaced)))
            )
            done(len(found), seeds * len(kinds))
    return found


def _scored(
    kind: str, seed: int, verdict: Verdict, where: Bools, mae: tuple[float, float, float]
) -> Tampering:
    from sklearn.metrics import roc_auc_score

    hits = (verdict.untrusted & where).sum()
    lasting = where.all(axis=0)
    return Tampering(
        kind,
        seed,
        float(roc_auc_score(where.ravel(), verdict.score.ravel())),
        float(hits / max(verdict.untrusted.sum(), 1)),
        float(hits / max(where.sum(), 1)),
        int((verdict.liars & lasting).sum()),
        int(lasting.sum()),
        *mae,
        verdict,
    )


__all__ = ["KINDS", "Tampering", "by_source", "run_trust"]
