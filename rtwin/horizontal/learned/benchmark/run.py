"""The benchmark of keeping a twin current: every way on the same pairs of held-out scenes."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial as bound
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.learned.benchmark.detection import Detection
from rtwin.horizontal.learned.benchmark.scores import Scores, Update
from rtwin.horizontal.learned.network import (
    KINDS,
    MODELS,
    Measured,
    Predictor,
    draw_measured,
    explained,
    inverse_distance,
    judged,
    known_graph,
    kriging,
    load_encoder,
    nearest,
    path_kriging,
    shipped_predictor,
    unknown_graph,
)
from rtwin.horizontal.learned.pairs import (
    FLOOR_DB,
    Pair,
    ScenePairs,
    common_random_delta,
    ensure_pairs,
    read_pairs,
    split_scenes,
)
from rtwin.progress import Progress, silent

PAIRS_PER_SCENE = 5
# Chosen on the validation scenes, see docs/horizontal_benchmark.md.
DELTA_GUARD = "stale"
IDW_POWER, NEAREST = 2.0, 4
OBJECT_EDITS = ("move_object", "add_remove", "building", "door")
Ways = dict[str, Update]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Scores of known edits and of unknown change."""

    known: Scores
    unknown: Scores
    num_scenes: int
    num_pairs: int
    detection: Detection | None = None


def run_benchmark(
    folder: Path,
    *,
    num_scenes: int | None = None,
    pairs_per_scene: int = PAIRS_PER_SCENE,
    share: float = 0.01,
    predictors: dict[tuple[str, str], Predictor] | None = None,
    progress: Progress = silent,
) -> Benchmark:
    """Every way on held-out scenes; pairs that are in the folder already are taken from it.

    Args:
        folder: For the pairs: a stopped run goes on where it was.
        num_scenes: The first so many of the test scenes; default all.
        pairs_per_scene: Edits of each.
        share: Of the cells that are measured, for unknown change.
        predictors: Networks by kind and task; default: those that come with rtwin.
    Raises:
        OutOfRangeError: if a number is impossible.
    """
    names = split_scenes("test")
    num_scenes = len(names) if num_scenes is None else num_scenes
    if not 1 <= num_scenes <= len(names):
        raise OutOfRangeError(f"{num_scenes} scenes; the benchmark has 1 to {len(names)}")
    if not 1 <= pairs_per_scene <= 200:
        raise OutOfRangeError(f"{pairs_per_scene} edits per scene; give 1 to 200")
    if not 0 < share <= 0.5:
        raise OutOfRangeError(f"a share of {share} of the cells measured; give 0 to 0.5")
    wanted = [(name, pairs_per_scene) for name in names[:num_scenes]]
    files = ensure_pairs(folder, wanted, progress, rungs=True)
    nets = shipped() if predictors is None else predictors
    known, unknown, count = Scores(), Scores(), 0
    detection = None
    if ("gnn", "known") in nets and (MODELS / "encoder.npz").exists():
        detection = Detection(nets["gnn", "known"], load_encoder())
    for done, file in enumerate(files):
        progress("compare", done, len(files))
        scene = read_pairs(file)
        for number, pair in enumerate(scene.pairs):
            if not judged(scene, pair).any():
                continue
            count += 1
            for way, update in known_ways(scene, pair, nets).items():
                known.add(way, scene, pair, update)
            if detection is not None:
                detection.add(scene, pair)
            measured = measured_of(scene, pair, number, share)
            for way, update in unknown_ways(scene, measured, nets).items():
                unknown.add(way, scene, pair, update)
    progress("compare", len(files), len(files))
    return Benchmark(known, unknown, len(files), count, detection)


def shipped() -> dict[tuple[str, str], Predictor]:
    """The networks that come with rtwin, by kind and task."""
    there = [
        (k, t) for k in KINDS for t in ("known", "unknown") if (MODELS / f"{k}_{t}.npz").exists()
    ]
    if not there:
        raise StoreError(f"{MODELS}: no network there; train with rtwin horizontal train")
    return {(k, t): shipped_predictor(t, k) for k, t in there}


