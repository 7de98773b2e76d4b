"""Training: own loop, pooled loss, early stopping on validation scenes, repeatable by seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.horizontal.learned.network.batch import (
    batched,
    blank,
    draw_evidence,
    example_of,
    names_of,
)
from rtwin.horizontal.learned.network.graph import SCALE_DB
from rtwin.horizontal.learned.network.weights import load_checkpoint, save_checkpoint
from rtwin.horizontal.learned.worlds import SceneCases, hidden_cases
from rtwin.progress import Progress, silent

REASONING = ("cells", "hypotheses", "no messages")  # over the library; others are baselines
KINDS = (*REASONING, "attention", "mlp", "unet")
BATCH, NUM_CELLS = 8, 1152
SHARES = (0.007, 0.035)  # of cells measured, log-uniform
_WARM_STEPS, _CLIP, _DECAY = 60, 1.0, 1e-4
_FLOOR = 0.02  # added to the mean square that errors are pooled over, (10 dB)^2
_NLL, _CHANGE, _CAUSE, _STILL = 0.02, 0.1, 0.05, 0.3


@dataclass(frozen=True)
class Plan:
    """How to train."""

    kind: str = "cells"
    epochs: int = 24
    patience: int = 6
    draws: int = 3  # of measurements, for each case
    hidden: int = 100  # cases that are edits of the library, of each scene
    seed: int = 1
    peak_rate: float = 2e-3


@dataclass
class History:
    """What training has reached so far."""

    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)

    @property
    def best(self) -> int:
        return int(np.argmin(self.validation_loss)) if self.validation_loss else -1


Arrays = tuple[dict[str, Any], dict[str, Any]]  # inputs and targets of one example


def arrays_of(
    scenes: Sequence[SceneCases],
    kinds: Sequence[str],
    draws: int,
    seed: int,
    progress: Progress = silent,
    hidden: int = 0,
) -> list[Arrays]:
    """Every case with measurements drawn some times, of a random transmitter each, as arrays.

    They are kept in half precision: made once, they serve all epochs and networks.

    Args:
        scenes: Whose cases.
        kinds: Networks whose inputs are made.
        draws: Of measurements, for each case.
        seed: Of measurements and transmitters.
        progress: Called with "examples", scenes done and in all.
        hidden: Cases besides that are edits of a scene's own library, drawn and hidden from it.
    """
    rng = np.random.default_rng(seed)
    found = []
    for done, scene in enumerate(scenes):
        progress("examples", done, len(scenes))
        lessons = [(scene, case) for case in scene.cases for _ in range(draws)]
        lessons += list(hidden_cases(scene, hidden, rng))
        for told, case in lessons:
            share = float(np.exp(rng.uniform(*np.log(SHARES))))
            evidence = draw_evidence(told, case, rng, share)
            # Transmitters at which something happened teach more.
            effect = np.square(case.change_db).mean(axis=1) + 0.1
            tx = int(rng.choice(len(effect), p=effect / effect.sum()))
            example = example_of(told, case, evidence, tx)
            inputs, targets = batched([example], NUM_CELLS, kinds)
            found.append(tuple({k: _half(v) for k, v in a.items()} for a in (inputs, targets)))
    progress("examples", len(scenes), len(scenes))
    return found  # type: ignore[return-value]


def _half(values: Any) -> Any:
    return values.astype(np.float16) if values.dtype == np.float32 else values


def train(
    plan: Plan,
    teach: Sequence[Arrays],
    validate: Sequence[Arrays],
    checkpoint: Path | None = None,
    progress: Progress = silent,
) -> tuple[Any, History]:
    """A network with the weights that did best on the validation examples.

    Args:
        plan: How to train.
        teach: Examples by arrays_of.
        validate: Others, of other scenes.
        checkpoint: File to go on from and to save to after each epoch.
        progress: Called with "epochs", done and in all.
    """
    from rtwin.horizontal.learned.network.model import keras, network

    keras.utils.set_random_seed(plan.seed)
    net = network(plan.kind)
    names = names_of(plan.kind)
    steps = plan.epochs * -(-len(teach) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        plan.peak_rate / 20, steps, 0.02, warmup_target=plan.peak_rate, warmup_steps=_WARM_STEPS
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=_DECAY, global_clipnorm=_CLIP)
    step, judge = _compiled(net, optimizer, plan.kind)
    net({name: values for name, values in _stack(teach[:1])[0].items() if name in names})
    optimizer.build(net.trainable_variables)
    history, best = History(), net.get_weights()
    if checkpoint is not None and checkpoint.exists():
        best, *losses = load_checkpoint(checkpoint, net, optimizer)
        history = History(*losses)
    for epoch in range(len(history.train_loss), plan.epochs):
        progress("epochs", epoch, plan.epochs)
        if epoch - 1 - history.best > plan.patience:
            break
        rng = np.random.default_rng([plan.seed, epoch])
        losses = [
            [float(v) for v in step(*_only(batch, names))]
            for batch in _batches(teach, rng.permutation(len(teach)))
        ]
        errors = np.array([judge(*_only(b, names)) for b in _batches(validate, None)])
        history.train_loss.append(float(np.mean(losses)))
        history.validation_loss.append(float(errors[:, 0].sum() / errors[:, 1].sum()))
        if history.best == epoch:
            best = net.get_weights()
        if checkpoint is not None:
            save_checkpoint(checkpoint, net, optimizer, best, history)
    progress("epochs", plan.epochs, plan.epochs)
    net.set_weights(best)
    return net, history


class Lessons:
    """A network that whoever holds its weights teaches for some epochs, at one rate.

    Every lesson begins with an optimizer that remembers nothing, as a site's round does.

    Args:
        kind: Of KINDS.
        seed: Of the first weights.
        rate: Of learning.
    """

    def __init__(self, kind: str = KINDS[0], seed: int = 1, rate: float = 1e-3) -> None:
        from rtwin.horizontal.learned.network.model import keras, network

        keras.utils.set_random_seed(seed)
        self.net, self._names = network(kind), names_of(kind)
        self.net(_only((blank(1, 64, (kind,)), {}), self._names)[0])
        self._optimizer = keras.optimizers.AdamW(rate, weight_decay=_DECAY, global_clipnorm=_CLIP)
        self._optimizer.build(self.net.trainable_variables)
        self._fresh = [v.numpy() for v in self._optimizer.variables]
        self._step, self._judge = _compiled(self.net, self._optimizer, kind)

    def learn(
        self, weights: Sequence[Any], examples: Sequence[Arrays], epochs: int, rng: Any
    ) -> list[Any]:
        """Weights after some epochs from others, as Keras' get_weights and set_weights."""
        self.net.set_weights(weights)
        for variable, value in zip(self._optimizer.variables, self._fresh, strict=True):
            variable.assign(value)
        for _ in range(epochs):
            for batch in _batches(examples, rng.permutation(len(examples))):
                self._step(*_only(batch, self._names))
        return list(self.net.get_weights())

    def squares(self, weights: Sequence[Any], examples: Sequence[Arrays]) -> tuple[float, float]:
        """Sums of squares over judged cells, of the error and of the change itself [(10 dB)^2]."""
        self.net.set_weights(weights)
        found = np.zeros(2)
        for example in examples:
            found += np.asarray(self._judge(*_only(_stack([example]), self._names)), np.float64)
        return float(found[0]), float(found[1])


