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
# Nearly upright, turned so that it misses edges that follow the axes.
_UP = np.array([0.013, 0.007, 1.0])
_UP /= np.linalg.norm(_UP)
_SIGHT_M = 32.0
_AROUND = 2 * np.pi * (np.arange(16) + 0.3) / 16
_ASKED_AT = (1.0, 0.5, 0.25, 0.75)  # of the free way; the far end is the likeliest


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
    """Whether points [n, 3] lie inside of a building or solid, or on a face, [n].

    Inside is what has a roof above it and sees no place with open sky from where it is,
    within 32 m at its own height. Under bridges, arcades and overhangs there is such a
    place. Faces are not counted: city models have buildings without floors, gaps between
    walls and roofs, and party walls that lie on each other or are left out, so that whether
    a ray to the sky crosses an odd number of them says little. The recipe's own sheets
    (walls and planes) are no roofs. Indoors, where all is under a roof, inside is what a
    ray upwards leaves through an odd number of faces of closed solids.

    Checked by tests/trace/world/test_inside.py.
    """
    points = np.asarray(points_m, np.float64).reshape(-1, 3)
    if world.recipe.environment == "indoor":
        inside = _crossings(world, points, _of_closed_solids(world)) % 2 == 1
        return inside | _touches(world, points)
    sheets = {item.name for item in world.recipe.object if item.shape in ("wall", "plane")}
    of_sheet = np.array([name in sheets for name in world.object_names])
    roofs = ~of_sheet[world.triangles.object]
    inside = _crossings(world, points, roofs, enough=1) > 0
    inside[inside] = ~_sees_sky(world, points[inside], roofs)
    return inside | _touches(world, points)


def may_change_inside(points_m: ArrayLike, boxes_m: Floats) -> Bools:
    """Whether changes in boxes [box, 2, 3] m can change what is_inside says of points, [n]."""
    points = np.asarray(points_m, np.float64).reshape(-1, 3)
    found = np.zeros(len(points), bool)
    lean = np.hypot(*_UP[:2]) / _UP[2]
    for low, high in boxes_m:
        gap = np.maximum(np.maximum(low - points, points - high), 0)[:, :2]
        rise = high[2] + 2 * _TOUCH_M - points[:, 2]
        near = np.hypot(*gap.T) <= _SIGHT_M + lean * np.maximum(rise, 0) + 2 * _TOUCH_M
        found |= near & (rise >= 0)
    return found


def _sees_sky(world: World, points: Floats, roofs: Bools) -> Bools:
    """Whether level ways from points [n, 3] lead to a place without a roof, [n]."""
    found = np.zeros(len(points), bool)
    level = np.column_stack([np.cos(_AROUND), np.sin(_AROUND), 0 * _AROUND])
    row = np.repeat(np.arange(len(points)), len(level))
    way = np.tile(level, (len(points), 1))
    hit, _, place = first_hit(world, points[row], way, _SIGHT_M + 5 * _TOUCH_M)
    free_m = np.where(hit, np.linalg.norm(place - points[row], axis=1), np.inf)
    free_m = np.clip(free_m - 5 * _TOUCH_M, 0, _SIGHT_M)
    for share in _ASKED_AT:
        asked = ~found[row] & (free_m > 0)
        there = points[row[asked]] + share * free_m[asked, None] * way[asked]
        found[row[asked][_crossings(world, there, roofs, enough=1) == 0]] = True
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
    way = np.repeat(np.concatenate([np.eye(3), -np.eye(3)]), len(points), axis=0)
    start = np.tile(points, (6, 1)) - _TOUCH_M * way
    hit, _, place = first_hit(world, start, way, 2 * _TOUCH_M)
    near = hit & (np.linalg.norm(place - start, axis=1) <= 2 * _TOUCH_M)
    found: Bools = near.reshape(6, len(points)).any(axis=0)
    return found


def _crossings(world: World, points: Floats, counts: Bools, enough: int = _MAX_LAYERS) -> Ints:
    """Number of counted faces on the way up from points [n, 3], at most `enough`, [n]."""
    start = points.copy()
    crossed = np.zeros(len(points), np.int64)
    alive = np.arange(len(points))
    for _ in range(_MAX_LAYERS):
        if not len(alive):
            break
        hit, triangle, point = first_hit(world, start[alive], np.tile(_UP, (len(alive), 1)))
        crossed[alive[hit]] += counts[triangle[hit]]
        start[alive[hit]] = point[hit] + _STEP_M * _UP
        alive = alive[hit & (crossed[alive] < enough)]
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


def first_hit(
    world: World, origin_m: Floats, direction: Floats, reach_m: float | None = None
) -> tuple[Bools, Unsigned, Floats]:
    """What rays meet first: whether anything, which triangle, and where [n, 3] m.

    Args:
        reach_m: How far rays are asked for at least; shorter ones cost less. Default: any way.
    """
    mi, dr = world.engine.mi, world.engine.dr
    if not len(origin_m):
        return np.zeros(0, bool), np.zeros(0, np.uint32), np.zeros((0, 3))
    ray = mi.Ray3f(world.places(origin_m), mi.Vector3f(world.points(direction)))
    if reach_m is not None:
        ray.maxt = world.engine.opaque([reach_m + 2 * _TOUCH_M])
    hit = world.mi_scene.ray_intersect(ray, ray_flags=mi.RayFlags.Minimal, coherent=True)
    valid = hit.is_valid()
    triangle = world.triangle_of(hit, valid)
    dr.eval(valid, triangle, hit.p)
    return valid.numpy(), triangle.numpy(), world.from_engine(hit.p)
