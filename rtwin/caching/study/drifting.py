"""The control: rankings drift without memory, and users stay; a twin has nothing to know."""

from collections.abc import Iterator

import numpy as np

from rtwin.caching.caches import ALL, LFU, Reliability, hit_first
from rtwin.caching.demand import NO_BURSTS, DriftingDemand, RequestTrace, ring_reach
from rtwin.caching.learning import Plan, learn
from rtwin.caching.study.rows import Run, counted, of_score, of_textbook
from rtwin.caching.study.settings import CachingStudy
from rtwin.caching.twin import GeneratorSettings, fit_counts, generate_requests

DEMAND = DriftingDemand()
WITH_TWO = 0.25
# name: what the twin's generator takes the world for
TWINS = {
    "w/ twin": GeneratorSettings(),
    "wrong twin: exponent + 0.3": GeneratorSettings(exponent_error=0.3),
    "wrong twin: exponent - 0.3": GeneratorSettings(exponent_error=-0.3),
    "wrong twin: no drift": GeneratorSettings(drift=0.0),
    "wrong twin: no bursts": GeneratorSettings(bursts=NO_BURSTS),
}


def draw_drift(study: CachingStudy, seed: int) -> RequestTrace:
    """Requests of a seed: history, warm-up and test."""
    rng = np.random.Generator(np.random.PCG64([seed, 0xD2]))
    ring = ring_reach(study.users, len(DEMAND.load), 2, np.inf, WITH_TWO, rng)
    return DEMAND.draw(ring, study.history + study.warm_up + study.test, seed)


def run_drifting(study: CachingStudy, trace: RequestTrace, seed: int) -> Iterator[Run]:
    """All rows of a seed."""
    start = study.history + study.warm_up
    for name, out in of_textbook(trace, study.slots).items():
        yield counted(out, trace, start, "drifting", name, seed)
    for name, reliability in (
        ("LFU, hit first", Reliability()),
        ("LFU + shield, hit first", Reliability(shield=True, mask=True)),
    ):
        out = of_score(trace, study.slots, LFU, None, reliability, hit_first)
        yield counted(out, trace, start, "drifting", name, seed)
    history = trace.part(0, study.history)
    twin = fit_counts(history)
    for safe, modules in (("RL", Reliability(state=True)), ("reliable RL", ALL)):
        for name in ("", *TWINS):
            if safe == "RL" and name.startswith("wrong"):
                continue
            traces = [history]
            if name:
                traces += [
                    generate_requests(twin, history, len(history), 2 * seed + k, TWINS[name])
                    for k in (0, 1)
                ]
            plan = Plan(rounds=study.rounds, seed=seed)
            found = learn(traces, study.slots, reliability=modules, plan=plan)
            out = of_score(trace, study.slots, found.policy, None, modules)
            yield counted(
                out,
                trace,
                start,
                "drifting",
                f"{safe} {name}".strip() if not name.startswith("wrong") else f"{safe}, {name}",
                seed,
                weights=found.policy.tolist(),
            )
