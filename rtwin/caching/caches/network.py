"""Stations with caches that keep what scores best, for several policies in one pass.

A policy is a row of numbers (`WEIGHTS`): how much recency, counts over a short and a long
while, counts at the other stations and a forecast say for keeping an item, what a newcomer
is given on top, and how much load says against a station. LRU and LFU are corners of it.
Policies that are compared see the same requests; they are stepped together, because a step
of ten in NumPy costs hardly more than that of one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.caching.caches.reference import jain_index
from rtwin.caching.caches.reliability import LOAD_WINDOW, NONE, Reliability, shielded
from rtwin.caching.caches.textbook import Belady, Cache
from rtwin.caching.demand import RequestTrace
from rtwin.errors import OutOfRangeError, ShapeError

WEIGHTS = ("recency", "short", "long", "elsewhere", "forecast", "newcomer", "load")
ALWAYS = 1e6  # a bonus that no score beats
SHORT, LONG = 60.0, 1200.0  # requests of a station in which counts fall to 1/e
_TINY = 1e-9
_TIE = 1e-9  # per request of age: among equals the longest unused goes


def weights(**given: float) -> Floats:
    """A policy's row of numbers by name; what is not named is 0."""
    for name in given:
        if name not in WEIGHTS:
            raise OutOfRangeError(f"{name!r} is no weight; there are {', '.join(WEIGHTS)}")
    return np.array([given.get(name, 0.0) for name in WEIGHTS])


LRU = weights(recency=1.0, newcomer=ALWAYS)
LFU = weights(long=1.0, newcomer=ALWAYS)


class Forecaster(Protocol):
    """Tells what a station's users will ask for."""

    def observe(self, trace: RequestTrace, row: int) -> None:
        """Learn from a request that was just served."""

    def at(self, trace: RequestTrace, row: int) -> None:
        """Prepare for the request of a row: who is where is known by then."""

    def log_scores(self, station: Ints, items: Ints) -> Floats:
        """ln of what is expected of items at stations; shapes as of `items`, [n, k] at [n]."""


Router = Callable[["Network", int, int, int], Ints]
"""`router(network, item, first, second) -> station of each policy`, [policy]."""


@dataclass
class Outcome:
    """What happened at every request, for every policy.

    Attributes:
        hit: [request, policy].
        station: That served, [request, policy].
        overloaded: Whether that station's load was above the limit, [request, policy].
        jain: Jain's index of the loads, [request, policy].
        handed_over, kept: Interventions of the shield and of the mask, [request, policy].
    """

    hit: Bools
    station: NDArray[np.int16]
    overloaded: Bools
    jain: NDArray[np.float32]
    handed_over: Bools
    kept: Bools

    def of(self, policies: slice) -> "Outcome":
        """What happened to some of the policies."""
        return Outcome(*(getattr(self, field.name)[:, policies] for field in fields(self)))


