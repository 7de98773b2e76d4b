"""The graph of a map, its objects and its edit, as arrays for the network.

Nodes are cells, objects, the transmitter and measured cells. Cells and objects
are joined by the power shares of stored paths, mirrored and passed apart; cells
by their eight neighbours and by blocks of cells; measured cells to every cell
by what the two have in common. Nothing depends on the order of any of them.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rtwin.horizontal.learned.network.interpolation import (
    distances,
    explained,
    kriging,
    path_kriging,
)
from rtwin.horizontal.learned.pairs import FLOOR_DB, GEOMETRY, Pair, ScenePairs, free_space_db
from rtwin.horizontal.levels import Floats

Task = Literal["unknown", "known"]
Array = NDArray[np.floating]
SEEN_DB = -115.0  # cells that are stronger than this before or after are judged
CHANGED_DB = 1.0
BLOCK_CELLS = 5
NEIGHBOURS = 8
HALO_CELLS = 2
RASTER = 64
_TEN_NS = 1e-8


@dataclass(frozen=True, eq=False)
class Measured:
    """Path gains measured after the change."""

    cell: NDArray[np.int64]  # [row]
    gain_db: Floats  # [row]
    noise_db: Floats  # [row], standard deviation


@dataclass(frozen=True, eq=False)
class Graph:
    """What the network sees of one pair; `rows` are the cells that are in it."""

    rows: NDArray[np.int64]  # [cell]
    cell: Array  # [cell, cell feature]
    object: Array  # [object, object feature]
    reflected: Array  # [cell, object]
    passed: Array  # [cell, object]
    neighbour: NDArray[np.int32]  # [cell, 8], itself where there is none
    block: NDArray[np.int32]  # [cell]
    pixel: NDArray[np.int32]  # [cell], place in a raster of RASTER x RASTER, for the UNet
    link: Array  # [cell, row, link feature], none for known edits
    value: Array  # [row], residuals [dB] / 10
    world: Array  # [world feature]
    prior: Array  # [cell, 3], scaled changes of gain, delay spread and angular spread
    stale: Array  # [cell, 4], scaled


def scaled(statistics: Array) -> Array:
    """STATISTICS as the network has them: dB / 10, decades of delay spread, rad, LoS."""
    gain, delay, angle, clear = np.moveaxis(np.asarray(statistics, np.float64), -1, 0)
    return np.stack([gain / 10, np.log10(delay + _TEN_NS) + 8, angle, clear], axis=-1)


def unscaled(values: Array) -> Array:
    """The inverse of scaled."""
    gain, delay, angle, clear = np.moveaxis(np.asarray(values, np.float64), -1, 0)
    seconds = np.maximum(10 ** (delay - 8) - _TEN_NS, 0)
    return np.stack([np.maximum(10 * gain, FLOOR_DB), seconds, np.maximum(angle, 0), clear], -1)


def judged(scene: ScenePairs, pair: Pair) -> NDArray[np.bool_]:
    """Cells that count: a place for a receiver, seen before or after, [cell]."""
    return pair.valid & (np.maximum(pair.truth[:, 0], scene.stale[:, 0]) > SEEN_DB)


def is_changed(scene: ScenePairs, pair: Pair) -> NDArray[np.bool_]:
    """Cells whose path gain moved by more than 1 dB, [cell]."""
    return np.abs(pair.truth[:, 0] - scene.stale[:, 0]) > CHANGED_DB


def draw_measured(
    scene: ScenePairs,
    pair: Pair,
    rng: np.random.Generator,
    share: float = 0.01,
    noise_db: tuple[float, float] = (1.0, 2.0),
) -> Measured:
    """Measure a share of the cells that a receiver can stand in, with noise.

    What is weaker than FLOOR_DB reads as FLOOR_DB: the receiver was there and saw nothing.
    """
    places = np.flatnonzero(judged(scene, pair))
    count = min(len(places), max(3, round(share * len(places))))
    cell = np.sort(rng.choice(places, count, replace=False))
    noise = np.full(count, rng.uniform(*noise_db))
    gain = np.maximum(pair.truth[cell, 0] + rng.normal(0, noise), FLOOR_DB)
    return Measured(cell, gain, noise)


def candidates(scene: ScenePairs, pair: Pair) -> NDArray[np.int64]:
    """Cells that a known edit may reach, and a halo of two cells: the rest stays as it is.

    An edit of the transmitter reaches every cell.
    """
    if not pair.changed.any() and not (pair.geometry[:, 6:8] < 199).any():
        # No object: a transmitter, or nothing at all.
        close = np.abs(np.asarray(pair.prior, np.float64) - scene.stale)[:, 0].max() < 1e-3
        same = bool(close) and not np.any(pair.moved_m)
        return np.zeros(0, np.int64) if same else np.arange(len(scene.index))
    named = dict(zip(GEOMETRY, np.asarray(pair.geometry, np.float64).T, strict=True))
    hit = (named["lost"] > 1e-4) | (named["blocked"] > 1e-4)
    hit |= (named["crosses_old"] > 0) | (named["crosses_new"] > 0)
    hit |= named["clear_before"] != named["clear_after"]
    for mirror in ("mirror_old_db", "mirror_new_db"):
        # A mirror counts that could add a hundredth of a decibel.
        hit |= named[mirror] > np.maximum(scene.stale[:, 0], FLOOR_DB) - 26
    hit |= (named["far_old_m"] < 3 * scene.cell_size_m) | (
        named["far_new_m"] < 3 * scene.cell_size_m
    )
    hit |= np.abs(pair.prior - scene.stale)[:, 0] > 1e-3
    grid = np.zeros(scene.shape, bool)
    grid.flat[scene.index[hit]] = True
    for _ in range(HALO_CELLS):
        wide = np.pad(grid, 1)
        grid = np.any(
            [
                wide[1 + dy : wide.shape[0] - 1 + dy, 1 + dx : wide.shape[1] - 1 + dx]
                for dy in (-1, 0, 1)
                for dx in (-1, 0, 1)
            ],
            axis=0,
        )
    return np.flatnonzero(grid.flat[scene.index])


def unknown_graph(scene: ScenePairs, measured: Measured) -> Graph:
    """The graph of a map that measurements disagree with."""
    rows = np.arange(len(scene.index))
    stale = np.asarray(scene.stale, np.float64)
    value = measured.gain_db - stale[measured.cell, 0]
    shares = [scene.reflected.astype(np.float64), scene.passed.astype(np.float64)]
    where = (measured.cell, value, measured.noise_db)
    guesses = [
        kriging(scene.cells, *where),
        path_kriging(scene.cells, shares, *where),
        explained(shares, *where),
    ]
    far = distances(scene.cells, measured.cell)
    extent = float(np.linalg.norm(np.ptp(scene.cells[:, :2], axis=0)))
    flags = np.zeros((len(rows), 3))
    flags[measured.cell] = np.stack([np.ones(len(value)), value / 10, measured.noise_db], axis=-1)
    extra = np.concatenate(
        [
            *(np.stack([g.mean_db / 10, g.sd_db / 10], axis=-1) for g in guesses),
            flags,
            np.log(far.min(axis=1, keepdims=True) / extent + 1e-2) + 2,
        ],
        axis=1,
    )
    weight = [share[measured.cell] for share in shares]
    evidence = [w.sum(axis=0) for w in weight]
    pull = [
        (w * value[:, None]).sum(axis=0) / (e + 0.1) / 10
        for w, e in zip(weight, evidence, strict=True)
    ]
    objects = np.stack([*pull, *(np.log1p(e) for e in evidence)], axis=-1)
    prior = np.zeros((len(rows), 3))
    prior[:, 0] = guesses[1].mean_db / 10
    spread = np.array([value.mean(), value.std(), np.abs(value).max(), measured.noise_db.mean()])
    world = np.concatenate([spread / 10, [len(value) / 20]])
    link = _links(scene, measured, value, far, extent, shares)
    return _graph(scene, rows, extra, objects, prior, world, link, value / 10)


def _links(
    scene: ScenePairs,
    measured: Measured,
    value: Floats,
    far: Floats,
    extent: float,
    shares: list[Floats],
) -> Array:
    """What a cell and a measured cell have in common, [cell, row, feature]."""
    at = measured.cell
    stale, cells = np.asarray(scene.stale, np.float64), scene.cells
    root = [np.sqrt(np.clip(share, 0, 1)) for share in shares]
    common = [r @ r[at].T for r in root]
    way = cells[:, :3] - scene.tx_m
    azimuth, length = np.arctan2(way[:, 1], way[:, 0]), np.linalg.norm(way, axis=1)
    seen = [np.abs(_wrapped(a[:, None] - a[None, at])) for a in (azimuth, cells[:, 3], cells[:, 5])]
    both = stale[:, None, 3] * stale[None, at, 3]
    wide = np.broadcast_to
    shape = far.shape
    features = [
        far / extent,
        np.exp(-far / (0.03 * extent)),
        np.exp(-far / (0.1 * extent)),
        *common,
        both,
        wide(stale[:, None, 3], shape),
        wide(stale[None, at, 3], shape),
        np.exp(-seen[0] / 0.05),
        np.exp(-seen[0] / 0.3),
        np.exp(-seen[1] / 0.05),
        np.exp(-seen[2] / 0.1),
        (length[:, None] - length[None, at]) / extent,
        (stale[:, None, 0] - stale[None, at, 0]) / 20,
        wide(value / 10, shape),
        wide(np.abs(value) / 10, shape),
        wide(measured.noise_db, shape),
    ]
    return np.stack(features, axis=-1)


def without_edit(scene: ScenePairs, pair: Pair) -> Pair:
    """The pair as if its edit had not happened: what a graph of the map before is made from."""
    silent = np.zeros_like(np.asarray(pair.geometry, np.float64))
    silent[:, 4:6], silent[:, 6:8] = -150.0, 200.0
    silent[:, 8:10] = np.asarray(scene.stale, np.float64)[:, 3:]
    return replace(
        pair,
        prior=scene.stale,
        geometry=silent,
        changed=np.zeros_like(pair.changed),
        slab_db=(-40.0, 0.0),
        moved_m=(0.0, 0.0, 0.0),
    )


def known_graph(scene: ScenePairs, pair: Pair, rows: NDArray[np.int64] | None = None) -> Graph:
    """The graph of a known edit: its candidate cells, with the prior that stored paths give.

    Args:
        scene: The map before.
        pair: The edit.
        rows: Cells of the graph; default its candidates.
    """
    rows = candidates(scene, pair) if rows is None else rows
    stale, prior = scaled(scene.stale)[rows], scaled(pair.prior)[rows]
    geometry = np.asarray(pair.geometry, np.float64)[rows]
    delta = (prior - stale)[:, :3]
    way = scene.cells[rows, :3] - scene.tx_m
    toward = way / np.linalg.norm(way, axis=1, keepdims=True)
    moved = np.asarray(pair.moved_m)
    along = toward @ moved
    across = np.linalg.norm(moved - along[:, None] * toward, axis=1)
    distance = np.linalg.norm(way, axis=1)
    slab = np.broadcast_to(np.asarray(pair.slab_db) / 20, (len(rows), 2))
    extra = np.concatenate(
        [
            delta,
            geometry[:, :4],
            np.clip((geometry[:, 4:6] - 10 * stale[:, :1]) / 20, -3, 3),
            np.log1p(geometry[:, 6:8]) / 3,
            geometry[:, 8:10],
            geometry[:, 9:10] - geometry[:, 8:9],
            np.stack(
                [
                    along / 10,
                    across / 10,
                    across / np.maximum(distance, 1.0),
                    np.full(len(rows), np.linalg.norm(moved) / 10),
                ],
                axis=-1,
            ),
            slab,
        ],
        axis=1,
    )
    objects = np.stack([pair.changed, *(pair.changed * s / 20 for s in pair.slab_db)], axis=-1)
    gone = bool((geometry[:, 6] < 199).any()) if len(rows) else False
    new = bool((geometry[:, 7] < 199).any()) if len(rows) else False
    world = np.array([*pair.slab_db, 10.0 * gone, 10.0 * new, np.linalg.norm(moved)]) / 10
    link = np.zeros((len(rows), 0, 1))
    return _graph(scene, rows, extra, objects, delta, world, link, np.zeros(0))


def _graph(
    scene: ScenePairs,
    rows: NDArray[np.int64],
    extra: Floats,
    objects: Floats,
    prior: Floats,
    world: Floats,
    link: Array,
    value: Floats,
) -> Graph:
    shares = [s.astype(np.float64)[rows] for s in (scene.reflected, scene.passed)]
    cells, stale = scene.cells[rows], scaled(scene.stale)[rows]
    way = cells[:, :3] - scene.tx_m
    distance = np.linalg.norm(way, axis=1)
    solid = shares[0][:, ~scene.object_is_ground]
    basic = np.stack(
        [
            stale[:, 0] + 8.5,
            *stale[:, 1:].T,
            np.log1p(cells[:, 6]) / 2,
            stale[:, 0] - free_space_db(distance, scene.frequency_hz) / 10,
            np.log(distance) - 3.5,
            np.sin(cells[:, 3]),
            np.cos(cells[:, 3]),
            cells[:, 4] - np.pi / 2,
            np.sin(cells[:, 5]),
            np.cos(cells[:, 5]),
            cells[:, 7] / 20,
            solid.max(axis=1, initial=0),
            np.minimum(solid.sum(axis=1), 2),
            np.minimum(shares[0][:, scene.object_is_ground].sum(axis=1), 2),
            np.minimum(shares[1].sum(axis=1), 2),
            way[:, 2] / 10,
        ],
        axis=-1,
    )
    size = np.ptp(scene.object_box_m, axis=1)
    center = scene.object_box_m.mean(axis=1) - scene.tx_m
    table = np.concatenate(
        [
            np.clip(center / 50, -3, 3),
            np.clip(size / 20, 0, 3),
            scene.object_slab_db / 20,
            scene.object_is_ground[:, None],
            *(s.mean(axis=0)[:, None] if len(rows) else np.zeros((s.shape[1], 1)) for s in shares),
            objects,
        ],
        axis=1,
    )
    whole = np.array(
        [np.log(scene.frequency_hz / 3.5e9), scene.tx_m[2] / 20, np.log(scene.cell_size_m / 2.5)]
    )
    neighbour, block = _grid_edges(scene, rows)
    single = np.float32
    return Graph(
        rows=rows,
        cell=np.concatenate([basic, extra], axis=1).astype(single),
        object=table.astype(single),
        reflected=shares[0].astype(single),
        passed=shares[1].astype(single),
        neighbour=neighbour,
        block=block,
        pixel=_pixels(scene, rows),
        link=np.asarray(link, single),
        value=value.astype(single),
        world=np.concatenate([whole, world]).astype(single),
        prior=prior.astype(single),
        stale=stale.astype(single),
    )


def _grid_edges(
    scene: ScenePairs, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The eight neighbours of each cell (itself where there is none), and its coarse block."""
    num_y, num_x = scene.shape
    place = np.full((num_y + 2, num_x + 2), -1, np.int64)
    y, x = np.divmod(scene.index[rows], num_x)
    place[y + 1, x + 1] = np.arange(len(rows))
    around = [place[y + 1 + dy, x + 1 + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    neighbour = np.stack(around, axis=-1) if len(rows) else np.zeros((0, NEIGHBOURS), np.int64)
    neighbour = np.where(neighbour < 0, np.arange(len(rows))[:, None], neighbour)
    # Large maps have larger blocks, so that there are never more than the network has room for.
    side = max(BLOCK_CELLS, int(np.ceil(np.sqrt(num_y * num_x / 400))))
    across = -(-num_x // side)
    block = (y // side) * across + x // side
    return neighbour.astype(np.int32), np.unique(block, return_inverse=True)[1].astype(np.int32)


def _pixels(scene: ScenePairs, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    y, x = np.divmod(scene.index[rows], scene.shape[1])
    return (np.minimum(y, RASTER - 1) * RASTER + np.minimum(x, RASTER - 1)).astype(np.int32)


def _wrapped(angle: Floats) -> Floats:
    return (angle + np.pi) % (2 * np.pi) - np.pi
