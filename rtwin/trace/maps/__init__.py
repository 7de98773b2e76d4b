"""Radio maps by Monte Carlo: their cells, how many rays they take, their error."""

from rtwin.trace.maps.grid import MapGrid, map_grid
from rtwin.trace.maps.monte_carlo import num_lattices, trace_path_gain
from rtwin.trace.maps.sampling import (
    MapSampling,
    map_sampling,
    missed_edges,
    missed_edges_remark,
    undersampling_remark,
)

__all__ = [
    "MapGrid",
    "MapSampling",
    "map_grid",
    "map_sampling",
    "missed_edges",
    "missed_edges_remark",
    "num_lattices",
    "trace_path_gain",
    "undersampling_remark",
]
