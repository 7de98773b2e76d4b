"""What a twin stores about each cell: its paths, the objects that they touch, its gain."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel import InteractionType
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.twin import Snapshot
from rtwin.scene import Recipe, Volume
from rtwin.trace import Part, SceneParts, TracedPaths


@dataclass(frozen=True, eq=False)
class CellPaths:
    """Paths from one transmitter to the middle of each cell."""

    tx_m: Floats  # [3]
    cell_m: Floats  # [cell, 3]
    cell: Ints  # [path], cell that it leads to
    power: Floats  # [path], linear
    object: NDArray[np.int32]  # [path, depth], row of the world's objects; -1 where none
    interactions: NDArray[np.uint8]  # [path, depth]
    vertex_m: NDArray[np.float32]  # [path, depth, 3], NaN where none

    def path_gain(self, factor: NDArray[Any] | float = 1.0) -> Floats:
        """Path gain of each cell, linear, [cell], with every path's power times a factor."""
        return np.bincount(self.cell, self.power * factor, len(self.cell_m)).astype(np.float64)

    def take(self, cells: Ints) -> "CellPaths":
        """The paths of some cells, numbered in the order asked for; each at most once."""
        place = np.full(len(self.cell_m), -1)
        place[cells] = np.arange(len(cells))
        kept = np.flatnonzero(place[self.cell] >= 0)
        return CellPaths(
            self.tx_m,
            self.cell_m[cells],
            place[self.cell[kept]],
            self.power[kept],
            self.object[kept],
            self.interactions[kept],
            self.vertex_m[kept],
        )

    @property
    def corners_m(self) -> Floats:
        """Every path as a polyline, [path, depth + 2, 3] m; unused depths repeat the cell."""
        end = self.cell_m[self.cell][:, None]
        bends = np.where(np.isnan(self.vertex_m), end, self.vertex_m)
        start = np.broadcast_to(self.tx_m, (len(end), 1, 3))
        return np.concatenate([start, bends, end], axis=1)

    def bounces(self, number: int) -> Ints:
        """How often each path meets an object, [path]."""
        return (self.object == number).sum(axis=1)

    def removable(self, number: int) -> Bools:
        """Paths that are gone without an object: reflected or bent by it, not led through it."""
        led = self.interactions == InteractionType.REFRACTION
        return ((self.object == number) & ~led).any(axis=1)

    def share(self, num_objects: int) -> Floats:
        """Share of each cell's power that meets each object, [cell, object], 0 to 1."""
        out = np.zeros((len(self.cell_m), num_objects))
        for depth in range(self.object.shape[1]):
            now = self.object[:, depth]
            seen = (self.object[:, :depth] == now[:, None]).any(axis=1)
            rows = np.flatnonzero((now >= 0) & ~seen)
            np.add.at(out, (self.cell[rows], now[rows]), self.power[rows])
        total = self.path_gain()[:, None]
        return np.divide(out, total, out=out, where=total > 0)


def cell_paths(
    traced: TracedPaths, objects: NDArray[np.int32], cell_m: ArrayLike, tx_m: ArrayLike
) -> CellPaths:
    """Stored paths of one transmitter.

    Args:
        traced: Its links are the cells, in their order.
        objects: Row of the world's objects that each path meets, [path, depth]; -1 where none.
        cell_m: Middle of each cell [m], [cell, 3].
        tx_m: The transmitter [m], [3].
    """
    return CellPaths(
        tx_m=np.asarray(tx_m, np.float64),
        cell_m=np.asarray(cell_m, np.float64).reshape(-1, 3),
        cell=np.repeat(np.arange(len(traced.num_paths)), traced.num_paths),
        power=np.square(np.abs(traced.a).astype(np.float64)).sum(axis=1).mean(axis=1),
        object=np.asarray(objects, np.int32),
        interactions=traced.interactions,
        vertex_m=traced.vertex_m,
    )


@dataclass(frozen=True, eq=False)
class MapTwin:
    """What unknown changes are inferred from: a twin's map, perhaps the paths behind it.

    Attributes:
        recipe: Its recipe, edited so far.
        cell_m: Middle of each cell [m], [cell, 3].
        cell_size_m: Edge of a cell [m].
        gain_db: Path gain, [tx, cell] dB; FLOOR_DB where no path comes.
        sigma_db: What the twin says that its gain is uncertain by, [tx, cell] dB.
        paths: The stored paths of each transmitter; empty where they were not read.
    """

    recipe: Recipe
    cell_m: Floats
    cell_size_m: float
    gain_db: Floats
    sigma_db: Floats
    paths: tuple[CellPaths, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the transmitters."""
        return tuple(tx.name for tx in self.recipe.transmitter)


@dataclass(frozen=True, eq=False)
class StoredTwin(MapTwin):
    """A twin with its paths and its world: what a search for what happened starts from."""

    parts: SceneParts = field(kw_only=True)


def map_twin(snapshot: Snapshot) -> MapTwin:
    """A snapshot's map, its paths left on the disk."""
    gain = snapshot.maps["path_gain"]
    return MapTwin(
        snapshot.recipe,
        snapshot.grid.centers_m.reshape(-1, 3),
        snapshot.grid.cell_size_m,
        floored_db(gain.reshape(len(gain), -1)),
        snapshot.uncertainty_db.reshape(len(gain), -1).astype(np.float64),
    )


def crosses_box(start_m: Floats, end_m: Floats, box_m: Floats) -> Bools:
    """Whether segments pass through a box.

    Args:
        start_m: [..., 3] m.
        end_m: [..., 3] m.
        box_m: Lower and upper corner [m], [2, 3].
    Source: slabs, Kay and Kajiya (1986); checked by
        tests/horizontal/unknown_change/test_cell_paths.py.
    """
    way = end_m - start_m
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = (box_m[0] - start_m) / way, (box_m[1] - start_m) / way
    # A way along a face: inside its slab for good, or never.
    flat = way == 0
    within = (start_m >= box_m[0]) & (start_m <= box_m[1])
    low = np.where(flat, np.where(within, -np.inf, np.inf), np.minimum(near, far))
    high = np.where(flat, np.where(within, np.inf, -np.inf), np.maximum(near, far))
    first = np.maximum(low.max(axis=-1), 0.0)
    return first <= np.minimum(high.min(axis=-1), 1.0)


def boxes_m(objects: Sequence[Part | Volume]) -> Floats:
    """Lower and upper corner of each object [m], [object, 2, 3]."""
    out = np.empty((len(objects), 2, 3))
    for row, item in enumerate(objects):
        if isinstance(item, Volume):
            flat = np.asarray(item.outline_m, np.float64)
            out[row] = [[*flat.min(axis=0), item.base_m], [*flat.max(axis=0), item.top_m]]
        else:
            out[row] = [item.vertices.min(axis=0), item.vertices.max(axis=0)]
    return out
