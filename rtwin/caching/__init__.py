"""Edge caching on a twin: stations with caches, users who walk, a twin of their requests.

WalkingDemand().draw(reach_of_trace(trace), num, seed) -> requests at stations
    -> Network(policies, ...), run -> hits, loads, interventions
    -> TasteTwin, CountTwin: what is asked for next, and drawn futures
    -> learn(...): a policy by the cross-entropy method; CachingEnv for others
run_caching(CachingStudy()) -> the study

CachingEnv needs Gymnasium and is loaded when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from rtwin.caching import learning
from rtwin.caching.caches import Network, Reliability, run, weights
from rtwin.caching.demand import (
    Catalogue,
    DriftingDemand,
    Reach,
    RequestTrace,
    WalkingDemand,
    reach_of_trace,
    read_gateway,
    requests_at,
)
from rtwin.caching.learning import learn
from rtwin.caching.study import CachingStudy, run_caching, write_caching
from rtwin.caching.twin import CountTwin, TasteTwin, fit_counts, fit_tastes

if TYPE_CHECKING:
    from rtwin.caching.learning import CachingEnv as CachingEnv
    from rtwin.caching.learning import train_maskable_ppo as train_maskable_ppo

_LAZY = ("CachingEnv", "train_maskable_ppo")  # not in __all__: `import *` needs no extras

__all__ = [
    "CachingStudy",
    "Catalogue",
    "CountTwin",
    "DriftingDemand",
    "Network",
    "Reach",
    "Reliability",
    "RequestTrace",
    "TasteTwin",
    "WalkingDemand",
    "fit_counts",
    "fit_tastes",
    "learn",
    "reach_of_trace",
    "read_gateway",
    "requests_at",
    "run",
    "run_caching",
    "weights",
    "write_caching",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(learning, name)
