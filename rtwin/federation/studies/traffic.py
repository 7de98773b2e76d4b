"""Twins of stations that forecast their traffic: built together, kept together, handed on.

Three tables: what building costs and brings (V-twin), what upkeep does day by day (H-twin)
under several drifts, and how many days of history each way of learning needs.
"""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np

from rtwin import progress
from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.federation.learning import (
    VALUE_BYTES,
    WEIGHT_BYTES,
    Clusters,
    Cost,
    Model,
    Network,
    have_drifted,
    learn_asynchronously,
    learn_in_rounds,
    learn_locally,
    make_clusters,
    mixed,
    profiles_of,
)
from rtwin.federation.traffic import (
    DAY,
    TEST_DAYS,
    Traffic,
    Windows,
    close_cell,
    errors,
    scale_cells,
    standardised,
    windows_of,
)
from rtwin.settings import Among, Count, Settings

BUILDING = ("local only", "central", "flat, synchronous", "clustered, synchronous (V-twin)")
KEEPING = (
    "never updated",
    "local only",
    "central rebuild",
    "flat, from scratch",
    "flat, kept warm",
    "asynchronous, flat",
    "asynchronous, clustered (H-twin)",
    "asynchronous, clustered, on events",
)
COVERED = 0.9  # share of truths that the intervals of forecasts are to hold
DRIFTS = ("none", "closed cell", "cells x1.5")
HISTORY = (1, 2, 4, 8, 16, 23)


@dataclass(frozen=True)
class TrafficStudy(Settings):
    """What is asked.

    Attributes:
        clusters: How many.
        rounds: Of building, and of rebuilding from scratch (two thirds of them).
        warm_rounds: Rounds a day, from the weights of the day before.
        epochs: Of the central model.
        seeds: Starts, speeds and orders drawn.
        history: Days of history to try; empty: none.
        drifts: Of DRIFTS.
        network: Rates and speeds.
        memory_days: Days that a rebuild learns from.
    """

    clusters: Count = 5
    rounds: Count = 30
    warm_rounds: Count = 5
    epochs: Count = 20
    seeds: Count = 1
    history: tuple[int, ...] = HISTORY
    drifts: Annotated[tuple[str, ...], Among(DRIFTS)] = DRIFTS
    network: Network = field(default_factory=Network)
    memory_days: int = 20


@dataclass(frozen=True, eq=False)
class Scheme:
    """What one way of building or keeping brought and cost.

    Attributes:
        mae, mse: Of the test days, in standard deviations of each cell.
        nrmse: Root of the mean squared error in counts over the cells' range, mean of cells.
        covered: Share of truths within half_width of the forecast; 0.9 is the aim.
        forecast, truth: [hour, cell], in standard deviations.
        half_width: Of the 90 % interval, from the errors of the last week, [hour, cell].
    """

    phase: str
    drift: str
    name: str
    seed: int
    mae: float
    mse: float
    nrmse: float
    cost: Cost
    covered: float
    forecast: Floats
    truth: Floats
    half_width: Floats


@dataclass(eq=False)
class _Town:
    """Traffic of one drift, with its windows."""

    traffic: Traffic
    drift: str
    z: Floats
    range_z: Floats
    train_days: int

    def windows(self, first: int, last: int) -> Windows:
        return windows_of(self.z, first, last)


def run_traffic(
    study: TrafficStudy, traffic: Traffic, model: Model, done: progress.Count = progress.uncounted
) -> tuple[list[Scheme], Clusters]:
    """Building and keeping, for every drift and seed; and the clusters of the first seed.

    Args:
        study: What is asked.
        traffic: At least 14 days of hourly traffic.
        model: What the stations learn.
        done: Called with schemes done and in all.
    Raises:
        OutOfRangeError: if the traffic is too short, or has fewer cells than clusters.
    """
    if traffic.num_days < 2 * TEST_DAYS:
        raise OutOfRangeError(f"the traffic has {traffic.num_days} days; it must have 14 or more")
    total = study.seeds * (len(BUILDING) + len(study.drifts) * len(KEEPING))
    found: list[Scheme] = []
    shown: Clusters | None = None
    for seed in range(1, study.seeds + 1):
        town = _town(traffic, "none", seed)
        built = _Building(study, town, model, seed)
        for name in BUILDING:
            found.append(built.scheme(name))
            done(len(found), total)
        shown = shown or built.clusters
        for drift in study.drifts:
            drifted = _town(traffic, drift, seed)
            for name in KEEPING:
                found.append(_Keeping(study, drifted, model, seed, built).scheme(name))
                done(len(found), total)
    assert shown is not None
    return found, shown


