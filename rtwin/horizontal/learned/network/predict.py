"""A trained network at work: from measured residuals to a new map, some cells at a time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import erf

from rtwin.arrays import Floats
from rtwin.errors import StoreError
from rtwin.horizontal.decision import EVERY
from rtwin.horizontal.learned.network.batch import blank, names_of
from rtwin.horizontal.learned.network.cells import FIRST_SHARES, NUM_FIELDS, SUMMARY, cell_summary
from rtwin.horizontal.learned.network.graph import (
    CELL,
    MAX_ROWS,
    SCALE_DB,
    HypothesisGraph,
    hypothesis_graph,
)
from rtwin.horizontal.learned.network.weights import load_weights, save_weights
from rtwin.horizontal.learned.worlds import load_arrays
from rtwin.horizontal.unknown_change import MOST, Posterior, library_map

CELLS_AT_ONCE = 8192
SIGMA_FLOOR_DB = 0.05
LEAST_ROWS = 6  # measured of a transmitter, for the cells' network to be asked
SHIPPED = Path(__file__).with_name("cells.npz")  # what it is: docs/horizontal_benchmark.md
# Kernels and biases of the cells' network; any width does.
CELL_SHAPES: list[tuple[int | None, ...]] = [
    *((len(SUMMARY) - NUM_FIELDS, None), (None,)),
    *((None, None), (None,)),
    *((None, NUM_FIELDS + 3), (NUM_FIELDS + 3,)),
]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network makes of a posterior.

    Attributes:
        change_db: Mean change of the path gain, [tx, cell] dB; 0 where preserved.
        sigma_db: How uncertain it is, [tx, cell] dB.
        chance: Chance that a cell changed by more than 1 dB, [tx, cell].
        world: Chance of each world of the posterior, [combination].
        p_none: Chance of none of these.
        share: How much of the library's change counts in each cell, [tx, cell].
        seconds: What it took by the clock.
    """

    change_db: Floats
    sigma_db: Floats
    chance: Floats
    world: Floats
    p_none: float
    share: Floats
    seconds: float


@dataclass(frozen=True, eq=False)
class Predictor:
    """A hypothesis network with what calibration told of it."""

    net: Any
    told: Mapping[str, Any]

    def __call__(self, posterior: Posterior, cells_m: Floats, gain_db: Floats) -> Prediction:
        """Predict every cell.

        Args:
            posterior: By library_posterior.
            cells_m: Middle of each cell [m], [cell, 3].
            gain_db: The twin's map [dB], [tx, cell].
        """
        start = time.perf_counter()
        graph = hypothesis_graph(posterior, cells_m, gain_db)
        inputs = _graph_arrays(graph)
        chances, cells = _runs(self.net)
        chance = chances(inputs)
        outputs: dict[str, list[Floats]] = {}
        for tx in range(len(gain_db)):
            for first in range(0, len(cells_m), CELLS_AT_ONCE):
                rows = np.arange(first, min(first + CELLS_AT_ONCE, len(cells_m)))
                out = cells({**inputs, **_cell_arrays(graph, tx, rows)}, chance)
                for name, values in out.items():
                    outputs.setdefault(name, []).append(np.asarray(values)[0, : len(rows)])
        found = {k: np.concatenate(v).reshape(gain_db.shape) for k, v in outputs.items()}
        of_worlds = np.asarray(chance)[0].astype(np.float64)
        return self.prediction(
            found["mean"].astype(np.float64),
            found["log_sigma"].astype(np.float64),
            1 / (1 + np.exp(-found["changed"].astype(np.float64))),
            found["share"].astype(np.float64),
            (of_worlds[: len(posterior.weight)], float(of_worlds[MOST])),
            time.perf_counter() - start,
        )

    def prediction(
        self,
        mean_db: Floats,
        log_sigma: Floats,
        chance: Floats,
        share: Floats,
        worlds: tuple[Floats, float],
        seconds: float,
    ) -> Prediction:
        """Outputs [tx, cell] as a prediction: cells below the threshold are preserved."""
        kept = chance < float(self.told.get("threshold", 0.0))
        sigma = np.maximum(SCALE_DB * np.exp(log_sigma), SIGMA_FLOOR_DB)
        change, counts = np.where(kept, 0.0, mean_db), np.where(kept, 0.0, share)
        return Prediction(change, sigma, chance, *worlds, counts, seconds)

    @property
    def weights(self) -> Sequence[Any]:
        """The network's, in the order that Keras lists them."""
        found: Sequence[Any] = self.net.get_weights()
        return found

    def half_width_db(self, sigma_db: Floats) -> Floats:
        """Half width of the interval that holds 90 % of the errors [dB]."""
        scale = dict(self.told.get("scale", {EVERY: 1.645}))
        return float(scale[EVERY]) * np.asarray(sigma_db, np.float64)