def measured_of(scene: ScenePairs, pair: Pair, number: int, share: float = 0.01) -> Measured:
    """The measured cells of a benchmark pair: drawn by the scene's name and the pair's number."""
    return draw_measured(scene, pair, np.random.default_rng([number, *scene.name.encode()]), share)


def known_ways(scene: ScenePairs, pair: Pair, nets: dict[tuple[str, str], Predictor]) -> Ways:
    """All ways from a known edit to a new map."""
    stale = np.asarray(scene.stale, np.float64)
    ways = {"stale": Update(stale, 0.0)}
    seconds = pair.seconds
    if "few" in pair.rungs:
        rungs = {n: np.asarray(v, np.float64) for n, v in pair.rungs.items()}
        few, before = rungs["few"], rungs["few_before"]
        start = time.process_time()
        moved = common_random_delta(stale, before, few, DELTA_GUARD)
        cost = time.process_time() - start
        ways["analytic"] = Update(rungs["analytic"], seconds["analytic"])
        ways["few rays"] = Update(few, seconds["few"])
        # Both worlds are traced: the twin keeps no few-ray map.
        ways["delta of few rays"] = Update(moved, 2 * seconds["few"] + cost)
        ways["partial re-trace"] = Update(rungs["partial"], seconds["partial"])
    ways["full trace"] = Update(np.asarray(pair.truth, np.float64), seconds["full"])
    ways["stored paths"] = Update(np.asarray(pair.prior, np.float64), seconds["prior"])
    for kind in KINDS:
        if (kind, "known") not in nets:
            continue
        net = nets[kind, "known"]
        start = time.process_time()
        graph = known_graph(scene, pair)
        cost = time.process_time() - start
        found = net(scene, graph)
        ways[kind] = Update(
            found.statistics,
            seconds["prior"] + cost + found.seconds,
            net.half_width_db(found.sigma_db, pair.kind),
        )
    return ways


def unknown_ways(
    scene: ScenePairs, measured: Measured, nets: dict[tuple[str, str], Predictor]
) -> Ways:
    """All ways from a stale map and few measured cells to a corrected map."""
    stale = np.asarray(scene.stale, np.float64)
    value = measured.gain_db - stale[measured.cell, 0]
    where = (measured.cell, value, measured.noise_db)
    shares = [scene.reflected.astype(np.float64), scene.passed.astype(np.float64)]

    def spread(field: Any) -> tuple[Any, Any]:
        return field.mean_db, 1.645 * field.sd_db

    fields: dict[str, Callable[[], tuple[Any, Any]]] = {
        "stale": lambda: (0.0, None),
        "IDW": lambda: (inverse_distance(scene.cells, *where[:2], IDW_POWER), None),
        "k-NN": lambda: (nearest(scene.cells, *where[:2], NEAREST), None),
        "kriging": lambda: spread(kriging(scene.cells, *where)),
        "path kriging": lambda: spread(path_kriging(scene.cells, shares, *where)),
        "one object": lambda: spread(explained(shares, *where)),
    }
    ways = {}
    for name, field in fields.items():
        start = time.process_time()
        mean, width = field()
        out = stale.copy()
        if name != "stale":
            out[:, 0] = np.maximum(stale[:, 0] + mean, FLOOR_DB)
        ways[name] = Update(out, time.process_time() - start, width)
    start = time.process_time()
    graph = unknown_graph(scene, measured)
    cost = time.process_time() - start
    for kind in KINDS:
        if (kind, "unknown") not in nets:
            continue
        net = nets[kind, "unknown"]
        found = net(scene, graph)
        ways[kind] = Update(
            found.statistics, cost + found.seconds, net.half_width_db(found.sigma_db)
        )
    return ways


def report_lines(result: Benchmark) -> Iterator[str]:
    """The benchmark as Markdown."""
    yield (
        f"{result.num_scenes} held-out scenes, {result.num_pairs} edits; floor {FLOOR_DB:g} dB; "
        "seconds are processor time per edit, features included"
    )
    yield ""
    yield "### Known edits"
    yield ""
    yield from _table(result.known, None)
    for title, kinds in _classes(result.known):
        yield ""
        yield f"**{title}**"
        yield ""
        yield from _table(result.known, kinds, short=True)
    if result.detection is not None:
        yield ""
        yield "**preserve or update**"
        yield ""
        yield from result.detection.lines()
    yield ""
    yield "### Unknown change"
    yield ""
    yield from _table(result.unknown, None)
    yield ""
    yield from _by_class(result.unknown)
    yield ""
    yield from _targets(result)


