"""Heights of what stands on the ground, as a raster seen from above."""

from dataclasses import dataclass

import numpy as np

from rtwin.trace.world.queries import first_hit, ground_height_m
from rtwin.trace.world.world import World
from rtwin.units import Floats

MAX_PIXELS = 4_000_000
_ABOVE_M = 10.0


@dataclass(frozen=True, eq=False)
class HeightMap:
    """Heights over a regular grid of points; rows count northwards.

    Attributes:
        origin_m: x and y of the first point [m], [2].
        step_m: From one point to the next [m].
        ground_m: Height of the ground [m], [y, x]; 0 where there is none.
        solid_m: How far solids rise above it [m], [y, x]; 0 in the open.
        woods_m: How far vegetation rises above it [m], [y, x]; 0 without any.
    """

    origin_m: Floats
    step_m: float
    ground_m: Floats
    solid_m: Floats
    woods_m: Floats

    def pixels(self, xy_m: Floats) -> tuple[np.ndarray, np.ndarray]:
        """Row and column of the nearest points of places [..., 2] m, those of the edge outside."""
        number = np.rint((xy_m - self.origin_m) / self.step_m).astype(np.int64)
        rows, columns = self.ground_m.shape
        return np.clip(number[..., 1], 0, rows - 1), np.clip(number[..., 0], 0, columns - 1)


def height_map(world: World, step_m: float) -> HeightMap:
    """Heights of a scene's ground, solids and vegetation on a grid over all of it.

    Args:
        world: A scene under the open sky.
        step_m: Grid spacing [m]; it is made wider where the grid would have more
            than MAX_PIXELS points.
    Checked by tests/trace/world/test_heights.py.
    """
    low, high = world.bounds_m[:, :2]
    step_m = max(step_m, float(np.sqrt(np.prod(high - low) / MAX_PIXELS)))
    x, y = (np.arange(a, b + step_m, step_m) for a, b in zip(low, high, strict=True))
    place = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    ground = np.nan_to_num(ground_height_m(world, place))
    top = np.full(len(place), world.bounds_m[1, 2] + _ABOVE_M)
    down = np.tile([0.0, 0.0, -1.0], (len(place), 1))
    hit, _, point = first_hit(world, np.column_stack([place, top]), down)
    solid = np.where(hit, np.maximum(point[:, 2] - ground, 0.0), 0.0)
    shape = (len(y), len(x))
    return HeightMap(
        np.array([x[0], y[0]]),
        step_m,
        ground.reshape(shape),
        solid.reshape(shape),
        _woods_m(world, place, ground).reshape(shape),
    )


def _woods_m(world: World, place_m: Floats, ground_m: Floats) -> Floats:
    height = np.zeros(len(place_m))
    if not world.volumes:
        return height
    import shapely

    points = shapely.points(place_m)
    tree = shapely.STRtree(points)
    for volume in world.volumes:
        inside = tree.query(volume.polygon, predicate="contains")
        height[inside] = np.maximum(height[inside], volume.top_m - ground_m[inside])
    return height
