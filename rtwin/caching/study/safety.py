"""Policies that are kept from overloading stations: the article's four, and modules one by one."""

from collections.abc import Iterator
from dataclasses import replace

from rtwin.caching.caches import ALL, LFU, NONE, Reliability
from rtwin.caching.demand import Reach, RequestTrace
from rtwin.caching.learning import Constraint, Learned, Plan, Switched, learn_each
from rtwin.caching.study.rows import LFU_ROUTED, PLAN, Policy, Run, counted, of_scores
from rtwin.caching.study.settings import CachingStudy
from rtwin.caching.twin import TasteTwin, fit_tastes, generate_walks

CONSTRAINT = Constraint(share=0.05)
STATE = Reliability(state=True)
# Modules that are on, and whether overload is a constraint with multipliers.
SWITCHED: dict[str, Switched] = {
    "none": (NONE, None),
    "1 shield": (Reliability(shield=True), None),
    "2 mask": (Reliability(mask=True), None),
    "3 penalty": (Reliability(penalty=True), None),
    "4 state": (STATE, None),
    "3 + 4": (Reliability(penalty=True, state=True), None),
    "1 + 4": (Reliability(shield=True, state=True), None),
    "4, multipliers": (STATE, CONSTRAINT),
    "1 + 4, multipliers": (Reliability(shield=True, state=True), CONSTRAINT),
    "all": (ALL, None),
    "all, multipliers": (ALL, CONSTRAINT),
}
RL, RELIABLE = "4 state", "all, multipliers"  # what the article's policies are made of here
FIXED: dict[str, Policy] = {
    "LFU, hit first": (LFU, NONE),
    "LFU, load-aware": (LFU_ROUTED, STATE),
    "LFU + shield, hit first": (LFU, Reliability(shield=True, mask=True)),
    "LFU + shield, load-aware": (LFU_ROUTED, Reliability(shield=True, mask=True, state=True)),
}
TRAINED = ("RL", "RL w/ twin", "reliable RL", "reliable RL w/ twin")


def run_safety(
    study: CachingStudy, reach: Reach, trace: RequestTrace, start: int, seed: int
) -> Iterator[Run]:
    """Rows `reliable` and `modules` of a seed; policies learn on the history alone."""
    history = trace.part(0, study.history)
    plan = replace(PLAN, rounds=study.rounds, seed=seed)
    policies = learn_each([history], study.slots, [*SWITCHED.values()], plan=plan)
    alone = dict(zip(SWITCHED, policies, strict=True))
    plain, safe = learn_with_twin(study, reach, history, plan, seed)
    rows = {**FIXED}
    rows |= {name: (found.policy, SWITCHED[name][0]) for name, found in alone.items()}
    outcomes = of_scores(trace, study.slots, rows)
    twins: dict[str, Policy] = {TRAINED[1]: (plain.policy, STATE), TRAINED[3]: (safe.policy, ALL)}
    outcomes |= of_scores(trace, study.slots, twins, fresh_twin(trace))
    shown = {name: name for name in FIXED}
    shown |= {TRAINED[0]: RL, TRAINED[1]: TRAINED[1], TRAINED[2]: RELIABLE, TRAINED[3]: TRAINED[3]}
    learned = alone | {TRAINED[1]: plain, TRAINED[3]: safe}
    for part, names in (("reliable", shown), ("modules", {name: name for name in SWITCHED})):
        for name, own in names.items():
            setting = as_numbers(learned[own]) if own in learned else {}
            yield counted(outcomes[own], trace, start, part, name, seed, **setting)


def learn_with_twin(
    study: CachingStudy, reach: Reach, history: RequestTrace, plan: Plan, seed: int
) -> list[Learned]:
    """RL and reliable RL with forecasts, on the history and on two traces that a twin draws."""
    switched = [SWITCHED[RL], SWITCHED[RELIABLE]]
    traces = [history, *drawn_walks(reach, history, seed)]
    return learn_each(traces, study.slots, switched, make_forecaster=fresh_twin, plan=plan)


def drawn_walks(reach: Reach, history: RequestTrace, seed: int) -> list[RequestTrace]:
    """Two traces as long as a history that its twin draws."""
    twin, num = fit_tastes(history), len(history)
    return [generate_walks(twin, reach, history, num, 2 * seed + number) for number in (0, 1)]


def fresh_twin(trace: RequestTrace) -> TasteTwin:
    """A twin that has seen nothing and learns along the trace."""
    return TasteTwin(trace.num_stations, trace.num_clients, trace.catalogue.kind)


def as_numbers(found: Learned) -> dict[str, list[float] | list[list[float]]]:
    """What was learned, for the report: weights, multipliers and objective of each round."""
    return {
        "weights": found.policy.tolist(),
        "multiplier": found.multiplier.tolist(),
        "value": found.value.tolist(),
    }
