"""A trained network at work: from a graph to a new map; preserved cells keep their bits."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import StoreError
from rtwin.horizontal.decision import EVERY
from rtwin.horizontal.learned.network.batch import batched, blank
from rtwin.horizontal.learned.network.graph import Graph, Task, unscaled
from rtwin.horizontal.learned.network.weights import load_arrays, load_weights, save_weights
from rtwin.horizontal.learned.pairs import ScenePairs
from rtwin.horizontal.levels import Floats

MODELS = Path(__file__).parent / "models"
KINDS = ("gnn", "mlp", "unet")
SIGMA_FLOOR_DB = 0.05


@dataclass(frozen=True, eq=False)
class Prediction:
    """A map as a network gives it, for all cells of a scene.

    Cells that the network preserves, or that it never saw, have the bits of the map before.
    """

    statistics: Floats  # [cell, 4], observed.STATISTICS
    sigma_db: Floats  # [cell], of the path gain; SIGMA_FLOOR_DB where the network did not look
    chance: Floats  # [cell], that the path gain moved by more than 1 dB
    updated: NDArray[np.bool_]  # [cell]
    seen: NDArray[np.bool_]  # [cell], in the graph
    state: Floats  # [seen cell, units], what the network thinks of each
    seconds: float  # of processor time, batch included


@dataclass(frozen=True)
class Predictor:
    """A network with its thresholds.

    Attributes:
        net: The network, built.
        told: What its file tells: task, kind, sizes, threshold, scale, hash of the data.
    """

    net: Any
    told: Mapping[str, Any]

    @property
    def threshold(self) -> float:
        """Chance of change from which on a cell is updated."""
        return float(self.told.get("threshold", 0.0))

    def half_width_db(self, sigma_db: Floats, edit_class: str = EVERY) -> Floats:
        """Half width of the 90 % interval, conformal by scene [dB]."""
        scale = self.told.get("scale", {})
        return float(scale.get(edit_class, scale.get(EVERY, 1.645))) * sigma_db

    def __call__(self, scene: ScenePairs, graph: Graph) -> Prediction:
        """The map of a scene after what its graph tells."""
        count, rows = len(scene.index), graph.rows
        stale = np.asarray(scene.stale, np.float64)
        start = time.process_time()
        units = 1
        said: dict[str, Any] = {}
        if len(rows):
            found = _run(self.net)(batched([graph]))
            said = {k: np.asarray(v)[0, : len(rows)].astype(np.float64) for k, v in found.items()}
            units = said["state"].shape[-1]
        cost = time.process_time() - start
        out, sigma = stale.copy(), np.full(count, SIGMA_FLOOR_DB)
        chance, seen = np.zeros(count), np.zeros(count, bool)
        updated = np.zeros(count, bool)
        if said:
            seen[rows] = True
            chance[rows] = 1 / (1 + np.exp(-said["changed"]))
            log_sigma = np.clip(said["log_sigma"], -5.0, 1.5)
            sigma[rows] = np.maximum(10 * np.exp(log_sigma), SIGMA_FLOOR_DB)
            updated = chance > self.threshold
            new = graph.stale.astype(np.float64)
            new[:, :3] += said["delta"]
            new[:, 3] = said["clear"] > 0
            out[rows] = unscaled(new)
            out = np.where(updated[:, None], out, stale)
        state = said.get("state", np.zeros((0, units)))
        return Prediction(out, sigma, chance, updated, seen, state, cost)


def save_predictor(file: Path, predictor: Predictor) -> None:
    """Write a network and what is told of it; half precision."""
    save_weights(file, predictor.net, dict(predictor.told))


def load_predictor(file: str | Path) -> Predictor:
    """A network from its file.

    Raises:
        StoreError: if it is no file of weights of this version of the network.
        MissingExtraError: if Keras or TensorFlow is not installed.
    """
    file = Path(file)
    if not file.exists():
        raise StoreError(f"{file}: no such file; train a network with rtwin horizontal train")
    _, told = load_arrays(file)
    if not isinstance(told.get("sizes"), dict) or told.get("task") not in ("unknown", "known"):
        raise StoreError(f"{file}: not a trained network of rtwin; train one")
    net = built(str(told.get("kind")), told["task"], told["sizes"])
    load_weights(file, net)
    return Predictor(net, told)


@lru_cache(maxsize=8)
def shipped_predictor(task: Task, kind: str = "gnn") -> Predictor:
    """The network that comes with rtwin; `mlp` and `unet` are its baselines."""
    return load_predictor(MODELS / f"{kind}_{task}.npz")


def built(kind: str, task: str, sizes: Mapping[str, int]) -> Any:
    """An untrained network for graphs of given numbers of features."""
    from rtwin.horizontal.learned.network.model import network

    if kind not in ("gnn", "mlp", "unet"):
        raise StoreError(f"no kind of network {kind!r}; there are gnn, mlp and unet")
    net = network(kind, task)
    net(blank(sizes, task == "unknown"))
    return net


@lru_cache(maxsize=8)
def _run(net: Any) -> Any:
    """The network compiled; a call of another shape is compiled anew."""
    import tensorflow as tf

    return tf.function(net)
