"""Questions about a scene's solid parts: where is the ground, what is inside?"""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats, Ints, Unsigned
from rtwin.trace.world.world import World

_ABOVE_M = 10.0
_MAX_LAYERS = 64
_STEP_M = 1e-3
_TOUCH_M = 0.01
_RAYS_PER_LAUNCH = 1_000_000
# Up first; then four directions that rise, turned so that they miss axis-aligned edges.
_DIRECTIONS = np.array(
    [
        [0.013, 0.007, 1.0],
        [0.86, 0.33, 0.4],
        [-0.33, 0.86, 0.4],
        [-0.86, -0.33, 0.4],
        [0.33, -0.86, 0.4],
    ]
)
_LEAST_RISE = 0.4 / 0.93
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=1, keepdims=True)


def ground_height_m(world: World, xy_m: ArrayLike) -> Floats:
    """Height of the ground under points [n, 2], [n] m; NaN where there is none.

    The ground is what the recipe's `geometry.ground` names. A scene that names
    none has its ground at z = 0 everywhere.
    """
    xy = np.asarray(xy_m, np.float64).reshape(-1, 2)
    if not world.ground:
        return np.zeros(len(xy))
    top = world.bounds_m[1, 2] + _ABOVE_M
    start = np.column_stack([xy, np.full(len(xy), top)])
    height = np.full(len(xy), np.nan)
    is_ground = np.isin(world.triangles.object, list(world.ground))
    alive = np.arange(len(xy))
    down = np.array([0.0, 0.0, -1.0])
    for _ in range(_MAX_LAYERS):
        if not len(alive):
            break
        hit, triangle, point = first_hit(world, start[alive], np.tile(down, (len(alive), 1)))
        on_ground = np.zeros(len(alive), bool)
        on_ground[hit] = is_ground[triangle[hit]]
        height[alive[on_ground]] = point[on_ground, 2]
        go_on = hit & ~on_ground
        start[alive[go_on]] = point[go_on] + 1e-3 * down
        alive = alive[go_on]
    return height


def is_inside(world: World, points_m: ArrayLike) -> Bools:
    """Whether points [n, 3] lie inside a solid object or on a face, [n].

    A ray to the sky crosses an odd number of faces from inside and an even
    number from outside. City models have buildings without floors, gaps
    between walls and roofs, and faces wound either way, so up and three of four
    sideways rays must agree. The recipe's own sheets (walls and planes) have no
    inside and do not count. Indoors, where single sheets divide rooms, only the
    faces of closed solids are counted.
    """
    points = np.asarray(points_m, np.float64).reshape(-1, 3)
    sheets = {item.name for item in world.recipe.object if item.shape in ("wall", "plane")}
    of_sheet = np.array([name in sheets for name in world.object_names])
    counts = ~of_sheet[world.triangles.object]
    if world.recipe.environment == "indoor":
        counts = _of_closed_solids(world)
    odd = np.stack([_crossings(world, points, d, counts) % 2 == 1 for d in _DIRECTIONS])
    return (odd[0] & (odd[1:].sum(axis=0) >= 3)) | _touches(world, points)


def may_change_inside(points_m: ArrayLike, boxes_m: Floats) -> Bools:
    """Whether changes in boxes [box, 2, 3] m can change what is_inside says of points, [n]."""
    every = np.asarray(points_m, np.float64).reshape(-1, 3)
    found = np.zeros(len(every), bool)
    for low, high in boxes_m + _STEP_M * np.array([[-10.0], [10.0]]):
        # Directions rise by 0.4 a metre at least, but for those that look a centimetre far.
        gap = np.maximum(np.maximum(low - every, every - high), 0)[:, :2].max(axis=1)
        near = gap <= np.maximum(high[2] - every[:, 2], 0) / _LEAST_RISE + 10 * _TOUCH_M
        points = every[near]
        met = np.zeros(len(points), bool)
        far = np.linalg.norm(points - (low + high) / 2, axis=1) + np.linalg.norm(high - low)
        for direction in [*_DIRECTIONS, *np.eye(3), *-np.eye(3)]:
            met |= segments_meet(points, points + far[:, None] * direction, low, high)
        found[near] |= met
    return found


