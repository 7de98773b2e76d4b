"""How many rays a Monte Carlo map takes, and whether exact paths would cost less.

A cell in line of sight gets the rays that leave into its solid angle. So many of them
must come that their number, drawn at random, would be within the error asked for; an
even lattice of rays does better than that.
"""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.scene import Recipe
from rtwin.trace.maps.grid import MapGrid
from rtwin.trace.world import World

LEAST_RAYS, MOST_RAYS = 1_000_000, 50_000_000
CELLS_SERVED = 0.9  # share of pairs of cell and transmitter that get their rays
FEW_RAYS = 4.0
FEW_CELLS = 0.1  # share of such pairs from which a map is called undersampled
FEW_EDGES = 0.1  # share of the edges' length from which a map is said to miss some
# Seconds on two cores, for choosing between methods alone.
RAY_S = 0.4e-6  # of a ray and an interaction
CELL_S = 1.5e-3  # of a cell and a transmitter
DIFFRACTION_TIMES = 4.0


@dataclass(frozen=True)
class MapSampling:
    """What a Monte Carlo map of a scene takes.

    Attributes:
        rays: Rays per transmitter.
        undersampled: Share of the pairs of cell and transmitter that would get fewer
            than FEW_RAYS in line of sight.
        wanted: Rays per transmitter with which fewer than FEW_CELLS would.
        monte_carlo_s: About how long the map takes [s].
        paths_s: About how long one from exact paths takes [s].
    """

    rays: int
    undersampled: float
    wanted: int
    monte_carlo_s: float
    paths_s: float


def map_sampling(recipe: Recipe, grid: MapGrid) -> MapSampling:
    """Rays for a map's target standard error, unless the recipe says how many.

    Args:
        recipe: Its [radio_map] is asked.
        grid: The cells.
    Source: mean of a Poisson number of rays; checked by tests/trace/maps/test_map_sampling.py.
    """
    share = np.sort(np.concatenate([_shares(tx.position_m, grid) for tx in recipe.transmitter]))
    share = np.maximum(share, 1e-12)
    ratio = 10.0 ** (recipe.radio_map.target_error_db / 10.0) - 1.0
    needed = ratio**-2 / _quantile(share, 1 - CELLS_SERVED)
    rays = recipe.radio_map.rays or int(np.clip(needed, LEAST_RAYS, MOST_RAYS))
    solver = recipe.solver
    ports = recipe.transmitter[0].antenna.num_ports
    per_cell = CELL_S * (DIFFRACTION_TIMES if solver.diffraction else 1.0)
    return MapSampling(
        rays=rays,
        undersampled=float((share * rays < FEW_RAYS).mean()),
        wanted=int(np.ceil(FEW_RAYS / _quantile(share, FEW_CELLS))),
        monte_carlo_s=len(recipe.transmitter) * rays * ports * (1 + solver.max_depth) * RAY_S,
        paths_s=len(share) * per_cell,
    )


def undersampling_remark(sampling: MapSampling) -> list[str]:
    """A line where a map has cells in line of sight that rays may miss."""
    if sampling.undersampled <= FEW_CELLS:
        return []
    return [
        f"the radio map is undersampled: in {100 * sampling.undersampled:.0f} % of its cells fewer "
        f"than {FEW_RAYS:.0f} of {sampling.rays} rays arrive in line of sight; take "
        f"{sampling.wanted:.2g} rays, larger cells, or method paths"
    ]


def missed_edges(world: World) -> float:
    """Share of the length of a scene's edges at which Monte Carlo maps do not diffract.

    The engine knows the edges within one mesh: none between a roof and walls of another
    material. 0 where diffraction is off.

    Source: checked by tests/trace/maps/test_map_sampling.py.
    """
    triangles = world.triangles
    if not world.recipe.solver.diffraction or not len(triangles.edges):
        return 0.0
    wedges = ~triangles.edges.is_free
    first, other = triangles.shape[triangles.edges.triangle[wedges]].T
    length = triangles.edges.length_m[wedges]
    return float(length[first != other].sum() / max(length.sum(), 1e-12))


def missed_edges_remark(share: float) -> list[str]:
    """A line where a map's rays miss edges."""
    if share <= FEW_EDGES:
        return []
    return [
        f"the radio map does not diffract at {100 * share:.0f} % of the scene's edges, those "
        "between two meshes, such as roofs on walls of another material; method paths does"
    ]


def _shares(position_m: tuple[float, float, float], grid: MapGrid) -> Floats:
    """Share of a transmitter's rays that leave towards each cell, [cell]."""
    way = grid.centers_m.reshape(-1, 3) - np.array(position_m)
    distance = np.maximum(np.linalg.norm(way, axis=1), 0.5 * grid.cell_size_m)
    solid_angle = grid.cell_size_m**2 * np.abs(way[:, 2]) / distance**3
    return np.minimum(solid_angle / (4 * np.pi), 1.0)


def _quantile(ascending: Floats, share: float) -> float:
    return float(ascending[min(int(share * len(ascending)), len(ascending) - 1)])
