"""Strings around points in the plane, of many links at once: convex hulls between two ends."""

import math
from dataclasses import dataclass, replace

import numpy as np

from rtwin.arrays import Bools, Floats, Ints

MOST_BEND_RAD = np.pi  # of a whole way: what bends more brings nothing beside the roofs
LEAST_OFF_M = 2e-3  # points all nearer to the straight line are not in its way
_NOTHING: Ints = np.zeros(0, np.int64)
CERTAIN = 1e-8  # [m], [rad]: nearer decisions are not taken here


def string_hulls(way: Floats, row: Ints, point: Floats, side: int, most: int) -> Ints:
    """Corners of strings around points that all lie on one side of straight ways.

    Args:
        way: From the start to the end of each string [m], [string, 2].
        row: String of each point, ascending, [point].
        point: From the start of its string [m], [point, 2].
        side: 1: points on the left; -1: on the right.
        most: Corners of a string; one with more has none.
    Returns:
        Rows of the points, [string, most]; -1 fills up, and is all there is where no string
        leads around in at most MOST_BEND_RAD.
    Checked by tests/trace/paths/test_hulls.py.
    """
    hull, is_sure = _wrapped(way, row, point, side, most)
    begin = np.searchsorted(row, np.arange(len(way) + 1))
    for n in np.flatnonzero(~is_sure):
        chain = _chain(way[n], point[begin[n] : begin[n + 1]], side)
        hull[n] = -1
        if len(chain) <= most:
            hull[n, : len(chain)] = begin[n] + chain
    return hull


def _chain(way: Floats, points: Floats, side: int) -> Ints:
    """Points of one string, by Qhull, which has its own ways of being undecided."""
    from scipy.spatial import ConvexHull

    ahead, aside = (float(v) for v in way)
    length = math.hypot(ahead, aside)
    if length < LEAST_OFF_M or not len(points):
        return _NOTHING
    plan = np.zeros((len(points) + 2, 2))
    plan[1, 0] = length
    turn = np.array([[ahead, -side * aside], [aside, side * ahead]]) / length
    plan[2:] = points @ turn
    x, y = plan[2:].T
    if y.max() < LEAST_OFF_M:
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


def _wrapped(way: Floats, row: Ints, point: Floats, side: int, most: int) -> tuple[Ints, Bools]:
    """string_hulls, and whether each is certain: not where rounding decides.

    Each string is wrapped from its start on: the next corner is the point that the string
    turns to first. Of two points in one place, say, either may be it.
    """
    num = len(way)
    hull = np.full((num, most), -1)
    is_sure = np.ones(num, bool)
    if not len(row):
        return hull, is_sure
    length = np.hypot(way[:, 0], way[:, 1])
    is_sure &= np.abs(length - LEAST_OFF_M) > CERTAIN
    long = np.maximum(length, LEAST_OFF_M)[row]
    ahead, aside = way[row].T
    x = (point[:, 0] * ahead + point[:, 1] * aside) / long
    y = side * (point[:, 1] * ahead - point[:, 0] * aside) / long
    segments = _Segments(row, num)
    off = segments.most(y)
    bend = segments.most(np.arctan2(y, x)) + segments.most(np.arctan2(y, long - x))
    is_sure &= np.abs(off - LEAST_OFF_M) > CERTAIN
    is_sure &= ~(np.abs(bend - MOST_BEND_RAD) < CERTAIN)
    is_open = (length >= LEAST_OFF_M) & (off >= LEAST_OFF_M) & (bend <= MOST_BEND_RAD)
    strings = _Wrapping.begun(row, x, y, length).of(is_open)
    for k in range(most + 1):
        if not len(strings.string):
            break
        strings, sure, ended, corner = strings.turned()
        is_sure[strings.string] &= sure
        going = strings.string[~ended]
        if k == most:
            hull[going] = -1  # longer than asked for
            break
        hull[going, k] = corner[~ended]
        strings = strings.of(~ended)
    return hull, is_sure


