"""One row of the study: a policy on one seed's requests, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.caching.caches import (
    LFU,
    NONE,
    TEXTBOOK,
    Forecaster,
    Network,
    Outcome,
    Reliability,
    Router,
    belady_caches,
    by_score,
    nearest,
    run,
    run_textbook,
    weights,
)
from rtwin.caching.demand import RequestTrace
from rtwin.caching.learning import Plan

WINDOWS = 25  # of the counted requests, for figures over time
FORECAST = weights(forecast=1.0, newcomer=0.0)
LFU_ROUTED = LFU + weights(load=0.3)
Policy = tuple[Floats, Reliability]
BOUND = "Belady (bound)"
COUNTS = "counts of stations"
TWIN = "tastes of users present (twin)"
AXES = ("LRU", "LFU", "W-TinyLFU", COUNTS, TWIN, BOUND)  # where history or slots are varied
# Fewer rounds of more candidates: stepping twice as many costs little more.
PLAN = Plan(rounds=3, candidates=16, elite=5)


@dataclass(frozen=True)
class Run:
    """What one policy came to on one seed.

    Attributes:
        part: Of the study: "walking", "drifting", "slots", "history", "modules".
        policy: Its name.
        seed: Of the requests.
        setting: What else is varied, such as {"slots": 50}.
        hit_rate: Hits per request.
        byte_hit_rate: Megabytes of hits per megabyte asked for.
        overload: Share of the requests that were served by an overloaded station.
        jain: Mean of Jain's index of the loads.
        shield, mask: Interventions per 1000 requests.
        load: Share of the requests of each station, [station].
        over_time: Hit rate in each window, [window].
        interventions_over_time: Per 1000 requests, [window].
        burst: Share of each window's requests that belong to a burst, [window].
    """

    part: str
    policy: str
    seed: int
    hit_rate: float
    byte_hit_rate: float
    overload: float
    jain: float
    shield: float
    mask: float
    load: list[float]
    over_time: list[float]
    interventions_over_time: list[float]
    burst: list[float]
    setting: dict[str, Any] = field(default_factory=dict)


def counted(
    out: Outcome, trace: RequestTrace, start: int, part: str, policy: str, seed: int, **setting: Any
) -> Run:
    """What came of the requests from `start` on."""
    rows = slice(start, None)
    hit, size = out.hit[rows, 0], trace.catalogue.size_mb[trace.item[rows]]
    touched = out.handed_over[rows, 0].astype(float) + out.kept[rows, 0]
    load = np.bincount(out.station[rows, 0], minlength=trace.num_stations)
    return Run(
        part,
        policy,
        seed,
        float(hit.mean()),
        float((hit * size).sum() / size.sum()),
        float(out.overloaded[rows, 0].mean()),
        float(out.jain[rows, 0].mean()),
        1000.0 * float(out.handed_over[rows, 0].mean()),
        1000.0 * float(out.kept[rows, 0].mean()),
        (load / load.sum()).tolist(),
        _windows(hit),
        [1000.0 * value for value in _windows(touched)],
        _windows(trace.burst[rows]),
        setting,
    )


def _windows(values: NDArray[Any]) -> list[float]:
    return [float(part.mean()) for part in np.array_split(values, WINDOWS) if part.size]


def of_textbook(
    trace: RequestTrace, slots: int, names: Sequence[str] = (*TEXTBOOK, BOUND)
) -> dict[str, Outcome]:
    """Textbook caches and the bound, each station by itself."""
    found = {
        name: run_textbook([TEXTBOOK[name](slots) for _ in range(trace.num_stations)], trace)
        for name in names
        if name in TEXTBOOK
    }
    if BOUND in names:
        found[BOUND] = run_textbook(belady_caches(trace, slots), trace)
    return found


def of_scores(
    trace: RequestTrace,
    slots: int,
    policies: dict[str, Policy],
    forecaster: Forecaster | None = None,
    router: Router = by_score,
) -> dict[str, Outcome]:
    """Policies as scores, in one pass."""
    network = Network(
        np.stack([policy for policy, _ in policies.values()]),
        trace.num_stations,
        trace.catalogue.num_items,
        slots,
        reliability=[reliability for _, reliability in policies.values()],
        forecaster=forecaster,
        router=router,
    )
    out = run(network, trace)
    return {name: out.of(slice(k, k + 1)) for k, name in enumerate(policies)}


def of_forecast(trace: RequestTrace, slots: int, forecaster: Forecaster) -> Outcome:
    """What is expected to be asked for most is kept, at the nearest station."""
    return of_scores(trace, slots, {"": (FORECAST, NONE)}, forecaster, nearest)[""]


def log_loss(make: Callable[[], Any], trace: RequestTrace, start: int, most: int = 2000) -> float:
    """Mean surprise [nat] of requests from `start` on to a forecaster that sees all before."""
    forecaster = make()
    total, count = 0.0, 0
    for row in range(len(trace)):
        if row >= start:
            total, count = total + forecaster.log_loss(trace, row), count + 1
        if count >= most:
            break
        forecaster.observe(trace, row)
    return total / max(count, 1)
