"""Training: own loop, early stopping on validation scenes, checkpoints, repeatable by seed."""

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.horizontal.learned.network.batch import batched, cell_size
from rtwin.horizontal.learned.network.graph import (
    Graph,
    Task,
    draw_measured,
    is_changed,
    judged,
    known_graph,
    scaled,
    unknown_graph,
)
from rtwin.horizontal.learned.network.weights import load_checkpoint, save_checkpoint
from rtwin.horizontal.learned.pairs import SYNTHETIC, Pair, ScenePairs, synthetic_pair
from rtwin.progress import Progress, silent

BATCH = {"unknown": 4, "known": 8}
MAX_MEASURED = 16  # cells of a training draw: one shape, compiled once
_DECAY, _WARM_STEPS = 1e-3, 100
_CLIP = 1.0
# Added to the mean squares that errors are measured by, scaled units: pairs in
# which nothing happens must not outweigh all others.
_FLOORS = np.array([0.05, 0.05, 0.02])
_ATTRIBUTES = np.array([1.0, 0.3, 0.3])
_TELL, _CLEAR, _SPREAD = 0.3, 0.1, 0.1


@dataclass(frozen=True)
class Plan:
    """How to train."""

    task: Task
    kind: str = "gnn"  # gnn, mlp, unet
    epochs: int = 8
    patience: int = 4
    seed: int = 1
    shares: tuple[float, float] = (0.006, 0.02)  # of cells measured, log-uniform
    synthetic: float = 0.0  # share of made-up changes, of unknown change
    peak_rate: float = 2e-3


@dataclass
class History:
    """What training has reached so far."""

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @property
    def best(self) -> int:
        return int(np.argmin(self.validation_loss)) if self.validation_loss else -1


