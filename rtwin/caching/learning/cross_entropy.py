"""Policies by the cross-entropy method: drawn, tried on the same requests, drawn nearer the best.

A constraint on overload enters by a multiplier for each station that rises while the station
is overloaded more often than allowed (dual ascent).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
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
from rtwin.settings import Count, Settings

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


Switched = tuple[Reliability, Constraint | None]


@dataclass(frozen=True)
class Plan(Settings):
    """How long is searched.

    Attributes:
        rounds: Of drawing and trying.
        candidates: Policies of a round.
        elite: Best of them, from which the next round is drawn.
        warm_up: Share of each trace that is served, but not counted.
        seed: Of the draws.
    """

    rounds: Count = 5
    candidates: Count = 10
    elite: Count = 4
    warm_up: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.elite > self.candidates or not 0 <= self.warm_up < 1:
            raise OutOfRangeError(
                f"{self.elite} of {self.candidates} candidates, warm-up {self.warm_up:g}; give the "
                "candidates at most, and 0 up to 1"
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
    switched = [(reliability, constraint)]
    return learn_each(traces, slots, switched, make_forecaster=make_forecaster, plan=plan)[0]


def learn_each(
    traces: Sequence[RequestTrace],
    slots: int,
    switched: Sequence[Switched],
    *,
    make_forecaster: MakeForecaster = lambda trace: None,
    plan: Plan | None = None,
) -> list[Learned]:
    """What `learn` finds for each of several choices of modules and constraint, in one pass.

    Raises:
        OutOfRangeError: if there is no trace.
    """
    plan = plan or Plan()
    if not traces or not all(len(trace) for trace in traces):
        raise OutOfRangeError("there is nothing to learn from; give a trace with requests")
    known = make_forecaster(traces[0]) is not None
    searches = [_Search(*choice, plan, traces[0], known) for choice in switched]
    for _ in range(plan.rounds):
        drawn = [search.draw() for search in searches]
        total = [np.zeros(plan.candidates) for _ in searches]
        over = [np.zeros((plan.candidates, traces[0].num_stations)) for _ in searches]
        for trace in traces:
            network = Network(
                np.concatenate(drawn),
                trace.num_stations,
                trace.catalogue.num_items,
                slots,
                reliability=[s.reliability for s in searches for _ in range(plan.candidates)],
                forecaster=make_forecaster(trace),
            )
            out = run(network, trace)
            counted = slice(int(plan.warm_up * len(trace)), None)
            for k, search in enumerate(searches):
                own = out.of(slice(k * plan.candidates, (k + 1) * plan.candidates))
                total[k] += objective(own, search.reliability, counted) / len(traces)
                over[k] += overload_shares(
                    own, trace.num_stations, search.reliability, counted
                ) / len(traces)
        for search, value, overload in zip(searches, total, over, strict=True):
            search.narrow(value, overload)
    served = plan.rounds * plan.candidates * sum(len(trace) for trace in traces)
    return [Learned(s.mean, np.array(s.values), np.array(s.multipliers), served) for s in searches]


class _Search:
    """Where policies are drawn from, and what overload costs, for one choice of modules."""

    def __init__(
        self,
        reliability: Reliability,
        constraint: Constraint | None,
        plan: Plan,
        trace: RequestTrace,
        has_forecasts: bool,
    ) -> None:
        self.reliability, self.constraint, self.plan = reliability, constraint, plan
        # Weights that can change nothing stay 0.
        routed = reliability.state and trace.share_with_two > 0
        off = {"forecast": not has_forecasts, "load": not routed}
        self._used = np.array([not off.get(name, False) for name in WEIGHTS])
        mean, sd = (np.array([START[name][k] for name in WEIGHTS]) for k in range(2))
        self.mean, self._sd = np.where(self._used, mean, 0.0), np.where(self._used, sd, 0.0)
        self._rng = np.random.Generator(np.random.PCG64([plan.seed, 0xCE]))
        self._multiplier = np.zeros(trace.num_stations)
        self.values: list[float] = []
        self.multipliers: list[Floats] = []
        self._drawn = np.zeros((plan.candidates, len(mean)))

    def draw(self) -> Floats:
        """Candidates, [candidate, weight]; the first is the mean."""
        noise = self._rng.standard_normal(self._drawn.shape)
        self._drawn = self.mean + self._sd * noise
        self._drawn[0] = self.mean
        return self._drawn

    def narrow(self, value: Floats, over: Floats) -> None:
        """Go to the best candidates; raise what overload costs where there is too much."""
        if self.constraint is not None:
            value = value - (over - self.constraint.share) @ self._multiplier
        best = np.argsort(-value, kind="stable")[: self.plan.elite]
        self.mean = self._drawn[best].mean(axis=0)
        spread = np.maximum(self._drawn[best].std(axis=0), _LEAST_SD)
        self._sd = np.where(self._used, spread, 0.0)
        if self.constraint is not None:
            excess = over[best].mean(axis=0) - self.constraint.share
            self._multiplier = np.maximum(self._multiplier + self.constraint.pace * excess, 0.0)
        self.values.append(float(value[best].mean()))
        self.multipliers.append(self._multiplier.copy())


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
