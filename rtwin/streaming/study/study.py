"""The whole study: worlds are traced here, seeds run in processes beside."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.dataset import sample_map
from rtwin.experiments.beliefs import Worlds
from rtwin.experiments.processes import in_processes
from rtwin.progress import Progress, silent
from rtwin.streaming.behaviour import Catalogue, draw_catalogue, draw_population, read_swipes
from rtwin.streaming.decision import (
    CellProblem,
    DemandModel,
    Emulator,
    Examples,
    Quality,
    Setting,
    action_scores,
    cell_features,
    fit_double_q,
    fit_trees,
    joined,
    reserve_convex,
    reserve_exact,
    reserve_heuristic,
    reserve_milp,
    search,
)
from rtwin.streaming.loop import Belief, ClosedLoop, World
from rtwin.streaming.study.deadlines import deadline_rows
from rtwin.streaming.study.runs import Given, Run, Seed, run_seed
from rtwin.streaming.study.settings import StreamingStudy

_WALKS = 20_000  # added to the seeds of the walks that schemes learn on
_HELD_OUT = 3  # every third walk is not learned from


@dataclass
class Findings:
    """What the study found.

    Attributes:
        study: What was asked for.
        catalogue: The videos.
        runs: All runs of all seeds.
        seeds: Logs and twins of each seed.
        learned: Regret and time of learned schemes, rows of a table.
        reservations: Gap and time of reservations, one row for each problem and method.
        deadlines: Of the article's services, one row for each user.
        twin_hash: Content hash of the ray-traced map.
    """

    study: StreamingStudy
    catalogue: Catalogue
    runs: list[Run] = field(default_factory=list)
    seeds: list[Seed] = field(default_factory=list)
    learned: list[dict[str, Any]] = field(default_factory=list)
    reservations: list[dict[str, Any]] = field(default_factory=list)
    deadlines: list[dict[str, Any]] = field(default_factory=list)
    twin_hash: str = ""


def run_streaming(study: StreamingStudy, progress: Progress = silent) -> Findings:
    """Run the study.

    Args:
        study: What is compared.
        progress: Called with stage ("learn", "experiment"), steps done and in all.
    Raises:
        RecipeError, OutOfRangeError, StoreError: if the scene, a twin or a file cannot be used.
        MissingExtraError: if cvxpy is not installed.
    Checked by tests/streaming/study/test_study.py.
    """
    from threadpoolctl import threadpool_limits

    _try_solver()
    catalogue = (
        draw_catalogue(study.videos)
        if study.swipes is None
        else read_swipes(study.swipes, study.videos)
    )
    found = Findings(study, catalogue)
    with tempfile.TemporaryDirectory(prefix="rtwin-") as name:
        worlds = Worlds(study.radio(), Path(name))
        found.twin_hash = str(worlds.shared["ray-traced twin"].attributes.get("content_hash", ""))
        # Small matrices: threads would only wait for each other.
        with threadpool_limits(1):
            given = _learn(study, catalogue, worlds, found, progress)
        parts: dict[int, Seed] = {}
        # Now, so that what is left is told by seeds alone.
        progress("experiment", 0, study.seeds)
        drawn = ((given, seed, *worlds.of(seed)) for seed in range(study.seeds))
        for seed, part in in_processes(_numbered, drawn, study.workers):
            parts[seed] = part
            progress("experiment", len(parts), study.seeds)
    for seed in range(study.seeds):
        found.runs += parts[seed].runs
        found.seeds.append(parts[seed])
    return found


def _try_solver() -> None:
    """Before anything is traced: is the solver there?"""
    reserve_convex(CellProblem(np.ones((1, 1)), np.ones(1), 2, 0.1), Quality((1.0,)))


def _numbered(given: Given, seed: int, *world: Any) -> tuple[int, Seed]:
    """A seed's part of the study; in a process of its own."""
    return seed, run_seed(given, seed, *world)


