"""Every traced path checked in plain NumPy, by laws of optics and by brute force.

Neither Sionna's image method nor Embree is asked: reflections must mirror, walls
must not bend, edges must keep Keller's cone, each vertex must lie on its
triangle, and no triangle of the scene may stand between two vertices. Strings over
edges too short for Keller's cone, or too many for all to count, stay in the upright
plane of both ends instead, and may pass below edges that were left out.
"""

import numpy as np
import pytest

from rtwin.scene import load_recipe, with_overrides
from rtwin.trace import NO_TRIANGLE, Tracer, load_world, place

SPECULAR, REFRACTION, DIFFRACTION = 1, 4, 8
ON_SURFACE_M = 0.02  # Sionna's image method accepts a neighbouring triangle within a centimetre
ASIDE_M = 0.02  # how far off the law may lead, over the shorter of the two segments
SHORTER_M = 0.03
ALONG_M = 0.02  # what has both ends nearer to a plane than this runs along it, as facades do
EDGE_STEP_M = 0.03  # so far beside an edge Sionna's image method lets its rays begin and end
CLIP_M = 0.003  # so deep corners of walls may be cut by ways of hundreds of metres
RIM_M = 0.01  # rays may slip past the very rim of a triangle: single precision


def polylines(world, receivers, traced):
    """Vertices from transmitter to receiver, [path, depth + 2, 3]; the receiver fills up."""
    num_tx = len(world.recipe.transmitter)
    link = np.repeat(np.arange(len(traced.num_paths)), traced.num_paths)
    tx = np.array([t.position_m for t in world.recipe.transmitter])[link % num_tx]
    rx = receivers.position_m[link // num_tx]
    met = (traced.interactions != 0)[..., None]
    inner = np.where(met, traced.vertex_m.astype(np.float64), rx[:, None])
    return np.concatenate([tx[:, None], inner, rx[:, None]], axis=1)


def in_upright_plane(traced, line):
    """Which paths do nothing but diffract, all of it in the upright plane of both ends."""
    way = line[:, -1] - line[:, 0]
    level = unit(np.column_stack([-way[:, 1], way[:, 0], np.zeros(len(way))]))
    aside = np.abs(np.einsum("npi,ni->np", line - line[:, :1], level)).max(axis=1)
    kind = traced.interactions
    return (kind != 0).any(axis=1) & np.isin(kind, (0, DIFFRACTION)).all(axis=1) & (aside < 1e-3)


def unit(vectors):
    size = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, size, out=np.zeros_like(vectors), where=size > 0)


