"""Preserve or update from embeddings alone: the mode that learns without labels of change.

An encoder learns to fill in masked attributes of graphs; nobody tells it what
changed. The map before and the map before with the features of an edit go through
the same encoder, so both lie in one space, and a cell that drifts further than
cells drift when nothing changes is to be updated. The drift is measured in the
spread that masking alone causes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import StoreError
from rtwin.horizontal.learned.network.batch import batched, blank, sizes_of
from rtwin.horizontal.learned.network.graph import (
    Graph,
    candidates,
    is_changed,
    judged,
    known_graph,
    without_edit,
)
from rtwin.horizontal.learned.network.predict import MODELS
from rtwin.horizontal.learned.network.weights import load_arrays, save_arrays
from rtwin.horizontal.learned.pairs import Pair, ScenePairs
from rtwin.horizontal.levels import Floats
from rtwin.progress import Progress, silent

_MASKED, _BATCH, _RATE = 0.3, 8, 2e-3
_QUANTILE = 0.9
_RIDGE = 1e-3


@dataclass(frozen=True, eq=False)
class Encoder:
    """A trained encoder with its metric and its threshold.

    Attributes:
        net: The network.
        metric: Inverse covariance of what masking does to an embedding, [unit, unit].
        threshold: Drift above which a cell is updated.
        sizes: Numbers of features.
    """

    net: Any
    metric: Floats
    threshold: float
    sizes: dict[str, int]

    def drift(self, scene: ScenePairs, pair: Pair) -> Floats:
        """Squared drift of every cell, [cell]; 0 for cells that the edit cannot reach."""
        rows = candidates(scene, pair)
        out = np.zeros(len(scene.index))
        if len(rows):
            before = known_graph(scene, without_edit(scene, pair), rows)
            moved = _embedded(self.net, known_graph(scene, pair, rows))
            moved -= _embedded(self.net, before)
            out[rows] = np.einsum("cu,uv,cv->c", moved, self.metric, moved)
        return out


def train_encoder(
    teach: Sequence[ScenePairs],
    fit: Sequence[ScenePairs],
    *,
    epochs: int = 4,
    seed: int = 1,
    progress: Progress = silent,
) -> Encoder:
    """Learn to fill in masked cells, then find the threshold on scenes of calibration.

    Args:
        teach: Scenes to learn from; what their edits did is not looked at.
        fit: Scenes whose unchanged cells say how far an embedding drifts for nothing.
        epochs: Rounds over all pairs.
        seed: Of first weights, order and masks.
        progress: Told of batches.
    """
    import tensorflow as tf

    from rtwin.horizontal.learned.network.model import keras

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    jobs = [(s, p) for s in teach for p in s.pairs if len(candidates(s, p)) > 8]
    sizes = sizes_of(known_graph(*jobs[0]))
    net = _fresh(sizes)
    optimizer = keras.optimizers.AdamW(_RATE, clipnorm=1.0)

    @tf.function
    def step(inputs: Any, hidden: Any) -> Any:
        with tf.GradientTape() as tape:
            said = net(_hide(inputs, hidden))["cell"]
            off = tf.reduce_mean(tf.square(said - inputs["cell"]), axis=-1)
            weight = hidden * inputs["mask"]
            loss = tf.reduce_sum(weight * off) / (tf.reduce_sum(weight) + 1e-6)
        variables = net.trainable_variables
        pairs = zip(tape.gradient(loss, variables), variables, strict=True)
        optimizer.apply_gradients([(g, v) for g, v in pairs if g is not None])
        return loss

    optimizer.build(net.trainable_variables)
    number = -(-len(jobs) // _BATCH)
    for epoch in range(epochs):
        order = rng.permutation(len(jobs))
        for done in range(number):
            progress("learn", epoch * number + done, epochs * number)
            chosen = [jobs[k] for k in order[done * _BATCH : (done + 1) * _BATCH]]
            graphs = [_either(s, p, rng) for s, p in chosen]
            arrays = batched(graphs + graphs[:1] * (_BATCH - len(graphs)))
            step(arrays, (rng.random(arrays["mask"].shape) < _MASKED).astype(np.float32))
    metric = _metric(net, jobs[:: max(len(jobs) // 60, 1)], rng)
    encoder = Encoder(net, metric, np.inf, sizes)
    nulls = [encoder.drift(s, p)[_null_cells(s, p)] for s in fit for p in s.pairs]
    threshold = float(np.quantile(np.concatenate(nulls), _QUANTILE))
    return Encoder(net, metric, threshold, sizes)


def save_encoder(file: Path, encoder: Encoder) -> None:
    """Write an encoder: arrays alone."""
    arrays = {f"w{k:03d}": w.astype(np.float16) for k, w in enumerate(encoder.net.get_weights())}
    told = {"threshold": encoder.threshold, "sizes": encoder.sizes}
    save_arrays(file, arrays | {"metric": encoder.metric.astype(np.float32)}, told)


def load_encoder(file: Path = MODELS / "encoder.npz") -> Encoder:
    """An encoder from its file; by default the one that comes with rtwin.

    Raises:
        StoreError: if it is no such file.
        MissingExtraError: if Keras or TensorFlow is not installed.
    """
    arrays, told = load_arrays(file)
    if "metric" not in arrays or not isinstance(told.get("sizes"), dict):
        raise StoreError(f"{file}: not an encoder of rtwin; train one")
    net = _fresh(told["sizes"])
    weights = [arrays[n].astype(np.float32) for n in sorted(arrays) if n != "metric"]
    if [w.shape for w in weights] != [tuple(w.shape) for w in net.weights]:
        raise StoreError(f"{file}: holds the weights of another network; train it again")
    net.set_weights(weights)
    return Encoder(
        net, arrays["metric"].astype(np.float64), float(told["threshold"]), told["sizes"]
    )


def _fresh(sizes: dict[str, int]) -> Any:
    from rtwin.horizontal.learned.network.model import MaskedEncoder

    empty = blank(sizes, False)
    net = MaskedEncoder(sizes["cell"])
    net(_hide(empty, empty["mask"]))
    return net


def _either(scene: ScenePairs, pair: Pair, rng: np.random.Generator) -> Graph:
    """The map before or after the edit, by chance."""
    rows = candidates(scene, pair)
    return known_graph(scene, pair if rng.random() < 0.7 else without_edit(scene, pair), rows)


def _null_cells(scene: ScenePairs, pair: Pair) -> NDArray[np.int64]:
    rows = candidates(scene, pair)
    return rows[(judged(scene, pair) & ~is_changed(scene, pair))[rows]]


def _hide(inputs: dict[str, Any], hidden: Any) -> dict[str, Any]:
    """A batch with the attributes of hidden cells set to 0, and a flag that says so."""
    from rtwin.horizontal.learned.network.model import ops

    flag = ops.convert_to_tensor(hidden)[..., None]
    cell = ops.concatenate([inputs["cell"] * (1 - flag), flag], axis=-1)
    return {**inputs, "cell": cell}


def _embedded(net: Any, graph: Graph, hidden: NDArray[np.float32] | None = None) -> Floats:
    arrays = batched([graph])
    mask = np.zeros_like(arrays["mask"])
    if hidden is not None:
        mask[0, : len(hidden)] = hidden
    state = net(_hide(arrays, mask))["state"]
    return np.asarray(state)[0, : len(graph.rows)].astype(np.float64)


def _metric(net: Any, jobs: Sequence[tuple[ScenePairs, Pair]], rng: np.random.Generator) -> Floats:
    """Inverse covariance of what hiding a tenth of the cells does to the others."""
    moved = []
    for scene, pair in jobs:
        graph = known_graph(scene, without_edit(scene, pair), candidates(scene, pair))
        hidden = (rng.random(len(graph.rows)) < 0.1).astype(np.float32)
        change = _embedded(net, graph, hidden) - _embedded(net, graph)
        moved.append(change[hidden == 0])
    spread = np.cov(np.concatenate(moved).T)
    scale = np.trace(spread) / len(spread)
    return np.linalg.inv(spread + _RIDGE * scale * np.eye(len(spread)))
