"""Rounds between processes: every station learns in one of its own, on a Ray cluster.

The rows of a station are read where it runs and stay there; weights alone travel.
"""

from collections.abc import Callable, Sequence

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.federation.learning.local import learn_locally
from rtwin.federation.learning.model import Model
from rtwin.federation.learning.synchronous import Aggregate, mean_of
from rtwin.progress import Count, uncounted

# A station's model, inputs [row, input] and what should come out [row], read where it runs.
Load = Callable[[], tuple[Model, Floats, Floats]]


class Station:
    """What one process holds.

    Args:
        load: Reads its rows.
        seed: Of the order of rows; the same at all stations.
    """

    def __init__(self, load: Load, seed: int) -> None:
        self._model, x, y = load()
        self._x, self._y = x[None], y[None]
        self._rng = np.random.default_rng(seed)

    def learn(self, weights: Floats) -> Floats:
        """Weights after an epoch over its own rows, [weight]."""
        return learn_locally(self._model, weights[None], self._x, self._y, self._rng)[0]


def learn_on_ray(
    stations: Sequence[Load],
    weights: Floats,
    rounds: int,
    seed: int,
    *,
    aggregate: Aggregate = mean_of,
    machines: Sequence[str] | None = None,
    address: str = "auto",
    done: Count = uncounted,
) -> Floats:
    """Federated averaging as of learn_in_rounds, every station in a process of its own.

    Args:
        stations: How each reads its rows and its model.
        weights: To start from, [weight].
        rounds: How many.
        seed: Of the order of rows.
        aggregate: From updates of the stations to the global one.
        machines: Where each station runs: the custom resource of its machine, given with
            `ray start --resources '{"NAME": 1}'`; default: anywhere.
        address: Of the cluster; "auto" starts one on this machine where there is none.
        done: Called with rounds done and in all.
    Returns:
        [weight]; those of learn_in_rounds with a generator of the same seed.
    Raises:
        MissingExtraError: if Ray is not installed.
        EngineError: if there is no cluster at the address.
        OutOfRangeError: if there is no station, or not a machine for each.
    Checked by tests/federation/test_ray.py against learn_in_rounds.
    """
    from rtwin.dataset.cluster import connected

    if not stations:
        raise OutOfRangeError("there are no stations; give one or more")
    if machines is not None and len(machines) != len(stations):
        raise OutOfRangeError(f"{len(machines)} machines for {len(stations)} stations")
    with connected(address) as ray:
        # Stations wait for each other most of the time: they may share processors.
        places = [{name: 1e-3} for name in machines] if machines else [{}] * len(stations)
        actor = ray.remote(Station)
        crew = [
            actor.options(num_cpus=0, resources=place).remote(load, seed)
            for load, place in zip(stations, places, strict=True)
        ]
        try:
            for step in range(rounds):
                sent = ray.put(weights)
                local = np.stack(ray.get([one.learn.remote(sent) for one in crew]))
                weights = weights + aggregate(local - weights)
                done(step + 1, rounds)
        finally:
            for one in crew:
                ray.kill(one)
    return weights