def _classes(scores: Scores) -> list[tuple[str, list[str]]]:
    known = [kind for kind in scores.kinds if kind != "null"]
    objects = [kind for kind in OBJECT_EDITS if kind in known]
    rest = [(kind, [kind]) for kind in sorted(known)]
    return [("all object edits", objects), *rest] if objects else rest


_COLUMNS = {
    "changed_db": ("changed dB", "{:.2f}"),
    "still_db": ("unchanged dB", "{:.2f}"),
    "rmse_db": ("all dB", "{:.2f}"),
    "recall": ("recall", "{:.2f}"),
    "precision": ("precision", "{:.2f}"),
    "kept": ("preserved", "{:.2f}"),
    "coverage": ("coverage", "{:.2f}"),
    "delay_ns": ("delay ns", "{:.1f}"),
    "angle_deg": ("angle deg", "{:.1f}"),
    "clear_f1": ("LoS F1", "{:.2f}"),
    "seconds": ("seconds", "{:.3f}"),
    "speed": ("x full", "{:.1f}"),
}
_SHORT = (
    "changed_db",
    "still_db",
    "recall",
    "precision",
    "coverage",
    "delay_ns",
    "angle_deg",
    "seconds",
    "speed",
)


def _table(scores: Scores, kinds: Sequence[str] | None, short: bool = False) -> Iterator[str]:
    columns = _SHORT if short else tuple(_COLUMNS)
    yield "| way | " + " | ".join(_COLUMNS[c][0] for c in columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for way in scores.ways:
        figures = scores.figures(way, kinds)
        cells = [_shown(c, figures[c]) for c in columns]
        yield f"| {way} | " + " | ".join(cells) + " |"


def _by_class(scores: Scores) -> Iterator[str]:
    """RMSE over all judged cells, by class of what happened."""
    kinds = sorted(scores.kinds)
    yield "| way, all dB | " + " | ".join(kinds) + " |"
    yield "|---|" + "---:|" * len(kinds)
    for way in scores.ways:
        cells = [_shown("rmse_db", scores.figures(way, [kind])["rmse_db"]) for kind in kinds]
        yield f"| {way} | " + " | ".join(cells) + " |"


def _shown(column: str, value: float) -> str:
    return "-" if not np.isfinite(value) else _COLUMNS[column][1].format(value)


def _targets(result: Benchmark) -> Iterator[str]:
    """Ratios with their intervals over scenes."""
    asked = [
        (
            "object edits, changed cells, gnn over stale",
            result.known,
            "gnn",
            "stale",
            "changed_db",
            [k for k in OBJECT_EDITS if k in result.known.kinds],
        ),
        (
            "object edits, changed cells, partial re-trace over stale",
            result.known,
            "partial re-trace",
            "stale",
            "changed_db",
            [k for k in OBJECT_EDITS if k in result.known.kinds],
        ),
        (
            "unknown change, all cells, gnn over kriging",
            result.unknown,
            "gnn",
            "kriging",
            "rmse_db",
            None,
        ),
        (
            "unknown change, changed cells, gnn over kriging",
            result.unknown,
            "gnn",
            "kriging",
            "changed_db",
            None,
        ),
        (
            "unknown change, all cells, gnn over unet",
            result.unknown,
            "gnn",
            "unet",
            "rmse_db",
            None,
        ),
        ("unknown change, all cells, gnn over mlp", result.unknown, "gnn", "mlp", "rmse_db", None),
    ]
    yield "| ratio | value | 90 % interval over scenes |"
    yield "|---|---:|---|"
    for name, scores, way, over, figure, kinds in asked:
        if way in scores.ways and over in scores.ways and kinds != []:
            value, low, high = bound(scores.ratio, way, over, figure)(kinds)
            yield f"| {name} | {value:.2f} | {low:.2f} to {high:.2f} |"
