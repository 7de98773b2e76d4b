"""Which receivers a chain can reach at all: arithmetic on planes, no ray is shot.

A receiver sees the transmitter over a chain only if every mirror point falls
inside the bounds of its plane. Seen through a mirror a box stays convex, so the
mirror points of a whole box of receivers lie within those of its corners:
chains are tested against boxes of boxes of receivers first, and only what is
left against receivers. The denser the receivers, the less each costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Floats, Ints, Unsigned
from rtwin.trace.chains.device_chains import DeviceChains
from rtwin.trace.chains.images import ChainImages
from rtwin.trace.world import World

BRANCHING = 8
EDGE_MARGIN_M = 0.02
# How far inside of a wedge an end must lie for that to be certain: the image method, which
# refuses such ways in the end, takes mirror points that lie a little elsewhere.
INSIDE_WEDGE_M = 0.25
# Boxes must not lose what their receivers pass: wider than any rounding in double precision.
BOX_MARGIN_M = 1e-3
PAIRS_PER_LAUNCH = 4_000_000
NUM_BOXES = 4  # boxes that ways are tested against in one launch


@dataclass(frozen=True)
class _Boxes:
    """Boxes around BRANCHING boxes (or receivers) of the level below each."""

    low_m: Floats  # [box, 3]
    high_m: Floats

    def __len__(self) -> int:
        return len(self.low_m)

    def corners(self) -> list[Floats]:
        """The eight corners of all boxes, each [box, 3]."""
        return corners_m(self.low_m, self.high_m)


def reachable_pairs(
    world: World,
    images: ChainImages,
    receivers_m: Floats,
    *,
    chains: Ints | None = None,
    near_m: Floats | None = None,
) -> tuple[Ints, Ints]:
    """Pairs whose mirror points all fall inside the bounds of their planes.

    Args:
        receivers_m: Receivers [m], [rx, 3].
        chains: Rows of the images that are asked for; default: all.
        near_m: Boxes [m], [box, 2, 3], at most NUM_BOXES; only pairs whose way over the
            mirror points meets one of them are wanted. Default: all pairs.
    Returns:
        Chain (row of the images, ascending) and receiver of each pair, neighbours in space
        together: rays that start and end near each other are quicker.
    """
    order = _along_a_curve(receivers_m)
    levels = _pile_up(receivers_m[order])
    test = BoundsTest(world, images, near_m)
    num = len(levels[-1]) if levels else len(order)
    asked = np.arange(len(images)) if chains is None else np.sort(chains)
    chain = np.repeat(asked.astype(np.uint32), num)
    box = np.tile(np.arange(num, dtype=np.uint32), len(asked))
    for height in range(len(levels) - 1, -1, -1):
        kept = test.passes(chain, box, levels[height].corners(), BOX_MARGIN_M)
        below = len(levels[height - 1]) if height else len(order)
        chain, box = _children(chain[kept], box[kept], below)
    kept = test.passes(chain, box, [receivers_m[order]], 0.0)
    return chain[kept].astype(np.int64), order[box[kept]]


def corners_m(low_m: Floats, high_m: Floats) -> list[Floats]:
    """The eight corners of boxes [box, 3], each [box, 3]; the first is low, the last is high."""
    masks = [[(n >> axis) & 1 for axis in range(3)] for n in range(8)]
    return [np.where(np.array(mask, bool), high_m, low_m) for mask in masks]


def _along_a_curve(points_m: Floats) -> Ints:
    """Order in which neighbours are near in space (Morton's curve over 1024 steps an axis)."""
    if len(points_m) == 0:
        return np.zeros(0, np.int64)
    low, high = points_m.min(axis=0), points_m.max(axis=0)
    cell = ((points_m - low) / max(float((high - low).max()), 1e-9) * 1023).astype(np.int64)
    key = np.zeros(len(points_m), np.int64)
    for bit in range(10):
        for axis in range(3):
            key |= ((cell[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(key, kind="stable")


def _pile_up(points_m: Floats) -> list[_Boxes]:
    """Boxes around runs of points, boxes around runs of boxes, until few are left."""
    levels: list[_Boxes] = []
    low = high = points_m
    while len(low) > BRANCHING:
        starts = np.arange(0, len(low), BRANCHING)
        low, high = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
        levels.append(_Boxes(low, high))
    return levels


def _children(chain: Unsigned, box: Unsigned, num_below: int) -> tuple[Unsigned, Unsigned]:
    first = box.astype(np.int64)[:, None] * BRANCHING
    child = (first + np.arange(BRANCHING)).ravel().astype(np.uint32)
    exists = child < num_below
    return np.repeat(chain, BRANCHING)[exists], child[exists]


class BoundsTest:
    """The chains on the device, in double precision: grazing mirror points ask for it."""

    def __init__(self, world: World, images: ChainImages, near_m: Floats | None = None) -> None:
        self._mi, self._dr = world.engine.mi, world.engine.dr
        self._chains = DeviceChains(world, images)
        self._low = self._chains.points(world.planes.low_m)
        self._high = self._chains.points(world.planes.high_m)
        self._near = None
        if near_m is not None:
            # One kernel for one box, two, and more.
            count = next(count for count in (1, 2, NUM_BOXES) if count >= len(near_m))
            padded = near_m[np.arange(count) % len(near_m)]
            self._near = [self._chains.points(box) for box in padded]

    def passes(
        self, chain: Unsigned, box: Unsigned, corners_m: Sequence[Floats], margin_m: float
    ) -> Ints:
        """Which pairs may reach; `corners_m` holds each corner of all boxes, [box, 3]."""
        numbers = self._chains.numbers
        corners = [self._chains.points(corner) for corner in corners_m]
        margin = self._chains.floats([margin_m])
        found = []
        for start in range(0, len(chain), PAIRS_PER_LAUNCH):
            block = slice(start, start + PAIRS_PER_LAUNCH)
            ok = self._visible(numbers(chain[block]), numbers(box[block]), corners, margin)
            found.append(self._dr.compress(ok).numpy().astype(np.int64) + start)
        return np.concatenate(found) if found else np.zeros(0, np.int64)

    def _visible(self, chain: Any, box: Any, corners: list[Any], margin: Any) -> Any:
        mi, dr, chains = self._mi, self._dr, self._chains
        length = dr.gather(mi.UInt, chains.length, chain)
        first = chain * (chains.depth + 1)  # of its images
        points = [dr.gather(mi.Point3d, corner, box) for corner in corners]
        ok, along = dr.full(mi.Mask, True, dr.width(chain)), []
        place = mi.UInt(0)
        if chains.has_edges:
            place = dr.gather(mi.UInt, chains.edge_place, chain)
            low, high = self._edge_interval(first + length, points)
            reach = dr.gather(mi.Float64, chains.edge_length, chain) + EDGE_MARGIN_M + margin
            ok &= (high > -(EDGE_MARGIN_M + margin)) & (low < reach)
            along = (
                [low]
                if len(points) == 1
                else [dr.maximum(low, -(EDGE_MARGIN_M + margin)), dr.minimum(high, reach)]
            )
            points = [point for point in points for _ in along]
        clear = mi.Mask(True)  # until a box lies on both sides of a plane: then nothing is known
        met = mi.Mask(False)  # whether the way so far meets one of the boxes asked for
        for k in range(chains.images.depth - 1, -1, -1):
            on = k < length
            aim = dr.gather(mi.Point3d, chains.image, first + (k + 1))
            aims = [aim] * len(points)
            if along:
                o = dr.gather(mi.Point3d, chains.origin, first + (k + 1))
                e = dr.gather(mi.Point3d, chains.direction, first + (k + 1))
                behind = place <= k
                aims = [
                    dr.select(behind, o + along[i % len(along)] * e, aim)
                    for i in range(len(points))
                ]
                at_edge = on & (place == k)
                if len(points) == 1:
                    before = dr.gather(mi.Point3d, chains.image, first + k)
                    ok &= ~at_edge | self._outside(chain, points[0], aims[0], before)
                moved = [dr.select(at_edge, a, p) for p, a in zip(points, aims, strict=True)]
                on &= ~at_edge
                met |= self._meets(points, moved, aims, margin)
                points = moved
            ok_here, clear_here, mirrored = self._mirror_points(chain, k, points, aims, margin)
            ok &= ~on | ~clear | ok_here
            clear &= ~on | clear_here
            moved = [dr.select(on, m, p) for m, p in zip(mirrored, points, strict=True)]
            met |= ~clear | self._meets(points, moved, aims, margin)
            points = moved
        source = dr.gather(mi.Point3d, chains.image, first)
        ends = [source] * len(points)
        return ok & (met | self._meets(points, ends, ends, margin))

    def _meets(self, starts: list[Any], ends: list[Any], aims: list[Any], margin: Any) -> Any:
        """Whether straight ways may meet a box asked for, on their lines towards their aims.

        Of several ways together: whether it meets the bounds of all, and the shaft from
        the bounds of where they start to those of their aims.
        """
        mi, dr = self._mi, self._dr
        if self._near is None:
            return mi.Mask(True)
        met = mi.Mask(False)
        if len(starts) == 1:
            start, way = starts[0], ends[0] - starts[0]
            for axis in range(3):
                way[axis] = dr.select(dr.abs(way[axis]) < 1e-12, 1e-12, way[axis])
        else:
            begin, end = _bounds(dr, starts), _bounds(dr, aims)
            low, high = _bounds(dr, [*starts, *ends])
        for box in self._near:
            lower = dr.gather(mi.Point3d, box, mi.UInt(0)) - margin
            upper = dr.gather(mi.Point3d, box, mi.UInt(1)) + margin
            if len(starts) > 1:
                inside = dr.all((high > lower) & (low < upper))
                met |= inside & self._in_shaft(begin, end, (lower, upper))
                continue
            one, other = (lower - start) / way, (upper - start) / way
            enters = dr.max(dr.minimum(one, other))
            leaves = dr.min(dr.maximum(one, other))
            met |= (enters <= leaves) & (leaves >= 0) & (enters <= 1)
        return met

    def _in_shaft(self, begin: Any, end: Any, box: Any) -> Any:
        """Whether a box may meet a line from one box to another, as shafts.hull_meets_box."""
        mi, dr = self._mi, self._dr
        met = mi.Mask(True)
        for i, j in ((0, 1), (0, 2), (1, 2)):
            for one in (0, 1):
                for other in (0, 1):
                    x = end[one][i] - begin[one][i]
                    y = end[other][j] - begin[other][j]
                    (a, b), (c, d), (e, f) = (_extent(dr, m, i, j, x, y) for m in (begin, end, box))
                    met &= (e <= dr.maximum(b, d)) & (f >= dr.minimum(a, c))
        return met

    def _mirror_points(
        self, chain: Any, k: int, points: list[Any], aims: list[Any], margin: Any
    ) -> tuple[Any, Any, list[Any]]:
        """Whether lines from points to aims may cross the plane of element k in its bounds.

        Also whether that is certain of all lines alike, and where they cross it.
        """
        mi, dr, chains = self._mi, self._dr, self._chains
        row = chain * chains.depth + k
        normal = dr.gather(mi.Point3d, chains.normal, row)
        point = dr.gather(mi.Point3d, chains.point, row)
        every, some = mi.Mask(True), mi.Mask(False)
        low, high, crossings = None, None, []
        for p, aim in zip(points, aims, strict=True):
            before, behind = dr.dot(p - point, normal), dr.dot(point - aim, normal)
            span = before + behind
            right = (behind * before > 0) & (dr.abs(span) > 1e-9)
            every, some = every & right, some | right
            crossing = p + (aim - p) * (before / span)
            crossings.append(crossing)
            low = crossing if low is None else dr.minimum(low, crossing)
            high = crossing if high is None else dr.maximum(high, crossing)
        plane = dr.gather(mi.UInt, chains.plane, row)
        inside = dr.all(
            (high > dr.gather(mi.Point3d, self._low, plane) - margin)
            & (low < dr.gather(mi.Point3d, self._high, plane) + margin)
        )
        return some & (~every | inside), every, crossings

    def _outside(self, chain: Any, point: Any, edge: Any, source: Any) -> Any:
        """Whether a way from a point over an edge to a source may lie outside of the wedge.

        The source is in front of the first face, the point of either: as the image method asks.
        """
        mi, dr, chains = self._mi, self._dr, self._chains
        normals = (chains.edge_normal, chains.edge_other_normal)
        front, back = (mi.Point3d(dr.gather(mi.Point3f, n, chain)) for n in normals)
        behind, before = point - edge, source - edge
        seen = (dr.dot(behind, front) > -INSIDE_WEDGE_M) | (dr.dot(behind, back) > -INSIDE_WEDGE_M)
        return seen & (dr.dot(before, front) > -INSIDE_WEDGE_M)

    def _edge_interval(self, last: Any, points: list[Any]) -> tuple[Any, Any]:
        """Bounds of where along its edge [m] a chain's paths to the points diffract.

        Args:
            last: Row of the last image of the chain.
        """
        mi, dr = self._mi, self._dr
        source = dr.gather(mi.Point3d, self._chains.image, last)
        o = dr.gather(mi.Point3d, self._chains.origin, last)
        e = dr.gather(mi.Point3d, self._chains.direction, last)
        along_source = dr.dot(source - o, e)
        off_source = dr.norm(source - o - along_source * e)

        def distances(p: Any) -> tuple[Any, Any]:
            along = dr.dot(p - o, e)
            return along - along_source, dr.norm(p - o - along * e)

        ahead, off = zip(*(distances(p) for p in points), strict=True)
        least, most = ahead[0], ahead[0]
        far = off[0]
        for value, distance in zip(ahead[1:], off[1:], strict=True):
            least, most = dr.minimum(least, value), dr.maximum(most, value)
            far = dr.maximum(far, distance)
        near = far
        if len(points) > 1:
            radius = 0.5 * dr.norm(points[-1] - points[0])  # corner 0 is low, the last is high
            _, middle = distances(0.5 * (points[0] + points[-1]))
            near = dr.maximum(middle - radius, 0)
        share_high = off_source / dr.maximum(off_source + near, 1e-12)
        share_low = off_source / dr.maximum(off_source + far, 1e-12)
        return (
            along_source + dr.minimum(least * share_low, least * share_high),
            along_source + dr.maximum(most * share_low, most * share_high),
        )


def _bounds(dr: Any, points: Sequence[Any]) -> tuple[Any, Any]:
    """Lower and upper corner of points on the device."""
    low, high = points[0], points[0]
    for point in points[1:]:
        low, high = dr.minimum(low, point), dr.maximum(high, point)
    return low, high


def _extent(dr: Any, box: Any, i: int, j: int, x: Any, y: Any) -> tuple[Any, Any]:
    """Least and greatest distance of a box along the normal of the direction (x, y)."""
    middle = 0.5 * ((box[0][j] + box[1][j]) * x - (box[0][i] + box[1][i]) * y)
    reach = 0.5 * ((box[1][j] - box[0][j]) * dr.abs(x) + (box[1][i] - box[0][i]) * dr.abs(y))
    reach += 1e-9 * (1 + dr.abs(middle))
    return middle - reach, middle + reach
