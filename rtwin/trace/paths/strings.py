"""Ways over roofs and around corners: strings pulled tight over what stands between two ends.

Around corners is rtwin.trace.paths.corners; over roofs is here.
In the vertical plane through both ends every edge that the plane cuts is a point of the
profile. The upper hull of these points is the way over the obstacles: its corners are the
edges that the wave diffracts at. Edges that touch the hull from below weaken the field as
well and are taken along. What an edge cuts off the plane is looked up by bearing, so that
a link costs as much as the edges under it, not as those of the scene.

Each link is computed by itself: the same paths whatever the batch.
"""

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.chains import PathTable, TransmitterTrace, wedges_of_rows
from rtwin.trace.diffraction import SceneEdges
from rtwin.trace.paths.corners import BESIDE_M, CLEAR_M, ways_around
from rtwin.trace.paths.ragged import PAIRS_AT_ONCE, runs_of, spread_out
from rtwin.trace.paths.tight import NEAR_M, LooseStrings
from rtwin.trace.world import NO_TRIANGLE, World, is_clear

NUM_BEARINGS = 4096
LEAST_REDUCED = 3  # ITU-R P.526 stands for a long profile with three edges, never fewer
TOUCHES = -0.3  # of ITU-R P.526's parameter: what lies lower costs less than 3 dB
_UP = np.array([0.0, 0.0, 1.0])
_NOTHING: Ints = np.zeros(0, np.int64)


@dataclass(frozen=True)
class _Strings:
    """Ways of some links: edges from the transmitter on, -1 fills up, and where they are met."""

    receiver: Ints  # [string]
    row: Ints  # [string, edge]
    point_m: Floats  # [string, edge, 3]


def paths_over_edges(
    world: World, source_m: Floats, receivers_m: Floats, solver: Solver
) -> PathTable:
    """Paths of a transmitter [3] to receivers [rx, 3] over and around what stands between.

    Only links whose straight line is cut have them; at most `solver.max_diffractions` edges,
    and at most `solver.max_depth`.
    """
    own = solver.diffraction and solver.diffraction_model != "sionna"
    most = min(solver.max_diffractions, solver.max_depth)
    depth = max(solver.max_depth, 1)
    if not (own and most and len(receivers_m) and len(world.triangles.edges)):
        return _table(world, _strings_of_none(), depth)
    source_m = np.asarray(source_m, np.float64)
    ends = np.broadcast_to(source_m, receivers_m.shape)
    dark = np.flatnonzero(~is_clear(world, ends, receivers_m, CLEAR_M))
    over = _over(world, dark, source_m, receivers_m, solver, most)
    around = _around(world, dark, source_m, receivers_m, solver, most)
    return PathTable.concatenate([_table(world, over, depth), _table(world, around, depth)])


def _over(
    world: World, dark: Ints, source_m: Floats, receivers_m: Floats, solver: Solver, most: int
) -> _Strings:
    """Over the tops: where they cut the plane of a link, or pulled tight where that goes."""
    edges = world.triangles.edges
    usable = np.flatnonzero(~edges.is_free | solver.edge_diffraction)
    profile = _Profile(edges, usable, source_m)
    wavelength = float(world.scene.wavelength[0])
    ways = profile.ways(receivers_m[dark], most, wavelength)
    hulls = _strings(edges, dark, [way.hull for way in ways], source_m, receivers_m)
    over = np.flatnonzero(
        (hulls.row >= 0).any(axis=1) & _is_open(world, hulls, _UP, source_m, receivers_m)
    )
    if not len(over):
        return _strings_of_none()
    chosen = [ways[number].chosen for number in over]
    flat = _strings(edges, dark[over], chosen, source_m, receivers_m)
    tight, _ = _tightened(edges, flat, source_m, receivers_m)
    whole = np.array([np.array_equal(ways[number].hull, ways[number].chosen) for number in over])
    pulled = whole & _is_open(world, tight, _UP, source_m, receivers_m)
    point = np.where(pulled[:, None, None], tight.point_m, flat.point_m)
    return _Strings(flat.receiver, flat.row, point)


