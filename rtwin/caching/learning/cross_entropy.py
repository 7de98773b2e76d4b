"""Policies by the cross-entropy method: drawn, tried on the same requests, drawn nearer the best.

A constraint on overload enters by a multiplier for each station that rises while the station
is overloaded more often than allowed (dual ascent).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rtwin.caching.caches import (
    NONE,
    WEIGHTS,
    Forecaster,
    Network,
    Outcome,
    Reliability,
    loads_of,
    run,
)
from rtwin.caching.demand import RequestTrace
from rtwin.errors import OutOfRangeError

Floats = NDArray[np.float64]
MakeForecaster = Callable[[RequestTrace], Forecaster | None]
START = {
    "recency": (0.2, 0.4),
    "short": (0.5, 0.6),
    "long": (1.0, 0.6),
    "elsewhere": (0.2, 0.6),
    "forecast": (1.0, 1.0),
    "newcomer": (0.0, 0.5),
    "load": (0.1, 0.4),
}
"""Mean and standard deviation of each weight before anything is learned."""
_LEAST_SD = 0.05


@dataclass(frozen=True)
class Constraint:
    """How often a station may be overloaded.

    Attributes:
        share: Of the time, for each station.
        pace: Of the multipliers, per round.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    share: float = 0.05
    pace: float = 2.0

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and self.pace >= 0):
            raise OutOfRangeError(
                f"share is {self.share:g}, pace {self.pace:g}; give 0 to 1 and 0 or more"
            )


@dataclass(frozen=True)
class Plan:
    """How long is searched.

    Attributes:
        rounds: Of drawing and trying.
        candidates: Policies of a round.
        elite: Best of them, from which the next round is drawn.
        warm_up: Share of each trace that is served, but not counted.
        seed: Of the draws.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    rounds: int = 5
    candidates: int = 10
    elite: int = 4
    warm_up: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 1 <= self.elite <= self.candidates or not 0 <= self.warm_up < 1:
            raise OutOfRangeError(
                f"{self.rounds} rounds, {self.elite} of {self.candidates} candidates, warm-up "
                f"{self.warm_up:g}; give 1 or more, 1 to the candidates, 0 up to 1"
            )


@dataclass(frozen=True)
class Learned:
    """A policy and how it was found.

    Attributes:
        policy: Row of WEIGHTS: the mean of the last round's elite.
        value: Mean objective of each round's elite, [round].
        multiplier: Of each station after each round, [round, station]; 0 without a constraint.
        requests: Requests that were served in training, all candidates together.
    """

    policy: Floats
    value: Floats
    multiplier: Floats
    requests: int


def learn(
    traces: Sequence[RequestTrace],
    slots: int,
    *,
    reliability: Reliability = NONE,
    make_forecaster: MakeForecaster = lambda trace: None,
    constraint: Constraint | None = None,
    plan: Plan | None = None,
) -> Learned:
    """Learn a policy on traces of requests.

    Args:
        traces: What is trained on; all count alike.
        slots: Of each station.
        reliability: Modules; their penalty counts here.
        make_forecaster: What a trace's policies ask for forecasts; it must not have seen the
            trace, unless it comes from a twin that did not either.
        constraint: How often stations may be overloaded; None: as often as they are.
        plan: How long is searched.
    Returns:
        The policy; the same seed gives the same one.
    Raises:
        OutOfRangeError: if there is no trace.
    Checked by tests/caching/learning/test_cross_entropy.py.
    """
    plan = plan or Plan()
    if not traces or not all(len(trace) for trace in traces):
        raise OutOfRangeError("there is nothing to learn from; give a trace with requests")
    search = _Search(traces, slots, reliability, make_forecaster, constraint, plan)
    rng = np.random.Generator(np.random.PCG64([plan.seed, 0xCE]))
    mean, sd = (np.array([START[name][k] for name in WEIGHTS]) for k in range(2))
    used = search.used
    mean, sd = np.where(used, mean, 0.0), np.where(used, sd, 0.0)
    values, multipliers = [], []
    for _ in range(plan.rounds):
        drawn = mean + sd * rng.standard_normal((plan.candidates, len(mean)))
        drawn[0] = mean
        value, over = search.tried(drawn)
        best = np.argsort(-value, kind="stable")[: plan.elite]
        mean = drawn[best].mean(axis=0)
        sd = np.where(used, np.maximum(drawn[best].std(axis=0), _LEAST_SD), 0.0)
        search.ascend(over[best].mean(axis=0))
        values.append(float(value[best].mean()))
        multipliers.append(search.multiplier.copy())
    return Learned(
        mean,
        np.array(values),
        np.array(multipliers),
        plan.rounds * plan.candidates * sum(len(trace) for trace in traces),
    )


@dataclass
class _Search:
    traces: Sequence[RequestTrace]
    slots: int
    reliability: Reliability
    make_forecaster: MakeForecaster
    constraint: Constraint | None
    plan: Plan
    multiplier: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.multiplier = np.zeros(self.traces[0].num_stations)

    @property
    def used(self) -> NDArray[np.bool_]:
        """Weights that can change anything, [weight]."""
        known = self.make_forecaster(self.traces[0]) is not None
        routed = self.reliability.state and self.traces[0].share_with_two > 0
        off = {"forecast": not known, "load": not routed}
        return np.array([not off.get(name, False) for name in WEIGHTS])

    def tried(self, policies: Floats) -> tuple[Floats, Floats]:
        """Objective of policies, [policy], and how often stations are overloaded."""
        total = np.zeros(len(policies))
        over = np.zeros((len(policies), len(self.multiplier)))
        for trace in self.traces:
            network = Network(
                policies,
                trace.num_stations,
                trace.catalogue.num_items,
                self.slots,
                reliability=self.reliability,
                forecaster=self.make_forecaster(trace),
            )
            out = run(network, trace)
            counted = slice(int(self.plan.warm_up * len(trace)), None)
            total += objective(out, self.reliability, counted)
            over += overload_shares(out, trace.num_stations, self.reliability, counted)
        num = len(self.traces)
        if self.constraint is None:
            return total / num, over / num
        excess = over / num - self.constraint.share
        return total / num - excess @ self.multiplier, over / num

    def ascend(self, over: Floats) -> None:
        """Raise the multipliers of stations that are overloaded too often."""
        if self.constraint is not None:
            step = self.constraint.pace * (over - self.constraint.share)
            self.multiplier = np.maximum(self.multiplier + step, 0.0)


def objective(out: Outcome, reliability: Reliability, rows: slice) -> Floats:
    """Hits per request, [policy], less what module 3 takes."""
    value = out.hit[rows].mean(axis=0)
    if reliability.penalty:
        value = value - reliability.overload_price * out.overloaded[rows].mean(axis=0)
        value = value - reliability.unfairness_price * (1.0 - out.jain[rows].mean(axis=0))
    return np.asarray(value, np.float64)


def overload_shares(
    out: Outcome, num_stations: int, reliability: Reliability, rows: slice
) -> Floats:
    """Share of the time in which each station is overloaded, [policy, station]."""
    shares = []
    for policy in range(out.hit.shape[1]):
        load = loads_of(out.station[:, policy].astype(np.int64), num_stations)[rows]
        limit = reliability.overload_at * load.mean(axis=1, keepdims=True)
        shares.append((load > limit).mean(axis=0))
    return np.array(shares)
