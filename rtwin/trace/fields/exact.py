"""Exact geometry of paths from the triangles that they touch: images in double precision.

The walk says which triangles a path touches and in which order. From there on
everything follows by arithmetic: mirror the transmitter at the planes, go back
from the receiver. So neither the step that rays make off a surface nor single
precision is in the vertices, and a pane a millimetre behind another counts.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Bytes, Floats, Ints, Unsigned
from rtwin.channel import InteractionType
from rtwin.trace.chains import PathTable
from rtwin.trace.world import World

# How far beside the straight way that was walked the exact one may run: the walk saw
# nothing in between. Sionna lets an image move by as much.
BESIDE_M = 0.01
LEAST_PIECE_M = 1e-5


def refine_exact(
    world: World, table: PathTable, source_m: Floats, receivers_m: Floats
) -> PathTable:
    """The candidates without a diffraction that are paths, with exact vertices.

    Args:
        table: What the walk found; `vertex` holds the places that it came to.
        source_m: Transmitter [m], [3].
        receivers_m: Receivers that the table counts [m], [rx, 3].
    Returns:
        Candidates whose exact way runs within a centimetre of the one walked and that
        are reflected from the side that they come from.
    Source: image method; checked by tests/trace/fields/test_thin_gaps.py.
    """
    vertex, valid = exact_vertices(
        world, table.kind, table.triangle, source_m, receivers_m[table.receiver], table.vertex
    )
    rows = np.flatnonzero(valid)
    found = _repeated(table.kind[rows], vertex[rows]).astype(np.float32)
    return replace(table.take(rows), vertex=found)


def with_exact_vertices(
    world: World, table: PathTable, source_m: Floats, receivers_m: Floats
) -> PathTable:
    """The same paths with vertices in double precision, where they follow from the triangles.

    Stored vertices are rounded: a pane of a millimetre, or a scene far from its origin,
    would feel that. Scattered and diffracted paths are left as they are.

    Args:
        source_m: Transmitter of each path [m], [path, 3].
        receivers_m: Receivers that the table counts [m], [rx, 3].
    """
    follows = np.isin(table.kind, (0, InteractionType.SPECULAR, InteractionType.REFRACTION))
    rows = np.flatnonzero(follows.all(axis=1) & (table.kind != 0).any(axis=1))
    if not len(rows):
        return table
    some = table.take(rows)
    vertex, _ = exact_vertices(
        world, some.kind, some.triangle, source_m[rows], receivers_m[some.receiver], some.vertex
    )
    whole = table.vertex.astype(np.float64)
    whole[rows] = _repeated(some.kind, vertex)
    return replace(table, vertex=whole)


def _repeated(kind: Bytes, vertex: Floats) -> Floats:
    """Vertices with the last one in unused depths: leftover segments have no length."""
    count = np.count_nonzero(kind, axis=1)
    last = vertex[np.arange(len(kind)), np.maximum(count - 1, 0)]
    return np.where((kind != 0)[..., None], vertex, last[:, None])


def exact_vertices(
    world: World,
    kind: Bytes,
    triangle: Unsigned,
    source_m: Floats,
    target_m: Floats,
    walked_m: NDArray[np.floating[Any]],
) -> tuple[Floats, Bools]:
    """Places where paths touch their triangles, and whether they are paths at all.

    Args:
        kind: [path, depth]; 0 fills up; no diffraction.
        triangle: [path, depth].
        source_m: Transmitter [m], [3] or [path, 3].
        target_m: Receiver of each path [m], [path, 3].
        walked_m: About where they are [m], [path, depth, 3].
    Returns:
        Vertices [m], [path, depth, 3], NaN in unused depths; validity [path].
    """
    num, depth = kind.shape
    used = kind != 0
    normal, point = planes_of(world, np.where(used, triangle, 0))
    mirrors = kind == InteractionType.SPECULAR
    image = np.empty((num, depth + 1, 3))
    image[:, 0] = source_m
    for k in range(depth):
        off = _dot(image[:, k] - point[:, k], normal[:, k])
        moved = image[:, k] - 2.0 * off[:, None] * normal[:, k]
        image[:, k + 1] = np.where(mirrors[:, k, None], moved, image[:, k])
    vertex = np.full((num, depth, 3), np.nan)
    valid = np.ones(num, bool)
    current = np.array(target_m, np.float64).reshape(num, 3)
    with np.errstate(divide="ignore", invalid="ignore"):
        for k in range(depth - 1, -1, -1):
            on = used[:, k]
            aim = image[:, k + 1]
            before = _dot(current - point[:, k], normal[:, k])
            behind = _dot(aim - point[:, k], normal[:, k])
            share = before / (before - behind)
            place = current + share[:, None] * (aim - current)
            # A reflection from behind, or a wall beyond the end of the straight piece.
            valid &= ~on | ((share >= 0) & (share <= 1))
            if k + 1 < depth:
                # Rounding may let a ray meet the face again that it has just left.
                leaves = np.linalg.norm(place - current, axis=1) > LEAST_PIECE_M
                valid &= ~(on & used[:, k + 1]) | leaves
            way = _unit(aim - current)
            beside = walked_m[:, k] - place
            beside -= _dot(beside, way)[:, None] * way
            valid &= ~on | (np.linalg.norm(beside, axis=1) < BESIDE_M)
            vertex[:, k] = np.where(on[:, None], place, np.nan)
            current = np.where(on[:, None], place, current)
    return vertex, valid


def planes_of(world: World, triangle: Unsigned | Ints) -> tuple[Floats, Floats]:
    """Unit normal and a point of the plane of each triangle, [..., 3] each."""
    corners = world.triangles.vertices[triangle].astype(np.float64)
    point = corners[..., 0, :]
    normal = np.cross(corners[..., 1, :] - point, corners[..., 2, :] - point)
    return _unit(normal), point


def _dot(one: Floats, other: Floats) -> Floats:
    total: Floats = (one * other).sum(axis=-1)
    return total


def _unit(vector: Floats) -> Floats:
    size = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.divide(vector, size, out=np.zeros_like(vector), where=size > 0)
