"""How many days of its own a new cell needs, and what holidays do to a model of before."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import Cell
from rtwin.federation.learning import (
    Clusters,
    LinearModel,
    Model,
    learn_asynchronously,
    learn_in_rounds,
    learn_locally,
    make_clusters,
    profiles_of,
)
from rtwin.federation.studies.traffic import TrafficStudy
from rtwin.federation.traffic import TEST_DAYS, Traffic, Windows, errors, standardised, windows_of
from rtwin.progress import Count, uncounted

LEARNERS = ("scratch", "federated", "clustered", "fine-tuned", "global as it is")


@dataclass(frozen=True)
class Learned:
    """Error of new cells with some days of their own."""

    learner: str
    days: int
    seed: int
    mae: float
    processor_s: float


def run_history(
    study: TrafficStudy, traffic: Traffic, model: Model, done: Count = uncounted
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
    start: Floats,
    shared: Floats,
    rows: Windows,
    clusters: Clusters,
    rounds: int,
    rng: np.random.Generator,
) -> tuple[Floats, int]:
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


def run_holidays(traffic: Traffic, seed: int = 1) -> list[dict[str, Cell]]:
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
    rows: list[dict[str, Cell]] = []
    for label, (start, end) in spans.items():
        means = {name: float(np.mean(values[start:end])) for name, values in off.items()}
        rows.append({"days": label, **means})
    return rows
