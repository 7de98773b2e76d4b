"""The training recipe: from nothing to a file of weights."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.dataset.store import provenance
from rtwin.errors import OutOfRangeError, nearest
from rtwin.horizontal.decision import EVERY
from rtwin.horizontal.learned.network.backend import keras
from rtwin.horizontal.learned.network.batch import draw_evidence, judged_cells
from rtwin.horizontal.learned.network.predict import Predictor, predictor_of, save_predictor
from rtwin.horizontal.learned.network.train import (
    KINDS,
    REASONING,
    SHARES,
    Arrays,
    Plan,
    arrays_of,
    train,
)
from rtwin.horizontal.learned.worlds import (
    NUM_EDITS,
    NUM_TRUTHS,
    SceneCases,
    ensure_cases,
    load_arrays,
    read_cases,
    split_scenes,
)
from rtwin.horizontal.rehearsal import floor_change_db
from rtwin.horizontal.unknown_change import library_posterior
from rtwin.progress import Progress, silent

_THRESHOLDS = np.linspace(0.0, 0.9, 46)
_LEVEL = 0.9


def train_network(
    output: Path,
    folder: Path,
    *,
    kind: str = "cells",
    maps: Sequence[str] = (),
    num_scenes: int | None = None,
    num_edits: int = NUM_EDITS,
    num_truths: int = NUM_TRUTHS,
    epochs: int = 24,
    seed: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Trace what befalls scenes, train a network on it, calibrate it and write it.

    Args:
        output: File of weights; beside it, while training, a checkpoint.
        folder: Of the cases; those that are there are taken as they are.
        kind: "cells"; "hypotheses" and "no messages" weigh the worlds themselves,
            "attention", "mlp" and "unet" are baselines.
        maps: Recipes of a user's own that teach as well, 110 m squares of each.
        num_scenes: The first so many scenes; default: all.
        num_edits: Rehearsed edits of each scene.
        num_truths: Changes of each scene.
        epochs: Most rounds over all cases.
        seed: Of first weights, order and measurements.
        progress: Told of scenes, examples and epochs.
    Returns:
        What the file tells of itself.
    Raises:
        OutOfRangeError: if a word or number is impossible.
        MissingExtraError: if TensorFlow or Keras is not installed.
    """
    _check(kind, num_scenes, epochs, output)
    keras()
    names = [*split_scenes("train"), *(f"tile_{file}_0" for file in maps)][:num_scenes]
    others = split_scenes("validate")[:num_scenes]
    size = num_edits, num_truths
    teach = [read_cases(f) for f in ensure_cases(folder, names, *size, progress=progress)]
    judge = [read_cases(f) for f in ensure_cases(folder, others, *size, progress=progress)]
    plan = Plan(kind, epochs, seed=seed)
    examples = arrays_of(teach, (kind,), plan.draws, seed, progress, hidden=plan.hidden)
    held_out = arrays_of(judge, (kind,), 2, seed + 1, progress)
    return fit(output, plan, examples, held_out, judge, {"num_scenes": len(teach)}, progress)


def fit(
    output: Path,
    plan: Plan,
    teach: Sequence[Arrays],
    validate: Sequence[Arrays],
    scenes: Sequence[SceneCases],
    told: dict[str, Any],
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train on examples that are made, calibrate on scenes, write; what the file tells."""
    checkpoint = output.with_name(f"{output.stem}.checkpoint.npz")
    net, history = train(plan, teach, validate, checkpoint, progress)
    told = {
        **told,
        "kind": plan.kind,
        "seed": plan.seed,
        "num_examples": len(teach),
        "train_loss": history.train_loss,
        "validation_loss": history.validation_loss,
        "parameters": int(net.count_params()),
        "versions": provenance(),
    }
    predictor = predictor_of(net, told)
    if plan.kind in REASONING:
        predictor = calibrated(predictor, scenes)
    save_predictor(output, predictor)
    checkpoint.unlink(missing_ok=True)
    return dict(predictor.told)


def calibrated(predictor: Predictor, scenes: Sequence[SceneCases], seed: int = 7) -> Predictor:
    """A predictor with its threshold and the scale of its intervals, from scenes of their own."""
    rng = np.random.default_rng(seed)
    names = ("said", "sigma", "chance", "truth", "judged", "of")
    rows: dict[str, list[Any]] = {name: [] for name in names}
    for number, scene in enumerate(scenes):
        free = np.broadcast_to(~scene.is_inside, scene.gain_db.shape)
        for case in scene.cases:
            share = float(np.exp(rng.uniform(*np.log(SHARES))))
            evidence = draw_evidence(scene, case, rng, share)
            posterior = library_posterior(scene.library, evidence, scene.cells_m)
            out = predictor(posterior, scene.cells_m, scene.gain_db)
            before = 0.0 if case.of_twin else scene.mismatch_db
            said, judged = floor_change_db(scene.gain_db, out.change_db), judged_cells(scene, case)
            # The change, and the whole difference to the world as it then is, count alike.
            for truth in (case.change_db, case.change_db + before):
                right = floor_change_db(scene.gain_db, truth)
                maps = (said, out.sigma_db, out.chance, right, judged)
                for name, values in zip(names, (*maps, np.full(free.shape, number)), strict=True):
                    rows[name].append(values[free])
    said, sigma, chance, truth, judged, of = (np.concatenate(rows[name]) for name in names)
    # The chance below which leaving a cell as it was errs less than what the network says.
    squares = [np.square(np.where(chance < c, 0.0, said) - truth).mean() for c in _THRESHOLDS]
    threshold = float(_THRESHOLDS[int(np.argmin(squares))])
    score = np.abs(np.where(chance < threshold, 0.0, said) - truth) / sigma
    scale = _quantile(score[judged], of[judged])
    more = {"threshold": threshold, "scale": {EVERY: scale}}
    return replace(predictor, told={**predictor.told, **more})


def _quantile(score: Floats, scene: Ints) -> float:
    """Quantile of scores at _LEVEL, scenes counting alike.

    A promise for a new scene would need more scenes than there are: with nine of them
    it is the worst cell's score. What the intervals hold is measured by the benchmark.
    """
    _, number, count = np.unique(scene, return_inverse=True, return_counts=True)
    weight = 1.0 / (len(count) * count[number])
    order = np.argsort(score, kind="stable")
    place = int(np.searchsorted(np.cumsum(weight[order]), _LEVEL))
    return float(score[order[min(place, len(order) - 1)]])


def _check(kind: str, num_scenes: int | None, epochs: int, output: Path) -> None:
    if kind not in KINDS:
        raise OutOfRangeError(f"kind is '{kind}'; {nearest(kind, list(KINDS))}")
    most = len(split_scenes("train"))
    if num_scenes is not None and num_scenes < 1:
        raise OutOfRangeError(f"{num_scenes} scenes to learn from; there are 1 to {most}")
    if not 1 <= epochs <= 1000:
        raise OutOfRangeError(f"{epochs} epochs; give 1 to 1000")
    if output.suffix != ".npz":
        raise OutOfRangeError(f"{output}: weights are written as .npz; give such a name")
    if output.exists():
        load_arrays(output)  # never replaces a file that holds something else
