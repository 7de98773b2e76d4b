"""Strings pulled tight along the edges that they lead over: the shortest way, a convex problem."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.trace.chains import diffraction_parameter

NEAR_M = 0.02  # nearer to an end no edge is an obstacle; nearer to each other two are one
SWEEPS = 1000  # at most; edges near each other take many
FIRST_SWEEPS = 3  # before Newton's method: it goes astray from far off
STEPS = (1.0, 0.25, 0.0625)  # shares of Newton's
PATIENCE = 16  # steps, from which on points that have come together stay so
SETTLED_M = 1e-5  # of a step, from which on a string is tight


@dataclass(frozen=True)
class LooseStrings:
    """Strings that are not tight yet, each over as many edges."""

    source_m: Floats  # [3]
    target_m: Floats  # [string, 3]
    origin_m: Floats  # [string, edge, 3]
    direction: Floats  # [string, edge, 3]; 0 where there is no edge

    def tight(self, t: Floats) -> Floats:
        """Places along the edges [m], [string, edge], at which the strings are tight."""
        t = t.copy()
        # Each string moves until it has settled by itself: the same whatever stands beside it.
        moves = np.arange(len(t))
        for n in range(SWEEPS):
            if not len(moves):
                break
            was = t[moves]
            part = self.take(moves)
            t[moves] = part.swept(was) if n < FIRST_SWEEPS else part.stepped(was)
            going = np.abs(t[moves] - was).max(axis=1, initial=0.0) > SETTLED_M
            if n >= PATIENCE:
                going &= ~part.snags(was)
            moves = moves[going]
        return t

    def take(self, rows: Ints) -> "LooseStrings":
        columns = (self.target_m, self.origin_m, self.direction)
        return LooseStrings(self.source_m, *(column[rows] for column in columns))

    def swept(self, t: Floats) -> Floats:
        """Each point in turn where the way over it is shortest; always shorter, but slow."""
        t = t.copy()
        point = self._points(t)
        for k in range(1, point.shape[1] - 1):
            begin, along = self.origin_m[:, k - 1], self.direction[:, k - 1]
            t[:, k - 1] = diffraction_parameter(point[:, k - 1], point[:, k + 1], begin, along)
            point[:, k] = begin + t[:, k - 1, None] * along
        return t

    def stepped(self, t: Floats) -> Floats:
        """All points at once by Newton's method, for the length is convex; or as swept."""
        step = np.diff(self._points(t), axis=1)
        piece = np.maximum(np.linalg.norm(step, axis=2), 1e-9)
        unit = step / piece[..., None]
        e = self.direction
        before, behind = _dots(unit[:, :-1], e), _dots(unit[:, 1:], e)
        num, count = t.shape
        bend = np.zeros((num, count, count))
        diagonal = (1 - before**2) / piece[:, :-1] + (1 - behind**2) / piece[:, 1:]
        empty = ~e.any(axis=2)
        bend[:, range(count), range(count)] = np.where(empty, 1.0, diagonal + 1e-12)
        beside = -(_dots(e[:, :-1], e[:, 1:]) - behind[:, :-1] * before[:, 1:]) / piece[:, 1:-1]
        bend[:, range(count - 1), range(1, count)] = beside
        bend[:, range(1, count), range(count - 1)] = beside
        slope = np.where(empty, 0.0, before - behind)
        newton = -np.linalg.solve(bend, slope[..., None])[..., 0]
        best, least = self.swept(t), self._length(t)
        # Where points come together the length has a corner, and whole steps lead beyond it.
        for share in STEPS:
            found = t + share * newton
            length = self._length(found)
            settled = (share == 1.0) & (np.abs(newton).max(axis=1) <= SETTLED_M)
            better = (length < least) | settled
            best = np.where(better[:, None], found, best)
            least = np.where(better, length, least)
        return best

    def snags(self, t: Floats) -> Bools:
        """Whether a string hangs where two edges meet: it creeps there for ever."""
        between = np.linalg.norm(np.diff(self._points(t), axis=1)[:, 1:-1], axis=2)
        is_edge = self.direction[:, 1:].any(axis=2)
        found: Bools = (is_edge & (between < 0.5 * NEAR_M)).any(axis=1)
        return found

    def _points(self, t: Floats) -> Floats:
        """Both ends and what is between them [m], [string, edge + 2, 3]."""
        num, count = t.shape
        point = np.empty((num, count + 2, 3))
        point[:, 0], point[:, -1] = self.source_m, self.target_m
        point[:, 1:-1] = self.origin_m + t[..., None] * self.direction
        return point

    def _length(self, t: Floats) -> Floats:
        length: Floats = np.linalg.norm(np.diff(self._points(t), axis=1), axis=2).sum(axis=1)
        return length


def _dots(one: Floats, other: Floats) -> Floats:
    total: Floats = (one * other).sum(axis=-1)
    return total
