"""Learning together: models of many stations in one array, rounds, clusters, arrivals."""

from rtwin.federation.learning.asynchronous import (
    Arrival,
    arrivals_of,
    buffered,
    learn_asynchronously,
    learn_on_arrival,
    mixed,
    step_size,
)
from rtwin.federation.learning.clusters import Clusters, have_drifted, make_clusters, profiles_of
from rtwin.federation.learning.cost import VALUE_BYTES, WEIGHT_BYTES, Cost, Network, model_bytes
from rtwin.federation.learning.forecaster import LstmModel
from rtwin.federation.learning.local import learn_locally
from rtwin.federation.learning.model import LinearModel, Model
from rtwin.federation.learning.on_ray import learn_on_ray
from rtwin.federation.learning.synchronous import Aggregate, learn_in_rounds, mean_of

__all__ = [
    "VALUE_BYTES",
    "WEIGHT_BYTES",
    "Aggregate",
    "Arrival",
    "Clusters",
    "Cost",
    "LinearModel",
    "LstmModel",
    "Model",
    "Network",
    "arrivals_of",
    "buffered",
    "have_drifted",
    "learn_asynchronously",
    "learn_in_rounds",
    "learn_locally",
    "learn_on_arrival",
    "learn_on_ray",
    "make_clusters",
    "mean_of",
    "mixed",
    "model_bytes",
    "profiles_of",
    "step_size",
]
