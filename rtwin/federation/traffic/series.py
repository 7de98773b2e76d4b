"""Hourly traffic of cells, of the grid of Milan or of one's own."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError

SHIPPED = Path(__file__).with_name("data") / "milan_25_cells.csv"
TWO_MONTHS = SHIPPED.with_name("milan_two_months.csv")
GRID, CELL_M = 100, 235.0  # the grid of Milan: 100 x 100 squares, number 1 in the south-west
DAY = 24


@dataclass(frozen=True, eq=False)
class Traffic:
    """What cells carried, hour by hour.

    Attributes:
        values: Activity, [hour, cell]; no unit (records, not bytes).
        cells: Numbers of the cells; of Milan's, those of the grid's squares.
        position_m: Middles of the cells, east and north of the grid's corner, [cell, 2].
        start: First hour, local time.
    """

    values: Floats
    cells: tuple[int, ...]
    position_m: Floats
    start: np.datetime64

    @property
    def num_days(self) -> int:
        """Whole days."""
        return len(self.values) // DAY

    def take(self, cells: Ints | list[int]) -> "Traffic":
        """Some of the cells, by their rank."""
        rows = np.asarray(cells, np.int64)
        return replace(
            self,
            values=self.values[:, rows],
            cells=tuple(self.cells[i] for i in rows),
            position_m=self.position_m[rows],
        )

    def days(self, first: int, last: int) -> "Traffic":
        """Whole days from first to before last.

        Raises:
            OutOfRangeError: if there are no such days.
        """
        if not 0 <= first < last <= self.num_days:
            raise OutOfRangeError(
                f"days {first} to {last} are asked for; the traffic has {self.num_days}"
            )
        return replace(
            self,
            values=self.values[DAY * first : DAY * last],
            start=self.start + np.timedelta64(first, "D"),
        )


def grid_position_m(cells: tuple[int, ...]) -> Floats:
    """Middles of squares of Milan's grid [m], [cell, 2].

    Source: Barlacchi et al., Scientific Data 2, 150055 (2015): squares of 235 m, rows from
    the south-west; checked by tests/federation/test_traffic.py against the grid's polygons.
    """
    number = np.array(cells, np.int64) - 1
    middle = np.column_stack([number % GRID, number // GRID]) + 0.5
    return np.asarray(CELL_M * middle, np.float64)


def cell_size_m(position_m: Floats) -> float:
    """Edge of squares of which the nearest two touch [m]; CELL_M where all are in one place."""
    from scipy.spatial import KDTree

    places = np.unique(position_m, axis=0)
    return float(KDTree(places).query(places, k=2)[0][:, 1].min()) if len(places) > 1 else CELL_M