@dataclass(frozen=True, eq=False)
class CellPredictor(Predictor):
    """The cells' network, computed by NumPy: TensorFlow learns the weights and is not needed here.

    Attributes:
        net: Weights, kernel and bias of each layer in turn.
    """

    net: Sequence[Floats]

    @property
    def weights(self) -> Sequence[Any]:
        """The network itself."""
        return self.net

    def __call__(self, posterior: Posterior, cells_m: Floats, gain_db: Floats) -> Prediction:
        """Predict every cell; see Predictor. The worlds keep the chances of the posterior."""
        start = time.perf_counter()
        summary = cell_summary(posterior, cells_m, gain_db)
        flat = summary.reshape(-1, len(SUMMARY))
        out = np.concatenate(
            [
                self._outputs(flat[first : first + CELLS_AT_ONCE, NUM_FIELDS:])
                for first in range(0, len(flat), CELLS_AT_ONCE)
            ]
        ).astype(np.float64)
        shares = 1.2 / (1 + np.exp(-(out[:, :NUM_FIELDS] + FIRST_SHARES)))
        mean = SCALE_DB * ((shares * flat[:, :NUM_FIELDS]).sum(axis=1) + out[:, NUM_FIELDS])
        log_sigma = np.clip(out[:, NUM_FIELDS + 1] - 1.0, -5.0, 2.0)
        chance = 1 / (1 + np.exp(-(out[:, NUM_FIELDS + 2] - 2.0)))
        maps = [v.reshape(gain_db.shape) for v in (mean, log_sigma, chance, shares[:, 0])]
        num_rows = np.bincount(posterior.evidence.tx, minlength=len(gain_db))
        if (num_rows < LEAST_ROWS).any():
            # Of a transmitter that is hardly measured the network has learned nothing.
            guess = library_map(posterior, cells_m)
            sigma = np.maximum(guess.sigma_db, SIGMA_FLOOR_DB) / SCALE_DB
            by_library = (guess.change_db, np.log(sigma), guess.chance, np.ones_like(sigma))
            few = (num_rows < LEAST_ROWS)[:, None]
            maps = [np.where(few, one, other) for one, other in zip(by_library, maps, strict=True)]
        mean, log_sigma, chance, share = maps
        worlds = posterior.weight, posterior.p_none
        return self.prediction(mean, log_sigma, chance, share, worlds, time.perf_counter() - start)

    def _outputs(self, values: Floats) -> Floats:
        pairs = list(zip(self.net[::2], self.net[1::2], strict=True))
        for kernel, bias in pairs[:-1]:
            values = values @ kernel + bias
            values = 0.5 * values * (1 + erf(values / np.float32(np.sqrt(2))))
        kernel, bias = pairs[-1]
        found: Floats = values @ kernel + bias
        return found


def _graph_arrays(graph: HypothesisGraph) -> dict[str, Any]:
    worlds, rows = len(graph.world) - 1, len(graph.rows)
    slots = np.append(np.arange(worlds), MOST)
    shapes = {
        "world": graph.world.shape[1:],
        "pair": (MAX_ROWS, graph.pair.shape[2]),
        "alike": (MOST + 1,),
        "change": (MAX_ROWS,),
    }
    found = {n: np.zeros((1, MOST + 1, *shape), np.float32) for n, shape in shapes.items()}
    found["world"][0, slots], found["pair"][0, slots, :rows] = graph.world, graph.pair
    found["alike"][0][np.ix_(slots, slots)] = graph.alike
    found["change"][0, slots, :rows] = graph.change_db
    found["world_mask"] = np.zeros((1, MOST + 1), np.float32)
    found["world_mask"][0, slots] = 1
    found["residual"] = np.zeros((1, MAX_ROWS), np.float32)
    found["row_mask"] = np.zeros((1, MAX_ROWS), np.float32)
    found["residual"][0, :rows], found["row_mask"][0, :rows] = graph.residual_db, 1
    return found


def _cell_arrays(graph: HypothesisGraph, tx: int, rows: Any) -> dict[str, Any]:
    cells = graph.cells_of(tx, rows)
    worlds, count = len(graph.world) - 1, len(rows)
    slots = np.append(np.arange(worlds), MOST)
    size = CELLS_AT_ONCE if count == CELLS_AT_ONCE else 1024 * -(-count // 1024)
    found = {
        "cell_change": np.zeros((1, MOST + 1, size), np.float32),
        "share": np.zeros((1, size, MAX_ROWS), np.float32),
        "cell": np.zeros((1, size, len(CELL)), np.float32),
    }
    found["cell_change"][0, slots, :count] = cells.change_db
    found["share"][0, :count, : len(graph.rows)] = cells.share
    found["cell"][0, :count] = cells.features
    return found


@lru_cache(maxsize=8)
def _runs(net: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    return (
        tf.function(net.chances, reduce_retracing=True),
        tf.function(net.cells, reduce_retracing=True),
    )


def save_predictor(file: Path, predictor: Predictor) -> None:
    """Write weights and what is told of them."""
    save_weights(file, predictor.weights, dict(predictor.told))


@lru_cache(maxsize=8)
def load_predictor(file: str | Path) -> Predictor:
    """Read a predictor that save_predictor wrote.

    Raises:
        StoreError: if it is broken or foreign.
        MissingExtraError: if TensorFlow or Keras is not installed.
    """
    file = Path(file)
    _, told = load_arrays(file)
    if "kind" not in told:
        raise StoreError(f"{file}: no network of rtwin; rtwin horizontal train makes one")
    kind = str(told["kind"])
    if kind == "cells":
        return CellPredictor(load_weights(file, CELL_SHAPES), told)
    net = built(kind)
    net.set_weights(load_weights(file, [tuple(w.shape) for w in net.weights]))
    return Predictor(net, told)


def predictor_of(net: Any, told: Mapping[str, Any]) -> Predictor:
    """A network that Keras trained, at work."""
    if told["kind"] == "cells":
        return CellPredictor([np.asarray(w) for w in net.get_weights()], told)
    return Predictor(net, told)


def built(kind: str, example: Any = None) -> Any:
    """An untrained network whose weights have their shapes."""
    from rtwin.horizontal.learned.network.model import network

    net = network(kind)
    net(example if example is not None else _blank(kind))
    return net


def _blank(kind: str) -> dict[str, Any]:
    inputs = blank(1, 64, (kind,))
    return {name: inputs[name] for name in names_of(kind)}
