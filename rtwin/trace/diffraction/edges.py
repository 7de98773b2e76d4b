"""The edges of a scene: which faces meet where, whatever mesh each belongs to.

The engine knows edges of one mesh only: a roof of one material on walls of another
has none, and a pane that fills its hole has two that do not exist. Here the faces that
share an edge are found by place. They part the space around the edge into sectors; a
wave diffracts in the widest, if that is wider than half a turn. So two faces of one
plane have no edge (a seam), and a single face has one of a whole turn.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rtwin.arrays import Bools, Floats, Ints, Singles
from rtwin.trace.diffraction.ranks import row_ranks

SAME_POINT_M = 1e-3
LEAST_TURN_RAD = np.radians(1.0)  # what turns less is a seam
_BESIDE_M = 2e-3
_AROUND_M = 0.1  # farther from a face's bounds no point of its plane is on it
_PAIRS_AT_ONCE = 500_000
NO_ROW = -1


@dataclass(frozen=True)
class SceneEdges:
    """Edges in a right-handed frame: along face 0, its normal, along the edge.

    Face 0 and the other may be exchanged, together with the direction; the rows
    have one of the two ways.
    """

    triangle: Ints  # [edge, 2], of face 0 and of the other; equal for free edges
    side: Ints  # [edge, 2], which edge of that triangle: from this corner to the next
    start_m: Floats  # [edge, 3]
    direction: Floats  # [edge, 3], unit
    length_m: Floats  # [edge]
    normal: Floats  # [edge, 2, 3], of both faces, into the free sector
    turn_rad: Floats  # [edge], exterior angle
    row: Ints  # [triangle, 3], edge of each side of each triangle; NO_ROW for seams

    def __len__(self) -> int:
        return len(self.length_m)

    @cached_property
    def aside(self) -> Floats:
        """Unit vectors away from the solid, in the middle between the faces, [edge, 3]."""
        both = self.normal.sum(axis=1)
        # Both normals of a free edge are of one face, one up, one down: away from that face.
        both = np.where(self.is_free[:, None], -self.into, both)
        size = np.linalg.norm(both, axis=1, keepdims=True)
        found: Floats = both / np.maximum(size, 1e-9)
        return found

    @cached_property
    def into(self) -> Floats:
        """Unit vectors from each edge along its first face, [edge, 3]."""
        found: Floats = np.cross(self.normal[:, 0], self.direction)
        return found

    @property
    def is_free(self) -> Bools:
        """Whether each edge is that of a single face."""
        return self.triangle[:, 0] == self.triangle[:, 1]


def find_edges(vertices: Singles, plane: Ints) -> SceneEdges:
    """All edges of triangles at which a wave diffracts.

    Args:
        vertices: Corners [m], [triangle, 3, 3].
        plane: Number of the plane of each triangle.
    Source: checked by tests/trace/diffraction/test_edges.py.
    """
    corner = vertices.astype(np.float64)
    start, end = corner, np.roll(corner, -1, axis=1)
    point = _points(vertices)
    ends = np.sort(np.stack([point, np.roll(point, -1, axis=1)], axis=-1), axis=-1)
    area = np.linalg.norm(np.cross(end[:, 0] - start[:, 0], end[:, 1] - start[:, 1]), axis=1)
    has_area = (ends[..., 0] != ends[..., 1]).all(axis=1) & (area > SAME_POINT_M**2)
    half = np.flatnonzero(np.repeat(has_area, 3))
    pair = ends.reshape(-1, 2)[half]
    key = pair[:, 0] * (int(point.max(initial=0)) + 1) + pair[:, 1]
    order = np.argsort(key, kind="stable")
    half, key = half[order], key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    size = np.diff(np.r_[first, len(key)])
    found = []
    for count in np.unique(size):
        members = half[first[size == count][:, None] + np.arange(count)]
        found.append(_widest(start, end, corner, members))
    sides, begin, along, normal, turn = (
        np.concatenate(column) for column in zip(*found, strict=True)
    )
    keep = turn > np.pi + LEAST_TURN_RAD
    is_free = sides[:, 0] == sides[:, 1]
    rows = np.flatnonzero(keep & is_free)
    keep[rows[_inside_a_face(corner, plane, begin[rows], along[rows], sides[rows, 0])]] = False
    order = np.flatnonzero(keep)[np.lexsort(sides[keep].T[::-1])]
    sides, begin, along = sides[order], begin[order], along[order]
    length = np.linalg.norm(along, axis=1)
    row = _rows_of_sides(half, key, sides, 3 * len(corner)).reshape(-1, 3)
    return SceneEdges(
        triangle=sides // 3,
        side=sides % 3,
        start_m=begin,
        direction=along / length[:, None],
        length_m=length,
        normal=normal[order],
        turn_rad=turn[order],
        row=row,
    )


def find_parts(vertices: Singles) -> Ints:
    """Which connected part of a scene each triangle [triangle, 3, 3] belongs to, by number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    point = _points(vertices)
    size = int(point.max(initial=-1)) + 1
    ends = point[:, [0, 1]].ravel(), point[:, [1, 2]].ravel()
    joined = coo_array((np.ones(len(ends[0]), np.int8), ends), (size, size))
    of_point = connected_components(joined, directed=False)[1]
    found: Ints = of_point[point[:, 0]].astype(np.int64)
    return found