def _around(
    world: World, dark: Ints, source_m: Floats, receivers_m: Floats, solver: Solver, most: int
) -> _Strings:
    """Around corners, as far as the string stays between the lower and upper ends of its edges."""
    edges = world.triangles.edges
    ways = ways_around(world, source_m, receivers_m[dark], most, solver.edge_diffraction)
    if not ways:
        return _strings_of_none()
    row = _rows([way.row for way in ways])
    some = np.where(row >= 0, row, 0)
    middle = edges.start_m[some] + 0.5 * edges.length_m[some, None] * edges.direction[some]
    loose = _Strings(dark[[way.link for way in ways]], row, middle)
    tight, fits = _tightened(edges, loose, source_m, receivers_m)
    fits &= _is_open(world, tight, edges.aside[some], source_m, receivers_m)
    return _Strings(tight.receiver[fits], row[fits], tight.point_m[fits])


@dataclass(frozen=True)
class _Way:
    """Edges over which a link's way leads, from the transmitter on."""

    hull: Ints  # all that the string touches
    chosen: Ints  # those that the path diffracts at


class _Profile:
    """The edges of a scene as a transmitter sees them from above, by bearing."""

    def __init__(self, edges: SceneEdges, rows: Ints, source_m: Floats) -> None:
        start = edges.start_m[rows]
        end = start + edges.length_m[rows, None] * edges.direction[rows]
        self._rows, self._start, self._end, self._source = rows, start, end, source_m
        a, b = (self._bearing(p) for p in (start, end))
        turn = np.mod(b - a + 0.5, 1.0) - 0.5  # in whole turns, the short way
        low, span = np.where(turn < 0, b, a), np.abs(turn)
        first = np.floor(low * NUM_BEARINGS).astype(np.int64)
        count = np.floor((low + span) * NUM_BEARINGS).astype(np.int64) - first + 1
        edge = np.repeat(np.arange(len(rows)), count)
        offset = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        bearing = np.mod(np.repeat(first, count) + offset, NUM_BEARINGS)
        order = np.argsort(bearing, kind="stable")
        self._edge = edge[order]
        self._begin = np.searchsorted(bearing[order], np.arange(NUM_BEARINGS + 1))

    def _bearing(self, point_m: Floats) -> Floats:
        x, y = (point_m - self._source)[..., :2].T
        found: Floats = np.mod(np.arctan2(y, x) / (2 * np.pi), 1.0)
        return found

    def ways(self, receivers_m: Floats, most: int, wavelength_m: float) -> list[_Way]:
        """The ways to receivers [rx, 3]; of no edge where there is none."""
        bearing = (self._bearing(receivers_m) * NUM_BEARINGS).astype(np.int64) % NUM_BEARINGS
        count = self._begin[bearing + 1] - self._begin[bearing]
        found = []
        for block in runs_of(count, PAIRS_AT_ONCE):
            found += self._ways(receivers_m[block], bearing[block], most, wavelength_m)
        return found

    def _ways(
        self, receivers_m: Floats, bearing: Ints, most: int, wavelength_m: float
    ) -> list[_Way]:
        link, at = spread_out(self._begin[bearing], self._begin[bearing + 1])
        edge = self._edge[at]
        way = receivers_m - self._source
        length = np.hypot(way[:, 0], way[:, 1])
        unit = way[:, :2] / np.maximum(length, NEAR_M)[:, None]
        lowest = 3.0 * np.sqrt(wavelength_m * length)
        a, b = self._start[edge] - self._source, self._end[edge] - self._source
        ux, uy = unit[link].T
        off_a = a[:, 1] * ux - a[:, 0] * uy
        off_b = b[:, 1] * ux - b[:, 0] * uy
        size = off_b - off_a
        cuts = (off_a * off_b <= 0) & (np.abs(size) > 1e-9) & (length >= 2 * NEAR_M)[link]
        link, edge, a, b = link[cuts], edge[cuts], a[cuts], b[cuts]
        place = a + (-off_a[cuts] / size[cuts])[:, None] * (b - a)
        begin = np.searchsorted(link, np.arange(len(receivers_m) + 1)).tolist()
        runs = zip(pairwise(begin), unit, strict=True)
        x = np.concatenate([place[first:last, :2] @ ahead for (first, last), ahead in runs])
        z, far, rise = place[:, 2], length[link], way[link, 2]
        there = (x > NEAR_M) & (x < far - NEAR_M)
        # What lies far below the straight line is on no hull and touches none.
        there &= z > rise * x / np.maximum(far, NEAR_M) - lowest[link]
        link, x, z, rows = link[there], x[there], z[there], self._rows[edge[there]]
        order = np.lexsort((rows, -z, x, link))
        link, x, z, rows = link[order], x[order], z[order], rows[order]
        above = z * length[link] > way[link, 2] * x
        begin = np.searchsorted(link, np.arange(len(receivers_m) + 1)).tolist()
        blocked = np.bincount(link[above], minlength=len(receivers_m)) > 0
        found = [_Way(_NOTHING, _NOTHING)] * len(receivers_m)
        for number in np.flatnonzero(blocked).tolist():
            some = slice(begin[number], begin[number + 1])
            profile = _Points(
                x[some].tolist(), z[some].tolist(), float(length[number]), float(way[number, 2])
            )
            hull = profile.hull(np.flatnonzero(above[some]).tolist())
            if hull and (len(hull) <= most or most >= LEAST_REDUCED):
                chosen = profile.chosen(hull, most, wavelength_m)
                found[number] = _Way(rows[some][hull], rows[some][chosen])
        return found