def _batches(examples: Sequence[Arrays], order: Any) -> Iterator[Arrays]:
    order = np.arange(len(examples)) if order is None else order
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        # The last batch is filled up, so that one size is compiled.
        rows = np.concatenate([rows, order[: BATCH - len(rows)]])
        yield _stack([examples[k] for k in rows])


def _stack(examples: Sequence[Arrays]) -> Arrays:
    return tuple(  # type: ignore[return-value]
        {
            name: np.concatenate([e[which][name] for e in examples]).astype(
                np.int32 if examples[0][which][name].dtype == np.int32 else np.float32
            )
            for name in examples[0][which]
        }
        for which in (0, 1)
    )


def _only(batch: Arrays, names: Sequence[str]) -> Arrays:
    return {name: batch[0][name] for name in names}, batch[1]


def _compiled(net: Any, optimizer: Any, kind: str) -> tuple[Any, Any]:
    import tensorflow as tf

    from rtwin.horizontal.learned.network.model import ops

    def squares(out: Any, targets: Any) -> tuple[Any, Any]:
        error = ops.square((out["mean"] - targets["goal"]) / SCALE_DB) * targets["judged"]
        size = ops.square(targets["goal"] / SCALE_DB) * targets["judged"]
        return error, size

    def loss_of(out: Any, targets: Any) -> Any:
        error, size = squares(out, targets)
        count = ops.sum(targets["judged"]) + 1.0
        is_changed = ops.cast(ops.abs(targets["change"]) > 1.0, "float32")
        pooled = ops.sum(error) / (ops.sum(size) + _FLOOR * count)
        still = ops.sum(error * (1 - is_changed)) / (ops.sum(size) + _FLOOR * count)
        log_sigma = out["log_sigma"]
        # Of the change and of the whole map, whose errors the goal stands between.
        both = tf.stop_gradient(error) + ops.square(targets["off"] / SCALE_DB) * targets["judged"]
        nll = ops.sum(both * ops.exp(-2 * log_sigma) / 2 + log_sigma * targets["judged"]) / count
        logit = out["changed"]
        cross = ops.maximum(logit, 0) - logit * is_changed + ops.log1p(ops.exp(-ops.abs(logit)))
        cross = ops.sum(cross * targets["judged"]) / count
        total = pooled + _STILL * still + _NLL * nll + _CHANGE * cross
        if "chance" in out:
            named = ops.sum(targets["cause"] * ops.log(out["chance"] + 1e-6), axis=-1)
            total += -_CAUSE * ops.mean(named)
        return total

    @tf.function(reduce_retracing=True)
    def step(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(net(inputs), targets)
        gradients = tape.gradient(loss, net.trainable_variables)
        optimizer.apply_gradients(zip(gradients, net.trainable_variables, strict=True))
        return (loss,)

    @tf.function(reduce_retracing=True)
    def judge(inputs: Any, targets: Any) -> Any:
        error, size = squares(net(inputs), targets)
        return ops.stack([ops.sum(error), ops.sum(size)])

    return step, judge
