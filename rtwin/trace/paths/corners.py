"""Ways around corners: strings pulled tight sideways around what stands between two ends.

What blocks the straight way is passed on its left and on its right. In plan the string
there is part of the convex hull of both ends and of the vertical edges of what blocks it;
where that string meets something else, the hull goes around this as well. A way up and
down along vertical edges rises evenly over its length.

Each link is computed by itself: the same paths whatever the batch.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.trace.diffraction import SceneEdges
from rtwin.trace.world import World, first_hit

UPRIGHT = 0.999  # of an edge's direction, along z
BESIDE_M = 0.005
MOST_BEND_RAD = np.pi  # of a whole way: what bends more brings nothing beside the roofs
ROUNDS = 4  # times that a string may meet something new
CLEAR_M = 1e-3  # of each end of a straight piece: what stands there is not in its way
_NOTHING: Ints = np.zeros(0, np.int64)


class Way(NamedTuple):
    """Edges that a link's way leads around, from the transmitter on."""

    link: int
    row: Ints


@dataclass(frozen=True)
class _Corners:
    """The vertical edges of a scene, those of one part after another."""

    row: Ints  # [corner], of the scene's edges
    place_m: Floats  # [corner, 2]
    low_m: Floats  # [corner]
    high_m: Floats  # [corner]
    begin: Ints  # [part + 1]

    @classmethod
    def of(cls, edges: SceneEdges, part: Ints, has_free: bool) -> "_Corners":
        """Args: part: number of each triangle's part, [triangle]; has_free: with free edges."""
        upright = np.abs(edges.direction[:, 2]) > UPRIGHT
        row = np.flatnonzero(upright & (~edges.is_free | has_free))
        of_row = part[edges.triangle[row, 0]]
        order = np.argsort(of_row, kind="stable")
        row, of_row = row[order], of_row[order]
        ends = (
            edges.start_m[row, 2],
            edges.start_m[row, 2] + (edges.length_m[row] * edges.direction[row, 2]),
        )
        begin = np.searchsorted(of_row, np.arange(part.max(initial=-1) + 2))
        return cls(row, edges.start_m[row, :2], np.minimum(*ends), np.maximum(*ends), begin)

    def beside(self, parts: set[int], source_m: Floats, target_m: Floats, side: int) -> Ints:
        """Corners of some parts that lie on one side of a link and reach its height."""
        some = np.concatenate([np.arange(self.begin[p], self.begin[p + 1]) for p in sorted(parts)])
        way, off = (target_m - source_m)[:2], self.place_m[some] - source_m[:2]
        is_there = side * (way[0] * off[:, 1] - way[1] * off[:, 0]) > 1e-6
        low, high = np.sort([source_m[2], target_m[2]])
        is_there &= (self.low_m[some] <= high) & (self.high_m[some] >= low)
        return some[is_there]


def ways_around(
    world: World, source_m: Floats, targets_m: Floats, most: int, has_free: bool
) -> list[Way]:
    """Ways of links whose straight line is cut, at most one on the left and one on the right.

    Args:
        source_m: Transmitter, [3].
        targets_m: Receivers, [link, 3].
        most: Corners of a way.
        has_free: Whether edges of single faces count.
    """
    if not len(targets_m):
        return []
    triangles = world.triangles
    part = np.where(np.isin(triangles.object, list(world.ground)), -1, triangles.part)
    corners = _Corners.of(triangles.edges, part, has_free)
    beside = triangles.edges.aside
    ends = np.stack([np.broadcast_to(source_m, targets_m.shape), targets_m], axis=1)
    at_once = _met(world, list(ends), part)
    found = []
    for side in (1, -1):
        strings = {}
        for n, target in enumerate(targets_m):
            string = _String(source_m, target, side)
            if string.goes_around(at_once[n], corners, most):
                strings[n] = string
        for _ in range(ROUNDS):
            if not strings:
                break
            links = list(strings)
            met = _met(world, [strings[n].points(corners, beside) for n in links], part)
            for n, blocking in zip(links, met, strict=True):
                if not blocking:
                    found.append(Way(n, corners.row[strings[n].hull]))
                if not blocking or not strings[n].goes_around(blocking, corners, most):
                    del strings[n]
    return found


class _String:
    """A link's way on one side, as it grows."""

    def __init__(self, source_m: Floats, target_m: Floats, side: int) -> None:
        self._source, self._target, self._side = source_m, target_m, side
        self._parts: set[int] = set()
        self.hull = _NOTHING

    def points(self, corners: _Corners, beside: Floats) -> Floats:
        """The way's corners, ends included, a little beside the edges, [point, 3] m."""
        plan = np.concatenate([[self._source[:2]], corners.place_m[self.hull], [self._target[:2]]])
        run = np.cumsum(np.r_[0.0, np.linalg.norm(np.diff(plan, axis=0), axis=1)])
        z = self._source[2] + (self._target[2] - self._source[2]) * run / max(run[-1], 1e-9)
        points = np.column_stack([plan, z])
        points[1:-1] += BESIDE_M * beside[corners.row[self.hull]]
        return points

    def goes_around(self, blocking: set[int], corners: _Corners, most: int) -> bool:
        """Lead around further parts; False where no short string does."""
        if not blocking or -1 in blocking or blocking <= self._parts:
            return False
        self._parts |= blocking
        some = corners.beside(self._parts, self._source, self._target, self._side)
        plan = corners.place_m[some]
        self.hull = some[_chain(self._source[:2], self._target[:2], plan, self._side)]
        return 0 < len(self.hull) <= most


def _chain(source: Floats, target: Floats, points: Floats, side: int) -> Ints:
    """Points [point, 2] of a convex hull between two of its corners; none that bends too far."""
    from scipy.spatial import ConvexHull

    ahead, aside = (float(v) for v in target - source)
    length = math.hypot(ahead, aside)
    if length < 2 * CLEAR_M or not len(points):
        return _NOTHING
    plan = np.zeros((len(points) + 2, 2))
    plan[1, 0] = length
    turn = np.array([[ahead, -side * aside], [aside, side * ahead]]) / length
    plan[2:] = (points - source) @ turn
    x, y = plan[2:].T
    if y.max() < 2 * CLEAR_M:
        return _NOTHING
    if np.arctan2(y, x).max() + np.arctan2(y, length - x).max() > MOST_BEND_RAD:
        return _NOTHING
    ring = ConvexHull(plan).vertices.tolist()
    if 0 not in ring or 1 not in ring:
        return _NOTHING
    # Against the clock from the target, by way of the points, to the source.
    start = ring.index(1)
    ring = ring[start:] + ring[:start]
    return np.array(ring[1 : ring.index(0)][::-1], np.int64) - 2


def _met(world: World, ways: list[Floats], part: Ints) -> list[set[int]]:
    """Parts that the pieces of each way meet first."""
    start = np.concatenate([way[:-1] for way in ways])
    step = np.concatenate([np.diff(way, axis=0) for way in ways])
    link = np.repeat(np.arange(len(ways)), [len(way) - 1 for way in ways])
    length = np.linalg.norm(step, axis=1)
    unit = step / np.maximum(length, 1e-12)[:, None]
    hit, triangle, point = first_hit(world, start + CLEAR_M * unit, unit)
    is_met: Bools = hit & (np.linalg.norm(point - start, axis=1) < length - CLEAR_M)
    found: list[set[int]] = [set() for _ in ways]
    for n in np.flatnonzero(is_met):
        found[link[n]].add(int(part[triangle[n]]))
    return found
