"""Ways around corners: strings pulled tight sideways around what stands between two ends.

What blocks the straight way is passed on its left and on its right. In plan the string
there is part of the convex hull of both ends and of the vertical edges of what blocks it;
where that string meets something else, the hull goes around this as well. A way up and
down along vertical edges rises evenly over its length.

Each link is computed by itself: the same paths whatever the batch.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.trace.diffraction import SceneEdges
from rtwin.trace.paths.hulls import string_hulls
from rtwin.trace.paths.ragged import PAIRS_AT_ONCE, runs_of, spread_out
from rtwin.trace.world import World, first_hit

UPRIGHT = 0.999  # of an edge's direction, along z
BESIDE_M = 0.005
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
    straight = np.stack([np.broadcast_to(source_m, targets_m.shape), targets_m], axis=1)
    at_once = _met(world, straight, np.full(len(targets_m), 2), part)
    found = []
    for side in (1, -1):
        strings = _Side(corners, source_m, targets_m, side, most)
        link, hull = strings.lead_around(*at_once)
        for _ in range(ROUNDS):
            if not len(link):
                break
            points = _points(corners, triangles.edges.aside, source_m, targets_m[link], hull)
            row, met = _met(world, *points, part)
            is_blocked = np.bincount(row, minlength=len(link)) > 0
            found += [
                Way(int(link[n]), corners.row[hull[n][hull[n] >= 0]])
                for n in np.flatnonzero(~is_blocked)
            ]
            link, hull = strings.lead_around(link[row], met)
    return found


class _Side:
    """The ways of all links on one side, as they grow."""

    def __init__(
        self, corners: _Corners, source_m: Floats, targets_m: Floats, side: int, most: int
    ) -> None:
        self._corners, self._source, self._targets = corners, source_m, targets_m
        self._side, self._most = side, most
        self._known = _NOTHING  # link * parts + part, of what each link goes around

    def lead_around(self, link: Ints, part: Ints) -> tuple[Ints, Ints]:
        """Lead links around further parts that block them, each pair once.

        Returns:
            Links for which a short string does that, ascending, and its corners from the
            transmitter on, [link, most], -1 fills up.
        """
        num = len(self._corners.begin) - 1
        lost = np.unique(link[part < 0])  # nothing leads around the ground
        pair = link * num + part
        news = np.unique(link[~np.isin(pair, self._known)])
        going = np.setdiff1d(news, lost, assume_unique=True)
        self._known = np.union1d(self._known, pair[np.isin(link, going)])
        pair = self._known[np.isin(self._known // num, going)]
        owner, part = np.searchsorted(going, pair // num), pair % num
        begin, end = self._corners.begin[part], self._corners.begin[part + 1]
        hull = np.full((len(going), self._most), -1)
        first = np.searchsorted(owner, np.arange(len(going) + 1))
        count = np.add.reduceat(np.r_[end - begin, 0], first[:-1]) if len(pair) else _NOTHING
        for some in runs_of(count, PAIRS_AT_ONCE):
            pairs = slice(first[some.start], first[some.stop])
            row, corner = spread_out(begin[pairs], end[pairs])
            row = owner[pairs][row] - some.start
            hull[some] = self._hulls(going[some], row, corner)
        is_led = (hull >= 0).any(axis=1)
        return going[is_led], hull[is_led]

    def _hulls(self, link: Ints, row: Ints, corner: Ints) -> Ints:
        """Corners of the strings of links, of those (row of the links, corner) that there are."""
        corners, source, target = self._corners, self._source, self._targets[link]
        way = (target - source)[:, :2]
        off = corners.place_m[corner] - source[:2]
        is_there = self._side * (way[row, 0] * off[:, 1] - way[row, 1] * off[:, 0]) > 1e-6
        low, high = np.minimum(source[2], target[:, 2]), np.maximum(source[2], target[:, 2])
        is_there &= (corners.low_m[corner] <= high[row]) & (corners.high_m[corner] >= low[row])
        row, corner = row[is_there], corner[is_there]
        found = string_hulls(way, row, off[is_there], self._side, self._most)
        return np.where(found >= 0, corner[found], -1) if len(corner) else found


def _points(
    corners: _Corners, aside: Floats, source_m: Floats, targets_m: Floats, hull: Ints
) -> tuple[Floats, Ints]:
    """Ways over their corners, a little beside the edges, and how many points each has.

    Returns:
        [way, point, 3] m, ends included; the target fills up. And [way].
    """
    num, most = hull.shape
    there = hull >= 0
    some = np.where(there, hull, 0)
    count = there.sum(axis=1) + 2
    plan = np.empty((num, most + 2, 2))
    plan[:, 0], plan[:, 1:] = source_m[:2], targets_m[:, None, :2]
    plan[:, 1:-1] = np.where(there[..., None], corners.place_m[some], plan[:, 1:-1])
    run = np.zeros((num, most + 2))
    run[:, 1:] = np.cumsum(np.linalg.norm(np.diff(plan, axis=1), axis=2), axis=1)
    rise = (targets_m[:, 2] - source_m[2])[:, None]
    points = np.concatenate(
        [plan, (source_m[2] + rise * run / np.maximum(run[:, -1:], 1e-9))[..., None]], axis=2
    )
    points[:, 1:-1] += np.where(there[..., None], BESIDE_M * aside[corners.row[some]], 0.0)
    return points, count


def _met(world: World, points: Floats, count: Ints, part: Ints) -> tuple[Ints, Ints]:
    """Parts that the pieces of each way meet first: way and part, each pair once."""
    way, piece = spread_out(np.zeros(len(count), np.int64), count - 1)
    start = points[way, piece]
    step = points[way, piece + 1] - start
    length = np.linalg.norm(step, axis=1)
    unit = step / np.maximum(length, 1e-12)[:, None]
    hit, triangle, point = first_hit(world, start + CLEAR_M * unit, unit)
    is_met: Bools = hit & (np.linalg.norm(point - start, axis=1) < length - CLEAR_M)
    num = part.max(initial=-1) + 2
    pair = np.unique(way[is_met] * num + part[triangle[is_met]] + 1)
    return pair // num, pair % num - 1
