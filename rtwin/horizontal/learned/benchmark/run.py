"""The benchmark of unknown change: every way on the same measurements of held-out scenes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.errors import OutOfRangeError
from rtwin.horizontal.learned.benchmark.detection import Detection
from rtwin.horizontal.learned.benchmark.scores import FIGURES, Scores, Update, sums_of
from rtwin.horizontal.learned.network import (
    KINDS,
    NUM_CELLS,
    REASONING,
    SHIPPED,
    Prediction,
    Predictor,
    batched,
    draw_evidence,
    example_of,
    judged_cells,
    library_covariance,
    load_predictor,
    names_of,
)
from rtwin.horizontal.learned.worlds import (
    NUM_EDITS,
    NUM_TRUTHS,
    Case,
    SceneCases,
    ensure_cases,
    read_cases,
    split_scenes,
)
from rtwin.horizontal.rehearsal import floor_change_db, joint_embedding, rows_of
from rtwin.horizontal.unknown_change import (
    Evidence,
    Posterior,
    krige_rest,
    library_map,
    library_posterior,
)
from rtwin.progress import Progress, silent

SHARES = (0.01, 0.03)
OBSERVABLE = 3  # measured cells that moved by OBSERVABLE_DB, for a case to be observable
OBSERVABLE_DB = 3.0
NEAR_M = 8.0  # a new object named this near is the right one
MIXED, TWIN, OTHER = "all", "twin's world", "another world"


@dataclass(frozen=True, eq=False)
class Benchmark:
    """Scores by share of the cells measured."""

    scores: Mapping[float, Scores]
    num_scenes: int
    num_cases: int
    detection: Detection
    told: Mapping[str, Any] = field(default_factory=dict)


def run_benchmark(
    folder: Path,
    *,
    maps: Sequence[str] = (),
    num_scenes: int | None = None,
    num_edits: int = NUM_EDITS,
    num_truths: int = NUM_TRUTHS,
    models: Path | None = None,
    shares: Sequence[float] = SHARES,
    progress: Progress = silent,
) -> Benchmark:
    """Every way on held-out scenes; cases that are in the folder already are taken from it.

    Args:
        folder: For the cases: a stopped run goes on where it was.
        maps: Recipes of a user's own that are judged as well, a 110 m square of each.
        num_scenes: The first so many of the test scenes; default all.
        num_edits: Rehearsed edits of each scene.
        num_truths: Changes of each scene.
        models: Folder of networks, NAME.npz each, that are compared as well.
        shares: Of the cells that are measured.
        progress: Called with "scenes" and "compare", done and in all.
    Raises:
        OutOfRangeError: if a number is impossible.
    """
    names = split_scenes("test")
    if num_scenes is not None and not 1 <= num_scenes <= len(names):
        raise OutOfRangeError(f"{num_scenes} scenes; the benchmark has 1 to {len(names)}")
    for share in shares:
        if not 0 < share <= 0.5:
            raise OutOfRangeError(f"a share of {share} of the cells measured; give 0 to 0.5")
    size = num_edits, num_truths
    wanted = [*names[:num_scenes], *(f"tile_{file}_0" for file in maps)]
    test = ensure_cases(folder, wanted, *size, progress=progress)
    fits = ensure_cases(folder, split_scenes("validate")[:num_scenes], *size, progress=progress)
    return compare(test, fits, predictors(models), shares, progress)


def predictors(models: Path | None = None) -> dict[str, Predictor]:
    """The network that comes with rtwin and those in a folder, by kind."""
    files = {KINDS[0]: SHIPPED}
    if models is not None:
        own = {kind: models / f"{kind.replace(' ', '_')}.npz" for kind in KINDS}
        files |= {kind: file for kind, file in own.items() if file.exists()}
    return {kind: load_predictor(file) for kind, file in files.items()}


def compare(
    test: Sequence[Path],
    fits: Sequence[Path],
    nets: Mapping[str, Predictor],
    shares: Sequence[float] = SHARES,
    progress: Progress = silent,
) -> Benchmark:
    """Every way on the cases of some files.

    Args:
        test: Files of cases that are judged.
        fits: Files of cases that thresholds of detection come from.
        nets: Networks by kind.
        shares: Of the cells that are measured.
        progress: Called with "compare", done and in all.
    """
    scores: dict[float, Scores] = {share: Scores() for share in shares}
    detection, count = Detection(), 0
    files = [(file, False) for file in test] + [(file, True) for file in fits]
    for number, (file, calibrating) in enumerate(files):
        progress("compare", number, len(files))
        scene = read_cases(file)
        for place, case in enumerate(scene.cases):
            judged = judged_cells(scene, case)
            if not judged.any():
                continue
            for share in shares:
                rng = np.random.default_rng([place, *scene.name.encode()])
                evidence = draw_evidence(scene, case, rng, share)
                posterior = library_posterior(scene.library, evidence, scene.cells_m)
                ways = all_ways(scene, case, posterior, {} if calibrating else nets)
                if share == shares[-1]:
                    gate = nets.get("cells")
                    signals = signals_of(scene, posterior, ways, judged, gate)
                    changed = np.abs(case.change_db[judged]) > 1.0
                    detection.add(number, calibrating, changed, signals)
                if calibrating:
                    continue
                truth = floor_change_db(scene.gain_db, case.change_db)
                before = 0.0 if case.of_twin else scene.mismatch_db
                world = floor_change_db(scene.gain_db, case.change_db + before)
                groups = groups_of(case, evidence)
                for way, update in ways.items():
                    is_outside = case.truth.kind == "outside"
                    sums = sums_of(truth, judged, update, is_outside, world)
                    scores[share].add(scene.name, way, groups, sums)
            count += not calibrating
    progress("compare", len(files), len(files))
    told = {kind: net.told for kind, net in nets.items()}
    return Benchmark(scores, len(test), count, detection, told)


def groups_of(case: Case, evidence: Evidence) -> list[str]:
    """What a case counts to: all, its world, its class, whether measurements can tell."""
    moved = np.abs(case.change_db[evidence.tx, evidence.cell]) > OBSERVABLE_DB
    observable = moved.sum() >= OBSERVABLE
    world = TWIN if case.of_twin else OTHER
    found = [MIXED, world, case.truth.kind]
    if observable:
        found += ["observable", f"observable, {world}"]
    if len(np.unique(evidence.tx)) > 1:
        found.append("several transmitters")
    return found


def all_ways(
    scene: SceneCases, case: Case, posterior: Posterior, nets: Mapping[str, Predictor]
) -> dict[str, Update]:
    """All ways from measured residuals to changes of the map."""
    evidence, cells = posterior.evidence, scene.cells_m
    num_tx = len(scene.gain_db)
    ways = {"stale": Update(np.zeros_like(scene.gain_db), 0.0)}

    def timed(make: Callable[..., Any], *told: Any) -> tuple[Any, float]:
        start = time.process_time()
        found = make(*told)
        return found, time.process_time() - start

    def floored(change: Floats) -> Floats:
        return floor_change_db(scene.gain_db, change.reshape(scene.gain_db.shape))

    (mean, sd), took = timed(krige_rest, evidence, evidence.value_db, cells, num_tx)
    ways["kriging"] = Update(floored(mean), took, 1.645 * sd)
    (common, _), took = timed(library_covariance, posterior)
    ways["library covariance"] = Update(floored(common), took)
    _, took = timed(library_posterior, scene.library, evidence, cells)
    guess, more = timed(library_map, posterior, cells)
    ways["library Bayes"] = Update(
        floored(guess.change_db),
        took + more,
        1.645 * guess.sigma_db,
        is_named=named_right(case, posterior, posterior.weight, posterior.p_none),
        says_none=posterior.is_unexplained,
    )
    for kind, net in nets.items():
        if kind in REASONING:
            out: Prediction
            out, more = timed(net, posterior, cells, scene.gain_db)
            weighed = replace(posterior, weight=out.world, p_none=out.p_none)
            ways[kind] = Update(
                floored(out.change_db),
                took + more,
                net.half_width_db(out.sigma_db),
                is_named=named_right(case, posterior, out.world, out.p_none),
                says_none=weighed.is_unexplained,
            )
        else:
            change, more = timed(baseline, scene, case, net, kind, evidence)
            ways[kind] = Update(floored(change), took + more)
    return ways


def baseline(
    scene: SceneCases, case: Case, net: Predictor, kind: str, evidence: Evidence
) -> Floats:
    """Changes as a baseline network gives them, transmitter by transmitter, [tx, cell] dB."""
    out = np.zeros_like(scene.gain_db)
    for tx in range(len(out)):
        example = example_of(scene, case, evidence, tx)
        inputs, _ = batched([example], NUM_CELLS, (kind,))
        found = net.net({name: inputs[name] for name in names_of(kind)})
        out[tx] = np.asarray(found["mean"])[0, : out.shape[1]]
    return out


def named_right(case: Case, posterior: Posterior, weight: Floats, p_none: float) -> bool | None:
    """Whether the likeliest group of causes has one of the truth's; None for other cases."""
    truth = case.truth
    if truth.kind in ("outside", "null"):
        return None
    chance, entries = replace(posterior, weight=weight).named(1)[0]
    if p_none >= chance or not entries:
        return False
    for entry in entries:
        told = posterior.library.entries[entry].hypothesis
        if told.subject in truth.subjects:
            return True
        if told.kind == "added" and any(
            np.hypot(*np.subtract(told.values[:2], place)) < NEAR_M for place in _new_places(case)
        ):
            return True
    return False


