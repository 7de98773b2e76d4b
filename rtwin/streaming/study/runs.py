"""One seed of the study: every scheme and every knowledge on the same world."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from rtwin.dataset import LinkTrace
from rtwin.experiments.beliefs import FEEDBACK
from rtwin.experiments.beliefs import Belief as RadioBelief
from rtwin.streaming.behaviour import Catalogue, draw_population
from rtwin.streaming.decision import (
    DemandModel,
    Knowledge,
    Learned,
    Scheme,
    Setting,
    dbscan,
    fixed,
    heuristic,
    search,
)
from rtwin.streaming.loop import Belief, ClosedLoop, Log, World, twins_of
from rtwin.streaming.study.abstracted import abstracted, share_of
from rtwin.streaming.study.settings import StreamingStudy
from rtwin.streaming.twins import Store

DECIDES_ON = "corrected twin"
LEFT_OUT = ("kriging", FEEDBACK)  # of the slicing experiment's beliefs
SEARCH, ARTICLE, TREES = "twin search", "deep RL + convex", "boosted trees"
SCHEMES = ("heuristic", "DBSCAN", "k-means, 6", ARTICLE, TREES, SEARCH)
REPORT_S = (1.0, 5.0, 15.0, 30.0, 60.0, 120.0)
LEVELS = (0, 1, 2)


@dataclass(frozen=True, eq=False)
class Given:
    """What all seeds share.

    Attributes:
        study: What is asked for.
        catalogue: The videos.
        demand: Model of demand on it.
        trees, deep: Learned schemes.
    """

    study: StreamingStudy
    catalogue: Catalogue
    demand: DemandModel
    trees: Learned
    deep: Learned

    def scheme(self, name: str) -> tuple[Scheme, str]:
        """A scheme by name, and its reservation."""
        plain: dict[str, Scheme] = {
            "heuristic": heuristic,
            "DBSCAN": dbscan,
            "k-means, 6": fixed,
            TREES: self.trees,
            SEARCH: search,
        }
        if name == ARTICLE:
            return self.deep, "convex"
        return plain[name], self.study.reservation


@dataclass(frozen=True)
class Run:
    """A scheme on some knowledge in a world.

    Attributes:
        part: "schemes", "radio", "users", "frontier" or "value".
        name: What is varied: the scheme or the knowledge.
        scheme: Its scheme.
        price: Of all blocks.
        seed: Of the world.
        report_s, level: Of the value's table.
        figures: Means over the counted intervals, by name.
        satisfaction: Mean over users of each counted interval, [interval].
        consumption: Share of all blocks of each counted interval, [interval].
        users: Mean satisfaction of each user, [user].
    """

    part: str
    name: str
    scheme: str
    price: float
    seed: int
    figures: dict[str, float]
    satisfaction: list[float]
    consumption: list[float]
    users: list[float]
    report_s: float = 1.0
    level: int = 0


@dataclass
class Seed:
    """All runs of a seed, and the logs of the schemes.

    Attributes:
        runs: In their order.
        logs: By scheme.
        twins: What the users' twins said after each interval, by name.
        trace_hash: Of the reference's link trace.
    """

    runs: list[Run] = field(default_factory=list)
    logs: dict[str, Log] = field(default_factory=dict)
    twins: dict[str, Any] = field(default_factory=dict)
    trace_hash: str = ""


FIGURES = (
    "satisfaction",
    "consumption",
    "computing",
    "utility",
    "emulated_utility",
    "left_out",
    "late",
    "groups",
    "accepted",
    "demand_error",
    "channel_error_db",
    "decision_s",
    "value",
)


def run_seed(given: Given, seed: int, truth: LinkTrace, radio: dict[str, RadioBelief]) -> Seed:
    """Every run of a seed.

    Args:
        given: What all seeds share.
        seed: Of the crowd and of what it does.
        truth: The reference's channels.
        radio: What is believed of them, by name.
    """
    from threadpoolctl import threadpool_limits

    # Small matrices: threads of several processes would only wait for each other.
    with threadpool_limits(1):
        return _run_seed(given, seed, truth, radio)


def _run_seed(given: Given, seed: int, truth: LinkTrace, radio: dict[str, RadioBelief]) -> Seed:
    study = given.study
    people = draw_population(study.users, seed, num_types=given.catalogue.num_types)
    world = World(truth, given.catalogue, people, study.interval_s, seed)
    found = Seed(trace_hash=str(truth.attributes.get("content_hash", "")))
    main = radio[DECIDES_ON]
    learned = Belief(main.trace, main.error_db)
    for name in SCHEMES:
        log, loop = _log(given, world, learned, name, study.price)
        found.runs.append(_counted(study, log, "schemes", name, name, study.price, seed))
        found.logs[name] = log
        if name == SEARCH:
            found.twins = twins_of(loop)
    for name, belief in radio.items():
        if name in (*LEFT_OUT, DECIDES_ON):
            continue
        told = Belief(belief.trace, belief.error_db)
        log, _ = _log(given, world, told, SEARCH, study.price)
        found.runs.append(_counted(study, log, "radio", name, SEARCH, study.price, seed))
    blind = radio["free space"]
    refit = Belief(blind.trace, blind.error_db, refit=True)
    log, _ = _log(given, world, refit, SEARCH, study.price)
    label = "free space, refitted by reports"
    found.runs.append(_counted(study, log, "radio", label, SEARCH, study.price, seed))
    for users in ("none", "true"):
        log, _ = _log(given, world, replace(learned, users=users), SEARCH, study.price)
        found.runs.append(_counted(study, log, "users", users, SEARCH, study.price, seed))
    if seed < study.frontier_seeds:
        found.runs += _frontier(given, world, learned, seed)
        found.runs += _values(given, world, learned, seed)
    return found


def _log(
    given: Given, world: World, belief: Belief, name: str, price: float
) -> tuple[Log, ClosedLoop]:
    study = given.study
    scheme, reservation = given.scheme(name)
    setting = Setting(
        given.demand,
        weights=study.weights(price),
        num_prb=int(world.trace.attributes["num_prb"]),
        reservation=reservation,
    )
    if belief.level:
        scheme = _seeing_less(scheme, belief.level)
    loop = ClosedLoop(world, belief, setting, scheme, Store())
    return loop.run(study.intervals), loop


def _seeing_less(scheme: Scheme, level: int) -> Scheme:
    def decide(setting: Setting, known: Knowledge) -> Any:
        return scheme(setting, abstracted(known, level))

    return decide


def _counted(
    study: StreamingStudy,
    log: Log,
    part: str,
    name: str,
    scheme: str,
    price: float,
    seed: int,
    **others: Any,
) -> Run:
    counted = log.steps[study.warm_up :]
    return Run(
        part,
        name,
        scheme,
        price,
        seed,
        {figure: log.mean(figure, study.warm_up) for figure in FIGURES},
        [s.satisfaction for s in counted],
        [s.consumption for s in counted],
        np.mean(log.satisfaction[study.warm_up :], axis=0).tolist(),
        **others,
    )


def _frontier(given: Given, world: World, belief: Belief, seed: int) -> Iterator[Run]:
    for price in given.study.other_prices:
        for name in ("heuristic", "DBSCAN", TREES, SEARCH):
            log, _ = _log(given, world, belief, name, price)
            yield _counted(given.study, log, "frontier", name, name, price, seed)


def _values(given: Given, world: World, belief: Belief, seed: int) -> Iterator[Run]:
    """How often and how finely to collect, where the twin holds the last place of a user."""
    study = given.study
    for level in LEVELS:
        for report_s in REPORT_S:
            told = replace(
                belief, ways="held", report_s=report_s, level=level, share=share_of(level)
            )
            log, _ = _log(given, world, told, "k-means, 6", study.price)
            options = {"report_s": report_s, "level": level}
            name = f"level {level}"
            yield _counted(study, log, "value", name, "k-means, 6", study.price, seed, **options)