def _points(vertices: Singles) -> Ints:
    """Number of the point at each corner, [triangle, 3]."""
    keys = np.round(vertices.astype(np.float64).reshape(-1, 3) / SAME_POINT_M).astype(np.int64)
    return row_ranks(keys).reshape(-1, 3)


def _widest(
    start: Floats, end: Floats, corner: Floats, members: Ints
) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """The widest sector around each edge: its two sides, start, way, normals and angle."""
    members = np.sort(members, axis=1)
    lead = members[:, 0]
    begin, along = start.reshape(-1, 3)[lead], (end - start).reshape(-1, 3)[lead]
    unit = along / np.linalg.norm(along, axis=1, keepdims=True)
    middle = corner[members // 3].mean(axis=2)
    into = middle - begin[:, None]
    into -= np.einsum("emi,ei->em", into, unit)[..., None] * unit[:, None]
    into /= np.linalg.norm(into, axis=2, keepdims=True)
    upright = np.cross(unit, into[:, 0])
    x = np.einsum("emi,ei->em", into, into[:, 0])
    y = np.einsum("emi,ei->em", into, upright)
    angle = np.mod(np.arctan2(y, x), 2 * np.pi)
    angle[angle > 2 * np.pi - 1e-6] = 0.0  # on the first face, by rounding behind it
    order = np.argsort(angle, axis=1, kind="stable")
    angle = np.take_along_axis(angle, order, axis=1)
    gap = np.diff(np.concatenate([angle, angle[:, :1] + 2 * np.pi], axis=1), axis=1)
    widest = gap.argmax(axis=1)
    rows = np.arange(len(members))
    a, b = order[rows, widest], order[rows, (widest + 1) % members.shape[1]]
    turn = gap[rows, widest]
    whole = turn > 2 * np.pi - 1e-6  # faces on each other are one
    b = np.where(whole, a, b)
    normal = np.stack([np.cross(unit, into[rows, a]), -np.cross(unit, into[rows, b])], axis=1)
    return np.stack([members[rows, a], members[rows, b]], axis=1), begin, along, normal, turn


def _rows_of_sides(half: Ints, key: Ints, sides: Ints, num_sides: int) -> Ints:
    key_of_side = np.full(num_sides, -1)
    key_of_side[half] = key
    row = np.full(num_sides, NO_ROW)
    if not len(sides):
        return row
    edge_key = key_of_side[sides[:, 0]]
    order = np.argsort(edge_key)
    place = np.minimum(np.searchsorted(edge_key[order], key_of_side), len(order) - 1)
    same = (edge_key[order[place]] == key_of_side) & (key_of_side >= 0)
    row[same] = order[place[same]]
    return row


def _inside_a_face(corner: Floats, plane: Ints, begin: Floats, along: Floats, side: Ints) -> Bools:
    """Whether a plane goes on beyond each free edge, with a face that has other edges."""
    inside = np.zeros(len(begin), bool)
    if not len(begin):
        return inside
    triangle = side // 3
    unit = along / np.linalg.norm(along, axis=1, keepdims=True)
    own = corner[triangle].mean(axis=1) - begin
    own -= np.einsum("ei,ei->e", own, unit)[:, None] * unit
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    beside = begin + 0.5 * along - _BESIDE_M * own
    by_plane = np.argsort(plane, kind="stable")
    low = np.searchsorted(plane[by_plane], plane[triangle], side="left")
    high = np.searchsorted(plane[by_plane], plane[triangle], side="right")
    # In runs of edges whose pairs with the faces of their planes fit into memory.
    run = np.cumsum(high - low) // _PAIRS_AT_ONCE
    bounds = corner.min(axis=1) - _AROUND_M, corner.max(axis=1) + _AROUND_M
    for edges in np.split(np.arange(len(begin)), np.flatnonzero(np.diff(run)) + 1):
        count = (high - low)[edges]
        edge = np.repeat(edges, count)
        offset = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        face = by_plane[low[edge] + offset]
        near = np.ones(len(edge), bool)
        for axis in range(3):
            place = beside[edge, axis]
            near &= (place > bounds[0][face, axis]) & (place < bounds[1][face, axis])
        edge, face = edge[near], face[near]
        inside[edge[_holds(corner[face], beside[edge])]] = True
    return inside


def _holds(triangles: Floats, points: Floats) -> Bools:
    """Whether each triangle [n, 3, 3] holds a point of its plane [n, 3], [n]."""
    ways = np.roll(triangles, -1, axis=1) - triangles
    normal = np.cross(ways[:, 0], ways[:, 1])
    turned = np.cross(ways, points[:, None] - triangles)
    held: Bools = (np.einsum("nki,ni->nk", turned, normal) > 0).all(axis=1)
    return held
