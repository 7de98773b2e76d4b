"""Operators who train the network of updates: each alone, in rounds, all data in one place.

Every operator has scenes of one kind. The network is judged on edits of scenes that nobody
learned from: one of each kind, and one of a kind that nobody has.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from rtwin.arrays import Floats
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.federation.learning import WEIGHT_BYTES
from rtwin.federation.sites import flat, learn_networks, shaped
from rtwin.federation.studies.pictures import plot_networks
from rtwin.horizontal.learned.network import Lessons, arrays_of
from rtwin.horizontal.learned.worlds import ensure_cases, read_cases
from rtwin.progress import Progress, silent
from rtwin.settings import Count, Settings

KIND = "hypotheses"
OPERATORS = ("blocks", "canyon", "courtyard")
HELD_OUT = ("blocks_100", "canyon_100", "courtyard_100", "yards_0")
ALL = "all scenes"
UNTRAINED, FEDERATED, CENTRAL = "nobody", "federated", "all data in one place"


@dataclass(frozen=True)
class NetworksStudy(Settings):
    """What is asked.

    Attributes:
        scenes: Of each operator.
        edits, truths: Rehearsed edits and changes of each scene.
        draws: Of measurements, for each change.
        rounds: In which weights are exchanged.
        epochs: Over an operator's examples, in each round.
        seeds: First weights, measurements and orders drawn.
    """

    scenes: Count = 2
    edits: Count = 16
    truths: Count = 8
    draws: Count = 2
    rounds: Count = 8
    epochs: Count = 2
    seeds: Count = 3


@dataclass(frozen=True)
class Trained:
    """A network, judged.

    Attributes:
        by: Who trained it.
        seed: Of first weights, measurements and orders.
        error: RMSE of the changes over their RMS, by held-out scene and over ALL: 1 is what a
            twin that is left as it was is off.
        sent_bytes: By and to each operator.
    """

    by: str
    seed: int
    error: dict[str, float]
    sent_bytes: int


def run_networks(study: NetworksStudy, folder: Path, done: Progress = silent) -> list[Trained]:
    """Trace the cases, train in every way with every seed, judge.

    Args:
        study: What is asked.
        folder: Of the cases; those that are there are taken as they are.
        done: Told of scenes, examples and rounds.
    Raises:
        MissingExtraError: if TensorFlow or Keras is not installed.
    """
    names = [f"{kind}_{k}" for kind in OPERATORS for k in range(study.scenes)]
    size = study.edits, study.truths
    files = ensure_cases(folder, [*names, *HELD_OUT], *size, progress=done)
    cases = dict(zip([*names, *HELD_OUT], map(read_cases, files), strict=True))
    found: list[Trained] = []
    for seed in range(1, study.seeds + 1):
        lessons = Lessons(KIND, seed)

        def examples(scenes: Sequence[str], draw: int, seed: int = seed) -> list[Any]:
            return arrays_of(
                [cases[name] for name in scenes], (KIND,), study.draws, 10 * seed + draw
            )

        own = {
            kind: examples(names[study.scenes * k : study.scenes * (k + 1)], k)
            for k, kind in enumerate(OPERATORS)
        }
        judged = {name: examples([name], 9) for name in HELD_OUT}
        found += _trained(study, lessons, own, judged, seed)
        done("epochs", seed, study.seeds)
    return found


def _trained(
    study: NetworksStudy,
    lessons: Lessons,
    own: Mapping[str, Sequence[Any]],
    judged: Mapping[str, Sequence[Any]],
    seed: int,
) -> list[Trained]:
    like = lessons.net.get_weights()

    def learner(examples: Sequence[Any], number: int) -> Callable[[Floats], Floats]:
        rng = np.random.default_rng([seed, number])

        def learn(weights: Floats) -> Floats:
            return flat(lessons.learn(shaped(weights, like), examples, study.epochs, rng))

        return learn

    ways: dict[str, list[Sequence[Any]]] = {f"{kind} alone": [own[kind]] for kind in own}
    ways[FEDERATED] = list(own.values())
    ways[CENTRAL] = [[example for examples in own.values() for example in examples]]
    start = flat(like)
    made = {UNTRAINED: start}
    for way, parts in ways.items():
        learners = [learner(part, number) for number, part in enumerate(parts)]
        made[way] = learn_networks(learners, start, study.rounds, rule="mean")
    sent = {FEDERATED: 2 * study.rounds * WEIGHT_BYTES * len(start)}
    return [
        Trained(way, seed, _errors(lessons, shaped(weights, like), judged), sent.get(way, 0))
        for way, weights in made.items()
    ]


def _errors(
    lessons: Lessons, weights: Sequence[Any], judged: Mapping[str, Sequence[Any]]
) -> dict[str, float]:
    squares = {name: lessons.squares(weights, examples) for name, examples in judged.items()}
    squares[ALL] = tuple(np.sum(list(squares.values()), axis=0))
    return {name: float(np.sqrt(off / max(size, 1e-9))) for name, (off, size) in squares.items()}


def networks_results(study: NetworksStudy, found: Sequence[Trained]) -> StudyResults:
    """Everything that the study writes.

    Args:
        study: What was asked.
        found: From run_networks.
    """
    columns = [*HELD_OUT, ALL]
    rows: list[dict[str, Cell]] = [
        {"trained by": t.by, "sent [bytes]": t.sent_bytes, **t.error} for t in found
    ]
    by = list(dict.fromkeys(t.by for t in found))
    errors = np.array([[t.error[c] for c in columns] for t in found])
    errors = errors.reshape(study.seeds, len(by), len(columns))
    # The same seed has the same first weights and measurements: differences are of pairs.
    together = errors[:, by.index(FEDERATED), -1]
    paired: list[dict[str, Cell]] = [
        {"against": way, "seed": seed, "difference": float(together[seed] - errors[seed, k, -1])}
        for k, way in enumerate(by)
        if way != FEDERATED
        for seed in range(study.seeds)
    ]
    tables = [
        StudyTable(
            "errors",
            "Error on held-out scenes",
            mean_rows(rows, ("trained by", "sent [bytes]"), columns),
            {"sent [bytes]": 0},
            "RMSE of the change over its RMS; 1: the twin as it was. nobody: first weights, near "
            "the library's posterior. sent: by and to each operator.",
        ),
        StudyTable(
            "differences",
            f"What federated training adds to the error on {ALL}",
            mean_rows(paired, ("against",), ("difference",)),
            notes="Paired by seed; below 0: federated is better.",
        ),
    ]
    arrays = xarray.Dataset(
        {"error": (("seed", "trained_by", "scene"), errors)},
        {"trained_by": by, "scene": columns},
    )
    return StudyResults(
        "networks",
        "The network of updates, trained alone, together, and with all data in one place",
        asdict(study),
        tables,
        arrays,
        {"errors": plot_networks(errors.mean(axis=0), by, columns)},
    )
