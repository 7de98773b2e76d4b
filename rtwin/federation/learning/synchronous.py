"""Rounds: everybody learns, everybody's weights meet, all wait for the slowest."""

from collections.abc import Callable

import numpy as np

from rtwin.arrays import Floats
from rtwin.federation.learning.clusters import Clusters
from rtwin.federation.learning.cost import Cost, model_bytes
from rtwin.federation.learning.local import learn_locally
from rtwin.federation.learning.model import Model
from rtwin.progress import Count, uncounted

Aggregate = Callable[[Floats], Floats]  # updates [station, weight] to one [weight]


def mean_of(updates: Floats) -> Floats:
    """The plain mean, as of FedAvg where all have as many rows."""
    return updates.mean(axis=0)


def clustered_mean(clusters: Clusters) -> Aggregate:
    """Heads take the mean of their members, the cloud that of the heads by cluster size."""

    def aggregate(updates: Floats) -> Floats:
        heads = np.stack([updates[clusters.members(k)].mean(0) for k in range(clusters.count)])
        return clusters.sizes @ heads / clusters.sizes.sum()

    return aggregate


def learn_in_rounds(
    model: Model,
    weights: Floats,
    x: Floats,
    y: Floats,
    rounds: int,
    rng: np.random.Generator,
    *,
    aggregate: Aggregate = mean_of,
    clusters: Clusters | None = None,
    cost: Cost | None = None,
    speeds: Floats | None = None,
    done: Count = uncounted,
) -> Floats:
    """Federated averaging: one global model from all stations' rows.

    Args:
        model: What learns.
        weights: To start from, [weight].
        x, y: Rows of each station, [station, row, input] and [station, row].
        rounds: How many.
        rng: Draws the order of rows.
        aggregate: From updates of the stations to the global one.
        clusters: Stations send to their heads, and heads to the cloud; with the mean, the
            weights are the same as without.
        cost: Account to write to.
        speeds: Of the stations; default: all 1.
        done: Called with rounds done and in all.
    Returns:
        [weight].
    Source: H. B. McMahan et al., AISTATS 2017; checked by tests/federation/test_learning.py.
    """
    stations = len(x)
    combine = (
        clustered_mean(clusters) if clusters is not None and aggregate is mean_of else aggregate
    )
    speeds = np.ones(stations) if speeds is None else speeds
    for step in range(rounds):
        local = learn_locally(model, np.tile(weights, (stations, 1)), x, y, rng)
        weights = weights + combine(local - weights)
        if cost is not None:
            cost.learn(x.shape[1], speeds)
            far = stations if clusters is None else clusters.count
            near = 0 if clusters is None else stations
            size = model.num_weights
            cost.send(model_bytes(size, near), model_bytes(size, far))
        done(step + 1, rounds)
    return weights
