"""Operators who train the network of updates: each alone, together, all data in one place.

Every operator has scenes of one kind, and keeps their maps; weights alone travel. The network
is judged on edits of scenes that nobody learned from, of each kind and of a kind that nobody has.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import xarray

from rtwin.arrays import Floats
from rtwin.experiments.study_files import Cell, StudyResults, StudyTable, mean_rows
from rtwin.federation.defence import RULES
from rtwin.federation.learning import WEIGHT_BYTES
from rtwin.federation.sites import flat, learn_networks, learn_networks_on_arrival, shaped
from rtwin.federation.studies.pictures import plot_networks
from rtwin.horizontal.learned.network import Lessons, arrays_of
from rtwin.horizontal.learned.worlds import ensure_cases, read_cases
from rtwin.progress import Progress, silent
from rtwin.settings import Among, AtLeast, Count, Settings

KIND = "cells"
OPERATORS = ("blocks", "canyon", "courtyard")
NOBODYS = "yards"
JUDGED = (*OPERATORS, NOBODYS)
FIRST_JUDGED = 200  # number of the first held-out scene of a kind
ALL = "all"
UNTRAINED, CENTRAL = "nobody", "all data in one place"
ROUNDS, ARRIVALS = "all, in rounds", "all, by arrivals"


@dataclass(frozen=True)
class NetworksStudy(Settings):
    """What is asked.

    Attributes:
        scenes: Of each operator.
        edits, truths: Rehearsed edits and changes of each scene.
        draws: Of measurements, for each change.
        hidden: Changes besides that are edits of a scene's own library, hidden from it.
        rounds: In which weights are exchanged; as many updates of each where nobody waits.
        epochs: Over an operator's examples, in each round.
        rule: Of aggregation in rounds.
        slowest: What the slowest operator needs over what the quickest needs.
        seeds: Scenes, first weights, measurements and orders drawn.
        workers: Processes; each takes seeds.
    """

    scenes: Count = 2
    edits: Count = 16
    truths: Count = 12
    draws: Count = 2
    hidden: Count = 60
    rounds: Count = 6
    epochs: Count = 2
    rule: Annotated[str, Among(n for n, rule in RULES.items() if not rule.needs_root)] = "mean"
    slowest: Annotated[float, AtLeast(1)] = 4.0
    seeds: Count = 3
    workers: Count = 2

    def taught(self, seed: int) -> dict[str, list[str]]:
        """Names of each operator's scenes of a seed (from 0), by its kind."""
        numbers = range(self.scenes * seed, self.scenes * (seed + 1))
        return {kind: [f"{kind}_{n}" for n in numbers] for kind in OPERATORS}

    def judged(self, seed: int) -> dict[str, str]:
        """Names of held-out scenes of a seed, by kind."""
        return {kind: f"{kind}_{FIRST_JUDGED + seed}" for kind in JUDGED}


@dataclass(frozen=True)
class Trained:
    """A network, judged.

    Attributes:
        by: Who trained it.
        seed: Of scenes, first weights, measurements and orders.
        error: RMSE over the RMS of what should be said, by kind of held-out scene and over
            ALL: 1 is what a twin that is left as it was is off.
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
        done: Told of scenes and trainings, or of seeds where several run at once.
    Raises:
        MissingExtraError: if TensorFlow or Keras is not installed.
    """
    seeds = range(study.seeds)
    if study.workers == 1 or study.seeds == 1:
        return [t for seed in seeds for t in _run_seed(study, folder, seed, done)]
    found: dict[int, list[Trained]] = {}
    # Forked processes would share the ray tracer's threads.
    context = multiprocessing.get_context("spawn")
    done("seeds", 0, study.seeds)
    with ProcessPoolExecutor(study.workers, context) as pool:
        jobs = {pool.submit(_run_seed, study, folder, seed): seed for seed in seeds}
        for job in as_completed(jobs):
            found[jobs[job]] = job.result()
            done("seeds", len(found), study.seeds)
    return [t for seed in seeds for t in found[seed]]


def _run_seed(
    study: NetworksStudy, folder: Path, seed: int, done: Progress = silent
) -> list[Trained]:
    taught, judged_on = study.taught(seed), study.judged(seed)
    names = [name for own in taught.values() for name in own] + list(judged_on.values())
    files = ensure_cases(folder, names, study.edits, study.truths, progress=done)
    cases = dict(zip(names, map(read_cases, files), strict=True))

    def examples(scenes: Sequence[str], draw: int, hidden: int = 0) -> list[Any]:
        chosen = [cases[name] for name in scenes]
        return arrays_of(chosen, (KIND,), study.draws, 10 * seed + draw, hidden=hidden)

    own = [examples(names, k, study.hidden) for k, names in enumerate(taught.values())]
    judged = {kind: examples([name], 9) for kind, name in judged_on.items()}
    lessons = Lessons(KIND, seed + 1)
    found: list[Trained] = []
    for way, weights, sent in _trained(study, lessons, own, seed):
        error = _errors(lessons, weights, judged)
        found.append(Trained(way, seed, error, sent))
        done("trainings", len(found), 4 + len(OPERATORS))
    return found


