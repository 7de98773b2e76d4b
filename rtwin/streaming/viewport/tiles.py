"""Which tiles of a sphere to send: those that will most likely be looked at."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.streaming.viewport.heads import facing

_POINTS = 4  # of a tile's side
_COLUMNS, _ROWS = 120, 60  # of the table of directions: 3 degrees


@dataclass(frozen=True)
class Tiles:
    """A sphere in equirectangular tiles, and what a head sees of it.

    Attributes:
        columns, rows: Of the grid.
        field_deg: Width and height of the field of view [degree].
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    columns: int = 12
    rows: int = 6
    field_deg: tuple[float, float] = (100.0, 100.0)

    def __post_init__(self) -> None:
        if self.columns < 1 or self.rows < 1 or not all(0 < f < 180 for f in self.field_deg):
            raise OutOfRangeError(
                f"{self.columns} x {self.rows} tiles, field of view {self.field_deg} degrees; "
                "give 1 or more, and angles above 0 and below 180"
            )

    @property
    def count(self) -> int:
        """Number of tiles."""
        return self.columns * self.rows

    @cached_property
    def _points(self) -> tuple[Floats, Floats]:
        """Directions of points, [tile, point, 3], and their share of the sphere, [tile, point]."""
        n_a, n_e = self.columns * _POINTS, self.rows * _POINTS
        azimuth = 2 * np.pi * (np.arange(n_a) + 0.5) / n_a - np.pi
        edges = np.linspace(-np.pi / 2, np.pi / 2, n_e + 1)
        elevation = (edges[:-1] + edges[1:]) / 2
        share = np.diff(np.sin(edges)) / 2 / n_a
        e, a = np.meshgrid(elevation, azimuth, indexing="ij")
        where = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], axis=-1)
        both = np.concatenate([where, np.broadcast_to(share[:, None, None], (n_e, n_a, 1))], -1)
        cut = both.reshape(self.rows, _POINTS, self.columns, _POINTS, 4).swapaxes(1, 2)
        cut = cut.reshape(self.count, _POINTS**2, 4)
        return cut[..., :3], cut[..., 3]

    @property
    def area(self) -> Floats:
        """Solid angle of each tile over that of the sphere, [tile]."""
        return np.asarray(self._points[1].sum(axis=1))

    def seen(self, direction: Floats) -> Floats:
        """Share of the sphere that a head sees in each tile, [n, tile].

        Args:
            direction: Unit vectors, [n, 3].
        """
        where, share = self._points
        # To the frame of the head: a point is seen within the tangents of half the field.
        local = np.einsum("nij,tpj->ntpi", facing(direction), where)
        wide, high = np.tan(np.deg2rad(self.field_deg) / 2)
        depth = local[..., 2]
        inside = depth > 1e-9
        inside &= (abs(local[..., 0]) <= wide * depth) & (abs(local[..., 1]) <= high * depth)
        return np.asarray((inside * share).sum(axis=-1))

    @cached_property
    def _table(self) -> Floats:
        azimuth = 2 * np.pi * (np.arange(_COLUMNS) + 0.5) / _COLUMNS - np.pi
        elevation = np.pi * (np.arange(_ROWS) + 0.5) / _ROWS - np.pi / 2
        e, a = np.meshgrid(elevation, azimuth, indexing="ij")
        all_of = np.stack([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)], -1)
        return np.concatenate([self.seen(row) for row in all_of])

    def seen_nearly(self, direction: Floats) -> Floats:
        """As `seen`, of the nearest of directions 3 degrees apart, [..., tile]."""
        x, y, z = np.moveaxis(np.asarray(direction), -1, 0)
        column = ((np.arctan2(x, z) + np.pi) / (2 * np.pi) * _COLUMNS).astype(np.int64) % _COLUMNS
        row = ((np.arcsin(np.clip(y, -1, 1)) / np.pi + 0.5) * _ROWS).astype(np.int64)
        return np.asarray(self._table[np.minimum(row, _ROWS - 1) * _COLUMNS + column])


def smallest_set(mass: Floats, share: float) -> Bools:
    """The fewest tiles that hold at least a share of the expected mass, [n, tile].

    Args:
        mass: What is expected to be seen of each tile, [n, tile].
        share: Of all that is expected to be seen; 1 takes every tile with any.
    Raises:
        OutOfRangeError: if the share is not 0 to 1.
    """
    if not 0 <= share <= 1:
        raise OutOfRangeError(f"share is {share:g}; it must be 0 to 1")
    order: Ints = np.argsort(-mass, axis=1, kind="stable")
    falling = np.take_along_axis(mass, order, axis=1)
    before = np.cumsum(falling, axis=1) - falling
    total = mass.sum(axis=1, keepdims=True)
    taken = (before < share * total - 1e-12) & (falling > 0)
    found = np.zeros(mass.shape, bool)
    np.put_along_axis(found, order, taken, axis=1)
    return found
