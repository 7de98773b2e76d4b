"""MaskablePPO in the study, beside the policies of the cross-entropy method; extra `rl`."""

from collections.abc import Iterator
from functools import partial
from itertools import cycle

from rtwin.caching.caches import LeastRecentlyUsed, run_textbook
from rtwin.caching.demand import Reach, RequestTrace
from rtwin.caching.study.rows import Run, counted
from rtwin.caching.study.safety import STATE, drawn_walks, fresh_twin
from rtwin.caching.study.settings import CachingStudy


def run_ppo(
    study: CachingStudy, reach: Reach, trace: RequestTrace, start: int, seed: int
) -> Iterator[Run]:
    """MaskablePPO that learned on the history, and one that has the twin's forecasts and traces.

    Raises:
        MissingExtraError: if sb3-contrib is not installed.
    """
    from rtwin.caching.learning import CachingEnv, choose_by, play, train_maskable_ppo

    history = trace.part(0, study.history)
    room = [LeastRecentlyUsed(study.slots) for _ in range(trace.num_stations)]
    usual = float(run_textbook(room, history).hit.mean())

    def next_env(traces: Iterator[RequestTrace], with_twin: bool) -> CachingEnv:
        requests = next(traces)
        make = (lambda: fresh_twin(requests)) if with_twin else None
        return CachingEnv(
            requests, study.slots, reliability=STATE, make_forecaster=make, baseline=usual
        )

    for name, with_twin in (("MaskablePPO", False), ("MaskablePPO w/ twin", True)):
        # Environments that are made one after the other get one trace after the other.
        known = cycle([history, *(drawn_walks(reach, history, seed) if with_twin else ())])
        model = train_maskable_ppo(partial(next_env, known, with_twin), study.ppo_steps, seed)
        out = play(next_env(iter([trace]), with_twin), choose_by(model), seed)
        yield counted(out, trace, start, "reliable", name, seed, steps=study.ppo_steps)