class _Points(NamedTuple):
    """Where a link's vertical plane cuts edges, from the transmitter on; all in metres from it."""

    x: list[float]
    z: list[float]
    length: float  # of the link in plan
    rise: float

    def hull(self, above: list[int]) -> list[int]:
        """Points above the straight line of both ends that a string over all of them touches."""
        px = [*(self.x[i] for i in above), self.length]
        pz = [*(self.z[i] for i in above), self.rise]
        hull = [(0.0, 0.0, -1)]
        for i in range(len(px)):
            while len(hull) > 1:
                (ax, az, _), (bx, bz, _) = hull[-2], hull[-1]
                if (bx - ax) * (pz[i] - az) - (bz - az) * (px[i] - ax) < 0:
                    break
                hull.pop()
            hull.append((px[i], pz[i], i))
        return [above[i] for _, _, i in hull[1:-1]]

    def chosen(self, hull: list[int], most: int, wavelength_m: float) -> list[int]:
        """At most `most` points: the hull, or those of it that matter most, and what touches it."""
        if len(hull) == most or len(hull) == 1:
            return hull
        kept = list(hull)
        while len(kept) > most:
            ends = [-1, *kept, -1]
            values = [
                self._height(ends[k], ends[k - 1], ends[k + 1], wavelength_m)
                for k in range(1, len(ends) - 1)
            ]
            kept.pop(values.index(min(values)))
        # A way over one edge is a path like any other, whose field the edges below do not enter.
        while 2 <= len(kept) < most:
            ends = [-1, *kept, -1]
            best, where = TOUCHES, (-1, -1)
            for k in range(len(ends) - 1):
                low = -1.0 if ends[k] < 0 else self.x[ends[k]]
                high = math.inf if ends[k + 1] < 0 else self.x[ends[k + 1]]
                for i in range(bisect_right(self.x, low), bisect_left(self.x, high)):
                    value = self._height(i, ends[k], ends[k + 1], wavelength_m)
                    if best < value <= 1e-6:
                        best, where = value, (k, i)
            if where[1] < 0:
                break
            kept.insert(where[0], where[1])
        return kept

    def _height(self, i: int, before: int, behind: int, wavelength_m: float) -> float:
        """ITU-R P.526's parameter of a point against its neighbours."""
        ax, az = (0.0, 0.0) if before < 0 else (self.x[before], self.z[before])
        bx, bz = (self.length, self.rise) if behind < 0 else (self.x[behind], self.z[behind])
        s, t = self.x[i] - ax, bx - self.x[i]
        if min(s, t) < NEAR_M:
            return -math.inf
        over = self.z[i] - (az * t + bz * s) / (s + t)
        return over * math.sqrt(2.0 / wavelength_m * (1.0 / s + 1.0 / t))


def _strings(
    edges: SceneEdges, receiver: Ints, ways: list[Ints], source_m: Floats, receivers_m: Floats
) -> _Strings:
    """Ways over edges, met where the vertical plane through both ends cuts them."""
    row = _rows(ways)
    some = np.where(row >= 0, row, 0)
    origin, direction = edges.start_m[some], edges.direction[some]
    line = receivers_m[receiver] - source_m
    across = np.stack([-line[:, 1], line[:, 0]], axis=-1)
    off = np.einsum("skj,sj->sk", (origin - source_m)[..., :2], across)
    slope = np.einsum("skj,sj->sk", direction[..., :2], across)
    t = np.clip(-off / np.where(np.abs(slope) > 1e-12, slope, 1.0), 0.0, edges.length_m[some])
    return _Strings(receiver, row, origin + t[..., None] * direction)


