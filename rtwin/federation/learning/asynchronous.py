"""Arrivals: whoever is ready sends; what it began from may be old by then."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.federation.learning.clusters import Clusters
from rtwin.federation.learning.cost import Cost, model_bytes
from rtwin.federation.learning.local import learn_locally
from rtwin.federation.learning.model import Model

SHARE, FADING = 0.3, 0.5


@dataclass(frozen=True)
class Arrival:
    """A station's update reaches the server.

    Attributes:
        time_s: When.
        station: Whose.
        version: Of the model from which it began.
        staleness: Versions that were made since.
    """

    time_s: float
    station: int
    version: int
    staleness: int


def step_size(staleness: float, share: float = SHARE, fading: float = FADING) -> float:
    """How far an update that is so many versions old moves the model, 0 to 1.

    Source: polynomial staleness of FedAsync (C. Xie et al., OPT 2020); checked by
    tests/federation/test_learning.py.
    """
    return float(share * (1.0 + staleness) ** -fading)


def arrivals_of(seconds: Floats, each: int, buffer: int = 1) -> Iterator[Arrival]:
    """The order in which updates come in; ties go to the lower number.

    Args:
        seconds: What a station needs for one update, [station].
        each: Updates of each station.
        buffer: Updates after which a new version is made.
    """
    heap = [(float(s), i, 0, 1) for i, s in enumerate(seconds)]
    heapq.heapify(heap)
    version = pending = 0
    while heap:
        time, station, began, number = heapq.heappop(heap)
        yield Arrival(time, station, began, version - began)
        pending += 1
        if pending == buffer:
            version, pending = version + 1, 0
        if number < each:
            heapq.heappush(heap, (time + float(seconds[station]), station, version, number + 1))


def learn_on_arrival(
    learn: Callable[[int, Floats], Floats],
    weights: Floats,
    seconds: Floats,
    each: int = 1,
    *,
    share: float = SHARE,
    fading: float = FADING,
) -> tuple[Floats, float]:
    """Whoever is ready mixes its weights into the common ones and goes on from these.

    Args:
        learn: From a station's number and the weights it begins from to its own.
        weights: To start from, [weight].
        seconds: What a station needs for one update, [station].
        each: Updates of each station.
        share, fading: Of step_size.
    Returns:
        [weight], and when the last update came [s], 0 without stations.
    Source: FedAsync (C. Xie et al., OPT 2020); checked by tests/federation/test_learning.py.
    """
    versions, last = [np.array(weights, np.float64)], 0.0
    for arrival in arrivals_of(seconds, each):
        own = learn(arrival.station, versions[arrival.version].copy())
        part = step_size(arrival.staleness, share, fading)
        versions.append((1.0 - part) * versions[-1] + part * own)
        last = arrival.time_s
    return versions[-1], last


def learn_asynchronously(
    model: Model,
    heads: Floats,
    x: Floats,
    y: Floats,
    rng: np.random.Generator,
    *,
    seconds: Floats,
    clusters: Clusters | None = None,
    each: int = 1,
    share: float = SHARE,
    fading: float = FADING,
    reports: np.ndarray | None = None,
    cost: Cost | None = None,
) -> Floats:
    """Each station learns once or more and mixes its weights into its head's when it is ready.

    Args:
        model: What learns.
        heads: Models of the heads, [cluster, weight]; one row if all share one.
        x, y: New rows of each station.
        rng: Draws the order of rows.
        seconds: What a station needs for one update, [station].
        clusters: Whose head a station talks to; None: all to the cloud.
        each: Updates of each station.
        share, fading: Of step_size.
        reports: Stations that report at all; default: all.
        cost: Account to write to.
    Returns:
        [cluster, weight].
    Source: FedAsync; checked by tests/federation/test_learning.py.
    """
    heads = np.array(heads, np.float64)
    own = np.zeros(len(x), np.int64) if clusters is None else clusters.of_station
    active = np.arange(len(x)) if reports is None else np.asarray(reports)
    size, last = model.num_weights, 0.0
    for k in range(len(heads)):
        members = active[own[active] == k]

        def learn(station: int, began: Floats, members: Ints = members) -> Floats:
            i = members[station]
            return learn_locally(model, began[None], x[i : i + 1], y[i : i + 1], rng)[0]

        heads[k], time_s = learn_on_arrival(
            learn, heads[k], seconds[members], each, share=share, fading=fading
        )
        last = max(last, time_s)
    if cost is not None:
        exchanges = len(active) * each
        cost.processor_s += float(seconds[active].sum()) * each
        cost.wall_s += last
        near, far = (0, exchanges) if clusters is None else (exchanges, 0)
        # Transfers of one station overlap with the work of others; the last one is waited for.
        cost.send(model_bytes(size, near), model_bytes(size, far), waits=False)
        cost.wall_s += (
            8
            * model_bytes(size, 1)
            / (cost.network.core_bit_s if clusters is None else cost.network.edge_bit_s)
        )
    return heads


def mixed(heads: Floats, sizes: Floats, keep: float = 0.8, cost: Cost | None = None) -> Floats:
    """Heads after each took a part of their common mean.

    Args:
        heads: [cluster, weight].
        sizes: Members of each cluster, [cluster].
        keep: What each keeps of its own, 0 to 1.
        cost: Account to write to.
    """
    mean = sizes @ heads / sizes.sum()
    if cost is not None:
        cost.send(core=model_bytes(heads.shape[1], len(heads)))
    return keep * heads + (1.0 - keep) * mean


def buffered(
    model: Model,
    weights: Floats,
    x: Floats,
    y: Floats,
    rng: np.random.Generator,
    *,
    seconds: Floats,
    buffer: int,
    each: int = 1,
    aggregate: Callable[[Floats], Floats] = lambda updates: updates.mean(axis=0),
    rate: float = 1.0,
) -> Floats:
    """A new version after every so many updates (FedBuff), each counted by its age.

    Args:
        model: What learns.
        weights: To start from, [weight].
        x, y: Rows of each station.
        rng: Draws the order of rows.
        seconds: What a station needs for one update, [station].
        buffer: Updates of a version.
        each: Updates of each station.
        aggregate: From the buffer's updates to one.
        rate: Of the server's step.
    Returns:
        [weight]; updates that fill no buffer are lost.
    Source: J. Nguyen et al., AISTATS 2022; checked by tests/federation/test_learning.py:
    with a buffer of all stations and none stale it is federated averaging.
    """
    history = [np.array(weights, np.float64)]
    held: list[Arrival] = []
    for arrival in arrivals_of(seconds, each, buffer):
        held.append(arrival)
        if len(held) < buffer:
            continue
        which = [a.station for a in held]
        began = np.stack([history[a.version] for a in held])
        local = learn_locally(model, began, x[which], y[which], rng)
        age = np.array([step_size(a.staleness, 1.0) for a in held])
        update = aggregate((local - began) * age[:, None])
        history.append(history[-1] + rate * update)
        held = []
    return history[-1]
