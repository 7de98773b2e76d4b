"""A twin of requests by station: shares with a shared base, their drift, and drawn futures.

Every station has a share of its own for each item, close to that of all stations together
where it has seen little: a Dirichlet-multinomial whose base is the pooled one. How much the
base counts, and how fast the past loses weight, are found by the likelihood of requests that
were not counted yet.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from rtwin.arrays import Floats, Ints
from rtwin.caching.demand import Bursts, RequestTrace, zipf
from rtwin.errors import OutOfRangeError, ShapeError

_STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_SPANS = (100.0, 300.0, 1000.0, 3000.0, np.inf)  # requests of a station
_BASE = 0.5  # requests for each item that nobody has made yet


class CountTwin:
    """Forecasts of what is asked for at each station, from counts of the past.

    Args:
        num_stations: Stations.
        num_items: Items.
        strength: Requests that the pooled shares are worth at a station.
        span: Requests of a station in which a count falls to 1/e; inf: never.
    Checked by tests/caching/twin/test_counts.py.
    """

    def __init__(
        self, num_stations: int, num_items: int, strength: float = 30.0, span: float = np.inf
    ) -> None:
        if not (0 < strength < np.inf and span > 0):
            raise OutOfRangeError(f"strength is {strength:g}, span {span:g}; both must be above 0")
        self.strength, self.span = strength, span
        self.count = np.zeros((num_stations, num_items))
        self.seen = np.zeros(num_stations)
        self.pooled = np.zeros(num_items)
        self._gain = 1.0  # newer requests weigh more, which is older ones fading
        self._growth = np.exp(1.0 / (span * num_stations))

    def observe(self, trace: RequestTrace, row: int) -> None:
        """Count a request."""
        station, item = int(trace.first[row]), int(trace.item[row])
        self._gain *= self._growth
        if self._gain > 1e100:
            for array in (self.count, self.seen, self.pooled):
                array /= self._gain
            self._gain = 1.0
        self.count[station, item] += self._gain
        self.seen[station] += self._gain
        self.pooled[item] += self._gain

    def at(self, trace: RequestTrace, row: int) -> None:
        """Where users are does not matter to counts."""

    def shares(self, station: int) -> Floats:
        """What is expected to be asked for at a station, [item]; the shares add up to 1."""
        strength = self.strength * self._gain
        return (self.count[station] + strength * self._base()) / (self.seen[station] + strength)

    def _base(self, items: Any = slice(None)) -> Any:
        """Shares of items at all stations together; what nobody asked for has one, too."""
        prior = _BASE * self._gain
        return (self.pooled[items] + prior) / (self.seen.sum() + prior * len(self.pooled))

    def log_scores(self, station: Ints, items: Ints) -> Floats:
        """ln of the shares of items [n, k] at stations [n], up to a constant of the station."""
        strength = self.strength * self._gain
        value = self.count[station[:, None], items] + strength * self._base(items)
        return np.asarray(np.log(value / self._gain))

    def log_loss(self, trace: RequestTrace, row: int) -> float:
        """Surprise of a request [nat]: minus ln of its share."""
        station, item = int(trace.first[row]), int(trace.item[row])
        strength = self.strength * self._gain
        share = self.count[station, item] + strength * self._base(item)
        share /= self.seen[station] + strength
        return float(-np.log(share))


def counted(trace: RequestTrace, strength: float, span: float) -> CountTwin:
    """A twin that has seen all requests of a trace."""
    made = CountTwin(trace.num_stations, trace.catalogue.num_items, strength, span)
    for row in range(len(trace)):
        made.observe(trace, row)
    return made


def loss_of(trace: RequestTrace, strength: float, span: float, start: int = 0) -> float:
    """Mean surprise [nat] of a trace's requests from `start` on, each seen before it counts."""
    made = CountTwin(trace.num_stations, trace.catalogue.num_items, strength, span)
    total = 0.0
    for row in range(len(trace)):
        if row >= start:
            total += made.log_loss(trace, row)
        made.observe(trace, row)
    return total / max(len(trace) - start, 1)


