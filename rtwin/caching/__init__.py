"""Edge caching on a twin: stations with caches, users who walk, a twin of their requests.

WalkingDemand().draw(reach_of_trace(trace), num, seed) -> requests at stations
    -> Network(policies, ...), run -> hits, loads, interventions
    -> TasteTwin, CountTwin: what is asked for next, and drawn futures
    -> learn(...): a policy by the cross-entropy method; CachingEnv for others
run_caching(CachingStudy()) -> the study

CachingEnv needs Gymnasium and is loaded when it is asked for.
"""

from typing import TYPE_CHECKING

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
    viewers_at,
)
from rtwin.caching.learning import learn
from rtwin.caching.study import CachingStudy, run_caching, write_caching
from rtwin.caching.twin import CountTwin, TasteTwin, fit_counts, fit_tastes
from rtwin.extras import lazy_members

if TYPE_CHECKING:
    from rtwin.caching.learning import CachingEnv as CachingEnv
    from rtwin.caching.learning import train_maskable_ppo as train_maskable_ppo

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
    "viewers_at",
    "weights",
    "write_caching",
]

# Not in __all__: `import *` needs no extras.
__getattr__ = lazy_members(
    __name__,
    {
        "CachingEnv": ("learning", "Gymnasium", "'rtwin[experiments]'"),
        "train_maskable_ppo": ("learning", "Gymnasium", "'rtwin[rl]'"),
    },
)
