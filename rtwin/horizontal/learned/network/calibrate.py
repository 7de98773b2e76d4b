"""What a trained network promises: thresholds and interval scales from scenes of their own."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rtwin.horizontal.decision import conformal_scale, miss_threshold
from rtwin.horizontal.learned.network.batch import sizes_of
from rtwin.horizontal.learned.network.graph import (
    Graph,
    Task,
    draw_measured,
    is_changed,
    judged,
    known_graph,
    unknown_graph,
)
from rtwin.horizontal.learned.network.predict import Predictor
from rtwin.horizontal.learned.pairs import Pair, ScenePairs
from rtwin.progress import Progress, silent

_LEVEL, _MISS = 0.9, 0.05
_THRESHOLDS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)
_WORSE = 1.01


def graph_of(task: Task, scene: ScenePairs, pair: Pair, number: int) -> Graph:
    """The graph of a pair; measured cells are drawn by the pair's number."""
    if task == "known":
        return known_graph(scene, pair)
    rng = np.random.default_rng([number, *scene.name.encode()])
    return unknown_graph(scene, draw_measured(scene, pair, rng))


def calibrated(
    net: Any,
    told: dict[str, Any],
    scenes: Sequence[ScenePairs],
    progress: Progress = silent,
) -> Predictor:
    """A network with the threshold and the interval scales that scenes of calibration give.

    Known edits: the threshold misses at most 5 % of the changed cells, by conformal
    risk control. Unknown change cannot promise this (what nobody measured is missed):
    the highest threshold is taken whose error is within 1 % of the least.
    """
    task: Task = told["task"]
    jobs = [(s, p, k) for s in scenes for k, p in enumerate(s.pairs) if judged(s, p).any()]
    told = told | {"threshold": 0.0, "sizes": sizes_of(graph_of(task, *jobs[0]))}
    predictor = Predictor(net, told)
    columns: dict[str, list[Any]] = {
        n: [] for n in ("error", "stale", "sigma", "chance", "changed", "scene", "kind")
    }
    for done, (scene, pair, number) in enumerate(jobs):
        progress("calibrate", done, len(jobs))
        found = predictor(scene, graph_of(task, scene, pair, number))
        rows = judged(scene, pair) & found.seen
        truth = pair.truth[rows, 0]
        values = {
            "error": found.statistics[rows, 0] - truth,
            "stale": scene.stale[rows, 0] - truth,
            "sigma": found.sigma_db[rows],
            "chance": found.chance[rows],
            "changed": is_changed(scene, pair)[rows],
            "scene": np.full(rows.sum(), scene.name),
            "kind": np.full(rows.sum(), pair.kind),
        }
        for name, value in values.items():
            columns[name].append(value)
    table = {name: np.concatenate(values) for name, values in columns.items()}
    if task == "known":
        threshold = miss_threshold(table["chance"], table["changed"], table["scene"], _MISS)
    else:
        errors = [
            np.square(np.where(table["chance"] > t, table["error"], table["stale"])).mean()
            for t in _THRESHOLDS
        ]
        good = [t for t, e in zip(_THRESHOLDS, errors, strict=True) if e <= min(errors) * _WORSE]
        threshold = max(good)
    error = np.where(table["chance"] > threshold, table["error"], table["stale"])
    kinds = table["kind"] if task == "known" else np.full(len(error), "every")
    scale = conformal_scale(error, table["sigma"], table["scene"], kinds, _LEVEL)
    finite = {k: float(v) for k, v in scale.scale.items() if np.isfinite(v)}
    return Predictor(net, told | {"threshold": float(threshold), "scale": finite})