def _town(traffic: Traffic, drift: str, seed: int) -> _Town:
    train_days = traffic.num_days - TEST_DAYS
    z, _, sd = standardised(traffic, train_days)
    range_z = np.ptp(traffic.values, axis=0) / sd
    if drift != "none":
        changed = (
            close_cell(traffic, traffic.values.shape[1] // 2, train_days + 1)
            if drift == "closed cell"
            else scale_cells(traffic, 1.5, train_days + 1, 0.4, seed)
        )
        # Level and spread stay those of before: nobody knew of the change.
        z = z + (changed.values - traffic.values) / sd
        traffic = changed
    return _Town(traffic, drift, z, range_z, train_days)


class _Building:
    """The V phase of one seed: each way of building, from the same start."""

    def __init__(self, study: TrafficStudy, town: _Town, model: Model, seed: int) -> None:
        self.study, self.town, self.model, self.seed = study, town, model, seed
        first = town.train_days - study.memory_days
        self.train = town.windows(max(first, 0), town.train_days)
        self.test = town.windows(town.train_days, town.traffic.num_days)
        self.stations = len(self.train.x)
        self.speeds = study.network.speeds(self.stations, seed)
        profiles = profiles_of(town.z[: DAY * town.train_days])
        self.clusters = make_clusters(town.traffic.position_m, profiles, study.clusters, seed)
        self.profiles = profiles
        self.made: dict[str, Floats] = {}

    def scheme(self, name: str) -> Scheme:
        """Build so, and forecast the test days."""
        cost = Cost(self.study.network)
        weights = self.build(name, cost)
        self.made[name] = weights
        forecast = self.model.predict(weights, self.test.x)
        width = np.quantile(self.last_off(weights), COVERED, axis=1)[:, None]
        half_width = np.broadcast_to(width, forecast.shape)
        return _scheme("V", self.town, name, self.seed, forecast, self.test.y, half_width, cost)

    def last_off(self, weights: Floats) -> Floats:
        """Absolute errors in the last week of building, [station, hour]."""
        last = self.town.windows(self.town.train_days - 7, self.town.train_days)
        return np.abs(self.model.predict(weights, last.x) - last.y)

    def build(self, name: str, cost: Cost) -> Floats:
        """Weights of every station, [station, weight]."""
        rng = np.random.default_rng([self.seed, 20])
        start, rows = self.model.initial(self.seed), self.train
        if name == "local only":
            cost.learn(rows.x.shape[1] * self.study.rounds, self.speeds)
            stacked = np.tile(start, (self.stations, 1))
            return learn_locally(self.model, stacked, rows.x, rows.y, rng, epochs=self.study.rounds)
        if name == "central":
            weights = central(self.model, start, rows, self.study.epochs, rng, cost)
        else:
            clusters = self.clusters if name.startswith("clustered") else None
            weights = learn_in_rounds(
                self.model,
                start,
                rows.x,
                rows.y,
                self.study.rounds,
                rng,
                clusters=clusters,
                cost=cost,
                speeds=self.speeds,
            )
        return np.tile(weights, (self.stations, 1))


def central(
    model: Model, weights: Floats, rows: Windows, epochs: int, rng: np.random.Generator, cost: Cost
) -> Floats:
    """One model of all rows in the cloud: raw counts up, the model down, [weight]."""
    stations, count = rows.y.shape
    pooled_x, pooled_y = rows.x.reshape(1, -1, rows.x.shape[-1]), rows.y.reshape(1, -1)
    # Batches as large as those of all stations together: as many steps as they make.
    weights = learn_locally(
        model, weights[None], pooled_x, pooled_y, rng, epochs=epochs, batch=20 * stations
    )[0]
    cost.send(core=VALUE_BYTES * stations * count)
    cost.learn_in_cloud(stations * count * epochs)
    cost.send(core=WEIGHT_BYTES * model.num_weights * stations)
    return weights


class _Keeping:
    """The H phase of one seed and drift: forecast a day, then learn it."""

    def __init__(
        self, study: TrafficStudy, town: _Town, model: Model, seed: int, built: _Building
    ) -> None:
        self.study, self.town, self.model, self.seed, self.built = study, town, model, seed, built
        self.rng = np.random.default_rng([seed, 21])
        self.cost = Cost(study.network)
        self.clusters, self.profiles = built.clusters, built.profiles
        self.reclustered = 0

    def scheme(self, name: str) -> Scheme:
        """Keep so through the test days."""
        town = self.town
        first = "local only" if name == "local only" else "clustered, synchronous (V-twin)"
        weights = self.built.made[first]
        flat = name in ("asynchronous, flat",)
        heads = weights[:1] if flat else weights[self.clusters.head]
        forecasts, truths, widths = [], [], []
        past = self.built.last_off(weights)
        for day in range(town.train_days, town.traffic.num_days):
            today = town.windows(day, day + 1)
            forecast = self.model.predict(weights, today.x)
            forecasts.append(forecast)
            truths.append(today.y)
            width = np.quantile(past, COVERED, axis=1)[:, None]
            widths.append(np.broadcast_to(width, forecast.shape))
            past = np.concatenate([past[:, DAY:], np.abs(forecast - today.y)], axis=1)
            off = past[:, -DAY:].mean(axis=1)
            if name.startswith("asynchronous"):
                heads = self._asynchronous(name, heads, day, off)
                weights = heads[np.zeros(len(weights), int) if flat else self.clusters.of_station]
                heads = heads if flat else self._recluster(day, heads)
            else:
                weights = self._synchronous(name, weights, day)
        forecast, truth, half_width = (
            np.concatenate(parts, axis=1) for parts in (forecasts, truths, widths)
        )
        return _scheme("H", town, name, self.seed, forecast, truth, half_width, self.cost)

    def _synchronous(self, name: str, weights: Floats, day: int) -> Floats:
        study, model = self.study, self.model
        rows = self.town.windows(max(day + 1 - study.memory_days, 0), day + 1)
        stations = len(rows.x)
        if name == "never updated":
            return weights
        if name == "local only":
            self.cost.learn(rows.x.shape[1] * study.warm_rounds, self.built.speeds)
            return learn_locally(model, weights, rows.x, rows.y, self.rng, epochs=study.warm_rounds)
        if name == "central rebuild":
            start = model.initial(self.seed)
            made = central(model, start, rows, study.epochs, self.rng, self.cost)
            # Only the new day goes up again.
            self.cost.core_bytes -= VALUE_BYTES * stations * (rows.x.shape[1] - DAY)
            return np.tile(made, (stations, 1))
        scratch = name == "flat, from scratch"
        start = model.initial(self.seed) if scratch else weights[0]
        rounds = (2 * study.rounds) // 3 if scratch else study.warm_rounds
        made = learn_in_rounds(
            model, start, rows.x, rows.y, rounds, self.rng, cost=self.cost, speeds=self.built.speeds
        )
        return np.tile(made, (stations, 1))

    def _asynchronous(self, name: str, heads: Floats, day: int, off: Floats) -> Floats:
        rows = self.town.windows(max(day + 1 - self.study.memory_days, 0), day + 1)
        clusters = None if name == "asynchronous, flat" else self.clusters
        reports = np.flatnonzero(off > np.median(off)) if name.endswith("events") else None
        seconds = rows.x.shape[1] / (self.study.network.windows_per_s * self.built.speeds)
        heads = learn_asynchronously(
            self.model,
            heads,
            rows.x,
            rows.y,
            self.rng,
            seconds=seconds,
            clusters=clusters,
            reports=reports,
            cost=self.cost,
        )
        if clusters is not None:
            heads = mixed(heads, clusters.sizes.astype(np.float64), cost=self.cost)
        return heads

    def _recluster(self, day: int, heads: Floats) -> Floats:
        """New clusters where the last week's profiles are no longer the old ones."""
        week = self.town.z[DAY * (day - 6) : DAY * (day + 1)]
        now = profiles_of(np.roll(week, (day - 6) * DAY % 168, axis=0))
        if not have_drifted(self.profiles, now):
            return heads
        of_station = heads[self.clusters.of_station]
        self.clusters = make_clusters(
            self.town.traffic.position_m, now, self.study.clusters, self.seed
        )
        self.profiles = now
        self.reclustered += 1
        members = [self.clusters.members(k) for k in range(self.clusters.count)]
        return np.stack([of_station[m].mean(axis=0) for m in members])


def _scheme(
    phase: str,
    town: _Town,
    name: str,
    seed: int,
    forecast: Floats,
    truth: Floats,
    half_width: Floats,
    cost: Cost,
) -> Scheme:
    mae, mse = errors(forecast, truth)
    rmse = np.sqrt(((forecast - truth) ** 2).mean(axis=1))
    return Scheme(
        phase,
        town.drift,
        name,
        seed,
        mae,
        mse,
        float((rmse / town.range_z).mean()),
        cost,
        float((np.abs(forecast - truth) <= half_width).mean()),
        forecast.T,
        truth.T,
        half_width.T,
    )
