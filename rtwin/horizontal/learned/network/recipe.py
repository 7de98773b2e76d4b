"""The training recipe: from nothing to a file of weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from rtwin.dataset.store import provenance
from rtwin.errors import OutOfRangeError, nearest
from rtwin.horizontal.learned.network.backend import keras
from rtwin.horizontal.learned.network.calibrate import calibrated
from rtwin.horizontal.learned.network.embedding import save_encoder, train_encoder
from rtwin.horizontal.learned.network.graph import Task
from rtwin.horizontal.learned.network.predict import KINDS, save_predictor
from rtwin.horizontal.learned.network.train import Plan, train
from rtwin.horizontal.learned.network.weights import load_arrays
from rtwin.horizontal.learned.pairs import (
    PAIRS_PER_SCENE,
    Split,
    data_hash,
    ensure_pairs,
    read_pairs,
    split_scenes,
)
from rtwin.progress import Progress, silent

# The scenes of the shipped networks; the head of the list is as mixed as all of it.
NUM_SCENES, EPOCHS = 60, 10
ENCODER = "encoder"
SECOND_STAGE: dict[str, Any] = {"synthetic": 0.35, "peak_rate": 1.2e-3}


def train_predictor(
    output: Path,
    folder: Path,
    *,
    task: str = "unknown",
    kind: str = "gnn",
    num_scenes: int = NUM_SCENES,
    epochs: int = EPOCHS,
    pairs_per_scene: int | None = None,
    seed: int = 1,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Trace pairs, train a network on them, calibrate it and write it.

    Args:
        output: File of weights; beside it, while training, a checkpoint.
        folder: Of the pairs; those that are there are taken as they are.
        task: "unknown" or "known".
        kind: "gnn", the baselines "mlp" and "unet", or the "encoder" of embedding.py,
            which knows no task.
        num_scenes: Scenes to learn from.
        epochs: Most rounds over all pairs.
        pairs_per_scene: Edits of each scene; default splits.PAIRS_PER_SCENE.
        seed: Of first weights, order and measurements.
        progress: Told of pairs, batches and calibration.
    Returns:
        What the file tells of itself.
    Raises:
        OutOfRangeError: if a word or number is impossible.
        MissingExtraError: if TensorFlow or Keras is not installed.
    """
    _check(task, kind, num_scenes, epochs, pairs_per_scene, output)
    keras()
    wanted: tuple[Split, ...] = ("train", "validate", "calibrate")
    files = {}
    for split in wanted:
        names = split_scenes(split)
        # Few scenes are for trying out: then the others are few as well.
        most = num_scenes if split == "train" else max(1, round(len(names) * num_scenes / 60))
        count = pairs_per_scene or PAIRS_PER_SCENE[split]
        files[split] = ensure_pairs(folder, [(n, count) for n in names[:most]], progress)
    teach, validate, fit = ([read_pairs(f) for f in files[split]] for split in wanted)
    source = {
        "task": task,
        "kind": kind,
        "seed": seed,
        "num_scenes": len(teach),
        "num_pairs": sum(len(scene.pairs) for scene in teach),
        "data_hash": data_hash(files["train"]),
        "versions": provenance(),
    }
    if kind == ENCODER:
        rounds = max(1, round(epochs / 5))
        encoder = train_encoder(teach, fit, epochs=rounds, seed=seed, progress=progress)
        save_encoder(output, encoder)
        return source | {"threshold": encoder.threshold, "epochs": rounds}
    plan = Plan(task, kind, epochs, seed=seed)  # type: ignore[arg-type]
    checkpoint = output.with_name(f"{output.stem}.checkpoint.npz")
    net, history = train(plan, teach, validate, checkpoint, progress)
    checkpoints = [checkpoint]
    if epochs > 1:
        # Once more from there; unknown change among made-up ones.
        again = replace(plan, epochs=round(0.8 * epochs), seed=seed + 1, **SECOND_STAGE)
        checkpoints.append(output.with_name(f"{output.stem}.second.npz"))
        net, second = train(
            again, teach, validate, checkpoints[1], progress, start=net.get_weights()
        )
        history.train_loss += second.train_loss
        history.validation_loss += second.validation_loss
    told = source | {
        "epochs": len(history.train_loss),
        "train_loss": history.train_loss,
        "validation_loss": history.validation_loss,
        "parameters": int(net.count_params()),
    }
    predictor = calibrated(net, told, fit, progress)
    save_predictor(output, predictor)
    for file in checkpoints:
        file.unlink(missing_ok=True)
    return dict(predictor.told)


def _check(
    task: str, kind: str, num_scenes: int, epochs: int, pairs_per_scene: int | None, output: Path
) -> None:
    for what, value, allowed in (("task", task, get_args(Task)), ("kind", kind, (*KINDS, ENCODER))):
        if value not in allowed:
            raise OutOfRangeError(f"{what} is '{value}'; {nearest(value, list(allowed))}")
    most = len(split_scenes("train"))
    if not 1 <= num_scenes <= most:
        raise OutOfRangeError(f"{num_scenes} scenes to learn from; there are 1 to {most}")
    if not 1 <= epochs <= 1000:
        raise OutOfRangeError(f"{epochs} epochs; give 1 to 1000")
    if pairs_per_scene is not None and not 1 <= pairs_per_scene <= 200:
        raise OutOfRangeError(f"{pairs_per_scene} edits per scene; give 1 to 200")
    if output.suffix != ".npz":
        raise OutOfRangeError(f"{output}: weights are written as .npz; give such a name")
    if output.exists():
        load_arrays(output)  # never replaces a file that holds something else
