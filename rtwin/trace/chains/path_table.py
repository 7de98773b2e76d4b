"""Paths from one transmitter as a table: from candidates to exact geometry."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bytes, Ints, Singles, Unsigned


@dataclass(frozen=True)
class PathTable:
    """Paths from one transmitter; depth counts from it."""

    receiver: Ints  # [path], row in the receiver list
    kind: Bytes  # [path, depth], InteractionType; 0 fills up
    triangle: Unsigned  # [path, depth], NO_TRIANGLE fills up
    vertex: NDArray[Any]  # [path, depth, 3] m, in either precision
    wedge: NDArray[Any]  # [path], WEDGE_FIELDS, zeros without diffraction
    probability: Singles | None = None  # [path, depth], scattered paths only
    chain: Ints | None = None  # [path], row of the ChainTable; not scattered ones

    def __len__(self) -> int:
        return len(self.receiver)

    def take(self, index: NDArray[Any] | slice) -> "PathTable":
        """Some of the paths."""
        columns: list[Any] = [None if c is None else c[index] for c in self._columns]
        return PathTable(*columns)

    @property
    def _columns(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]

    @staticmethod
    def concatenate(parts: "list[PathTable]") -> "PathTable":
        """All paths of several tables of one kind."""
        rows = zip(*(part._columns for part in parts), strict=True)
        columns: list[Any] = [None if row[0] is None else np.concatenate(row) for row in rows]
        return PathTable(*columns)