def fit_counts(history: RequestTrace) -> CountTwin:
    """The twin of a history whose settings surprised it least; it has seen all of it.

    Raises:
        OutOfRangeError: if the history is empty.
    """
    if not len(history):
        raise OutOfRangeError("the history holds no requests; give one or more")
    best_span = min(_SPANS, key=lambda span: loss_of(history, 30.0, span, len(history) // 3))
    strength = min(_STRENGTHS, key=lambda s: loss_of(history, s, best_span, len(history) // 3))
    return counted(history, strength, best_span)


def fit_exponent(counts: NDArray[Any]) -> float:
    """Exponent of Zipf's law by maximum likelihood, of counts per item [..., item].

    Ranks are those of the counts themselves, of each row; rows are independent. Chance decides
    the order of rare items, which makes the law look a little steeper than it is.

    Raises:
        ShapeError: if there is no item with a count.
    Source: Clauset, Shalizi, Newman (2009), for a finite catalogue.
    """
    ranked = -np.sort(-np.atleast_2d(np.asarray(counts, np.float64)), axis=1)
    if not ranked.sum() > 0:
        raise ShapeError("no item was asked for; there is nothing to fit")
    log_rank = np.log(np.arange(1, ranked.shape[1] + 1))
    total, weighted = ranked.sum(), (ranked * log_rank).sum()

    def surprise(exponent: float) -> float:
        return float(exponent * weighted + total * np.log(np.exp(-exponent * log_rank).sum()))

    return float(minimize_scalar(surprise, bounds=(0.0, 3.0), method="bounded").x)


@dataclass(frozen=True)
class GeneratorSettings:
    """What a twin knows of the world beyond its counts: priors, not fitted.

    Attributes:
        exponent_error: Added to the exponent of what it draws; 0 unless the twin is made wrong.
        drift: Share of the items that change rank every `drift_every` requests.
        drift_every: See there.
        bursts: Rare events.
    """

    exponent_error: float = 0.0
    drift: float = 0.02
    drift_every: int = 300
    bursts: Bursts = field(default_factory=Bursts)


def generate_requests(
    twin: CountTwin, like: RequestTrace, num: int, seed: int, settings: GeneratorSettings
) -> RequestTrace:
    """Requests as a twin expects them, with drift and rare bursts.

    Args:
        twin: What is expected at each station.
        like: Whose clients, stations and catalogue; clients ask as often as they do there.
        num: Requests.
        seed: Of the draws.
        settings: Priors.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 0x7717]))
    num_stations, num_items = twin.count.shape
    rows = rng.integers(len(like), size=num)
    client, first, second = like.client[rows], like.first[rows], like.second[rows]
    shares = np.stack([twin.shares(station) for station in range(num_stations)])
    if settings.exponent_error:
        rank = np.argsort(np.argsort(-shares, axis=1), axis=1)
        factor = zipf(num_items, settings.exponent_error if settings.exponent_error > 0 else 0.0)
        if settings.exponent_error < 0:
            factor = 1.0 / zipf(num_items, -settings.exponent_error)
        shares = shares * factor[rank]
        shares /= shares.sum(axis=1, keepdims=True)
    item = np.empty(num, np.int64)
    for start in range(0, num, settings.drift_every):
        part = slice(start, min(start + settings.drift_every, num))
        ladder = np.cumsum(shares, axis=1)
        draw = rng.random(part.stop - part.start)
        for station in range(num_stations):
            mine = np.flatnonzero(first[part] == station)
            found = np.searchsorted(ladder[station], draw[mine] * ladder[station, -1])
            item[start + mine] = np.minimum(found, num_items - 1)
        moved = rng.permutation(num_items)[: round(settings.drift * num_items)]
        shares[:, moved] = shares[:, rng.permutation(moved)]
    hot = settings.bursts.draw(num, num_stations, num_items, rng)[np.arange(num), first]
    taken = (hot >= 0) & (rng.random(num) < settings.bursts.share)
    return RequestTrace(
        like.catalogue,
        client,
        np.where(taken, hot, item),
        first,
        second,
        like.place[rows],
        taken,
        num_stations,
        {"kind": "twin", "seed": seed},
    )
