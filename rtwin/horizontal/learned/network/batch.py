"""Examples as arrays of one size, so that a training step is compiled once.

SceneCases, Case, measurements -> Example --batched--> inputs and targets by name
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.horizontal.learned.network.cells import SUMMARY, cell_summary
from rtwin.horizontal.learned.network.graph import (
    CELL,
    MAX_ROWS,
    PAIR,
    SCALE_DB,
    WORLD,
    HypothesisGraph,
    hypothesis_graph,
    library_covariance,
)
from rtwin.horizontal.learned.worlds import Case, SceneCases
from rtwin.horizontal.levels import FLOOR_DB
from rtwin.horizontal.rehearsal import floor_change_db, rows_of
from rtwin.horizontal.unknown_change import (
    MOST,
    Evidence,
    Posterior,
    extent_m,
    krige_rest,
    library_posterior,
)

SEEN_DB = -115.0  # cells weaker than this before and after are judged by nobody
FIELD = ("covariance_mean", "kriging_mean", "kriging_sd", "effect", "gain", "distance")
LINK = ("common", "distance", "residual", "noise", "same")
_LEVEL_SD = 0.5  # of measurements of a twin's own world, beyond their noise [dB]


@dataclass(frozen=True, eq=False)
class Example:
    """A graph, cells of one transmitter, and what is true there."""

    graph: HypothesisGraph
    tx: int
    target_db: Floats  # the change, [cell]
    goal_db: Floats  # what the network should say, [cell]
    off_db: Floats  # how far the goal is from the change and from the whole difference, [cell]
    judged: Bools  # [cell]
    cause: Floats  # [world], what the network should name


def draw_evidence(
    scene: SceneCases, case: Case, rng: np.random.Generator, share: float
) -> Evidence:
    """Measurements after a change: cells drawn at random, each with noise of 1 to 2 dB.

    Where the case is of another world than the twin's, what the two differ in
    anyway is in the residuals, and their size is known as the twin's uncertainty.
    """
    num_tx, num_cells = scene.gain_db.shape
    free = np.flatnonzero(~scene.is_inside)
    count = max(round(share * num_cells), 6)
    tx, cell = [], []
    for number in range(num_tx):
        chosen = rng.choice(free, min(count, len(free)), replace=False)
        tx.append(np.full(len(chosen), number))
        cell.append(chosen)
    of_tx, of_cell = np.concatenate(tx), np.concatenate(cell)
    noise = float(rng.uniform(1.0, 2.0))
    value = case.change_db[of_tx, of_cell].copy()
    uncertain = _LEVEL_SD
    if not case.of_twin:
        value += scene.mismatch_db[of_tx, of_cell]
        uncertain = mismatch_sd_db(scene)
    value += rng.normal(0, noise, len(value))
    gain = scene.gain_db[of_tx, of_cell]
    value = np.maximum(gain + value, FLOOR_DB) - gain
    sd = np.full(len(value), np.hypot(noise, uncertain))
    return Evidence(of_tx, of_cell, value, sd)


def mismatch_sd_db(scene: SceneCases) -> float:
    """How far the other world is from the twin, as half of the cells are [dB]."""
    off = np.abs(scene.mismatch_db[:, ~scene.is_inside])
    return float(np.clip(1.5 * np.median(off[off > 0]) if (off > 0).any() else 0.5, 0.5, 6.0))


def example_of(scene: SceneCases, case: Case, evidence: Evidence, tx: int) -> Example:
    """Everything about one transmitter of a case.

    The goal is half way between the change and all that twin and world differ in: a
    network of the change alone leaves the map wrong where it was wrong before, one of
    the whole difference tells the change worse. All cells outside of objects count: of
    those that are heard before or after alone, the faint ones would always rise.
    """
    posterior = library_posterior(scene.library, evidence, scene.cells_m)
    graph = hypothesis_graph(posterior, scene.cells_m, scene.gain_db)
    change = floor_change_db(scene.gain_db, case.change_db)[tx]
    before = 0.0 if case.of_twin else scene.mismatch_db
    whole = floor_change_db(scene.gain_db, case.change_db + before)[tx]
    goal, off = (change + whole) / 2, np.abs(whole - change) / 2
    return Example(graph, tx, change, goal, off, ~scene.is_inside, cause_of(scene, case, posterior))


def judged_cells(scene: SceneCases, case: Case) -> Bools:
    """Cells outside of objects that are heard before or after, [tx, cell]."""
    heard = np.maximum(scene.gain_db, scene.gain_db + case.change_db) > SEEN_DB
    found: Bools = heard & ~scene.is_inside
    return found


def cause_of(scene: SceneCases, case: Case, posterior: Posterior) -> Floats:
    """Chances that the network should give: worlds near the truth, or none of these, [world]."""
    truth = case.change_db.ravel()
    size = float(np.square(truth).mean())
    error = np.square(posterior.changes_db - truth).mean(axis=1)
    target = np.zeros(len(error) + 1)
    if size < 0.01:
        is_nothing = (np.diff(posterior.worlds.share.indptr) == 0) & (
            posterior.worlds.level_db == 0
        ).all(axis=1)
        target[:-1][is_nothing] = 1.0
    elif case.truth.kind == "outside" or error.min() > 0.7 * size:
        target[-1] = 1.0
    else:
        near = np.exp(-(error - error.min()) / (0.05 * size))
        target[:-1] = near / near.sum()
    return target


def names_of(kind: str) -> tuple[str, ...]:
    """Inputs that a kind of network reads."""
    graph: tuple[str, ...] = (
        "world",
        "world_mask",
        "pair",
        "alike",
        "change",
        "residual",
        "row_mask",
    )
    graph += ("cell_change", "share", "cell")
    of = {
        "cells": ("summary",),
        "mlp": ("field",),
        "attention": ("field", "link", "row_mask"),
        "unet": ("field", "raster", "pixel"),
    }
    return of.get(kind, graph)


def blank(num: int, num_cells: int, kinds: Sequence[str]) -> dict[str, Any]:
    """Inputs of networks of some kinds, all zero: what pads a batch."""
    worlds = (num, MOST + 1)
    shapes: dict[str, tuple[int, ...]] = {
        "world": (*worlds, len(WORLD)),
        "world_mask": worlds,
        "pair": (*worlds, MAX_ROWS, len(PAIR)),
        "alike": (*worlds, MOST + 1),
        "change": (*worlds, MAX_ROWS),
        "residual": (num, MAX_ROWS),
        "row_mask": (num, MAX_ROWS),
        "cell_change": (*worlds, num_cells),
        "share": (num, num_cells, MAX_ROWS),
        "cell": (num, num_cells, len(CELL)),
    }
    shapes |= {
        "field": (num, num_cells, len(FIELD)),
        "link": (num, num_cells, MAX_ROWS, len(LINK)),
        "summary": (num, num_cells, len(SUMMARY)),
    }
    wanted = {name for kind in kinds for name in names_of(kind)}
    found: dict[str, Any] = {
        name: np.zeros(shape, np.float32) for name, shape in shapes.items() if name in wanted
    }
    if "raster" in wanted:
        side = raster_side(num_cells)
        found["raster"] = np.full((num, side, side), num_cells, np.int32)
        found["pixel"] = np.zeros((num, num_cells), np.int32)
    return found


def raster_side(num_cells: int) -> int:
    """Edge of a raster that cells of a map nearly square fit into, a multiple of 8."""
    return 8 * int(np.ceil(np.sqrt(num_cells) * 1.15 / 8))


def batched(
    examples: Sequence[Example], num_cells: int, kinds: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Inputs and targets of a batch, padded; `kinds` says whose inputs are needed."""
    inputs, side = blank(len(examples), num_cells, kinds), raster_side(num_cells)
    targets = {
        name: np.zeros((len(examples), num_cells), np.float32)
        for name in ("change", "goal", "off", "judged")
    }
    targets["cause"] = np.zeros((len(examples), MOST + 1), np.float32)
    for k, example in enumerate(examples):
        graph = example.graph
        worlds, rows, count = len(graph.world) - 1, len(graph.rows), len(example.target_db)
        # None of these stands last, whatever the number of worlds.
        slots = np.append(np.arange(worlds), MOST)
        targets["change"][k, :count] = example.target_db
        targets["goal"][k, :count] = example.goal_db
        targets["off"][k, :count] = example.off_db
        targets["judged"][k, :count] = example.judged
        targets["cause"][k, slots] = example.cause
        if "row_mask" in inputs:
            inputs["row_mask"][k, :rows] = 1
        if "world" in inputs:
            cells = graph.cells_of(example.tx)
            inputs["world"][k, slots], inputs["world_mask"][k, slots] = graph.world, 1
            inputs["pair"][k, slots, :rows] = graph.pair
            inputs["alike"][k][np.ix_(slots, slots)] = graph.alike
            inputs["change"][k, slots, :rows] = graph.change_db
            inputs["residual"][k, :rows] = graph.residual_db
            inputs["cell_change"][k, slots, :count] = cells.change_db
            inputs["share"][k, :count, :rows] = cells.share
            inputs["cell"][k, :count] = cells.features
        if "summary" in inputs:
            told = cell_summary(graph.posterior, graph.cells_m, graph.gain_db)
            inputs["summary"][k, :count] = told[example.tx]
        if "field" in inputs:
            inputs["field"][k, :count] = field_features(example)
        if "link" in inputs:
            inputs["link"][k, :count, :rows] = link_features(example)
        if "raster" in inputs:
            place = _pixels(graph.cells_m, side)
            inputs["raster"][k].reshape(-1)[place] = np.arange(count)
            inputs["pixel"][k, :count] = place
    return inputs, targets