class Network:
    """The caches of all stations under several policies.

    Args:
        policies: Rows of WEIGHTS, [policy, weight].
        num_stations: Stations.
        num_items: Items of the catalogue.
        slots: Of each station's cache.
        reliability: Modules that are on, of all policies or of each.
        decays: False: long counts never fall.
        forecaster: What the weight `forecast` asks; None: it counts nothing.
        router: How clients of two stations are led; default: by score.
    Checked by tests/caching/caches/test_network.py against textbook caches.
    """

    def __init__(
        self,
        policies: ArrayLike,
        num_stations: int,
        num_items: int,
        slots: int,
        *,
        reliability: Reliability | Sequence[Reliability] = NONE,
        decays: bool = True,
        forecaster: Forecaster | None = None,
        router: Router | None = None,
    ) -> None:
        self.policies = np.array(policies, np.float64, ndmin=2)
        if self.policies.shape[1] != len(WEIGHTS):
            raise ShapeError(
                f"policies have shape {self.policies.shape}; it must be [policy, {len(WEIGHTS)}]"
            )
        if min(num_stations, num_items, slots) < 1:
            raise OutOfRangeError(
                f"{num_stations} stations, {num_items} items, {slots} slots; all must be above 0"
            )
        num, self.slots = len(self.policies), slots
        self.num_stations, self.num_items = num_stations, num_items
        each = [reliability] * num if isinstance(reliability, Reliability) else [*reliability]
        if len(each) != num:
            raise ShapeError(f"reliability has {len(each)} entries for {num} policies")
        self.reliability = each
        self._shield, self._mask, self.sees_loads = (
            np.array([getattr(modules, name) for modules in each])
            for name in ("shield", "mask", "state")
        )
        self._shield_at = np.array([modules.shield_at for modules in each])
        self._mask_requests = np.array([modules.mask_requests for modules in each])
        self.forecaster = forecaster
        self.router = router or by_score
        self.slot_item = np.full((num, num_stations, slots), -1, np.int32)
        self.slot_of = np.full((num, num_stations, num_items), -1, np.int32)
        self.filled = np.zeros((num, num_stations), np.int64)
        self.load = np.zeros((num, num_stations))
        self.served = np.zeros((num, num_stations), np.int64)  # clock of each station
        self.last = np.full((num, num_stations, num_items), -1.0)
        self.short = np.zeros((num, num_stations, num_items))
        self.long = np.zeros((num, num_stations, num_items))
        # What all stations were asked for does not depend on the policy.
        self.total = np.zeros(num_items)
        self.total_last = np.full(num_items, -1.0)
        self._clock = 0
        self.long_span = LONG if decays else np.inf
        # A slot that is emptied whatever the scores say, for those who choose slots themselves.
        self.forced_slot: int | None = None
        self._rows = np.arange(num)
        self.with_forecast = forecaster is not None and bool(self.policies[:, 4].any())

    def step(self, trace: RequestTrace, row: int) -> tuple[NDArray[Any], ...]:
        """Serve a request: hit, station, handed over, kept; [policy] each."""
        item, first, second = int(trace.item[row]), int(trace.first[row]), int(trace.second[row])
        if self.forecaster is not None:
            self.forecaster.at(trace, row)
        station = self.router(self, item, first, second)
        handed = np.zeros(len(station), bool)
        if second >= 0 and self._shield.any():
            other = np.where(station == first, second, first)
            handed = self._shield & shielded(station, other, self.load, self._shield_at)
            station = np.where(handed, other, station)
        hit, kept = self._serve(item, station)
        if self.forecaster is not None:
            self.forecaster.observe(trace, row)
        return hit, station, handed, kept

    def is_overloaded(self) -> Bools:
        """Whether the load of each station is above what is allowed, [policy, station]."""
        limit = np.array([m.overload_at for m in self.reliability]) * self.load.mean(axis=1)
        return np.asarray(self.load > limit[:, None])

    def _serve(self, item: int, station: Ints) -> tuple[Bools, ...]:
        rows = self._rows
        self.load *= 1.0 - 1.0 / LOAD_WINDOW
        self.load[rows, station] += 1.0 / LOAD_WINDOW
        hit = self.slot_of[rows, station, item] >= 0
        kept = np.zeros(len(rows), bool)
        clock = self.served[rows, station] + 1
        self.served[rows, station] = clock
        # An item that the mask looks at was asked for before this request.
        self._count(item, station, clock)
        missed = np.flatnonzero(~hit)
        if missed.size:
            kept[missed] = self._take_in(missed, station[missed], item, clock[missed])
        return hit, kept

    def _count(self, item: int, station: Ints, clock: Ints) -> None:
        """Counts fall from one request for an item to the next, and are stored as of the last."""
        rows = self._rows
        gone = clock - self.last[rows, station, item]
        for counts, span in ((self.short, SHORT), (self.long, self.long_span)):
            counts[rows, station, item] = 1.0 + counts[rows, station, item] * np.exp(-gone / span)
        self.last[rows, station, item] = clock
        self._clock += 1
        away = self._clock - self.total_last[item]
        self.total[item] = 1.0 + self.total[item] * np.exp(
            -away / (self.long_span * self.num_stations)
        )
        self.total_last[item] = self._clock

    def scores(self, rows: Ints, station: Ints, items: Ints, clock: Ints) -> Floats:
        """How much is said for keeping items [n, k] at stations [n] of policies [n]."""
        own, there = rows[:, None], station[:, None]
        now = clock[:, None].astype(np.float64)
        w = self.policies[rows]
        age = now - self.last[own, there, items]
        score = -_TIE * age
        if w[:, 0].any():
            score -= w[:, :1] * np.log1p(age)
        if w[:, 1].any():
            short = self.short[own, there, items] * np.exp(-age / SHORT)
            score += w[:, 1:2] * np.log(short + _TINY)
        if w[:, 2:4].any():
            long = self.long[own, there, items] * np.exp(-age / self.long_span)
            score += w[:, 2:3] * np.log(long + _TINY)
        if w[:, 3].any():
            away = (self._clock - self.total_last[items]) / (self.long_span * self.num_stations)
            others = np.maximum(self.total[items] * np.exp(-away) - long, 0.0)
            score += w[:, 3:4] * np.log1p(others)
        if self.with_forecast and self.forecaster is not None:
            score += w[:, 4:5] * self.forecaster.log_scores(station, items)
        return score

    def _take_in(self, rows: Ints, station: Ints, item: int, clock: Ints) -> Bools:
        """Put a missed item in where it is worth it; where the mask kept another, [missed]."""
        kept = np.zeros(len(rows), bool)
        free = self.filled[rows, station] < self.slots
        for row, here in zip(rows[free], station[free], strict=True):
            slot = self.filled[row, here]
            self.slot_item[row, here, slot] = item
            self.slot_of[row, here, item] = slot
            self.filled[row, here] += 1
        full = np.flatnonzero(~free)
        if not full.size:
            return kept
        rows, station, clock = rows[full], station[full], clock[full]
        held = self.slot_item[rows, station].astype(np.int64)
        both = np.concatenate([held, np.full((len(rows), 1), item)], axis=1)
        score = self.scores(rows, station, both, clock)
        score, new = score[:, :-1], score[:, -1]
        slot = score.argmin(axis=1)
        pick = np.arange(len(rows))
        enters = new + self.policies[rows, 5] > score[pick, slot]
        if self.forced_slot is not None:
            slot, enters = np.full_like(slot, self.forced_slot), np.ones_like(enters)
        if self._mask.any():
            victim = held[pick, slot]
            age = clock - self.last[rows, station, victim]
            safe = enters & self._mask[rows] & (age <= self._mask_requests[rows])
            kept[full] = safe
            enters &= ~safe
        go = np.flatnonzero(enters)
        rows, station, slot = rows[go], station[go], slot[go]
        self.slot_of[rows, station, held[go, slot]] = -1
        self.slot_item[rows, station, slot] = item
        self.slot_of[rows, station, item] = slot
        return kept