def distance_to_triangle(point, corners):
    """Distance [m] of points [n, 3] to triangles [n, 3, 3], in the plane and across it."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = unit(np.cross(b - a, c - a))
    height = np.einsum("ni,ni->n", point - a, normal)
    foot = point - height[:, None] * normal
    outside = np.full(len(point), np.inf)
    inside = np.ones(len(point), bool)
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("ni,ni->n", np.cross(q - p, foot - p), normal) >= 0
        along = np.clip(
            np.einsum("ni,ni->n", foot - p, q - p) / np.einsum("ni,ni->n", q - p, q - p), 0, 1
        )
        outside = np.minimum(outside, np.linalg.norm(foot - p - along[:, None] * (q - p), axis=1))
    return np.hypot(height, np.where(inside, 0, outside))


def distance_to_edge_lines(point, corners):
    """Distance [m] of points to the nearest edge of triangles, and that edge's direction."""
    best, direction = np.full(len(point), np.inf), np.zeros((len(point), 3))
    for k in range(3):
        p, q = corners[:, k], corners[:, (k + 1) % 3]
        along = np.clip(
            np.einsum("ni,ni->n", point - p, q - p) / np.einsum("ni,ni->n", q - p, q - p), 0, 1
        )
        distance = np.linalg.norm(point - p - along[:, None] * (q - p), axis=1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        direction[nearer] = unit(q - p)[nearer]
    return best, direction


def blocked(start, stop, corners, step_m=0.0):
    """Whether any triangle [t, 3, 3] stands between starts and stops [n, 3] (Moeller, Trumbore).

    Those whose plane is nearer to an end than `step_m`, or [n], do not count, nor their rims.
    """
    step_m = np.broadcast_to(step_m, len(start))
    direction = stop - start
    length = np.linalg.norm(direction, axis=1)
    long_enough = length > 2 * SHORTER_M
    step = unit(direction)
    start, direction = start + SHORTER_M * step, direction - 2 * SHORTER_M * step
    low, high = corners.min(axis=1), corners.max(axis=1)
    origins, (ones, twos) = corners[:, 0], (corners[:, k] - corners[:, 0] for k in (1, 2))
    double_area = np.linalg.norm(np.cross(ones, twos), axis=1)
    sides = (twos, ones, twos - ones)  # opposite the corners whose weights are u, v and 1 - u - v
    per_m = [np.linalg.norm(side, axis=1) / np.maximum(double_area, 1e-12) for side in sides]
    found = np.zeros(len(start), bool)
    for n in np.flatnonzero(long_enough):
        # What the box around the segment does not meet, the segment does not.
        from_m, to_m = start[n], start[n] + direction[n]
        near = np.arange(len(corners))
        for axis in range(3):
            near = near[low[near, axis] <= max(from_m[axis], to_m[axis])]
            near = near[high[near, axis] >= min(from_m[axis], to_m[axis])]
        origin, one, two = origins[near], ones[near], twos[near]
        rim = [max(RIM_M, step_m[n]) * weight[near] for weight in per_m]
        area = np.maximum(double_area[near], 1e-12)
        p = np.cross(direction[n], two)
        determinant = np.einsum("ti,ti->t", one, p)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1.0 / determinant
            away = start[n] - origin
            u = np.einsum("ti,ti->t", away, p) * inverse
            q = np.cross(away, one)
            v = (q @ direction[n]) * inverse
            height = np.einsum("ti,ti->t", two, q)  # of the start, times the double area
            t = height * inverse
            within = (u >= rim[0]) & (v >= rim[1]) & (1 - u - v >= rim[2])
        ends = np.abs([height, height - determinant]) / area
        through = (ends.max(axis=0) > ALONG_M) & (ends.min(axis=0) >= step_m[n])
        hit = np.flatnonzero(within & through & (t > 0) & (t < 1))
        found[n] = (cut_m(start[n], direction[n], corners[near[hit]]) > CLIP_M).any()
    return found


def cut_m(start, direction, corners):
    """How far a straight way is from the nearest edge of triangles that it crosses [m]."""
    sides = np.roll(corners, -1, axis=1) - corners
    across = unit(np.cross(direction, sides))
    return np.abs(np.einsum("tki,tki->tk", across, start - corners)).min(axis=1, initial=np.inf)


def check_paths(recipe):
    world = load_world(recipe)
    receivers = place(world)
    traced = Tracer(world).trace(receivers)
    line = polylines(world, receivers, traced)
    is_flat = in_upright_plane(traced, line)
    corners = world.triangles.vertices.astype(np.float64)
    for depth in range(traced.interactions.shape[1]):
        kind = traced.interactions[:, depth]
        rows = np.flatnonzero(kind != 0)
        kind, point = kind[rows], line[rows, depth + 1]
        triangle = traced.triangle[rows, depth]
        assert (triangle != NO_TRIANGLE).all()
        own = corners[triangle]
        before, behind = point - line[rows, depth], line[rows, depth + 2] - point
        arriving, leaving = unit(before), unit(behind)
        reach = np.minimum(np.linalg.norm(before, axis=1), np.linalg.norm(behind, axis=1))
        assert distance_to_triangle(point, own).max(initial=0) < ON_SURFACE_M
        normal = unit(np.cross(own[:, 1] - own[:, 0], own[:, 2] - own[:, 0]))
        mirrored = arriving - 2 * np.einsum("ni,ni->n", arriving, normal)[:, None] * normal
        off = {
            SPECULAR: np.linalg.norm(leaving - mirrored, axis=1),
            REFRACTION: np.linalg.norm(leaving - arriving, axis=1),
        }
        for what, error in off.items():
            assert (reach * error)[kind == what].max(initial=0) < ASIDE_M
        bends = kind == DIFFRACTION
        to_edge, edge = distance_to_edge_lines(point[bends], own[bends])
        assert to_edge.max(initial=0) < ON_SURFACE_M
        cone = np.einsum("ni,ni->n", leaving[bends] - arriving[bends], edge)
        aside_m = (reach[bends] * np.abs(cone))[~is_flat[rows[bends]]]
        assert aside_m.max(initial=0) < ASIDE_M
    straight = line[~is_flat]
    segments = np.stack([straight[:, :-1], straight[:, 1:]], axis=2).reshape(-1, 2, 3)
    bends = np.pad(traced.interactions[~is_flat] == DIFFRACTION, ((0, 0), (1, 1)))
    step_m = EDGE_STEP_M * (bends[:, :-1] | bends[:, 1:]).reshape(-1)
    assert not blocked(segments[:, 0], segments[:, 1], corners, step_m).any()
    return traced


@pytest.mark.parametrize("refraction", [False, True])
def test_two_boxes(two_boxes, refraction):
    solver = {"max_depth": 4, "refraction": refraction, "diffraction": True}
    traced = check_paths(two_boxes(solver=solver))
    assert {SPECULAR, DIFFRACTION} <= set(np.unique(traced.interactions).tolist())


@pytest.mark.parametrize("scene", ["street_canyon", "courtyard", "office"])
def test_small_shipped_scenes(scene):
    traced = check_paths(with_overrides(load_recipe(scene), num_receivers=10, max_depth=4))
    assert len(traced.a) > 50


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["munich", "etoile", "florence", "san_francisco"])
@pytest.mark.parametrize("refraction", [False, True])
def test_cities(scene, refraction):
    recipe = with_overrides(
        load_recipe(scene), num_receivers=100, max_depth=5, rays=1_000_000, refraction=refraction
    )
    assert len(check_paths(recipe).a) > 50


def test_the_check_can_fail(two_boxes):
    """A wall in the way, a mirror that is off, a vertex beside its triangle."""
    world = load_world(two_boxes())
    corners = world.triangles.vertices.astype(np.float64)
    middle = corners.mean(axis=1)
    normal = unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    assert blocked(middle - normal, middle + normal, corners).all()
    sky = np.array([[0.0, 0.0, 500.0]])
    assert not blocked(sky, sky + 100.0, corners).any()
    beside = middle + 0.1 * normal
    np.testing.assert_allclose(distance_to_triangle(beside, corners), 0.1, rtol=1e-6)
    np.testing.assert_allclose(
        distance_to_triangle(2 * corners[:, 0] - middle, corners) > 0.1, True
    )