@dataclass(frozen=True)
class _Wrapping:
    """Strings under way, turned so that they lead along x, and the points of these alone."""

    string: Ints  # [open], number of each
    length: Floats  # [open]
    here: Floats  # [open, 2], corner that each has reached
    heading: Floats  # [open, 2]
    at: Ints  # [open], row below of that corner; -1 at the start
    row: Ints  # [point], row above
    number: Ints  # [point], among all points
    x: Floats  # [point]
    y: Floats

    @classmethod
    def begun(cls, row: Ints, x: Floats, y: Floats, length: Floats) -> "_Wrapping":
        num = len(length)
        heading = np.tile([-1.0, 0.0], (num, 1))
        start = np.full(num, -1)
        strings, points = np.arange(num), np.arange(len(row))
        return cls(strings, length, np.zeros((num, 2)), heading, start, row, points, x, y)

    def of(self, kept: Bools) -> "_Wrapping":
        """Some of the strings, with their points."""
        if kept.all():
            return self
        point = kept[self.row]
        place, new = np.cumsum(point) - 1, np.cumsum(kept) - 1
        at = self.at[kept]
        return _Wrapping(
            self.string[kept],
            self.length[kept],
            self.here[kept],
            self.heading[kept],
            np.where(at >= 0, place[at], -1),
            new[self.row[point]],
            self.number[point],
            self.x[point],
            self.y[point],
        )

    def turned(self) -> "tuple[_Wrapping, Bools, Bools, Ints]":
        """One piece further: that, whether it is sure, which strings end, and points reached."""
        row, x, y, at, here = self.row, self.x, self.y, self.at, self.here
        num = len(self.string)
        segments = _Segments(row, num)
        dx, dy = x - here[row, 0], y - here[row, 1]
        turn = _turn(self.heading[row], dx, dy)
        turn[at[at >= 0]] = -np.inf
        best = segments.most(turn)
        end = np.stack([self.length, np.zeros(num)], axis=1) - here
        ends = _turn(self.heading, *end.T) >= best
        following = segments.first(turn == best[row])
        step = np.stack([x[following], y[following]], axis=1) - here
        step[ends] = end[ends]
        size = np.maximum(np.hypot(*step.T), 1e-12)
        # All others must lie clearly on the inner side of the next piece.
        off = (step[row, 0] * dy - step[row, 1] * dx) / size[row]
        off[at[at >= 0]] = -np.inf
        off[following[~ends]] = -np.inf
        outermost = segments.most(off)
        for is_other, place in ((~ends, end), (at >= 0, -here)):
            out = (step[:, 0] * place[:, 1] - step[:, 1] * place[:, 0]) / size
            outermost = np.maximum(outermost, np.where(is_other, out, -np.inf))
        on = replace(self, here=here + step, heading=step, at=np.where(ends, at, following))
        return on, outermost < -CERTAIN, ends, self.number[following]


class _Segments:
    """Points of one string after another."""

    def __init__(self, row: Ints, num: int) -> None:
        self._row, self._num = row, num
        self._begin = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
        self._some = row[self._begin]

    def most(self, values: Floats) -> Floats:
        """Largest value of each string; -inf where it has no point."""
        found = np.full(self._num, -np.inf)
        found[self._some] = np.maximum.reduceat(values, self._begin)
        return found

    def first(self, marked: Bools) -> Ints:
        """First marked point of each string; 0 where it has none."""
        found = np.zeros(self._num, np.int64)
        rows = np.flatnonzero(marked)
        found[self._row[rows[::-1]]] = rows[::-1]
        return found


def _turn(heading: Floats, dx: Floats, dy: Floats) -> Floats:
    """How far a string turns towards a place [rad], in (-3/2 pi, pi/2]; wrapping turns by < 0."""
    across = heading[:, 0] * dy - heading[:, 1] * dx
    along = heading[:, 0] * dx + heading[:, 1] * dy
    angle = np.arctan2(across, along)
    found: Floats = np.where(angle > 0.5 * np.pi, angle - 2 * np.pi, angle)
    return found
