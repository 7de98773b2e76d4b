"""Twins of stations that forecast their traffic: built together, kept together, handed on.

Three tables: what building costs and brings (V-twin), what upkeep does day by day (H-twin)
under several drifts, and how many days of history each way of learning needs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rtwin.errors import OutOfRangeError
from rtwin.federation.learning.asynchronous import learn_asynchronously, mixed
from rtwin.federation.learning.clusters import Clusters, have_drifted, make_clusters, profiles_of
from rtwin.federation.learning.cost import VALUE_BYTES, WEIGHT_BYTES, Cost, Network
from rtwin.federation.learning.local import learn_locally
from rtwin.federation.learning.model import Model, Real
from rtwin.federation.learning.synchronous import learn_in_rounds
from rtwin.federation.traffic import Traffic, close_cell, scale_cells, standardised, windows_of
from rtwin.federation.traffic.protocol import TEST_DAYS, Windows, errors
from rtwin.federation.traffic.series import DAY

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
DRIFTS = ("none", "closed cell", "cells x1.5")
HISTORY = (1, 2, 4, 8, 16, 23)
LEARNERS = ("scratch", "federated", "clustered", "fine-tuned", "global as it is")
LEAST_DAYS = 4  # of history that windows reach back over


@dataclass(frozen=True)
class TrafficStudy:
    """What is asked.

    Attributes:
        clusters: How many.
        rounds: Of building, and of rebuilding from scratch (two thirds of them).
        warm_rounds: A day, kept warm.
        epochs: Of the central model.
        seeds: Starts, speeds and orders drawn.
        history: Days of history to try; empty: none.
        drifts: Of DRIFTS.
        network: Rates and speeds.
        memory_days: Days that a rebuild learns from.
    """

    clusters: int = 5
    rounds: int = 30
    warm_rounds: int = 5
    epochs: int = 20
    seeds: int = 1
    history: tuple[int, ...] = HISTORY
    drifts: tuple[str, ...] = DRIFTS
    network: Network = field(default_factory=Network)
    memory_days: int = 20

    def __post_init__(self) -> None:
        lost = [name for name in self.drifts if name not in DRIFTS]
        if lost:
            raise OutOfRangeError(f"drifts has {lost[0]!r}; there are {', '.join(DRIFTS)}")
        for name in ("clusters", "rounds", "warm_rounds", "epochs", "seeds"):
            if getattr(self, name) < 1:
                raise OutOfRangeError(f"{name} is {getattr(self, name)}; it must be 1 or more")


@dataclass(frozen=True, eq=False)
class Scheme:
    """What one way of building or keeping brought and cost.

    Attributes:
        mae, mse: Of the test days, in standard deviations of each cell.
        nrmse: Root of the mean squared error in counts over the cells' range, mean of cells.
        forecast: [hour, cell], in standard deviations.
    """

    phase: str
    drift: str
    name: str
    seed: int
    mae: float
    mse: float
    nrmse: float
    cost: Cost
    forecast: Real
    truth: Real


@dataclass(frozen=True)
class Learned:
    """Error of new cells with some days of their own."""

    learner: str
    days: int
    seed: int
    mae: float
    processor_s: float


@dataclass(eq=False)
class _Town:
    """Traffic of one drift, with its windows."""

    traffic: Traffic
    drift: str
    z: Real
    range_z: Real
    train_days: int

    def windows(self, first: int, last: int) -> Windows:
        return windows_of(self.z, first, last)


def run_traffic(
    study: TrafficStudy,
    traffic: Traffic,
    model: Model,
    done: Callable[[int, int], None] = lambda step, total: None,
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
        self.made: dict[str, Real] = {}

    def scheme(self, name: str) -> Scheme:
        """Build so, and forecast the test days."""
        cost = Cost(self.study.network)
        weights = self.build(name, cost)
        self.made[name] = weights
        forecast = self.model.predict(weights, self.test.x)
        return _scheme("V", self.town, name, self.seed, forecast, self.test.y, cost)

    def build(self, name: str, cost: Cost) -> Real:
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
    model: Model, weights: Real, rows: Windows, epochs: int, rng: np.random.Generator, cost: Cost
) -> Real:
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
        forecasts, truths = [], []
        for day in range(town.train_days, town.traffic.num_days):
            today = town.windows(day, day + 1)
            forecast = self.model.predict(weights, today.x)
            forecasts.append(forecast)
            truths.append(today.y)
            off = np.abs(forecast - today.y).mean(axis=1)
            if name.startswith("asynchronous"):
                heads = self._asynchronous(name, heads, day, off)
                weights = heads[np.zeros(len(weights), int) if flat else self.clusters.of_station]
                heads = heads if flat else self._recluster(day, heads)
            else:
                weights = self._synchronous(name, weights, day)
        forecast, truth = np.concatenate(forecasts, axis=1), np.concatenate(truths, axis=1)
        return _scheme("H", town, name, self.seed, forecast, truth, self.cost)

    def _synchronous(self, name: str, weights: Real, day: int) -> Real:
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
            model,
            start,
            rows.x,
            rows.y,
            rounds,
            self.rng,
            cost=self.cost,
            speeds=self.built.speeds,
        )
        return np.tile(made, (stations, 1))

    def _asynchronous(self, name: str, heads: Real, day: int, off: Real) -> Real:
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
            heads = mixed(heads, clusters.sizes, cost=self.cost)
        return heads

    def _recluster(self, day: int, heads: Real) -> Real:
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
    phase: str, town: _Town, name: str, seed: int, forecast: Real, truth: Real, cost: Cost
) -> Scheme:
    mae, mse = errors(forecast, truth)
    rmse = np.sqrt(((forecast - truth) ** 2).mean(axis=1))
    nrmse = float((rmse / town.range_z).mean())
    return Scheme(phase, town.drift, name, seed, mae, mse, nrmse, cost, forecast.T, truth.T)


def run_history(
    study: TrafficStudy,
    traffic: Traffic,
    model: Model,
    done: Callable[[int, int], None] = lambda step, total: None,
) -> list[Learned]:
    """New cells with few days of their own: alone, together, or with the others' model.

    A fifth of the cells is new; the other cells' model is built from all their days.
    Level and spread of a new cell are taken as known.

    Returns:
        Errors on the test days; empty if no history is asked for.
    """
    found: list[Learned] = []
    total = study.seeds * len(study.history)
    train_days = traffic.num_days - TEST_DAYS
    z, _, _ = standardised(traffic, train_days)
    stations = z.shape[1]
    for seed in range(1, study.seeds + 1) if study.history else ():
        drawn = np.random.default_rng([seed, 22]).permutation(stations)
        new, old = np.sort(drawn[: max(stations // 5, 2)]), np.sort(drawn[max(stations // 5, 2) :])
        rng = np.random.default_rng([seed, 23])
        known = windows_of(z[:, old], 0, train_days)
        start = model.initial(seed)
        shared = learn_in_rounds(model, start, known.x, known.y, study.rounds + 10, rng)
        test = windows_of(z[:, new], train_days, traffic.num_days)
        clusters = make_clusters(
            traffic.position_m[new], profiles_of(z[:, new]), min(2, len(new)), seed
        )
        for days in study.history:
            # A window reaches back three days; those before count as history, too.
            rows = windows_of(z[:, new], max(train_days - days, 0), train_days)
            for learner in LEARNERS:
                weights, epochs = _learn_new(
                    learner, model, start, shared, rows, clusters, study.rounds, rng
                )
                mae, _ = errors(model.predict(weights, test.x), test.y)
                work = epochs * rows.x.shape[1] * len(new) / study.network.windows_per_s
                found.append(Learned(learner, days, seed, mae, work))
            done(len({(f.seed, f.days) for f in found}), total)
    return found


def _learn_new(
    learner: str,
    model: Model,
    start: Real,
    shared: Real,
    rows: Windows,
    clusters: Clusters,
    rounds: int,
    rng: np.random.Generator,
) -> tuple[Real, int]:
    """Weights of the new stations, [station, weight], and the epochs that each learned."""
    count = len(rows.x)
    if learner == "global as it is":
        return np.tile(shared, (count, 1)), 0
    if learner == "fine-tuned":
        stacked = np.tile(shared, (count, 1))
        tuned = learn_locally(model, stacked, rows.x, rows.y, rng, epochs=10, rate=model.rate / 3.0)
        return tuned, 10
    if learner == "scratch":
        stacked = np.tile(start, (count, 1))
        return learn_locally(model, stacked, rows.x, rows.y, rng, epochs=rounds), rounds
    if learner == "federated":
        made = learn_in_rounds(model, start, rows.x, rows.y, rounds, rng)
        return np.tile(made, (count, 1)), rounds
    made = np.stack(
        [
            learn_in_rounds(
                model, start, rows.x[clusters.members(k)], rows.y[clusters.members(k)], rounds, rng
            )
            for k in range(clusters.count)
        ]
    )
    return made[clusters.of_station], rounds


def run_holidays(traffic: Traffic, seed: int = 1) -> list[dict[str, float | str]]:
    """December day by day: a linear model of November, refitted, or kept by arrivals.

    Args:
        traffic: Two months from the first of November.
        seed: Of the arrivals.
    Returns:
        One row a week: MAE never updated, refitted to the last 7 days, refitted to all, and
        kept asynchronously.
    Raises:
        OutOfRangeError: if there are no 61 days.
    """
    from rtwin.federation.learning.model import LinearModel

    if traffic.num_days < 61:
        raise OutOfRangeError(f"the traffic has {traffic.num_days} days; holidays need two months")
    z, _, _ = standardised(traffic, 30)
    model, stations = LinearModel(6), z.shape[1]
    november = windows_of(z, 0, 30)
    static = model.pooled(november.x, november.y)
    heads = static[None].copy()
    rng = np.random.default_rng([seed, 24])
    off: dict[str, list[float]] = {"never updated": [], "last 7 days": [], "all days": []}
    off["asynchronous"] = []
    for day in range(30, traffic.num_days):
        today = windows_of(z, day, day + 1)
        week, all_days = windows_of(z, day - 7, day), windows_of(z, 0, day)
        for name, weights in (
            ("never updated", static),
            ("last 7 days", model.pooled(week.x, week.y)),
            ("all days", model.pooled(all_days.x, all_days.y)),
            ("asynchronous", heads[0]),
        ):
            forecast = model.predict(np.tile(weights, (stations, 1)), today.x)
            off[name].append(float(np.abs(forecast - today.y).mean()))
        last = windows_of(z, day - 6, day + 1)
        heads = learn_asynchronously(
            model, heads, last.x, last.y, rng, seconds=np.arange(1.0, stations + 1), each=5
        )
    spans = {"Dec 1-7": (0, 7), "8-14": (7, 14), "15-21": (14, 21), "22-28": (21, 28)}
    spans["29-31"] = (28, len(off["all days"]))
    return [
        {"days": label} | {name: float(np.mean(v[a:b])) for name, v in off.items()}
        for label, (a, b) in spans.items()
    ]