def _new_places(case: Case) -> list[Any]:
    """Where the truth's new objects stand [m], [2] each."""
    added = [t["object"] for t in case.truth.tables if t["kind"] == "add_object"]
    return [item["center_m"][:2] for item in added if "center_m" in item]


def signals_of(
    scene: SceneCases,
    posterior: Posterior,
    ways: Mapping[str, Update],
    judged: Bools,
    gate: Predictor | None,
) -> dict[str, Floats]:
    """What says that a cell changed, of the judged cells."""
    evidence, num = posterior.evidence, scene.library.num_cells
    columns = rows_of(num, evidence.tx, evidence.cell)
    sd = np.hypot(evidence.sd_db, 1.5)
    embedding = joint_embedding(scene.library)
    shape = scene.gain_db.shape
    deviating = np.abs(evidence.value_db) > 2.5 * evidence.sd_db
    far = np.full(shape, 1e3)
    for tx in np.unique(evidence.tx[deviating]):
        there = scene.cells_m[evidence.cell[deviating & (evidence.tx == tx)]]
        square = np.square(scene.cells_m[:, None, :2] - there[None, :, :2]).sum(axis=-1)
        far[tx] = np.sqrt(square.min(axis=1))
    guess = library_map(posterior, scene.cells_m)
    found = {
        "library Bayes": guess.chance[judged],
        "joint embedding": embedding.chance(columns, evidence.value_db, sd).reshape(shape)[judged],
        "library covariance": np.abs(library_covariance(posterior)[0].reshape(shape))[judged],
        "kriging": np.abs(ways["kriging"].change_db)[judged],
        "distance to what deviates": -far[judged],
    }
    if gate is not None:
        out = gate(posterior, scene.cells_m, scene.gain_db)
        found = {"gate of the network": out.chance[judged], **found}
    return found