def nearest(network: Network, item: int, first: int, second: int) -> Ints:
    """The station that the client hears best."""
    return np.full(len(network.policies), first)


def hit_first(network: Network, item: int, first: int, second: int) -> Ints:
    """The station that has the item, the first if both or none have."""
    if second < 0:
        return nearest(network, item, first, second)
    there = network.slot_of[:, [first, second], item] >= 0
    return np.where(there[:, 1] & ~there[:, 0], second, first)


def least_loaded(network: Network, item: int, first: int, second: int) -> Ints:
    """The station in reach with the lower load, the first if they are equal."""
    if second < 0:
        return nearest(network, item, first, second)
    return np.where(network.load[:, second] < network.load[:, first], second, first)


def by_score(network: Network, item: int, first: int, second: int) -> Ints:
    """Hits less the weight `load` times the load over the mean; without module 4 hits alone."""
    if second < 0:
        return nearest(network, item, first, second)
    pair = [first, second]
    value = (network.slot_of[:, pair, item] >= 0).astype(np.float64)
    price = np.where(network.sees_loads, network.policies[:, 6], 0.0)
    if price.any():
        mean = np.maximum(network.load.mean(axis=1), _TINY)
        value -= (price / mean)[:, None] * network.load[:, pair]
    return np.where(value[:, 1] > value[:, 0], second, first)


ROUTERS: dict[str, Router] = {
    "nearest": nearest,
    "hit first": hit_first,
    "least loaded": least_loaded,
}


def run(network: Network, trace: RequestTrace) -> Outcome:
    """Serve all requests of a trace, one after the other."""
    num, policies = len(trace), len(network.policies)
    hit = np.zeros((num, policies), bool)
    handed, kept = hit.copy(), hit.copy()
    station = np.zeros((num, policies), np.int16)
    for row in range(num):
        hit[row], station[row], handed[row], kept[row] = network.step(trace, row)
    return outcome_of(hit, station, handed, kept, trace.num_stations, network.reliability)


def outcome_of(
    hit: Bools,
    station: NDArray[np.int16],
    handed: Bools,
    kept: Bools,
    num_stations: int,
    reliability: Sequence[Reliability],
) -> Outcome:
    """What follows from who served, [request, policy]: overload and fairness of the loads."""
    overloaded, jain = hit.copy(), np.ones(hit.shape, np.float32)
    rows = np.arange(len(hit))
    for policy in range(hit.shape[1]):
        load = loads_of(station[:, policy].astype(np.int64), num_stations)
        limit = reliability[policy].overload_at * load.mean(axis=1)
        overloaded[:, policy] = load[rows, station[:, policy]] > limit
        jain[:, policy] = jain_index(load)
    return Outcome(hit, station, overloaded, jain, handed, kept)


def run_textbook(caches: Sequence[Cache], trace: RequestTrace) -> Outcome:
    """Serve all requests at the nearest station by caches of one station each, [station]."""
    num = len(trace)
    hit = np.zeros((num, 1), bool)
    for row, (station, item) in enumerate(
        zip(trace.first.tolist(), trace.item.tolist(), strict=True)
    ):
        hit[row, 0] = caches[station].request(item)
    nothing = np.zeros((num, 1), bool)
    station = trace.first[:, None].astype(np.int16)
    return outcome_of(hit, station, nothing, nothing.copy(), len(caches), [NONE])


def belady_caches(trace: RequestTrace, slots: int) -> list[Belady]:
    """The bound of each station for the requests that it hears best."""
    return [
        Belady(slots, trace.item[trace.first == station].tolist())
        for station in range(trace.num_stations)
    ]


def loads_of(station: Ints, num_stations: int) -> Floats:
    """Exponentially weighted shares of requests at each station after each, [request, station]."""
    from scipy.signal import lfilter

    ones = (station[:, None] == np.arange(num_stations)).astype(np.float64)
    gain = 1.0 / LOAD_WINDOW
    return np.asarray(lfilter([gain], [1.0, gain - 1.0], ones, axis=0))