def _learn(
    study: StreamingStudy,
    catalogue: Catalogue,
    worlds: Worlds,
    found: Findings,
    progress: Progress,
) -> Given:
    """Learned schemes, from walks and crowds that no seed of the study has."""
    demand = DemandModel(catalogue, study.interval_s)
    parts: list[Examples] = []
    spent, count = 0.0, max(3, -(-study.examples // study.intervals))
    problems: list[CellProblem] = []
    progress("learn", 0, count)
    for walk in range(count):
        told, tracks = worlds.shared["ray-traced twin"], worlds.tracks(_WALKS + walk)
        trace = sample_map(told, tracks, worlds.link)
        if walk == 0:
            found.deadlines = list(deadline_rows(told, tracks, worlds.link))
        people = draw_population(study.users, _WALKS + walk, num_types=catalogue.num_types)
        world = World(trace, catalogue, people, study.interval_s, _WALKS + walk)
        setting = Setting(
            demand,
            weights=study.weights(study.price),
            num_prb=int(trace.attributes["num_prb"]),
        )
        loop = ClosedLoop(world, Belief(trace, 4.0, users="true"), setting, search)
        features, scores = [], []
        for interval in range(min(world.num_intervals, study.intervals)):
            known = loop.knowledge(interval)
            begun = time.process_time()
            score, groups = action_scores(setting, known)
            spent += time.process_time() - begun
            scores.append(score.T)
            cells = range(known.num_cells)
            features.append(np.stack([cell_features(known, cell) for cell in cells]))
            if interval == 0:
                emulator = Emulator(setting, known)
                best = groups[int(score.sum(axis=1).argmax())]
                problems += [emulator.problem(best, cell)[1] for cell in cells]
        parts.append(_examples(features, scores))
        progress("learn", walk + 1, count)
    held = [part for number, part in enumerate(parts) if number % _HELD_OUT == _HELD_OUT - 1]
    kept = joined([part for number, part in enumerate(parts) if number % _HELD_OUT < _HELD_OUT - 1])
    test = joined(held)
    trees, deep = fit_trees(kept), fit_double_q(kept)
    per_cell = spent / (len(kept.features) + len(test.features))
    found.learned = _learned_rows(test, trees, deep, per_cell)
    found.reservations = list(_reservation_rows(problems))
    return Given(study, catalogue, demand, trees, deep)


def _examples(features: list[Any], scores: list[Any]) -> Examples:
    """Rows of one walk, cell by cell within each interval."""
    num, cells = len(features), len(features[0])
    following = np.arange(num * cells) + cells
    following[-cells:] = -1
    return Examples(np.concatenate(features), np.concatenate(scores), following)


def _learned_rows(test: Examples, trees: Any, deep: Any, search_s: float) -> list[dict[str, Any]]:
    rows = [
        {"choice": "search", "regret": 0.0, "time [ms]": 1e3 * search_s, "cells": len(test.scores)}
    ]
    best_fixed = int(test.scores.mean(axis=0).argmax())
    chance = float((test.scores.max(axis=1, keepdims=True) - test.scores).mean())
    for name, scheme in (("boosted trees", trees), ("deep Q", deep)):
        begun = time.process_time()
        for _ in range(10):
            actions = scheme.actions(test.features)
        spent = (time.process_time() - begun) / 10 / len(test.features)
        rows.append({"choice": name, "regret": test.regret(actions), "time [ms]": 1e3 * spent})
    same = np.full(len(test.scores), best_fixed)
    rows.append({"choice": "best single action", "regret": test.regret(same), "time [ms]": 0.0})
    rows.append({"choice": "any action by chance", "regret": chance, "time [ms]": 0.0})
    return [row | {"cells": len(test.scores)} for row in rows]


def _reservation_rows(problems: list[CellProblem]) -> Iterator[dict[str, Any]]:
    quality = Quality()
    for number, problem in enumerate(problems):
        if not len(problem.weight):
            continue
        exact = reserve_exact(problem, quality).value
        shares = {"equal": np.ones(len(problem.weight)), "by members": problem.weight}
        methods: dict[str, Any] = {
            "dynamic programme": lambda p: reserve_exact(p, quality).value,
            "branch and bound": lambda p: reserve_milp(p, quality).value,
            "concave envelope (bound)": lambda p: reserve_convex(p, quality)[1],
            "concave envelope, rounded": lambda p: reserve_convex(p, quality)[0].value,
        } | {
            f"{name} shares": lambda p, share=share: reserve_heuristic(p, quality, share).value
            for name, share in shares.items()
        }
        for name, method in methods.items():
            begun = time.process_time()
            value = method(problem)
            spent = time.process_time() - begun
            yield {
                "problem": number,
                "reservation": name,
                "value": value,
                "gap": exact - value,
                "time [ms]": 1e3 * spent,
            }