def train(
    plan: Plan,
    teach: Sequence[ScenePairs],
    validate: Sequence[ScenePairs],
    checkpoint: Path | None = None,
    progress: Progress = silent,
    start: Sequence[NDArray[Any]] | None = None,
) -> tuple[Any, History]:
    """Train a network until validation scenes stop getting better.

    Args:
        plan: What and how long.
        teach: Scenes to learn from.
        validate: Scenes that choose the epoch; none of them in `teach`.
        checkpoint: File of the state after every epoch; a run that finds one goes on there.
        progress: Told of every batch.
        start: Weights to begin with; default fresh ones.
    Returns:
        The network with the weights of the best epoch, and the losses.
    """
    from rtwin.horizontal.learned.network.model import keras, network

    keras.utils.set_random_seed(plan.seed)
    net = network(plan.kind, plan.task)
    jobs = _jobs(plan.task, teach)
    steps = -(-len(jobs) // BATCH[plan.task]) * plan.epochs
    warm = min(_WARM_STEPS, steps // 4)
    rate = keras.optimizers.schedules.CosineDecay(
        1e-5, max(steps - warm, 1), warmup_target=plan.peak_rate, warmup_steps=warm
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=_DECAY, clipnorm=_CLIP)
    step, loss = _compiled(net, optimizer)
    loss(*_arrays(plan, [_example(plan, *jobs[0], np.random.default_rng(0))]))  # builds it
    optimizer.build(net.trainable_variables)
    if start is not None:
        net.set_weights(start)
    history, best = History(), net.get_weights()
    first = 0
    if checkpoint is not None and checkpoint.exists():
        best, *losses = load_checkpoint(checkpoint, net, optimizer)
        history = History(*losses)
        first = len(history.train_loss)
    for epoch in range(first, plan.epochs):
        if epoch - history.best > plan.patience:
            break
        rng = np.random.default_rng([plan.seed, epoch])
        total, count = 0.0, 0
        number = -(-len(jobs) // BATCH[plan.task])
        for done, arrays in enumerate(_ahead(_epoch(plan, jobs, rng))):
            progress("learn", epoch * number + done, plan.epochs * number)
            total, count = total + float(step(*arrays)), count + 1
        history.train_loss.append(total / count)
        fixed = _epoch(plan, _jobs(plan.task, validate), np.random.default_rng(0), turn=False)
        history.validation_loss.append(float(np.mean([loss(*a) for a in _ahead(fixed)])))
        if history.best == epoch:
            best = net.get_weights()
        if checkpoint is not None:
            save_checkpoint(checkpoint, net, optimizer, best, history)
    net.set_weights(best)
    return net, history


Example = tuple[Graph, dict[str, NDArray[Any]]]


def _jobs(task: Task, scenes: Sequence[ScenePairs]) -> list[tuple[ScenePairs, Pair]]:
    jobs = [(scene, pair) for scene in scenes for pair in scene.pairs]
    return [job for job in jobs if judged(*job).sum() >= 50]


def _example(
    plan: Plan, scene: ScenePairs, pair: Pair, rng: np.random.Generator, teaching: bool = True
) -> Example:
    if plan.task == "unknown":
        if teaching and rng.random() < plan.synthetic:
            pair = synthetic_pair(scene, rng)
        most = MAX_MEASURED / max(int(judged(scene, pair).sum()), 1)
        share = min(float(np.exp(rng.uniform(*np.log(plan.shares)))), most)
        graph = unknown_graph(scene, draw_measured(scene, pair, rng, share))
    else:
        graph = known_graph(scene, pair)
    return graph, targets(scene, pair, graph)


def targets(scene: ScenePairs, pair: Pair, graph: Graph) -> dict[str, NDArray[Any]]:
    """What a network should say of a graph's cells, and what each cell counts."""
    rows = graph.rows
    counts = judged(scene, pair)
    truth, stale = scaled(pair.truth), scaled(scene.stale)
    delta = (truth - stale)[:, :3]
    mean = np.square(delta[counts]).mean(axis=0) if counts.any() else np.zeros(3)
    # Of a made-up change the gain alone is known.
    attributes = _ATTRIBUTES * ([1, 0, 0] if pair.kind == SYNTHETIC else [1, 1, 1])
    each = counts[rows] / max(int(counts.sum()), 1)
    return {
        "delta": delta[rows].astype(np.float32),
        "weight": (each[:, None] * attributes / (_FLOORS + mean)).astype(np.float32),
        "each": (counts[rows] / max(int(counts[rows].sum()), 1)).astype(np.float32),
        "clear": truth[rows, 3].astype(np.float32),
        "changed": is_changed(scene, pair)[rows].astype(np.float32),
    }


def _epoch(
    plan: Plan,
    jobs: Sequence[tuple[ScenePairs, Pair]],
    rng: np.random.Generator,
    turn: bool = True,
) -> Iterator[list[NDArray[Any]]]:
    """Batches of one epoch: graphs of about one size share a batch."""
    waiting: dict[int, list[Example]] = {}
    for number in rng.permutation(len(jobs)):
        graph, target = _example(plan, *jobs[int(number)], rng, turn)
        if not len(graph.rows):
            continue
        if turn:
            graph = turned(graph, int(rng.integers(4)), bool(rng.integers(2)))
        room = waiting.setdefault(cell_size(len(graph.rows)), [])
        room.append((graph, target))
        if len(room) == BATCH[plan.task]:
            yield _arrays(plan, room)
            room.clear()
    rest = sorted((e for room in waiting.values() for e in room), key=lambda e: len(e[0].rows))
    for first in range(0, len(rest), BATCH[plan.task]):
        yield _arrays(plan, rest[first : first + BATCH[plan.task]])


def _arrays(plan: Plan, examples: Sequence[Example]) -> Any:
    """A batch of inputs and of targets, filled up to BATCH with graphs that do not count."""
    graphs = [graph for graph, _ in examples]
    missing = BATCH[plan.task] - len(graphs)
    inputs = batched(graphs + graphs[:1] * missing)
    cells = inputs["mask"].shape[1]
    target = {}
    for name in examples[0][1]:
        rows = [
            np.pad(t[name], [(0, cells - len(t[name]))] + [(0, 0)] * (t[name].ndim - 1))
            for _, t in examples
        ]
        target[name] = np.stack(rows + [np.zeros_like(rows[0])] * missing)
    return inputs, target


def turned(graph: Graph, quarter: int, mirror: bool) -> Graph:
    """A graph as it is after quarter turns of the world, and a mirror image."""
    cell, objects = graph.cell.copy(), graph.object.copy()
    for _ in range(quarter):
        for sine, cosine in ((7, 8), (10, 11)):
            cell[:, sine], cell[:, cosine] = cell[:, cosine].copy(), -cell[:, sine]
        objects[:, 0], objects[:, 1] = -objects[:, 1], objects[:, 0].copy()
        objects[:, 3], objects[:, 4] = objects[:, 4].copy(), objects[:, 3].copy()
    if mirror:
        cell[:, [7, 10]] *= -1
        objects[:, 1] *= -1
    return replace(graph, cell=cell, object=objects)


def _compiled(net: Any, optimizer: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    def loss_of(inputs: Any, target: Any) -> Any:
        said = net(inputs)
        off = tf.square(said["delta"] - target["delta"])
        loss = tf.reduce_sum(target["weight"] * off, axis=(1, 2))
        log_sigma = tf.clip_by_value(said["log_sigma"], -5.0, 1.5)
        still = tf.stop_gradient(off[..., 0])
        spread = log_sigma + 0.5 * still * tf.exp(-2 * log_sigma)
        tell = tf.nn.sigmoid_cross_entropy_with_logits(target["changed"], said["changed"])
        clear = tf.nn.sigmoid_cross_entropy_with_logits(target["clear"], said["clear"])
        rest = _SPREAD * spread + _TELL * tell + _CLEAR * clear
        loss += tf.reduce_sum(target["each"] * rest, axis=1)
        real = tf.cast(tf.reduce_any(target["each"] > 0, axis=1), tf.float32)
        return tf.reduce_sum(loss * real) / tf.maximum(tf.reduce_sum(real), 1.0)

    @tf.function
    def step(inputs: Any, target: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(inputs, target)
        variables = net.trainable_variables
        gradients = tape.gradient(loss, variables)
        known = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
        optimizer.apply_gradients(known)
        return loss

    return step, tf.function(loss_of)


def _ahead(batches: Iterator[Any], depth: int = 3) -> Iterator[Any]:
    """Batches made by another thread, in the same order."""
    made: queue.Queue[Any] = queue.Queue(depth)

    def run() -> None:
        try:
            for batch in batches:
                made.put(batch)
            made.put(None)
        except BaseException as error:
            made.put(error)

    threading.Thread(target=run, daemon=True).start()
    while (batch := made.get()) is not None:
        if isinstance(batch, BaseException):
            raise batch
        yield batch