def report_lines(result: Benchmark) -> Iterator[str]:
    """The benchmark as Markdown."""
    yield (
        f"{result.num_scenes} held-out scenes, {result.num_cases} changes; seconds are processor "
        "time per update, weighing the library included"
    )
    for share, scores in result.scores.items():
        yield ""
        yield f"### {100 * share:g} % of the cells measured"
        yield ""
        yield from _table(scores, MIXED)
        for group in ("observable", TWIN, OTHER):
            yield ""
            yield f"**{group}**"
            yield ""
            yield from _table(scores, group)
        yield ""
        yield from _by_class(scores)
        yield ""
        yield from _ratios(scores)
    yield ""
    yield "### Preserve or update"
    yield ""
    yield from result.detection.lines()


def _table(scores: Scores, group: str) -> Iterator[str]:
    yield "| way | " + " | ".join(title for _, _, title, _ in FIGURES.values()) + " |"
    yield "|---|" + "---:|" * len(FIGURES)
    for way in scores.ways:
        figures = scores.figures(way, group)
        cells = [_shown(name, figures[name]) for name in FIGURES]
        yield f"| {way} | " + " | ".join(cells) + " |"


def _by_class(scores: Scores) -> Iterator[str]:
    known = (MIXED, TWIN, OTHER, "several transmitters")
    kinds = [g for g in scores.groups if g not in known and not g.startswith("observable")]
    yield "| way, changed dB | " + " | ".join(kinds) + " |"
    yield "|---|" + "---:|" * len(kinds)
    for way in scores.ways:
        cells = [_shown("changed_db", scores.figures(way, kind)["changed_db"]) for kind in kinds]
        yield f"| {way} | " + " | ".join(cells) + " |"


def _shown(column: str, value: float) -> str:
    return "-" if not np.isfinite(value) else FIGURES[column][3].format(value)


def _ratios(scores: Scores) -> Iterator[str]:
    """Ratios of errors with their intervals over scenes."""
    cases = (MIXED, "observable", TWIN, f"observable, {TWIN}", OTHER)
    rows = []
    for way in ("cells", "library Bayes"):
        rows += [(way, "kriging", group, "changed_db") for group in cases]
        rows += [(way, "kriging", MIXED, "map_db"), (way, "stale", MIXED, "map_db")]
    rows += [("cells", "library Bayes", group, "changed_db") for group in cases]
    rows += [("cells", "library Bayes", MIXED, figure) for figure in ("rmse_db", "map_db")]
    for other in ("hypotheses", "mlp", "attention", "unet"):
        rows += [("cells", other, MIXED, "changed_db")]
    rows += [
        ("hypotheses", "library Bayes", MIXED, "changed_db"),
        ("hypotheses", "no messages", "two", "changed_db"),
        ("hypotheses", "no messages", "several transmitters", "changed_db"),
    ]
    yield "| ratio of RMSE | of | cases | value | 90 % interval over scenes |"
    yield "|---|---|---|---:|---|"
    for way, over, group, figure in rows:
        if way in scores.ways and over in scores.ways and group in scores.groups:
            value, low, high = scores.ratio(way, over, figure, group)
            what = f"{way} over {over} | {FIGURES[figure][2].removesuffix(' dB')} | {group}"
            yield f"| {what} | {value:.2f} | {low:.2f} to {high:.2f} |"
