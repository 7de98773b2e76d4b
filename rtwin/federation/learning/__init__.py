"""Learning together: models of many stations in one array, rounds, clusters, arrivals."""

from rtwin.federation.learning.asynchronous import (
    Arrival,
    arrivals_of,
    buffered,
    learn_asynchronously,
    mixed,
    step_size,
)
from rtwin.federation.learning.clusters import Clusters, make_clusters, profiles_of
from rtwin.federation.learning.cost import Cost, Network
from rtwin.federation.learning.local import learn_locally
from rtwin.federation.learning.model import LinearModel, Model
from rtwin.federation.learning.synchronous import learn_in_rounds, mean_of

__all__ = [
    "Arrival",
    "Clusters",
    "Cost",
    "LinearModel",
    "Model",
    "Network",
    "arrivals_of",
    "buffered",
    "learn_asynchronously",
    "learn_in_rounds",
    "learn_locally",
    "make_clusters",
    "mean_of",
    "mixed",
    "profiles_of",
    "step_size",
]
