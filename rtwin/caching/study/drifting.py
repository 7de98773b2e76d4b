"""The control: rankings drift without memory, and users stay; a twin has nothing to know."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from rtwin.caching.demand import NO_BURSTS, DriftingDemand, RequestTrace, ring_reach
from rtwin.caching.learning import Learned, learn_each
from rtwin.caching.study.rows import PLAN, Run, counted, of_scores, of_textbook
from rtwin.caching.study.safety import FIXED, RELIABLE, RL, SWITCHED, as_numbers
from rtwin.caching.study.settings import CachingStudy
from rtwin.caching.twin import GeneratorSettings, fit_counts, generate_requests

DEMAND = DriftingDemand()
WITH_TWO = 0.25
RELIABLE_RL = "reliable RL"
# name: what the twin's generator takes the world for
TWINS = {
    "w/ twin": GeneratorSettings(),
    "wrong twin: exponent + 0.3": GeneratorSettings(exponent_error=0.3),
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
    found = _learned(study, trace.part(0, study.history), seed)
    rows = {name: FIXED[name] for name in ("LFU, hit first", "LFU + shield, hit first")}
    rows |= {
        name: (own.policy, SWITCHED[RELIABLE if name.startswith(RELIABLE_RL) else RL][0])
        for name, own in found.items()
    }
    for name, out in of_scores(trace, study.slots, rows).items():
        setting = as_numbers(found[name]) if name in found else {}
        yield counted(out, trace, start, "drifting", name, seed, **setting)


def _learned(study: CachingStudy, history: RequestTrace, seed: int) -> dict[str, Learned]:
    """RL and reliable RL without a twin, with the right one, and reliable RL with wrong ones."""
    plan = replace(PLAN, rounds=study.rounds, seed=seed)
    twin = fit_counts(history)
    found: dict[str, Learned] = {}
    for which in ("", *TWINS):
        drawn = [
            generate_requests(twin, history, len(history), 2 * seed + number, TWINS[which])
            for number in ((0, 1) if which else ())
        ]
        wrong = which.startswith("wrong")
        names = {RELIABLE_RL: RELIABLE} if wrong else {"RL": RL, RELIABLE_RL: RELIABLE}
        switched = [SWITCHED[own] for own in names.values()]
        policies = learn_each([history, *drawn], study.slots, switched, plan=plan)
        for name, policy in zip(names, policies, strict=True):
            found[f"{name}, {which}" if wrong else f"{name} {which}".strip()] = policy
    return found