def _rows(ways: list[Ints]) -> Ints:
    """Edges of ways, [way, edge]; -1 fills up."""
    row = np.full((len(ways), max((len(way) for way in ways), default=0)), -1)
    for number, way in enumerate(ways):
        row[number, : len(way)] = way
    return row


def _tightened(
    edges: SceneEdges, flat: _Strings, source_m: Floats, receivers_m: Floats
) -> tuple[_Strings, Bools]:
    """The strings pulled tight along their edges, and which edges are long enough for that."""
    row = flat.row
    some = np.where(row >= 0, row, 0)
    # Unused places stand at the receiver and stay there.
    used = (row >= 0)[..., None]
    target = receivers_m[flat.receiver]
    origin = np.where(used, edges.start_m[some], target[:, None])
    direction = np.where(used, edges.direction[some], 0.0)
    loose = LooseStrings(source_m, target, origin, direction)
    t = loose.tight(((flat.point_m - origin) * direction).sum(axis=2))
    point = origin + t[..., None] * direction
    inside = ((t > 0) & (t < edges.length_m[some])) | (row < 0)
    apart = np.linalg.norm(np.diff(point, axis=1), axis=2) > NEAR_M
    fits = inside.all(axis=1) & (apart | (row[:, 1:] < 0)).all(axis=1)
    point = np.where(fits[:, None, None], point, flat.point_m)
    return _Strings(flat.receiver, row, point), fits


def _is_open(
    world: World, strings: _Strings, aside: Floats, source_m: Floats, receivers_m: Floats
) -> Bools:
    """Whether nothing stands in the way of any piece of each string, a little beside its edges.

    Args:
        aside: Unit vectors away from the edges, [string, edge, 3] or [3].
    """
    point = strings.point_m + BESIDE_M * aside
    target = receivers_m[strings.receiver]
    clear = np.ones(len(target), bool)
    current = np.broadcast_to(source_m, target.shape)
    for k in range(strings.row.shape[1]):
        there = (strings.row[:, k] >= 0)[:, None]
        following = np.where(there, point[:, k], current)
        clear &= is_clear(world, current, following, CLEAR_M)
        current = following
    return clear & is_clear(world, current, target, CLEAR_M)


def differing(one: TransmitterTrace, other: TransmitterTrace) -> tuple[Bools, Bools]:
    """Which paths of each trace the other does not have, to the bit."""

    def keys(trace: TransmitterTrace) -> NDArray[np.object_]:
        columns = (trace.receiver, trace.interactions, trace.triangle, trace.vertex_m)
        rows = [
            np.ascontiguousarray(c).reshape(len(trace), -1).view(np.uint8).reshape(len(trace), -1)
            if len(trace)
            else np.zeros((0, 1), np.uint8)
            for c in columns
        ]
        joined = np.concatenate(rows, axis=1)
        return np.array([row.tobytes() for row in joined] + [None], object)[:-1]

    a, b = keys(one), keys(other)
    in_a, in_b = set(a.tolist()), set(b.tolist())
    return (
        np.array([key not in in_b for key in a], bool),
        np.array([key not in in_a for key in b], bool),
    )


def _strings_of_none() -> _Strings:
    return _Strings(np.zeros(0, np.int64), np.zeros((0, 1), np.int64), np.zeros((0, 1, 3)))


def _table(world: World, strings: _Strings, depth: int) -> PathTable:
    num, most = strings.row.shape
    kind = np.zeros((num, depth), np.uint8)
    triangle = np.full((num, depth), NO_TRIANGLE, np.uint32)
    vertex = np.zeros((num, depth, 3), np.float32)
    there = strings.row >= 0
    leading = strings.row[:, 0] if num else np.zeros(0, np.int64)
    if num:
        some = np.where(there, strings.row, 0)
        first = world.triangles.edges.triangle[some, 0]
        kind[:, :most] = np.where(there, InteractionType.DIFFRACTION, 0)
        triangle[:, :most] = np.where(there, first, NO_TRIANGLE)
        vertex[:, :most] = strings.point_m
        last = strings.point_m[np.arange(num), there.sum(axis=1) - 1]
        vertex = np.where((kind != 0)[..., None], vertex, last[:, None]).astype(np.float32)
    return PathTable(
        receiver=strings.receiver,
        kind=kind,
        triangle=triangle,
        vertex=vertex,
        wedge=wedges_of_rows(world, leading, np.zeros(num, bool)),
        chain=np.full(num, -1),
    )