def field_features(example: Example) -> Floats:
    """What baselines are told of each cell, [cell, FIELD]."""
    graph, posterior, tx = example.graph, example.graph.posterior, example.tx
    evidence, library = posterior.evidence, posterior.library
    mean, sd = krige_rest(evidence, evidence.value_db, graph.cells_m, len(library.tx_names))
    common, effect = library_covariance(posterior)
    num = library.num_cells
    cells = graph.cells_of(tx)
    return np.stack(
        [
            common[tx * num : (tx + 1) * num] / SCALE_DB,
            mean[tx] / SCALE_DB,
            sd[tx] / SCALE_DB,
            effect[tx * num : (tx + 1) * num] / SCALE_DB,
            cells.features[:, 0],
            cells.features[:, 1],
        ],
        axis=-1,
    )


def link_features(example: Example) -> Floats:
    """What attention is told of each cell and measured row, [cell, row, LINK]."""
    graph, posterior = example.graph, example.graph.posterior
    evidence, library, rows = posterior.evidence, posterior.library, example.graph.rows
    num, tx = library.num_cells, example.tx
    here = library.gain_db[:, tx * num : (tx + 1) * num].toarray()
    there = library.at(rows_of(num, evidence.tx[rows], evidence.cell[rows]))
    size = np.sqrt(np.square(here).sum(axis=0))[:, None] * np.sqrt(np.square(there).sum(axis=0))
    common = here.T @ there / np.maximum(size, 1e-3)
    far = np.hypot(
        *(graph.cells_m[:, None, :2] - graph.cells_m[evidence.cell[rows]][None, :, :2]).transpose(
            2, 0, 1
        )
    )
    wide = [evidence.value_db[rows] / SCALE_DB, evidence.sd_db[rows] / SCALE_DB]
    same = (evidence.tx[rows] == tx).astype(float)
    return np.stack(
        [
            common,
            far / extent_m(graph.cells_m),
            *(np.broadcast_to(v, common.shape) for v in (*wide, same)),
        ],
        axis=-1,
    )


def _pixels(cells_m: Floats, side: int) -> Ints:
    """Place of each cell in a square raster, row by row."""
    columns = len(np.unique(np.round(cells_m[:, 0], 3)))
    number = np.arange(len(cells_m))
    row, column = number // columns, number % columns
    found: Ints = np.minimum(row, side - 1) * side + np.minimum(column, side - 1)
    return found
