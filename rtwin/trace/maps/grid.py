"""The cells of a radio map: on a plane, or following the ground."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats
from rtwin.channel import cell_centers_m
from rtwin.errors import RecipeError
from rtwin.trace.world import World, ground_height_m

FLAT_M = 0.01
MAX_CELLS = 50_000_000
# Peak memory of a map while it is traced and written, measured; see docs/benchmarks.md.
CELL_BYTES = 150
VALUE_BYTES = 180  # of each cell and transmitter
MAX_MAP_GIB = 4


@dataclass(frozen=True)
class MapGrid:
    """Cells of a radio map: on a plane, or following the ground at a fixed height."""

    low_m: tuple[float, float]  # lower left corner
    cell_size_m: float
    shape: tuple[int, int]  # cells along y, x
    corner_z_m: Floats  # [cell_y + 1, cell_x + 1]

    @property
    def centers_m(self) -> Floats:
        """Cell centres [m], [cell_y, cell_x, 3]."""
        num_y, num_x = self.shape
        z = self.corner_z_m
        mean_z = 0.25 * (z[1:, 1:] + z[1:, :-1] + z[:-1, 1:] + z[:-1, :-1])
        size = (num_x * self.cell_size_m, num_y * self.cell_size_m)
        center = (self.low_m[0] + size[0] / 2, self.low_m[1] + size[1] / 2, 0.0)
        centers = cell_centers_m(center, size, (self.cell_size_m, self.cell_size_m))
        return np.concatenate([centers[..., :2], mean_z[..., None]], axis=-1)

    @property
    def is_flat(self) -> bool:
        return float(np.ptp(self.corner_z_m)) < FLAT_M


def map_grid(world: World) -> MapGrid:
    """The cells that the recipe's [radio_map] asks for.

    Where the ground is missing under a corner, the nearest height of the map's
    mean ground stands in.

    Raises:
        RecipeError: if the map would have more than MAX_CELLS cells, or take more than
            MAX_MAP_GIB of memory; nothing of that size was asked for by then.
    Checked by tests/trace/world/test_world.py.
    """
    spec = world.recipe.radio_map
    bounds = world.bounds_m
    area = spec.area or (*bounds[0, :2], *bounds[1, :2])
    low, high = np.array(area[:2]), np.array(area[2:])
    num_x, num_y = (int(n) for n in np.maximum(1, np.ceil((high - low) / spec.cell_size_m - 1e-9)))
    if num_x * num_y > MAX_CELLS:
        raise RecipeError(
            f"the radio map has {num_x} x {num_y} cells, allowed are {MAX_CELLS}; "
            "raise radio_map.cell_size_m or give a smaller radio_map.area"
        )
    num_tx = len(world.recipe.transmitter)
    gib = num_x * num_y * (CELL_BYTES + num_tx * VALUE_BYTES) / 2**30
    if gib > MAX_MAP_GIB:
        raise RecipeError(
            f"the radio map has {num_x} x {num_y} cells for each of {num_tx} transmitters, which "
            f"would take {gib:.1f} GiB of memory, allowed are {MAX_MAP_GIB}; raise "
            "radio_map.cell_size_m or give a smaller radio_map.area"
        )
    x = low[0] + spec.cell_size_m * np.arange(num_x + 1)
    y = low[1] + spec.cell_size_m * np.arange(num_y + 1)
    xy = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    ground = ground_height_m(world, xy).reshape(num_y + 1, num_x + 1)
    known = ground[np.isfinite(ground)]
    stand_in = float(known.mean()) if known.size else 0.0
    z = np.where(np.isfinite(ground), ground, stand_in) + spec.height_m
    if spec.z_m is not None:
        z = np.full_like(z, spec.z_m)
    return MapGrid((float(low[0]), float(low[1])), spec.cell_size_m, (num_y, num_x), z)