def segments_meet(start_m: Floats, end_m: Floats, low_m: Floats, high_m: Floats) -> Bools:
    """Whether straight pieces [n, 3] meet a box from corner to corner, [n]."""
    way = end_m - start_m
    way = np.where(np.abs(way) < 1e-12, 1e-12, way)
    one, other = (low_m - start_m) / way, (high_m - start_m) / way
    enters = np.minimum(one, other).max(axis=1)
    leaves = np.maximum(one, other).min(axis=1)
    return (enters <= leaves) & (leaves >= 0) & (enters <= 1)


def is_clear(world: World, from_m: ArrayLike, to_m: ArrayLike, margin_m: float = _TOUCH_M) -> Bools:
    """Whether nothing stands on the straight ways between points [n, 3] m, [n].

    What is within a margin of an end does not count; a way as short as both margins is clear.
    """
    mi = world.engine.mi
    start, end = (np.asarray(p, np.float64).reshape(-1, 3) for p in (from_m, to_m))
    way = end - start
    length = np.linalg.norm(way, axis=1)
    clear = np.ones(len(way), bool)
    long = np.flatnonzero(length > 2 * margin_m)
    for first in range(0, len(long), _RAYS_PER_LAUNCH):
        rows = long[first : first + _RAYS_PER_LAUNCH]
        unit = way[rows] / length[rows, None]
        ray = mi.Ray3f(world.places(start[rows] + margin_m * unit), mi.Vector3f(world.points(unit)))
        ray.maxt = world.engine.opaque((length[rows] - 2 * margin_m).astype(np.float32))
        clear[rows] = ~world.mi_scene.ray_test(ray).numpy()
    return clear


def _touches(world: World, points: Floats) -> Bools:
    """Whether a face is within a centimetre along an axis: which side would the point be on?"""
    found = np.zeros(len(points), bool)
    for direction in np.concatenate([np.eye(3), -np.eye(3)]):
        start = points - _TOUCH_M * direction
        hit, _, place = first_hit(world, start, np.tile(direction, (len(points), 1)))
        found |= hit & (np.linalg.norm(place - start, axis=1) <= 2 * _TOUCH_M)
    return found


def _crossings(world: World, points: Floats, direction: Floats, counts: Bools) -> Ints:
    """Number of counted faces on the way from points [n, 3] out of the scene, [n]."""
    start = points.copy()
    crossed = np.zeros(len(points), np.int64)
    alive = np.arange(len(points))
    for _ in range(_MAX_LAYERS):
        if not len(alive):
            break
        hit, triangle, point = first_hit(world, start[alive], np.tile(direction, (len(alive), 1)))
        crossed[alive[hit]] += counts[triangle[hit]]
        start[alive[hit]] = point[hit] + _STEP_M * direction
        alive = alive[hit]
    return crossed


def _of_closed_solids(world: World) -> Bools:
    """Whether each triangle belongs to an object whose every edge has two faces."""
    corners = world.triangles.vertices
    _, vertex = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    faces = vertex.reshape(-1, 3)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    owner = np.tile(world.triangles.object, 3)
    rows, times = np.unique(np.column_stack([owner, edges]), axis=0, return_counts=True)
    closed = np.ones(len(world.object_names), bool)
    closed[rows[times != 2, 0]] = False
    return closed[world.triangles.object]


def first_hit(world: World, origin_m: Floats, direction: Floats) -> tuple[Bools, Unsigned, Floats]:
    """What rays meet first: whether anything, which triangle, and where [n, 3] m."""
    mi, dr = world.engine.mi, world.engine.dr
    if not len(origin_m):
        return np.zeros(0, bool), np.zeros(0, np.uint32), np.zeros((0, 3))
    ray = mi.Ray3f(world.places(origin_m), mi.Vector3f(world.points(direction)))
    hit = world.mi_scene.ray_intersect(ray, ray_flags=mi.RayFlags.Minimal, coherent=True)
    valid = hit.is_valid()
    triangle = world.triangle_of(hit, valid)
    dr.eval(valid, triangle, hit.p)
    return valid.numpy(), triangle.numpy(), world.from_engine(hit.p)