def _trained(
    study: NetworksStudy, lessons: Lessons, own: Sequence[Sequence[Any]], seed: int
) -> Iterator[tuple[str, list[Any], int]]:
    """Who trained, the network's arrays, and what was sent by and to each [bytes]."""
    like = lessons.net.get_weights()
    start, rounds = flat(like), study.rounds

    def learners(parts: Sequence[Sequence[Any]]) -> list[Callable[[Floats], Floats]]:
        def learner(part: Sequence[Any], number: int) -> Callable[[Floats], Floats]:
            rng = np.random.default_rng([seed, number])

            def learn(weights: Floats) -> Floats:
                return flat(lessons.learn(shaped(weights, like), part, study.epochs, rng))

            return learn

        return [learner(part, number) for number, part in enumerate(parts)]

    def alone(part: Sequence[Any]) -> list[Any]:
        return shaped(learn_networks(learners([part]), start, rounds, "mean"), like)

    yield UNTRAINED, like, 0
    for kind, part in zip(OPERATORS, own, strict=True):
        yield f"{kind} alone", alone(part), 0
    sent = 2 * rounds * WEIGHT_BYTES * len(start)
    yield ROUNDS, shaped(learn_networks(learners(own), start, rounds, study.rule), like), sent
    seconds = np.geomspace(1.0, study.slowest, len(own))
    made = learn_networks_on_arrival(learners(own), start, rounds, seconds)
    yield ARRIVALS, shaped(made, like), sent
    yield CENTRAL, alone([example for part in own for example in part]), 0


def _errors(
    lessons: Lessons, weights: Sequence[Any], judged: Mapping[str, Sequence[Any]]
) -> dict[str, float]:
    squares = {kind: lessons.squares(weights, examples) for kind, examples in judged.items()}
    squares[ALL] = tuple(np.sum(list(squares.values()), axis=0))
    return {kind: float(np.sqrt(off / max(size, 1e-9))) for kind, (off, size) in squares.items()}


def networks_results(study: NetworksStudy, found: Sequence[Trained]) -> StudyResults:
    """Everything that the study writes.

    Args:
        study: What was asked.
        found: From run_networks.
    """
    columns = [*JUDGED, ALL]
    by = list(dict.fromkeys(t.by for t in found))
    errors = np.array([[t.error[c] for c in columns] for t in found])
    errors = errors.reshape(study.seeds, len(by), len(columns))
    rows: list[dict[str, Cell]] = [
        {"trained by": t.by, "sent [bytes]": t.sent_bytes, **t.error} for t in found
    ]
    # The same seed has the same scenes, first weights and measurements: differences are of pairs.
    paired: list[dict[str, Cell]] = [
        {
            "trained by": way,
            "against": other,
            **{kind: float(g) for kind, g in zip(columns, gap, strict=True)},
        }
        for way in (ROUNDS, ARRIVALS)
        for k, other in enumerate(by)
        if other != way
        for gap in errors[:, by.index(way)] - errors[:, k]
    ]
    tables = [
        StudyTable(
            "errors",
            "Error on scenes that nobody learned from, by their kind",
            mean_rows(rows, ("trained by", "sent [bytes]"), columns),
            notes="RMSE over the RMS of what should be said, half way between the change and all "
            "that differs; 1: the twin as it was. nobody: first weights, "
            f"near the library's posterior; {NOBODYS}: a kind that no operator has. sent: by and "
            "to each operator.",
        ),
        StudyTable(
            "differences",
            "What training together adds to the error",
            mean_rows(paired, ("trained by", "against"), columns),
            notes="Paired by seed; below 0: together is better.",
        ),
    ]
    arrays = xarray.Dataset(
        {"error": (("seed", "trained_by", "kind"), errors, {"units": "1"})},
        {"seed": range(study.seeds), "trained_by": by, "kind": columns},
    )
    return StudyResults(
        "networks",
        "The network of updates, trained alone, together, and with all data in one place",
        asdict(study),
        tables,
        arrays,
        {"errors": plot_networks(errors, by, columns)},
    )
