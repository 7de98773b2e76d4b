"""Users that move: by random waypoints in free places, or along ways.

NumPy only (and shapely, to join ways). All draws come from a seed; the same
seed gives the same first K users for every number of users.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Bools, Floats, Ints
from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.scene.places.tracks import Tracks, check_samples

IsClear = Callable[[Floats, Floats], Bools]
_Way = tuple[Floats, Floats]
MIN_SPEED_M_S, MAX_SPEED_M_S = 1e-3, 1000.0
_STREAM = 0x7472  # keeps these draws apart from others of the same seed
_TRIES = (16, 256)  # candidates for the next waypoint; more if none of the first is in sight
_WALKABLE_SHARE = 0.25  # of a cell: how finely a leg is checked
_EVERY = (32, 4, 1)  # which places of legs are looked at, one after the other
_WAYS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Walk:
    """How many users walk for how long, and how fast.

    Attributes:
        num_ues: Users.
        duration_s: Length of the tracks [s].
        interval_s: Time between positions [s].
        speed_m_s: Lowest and highest speed; each leg or user draws its own [m/s].
        pause_s: Longest rest at a waypoint [s].
        seed: Seed of all draws.
    Raises:
        OutOfRangeError: if a number is not possible.
    """

    num_ues: int = 20
    duration_s: float = 60.0
    interval_s: float = 0.1
    speed_m_s: tuple[float, float] = (0.6, 1.8)
    pause_s: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.num_ues < 1:
            raise OutOfRangeError(f"num_ues is {self.num_ues}; it must be 1 or more")
        for name in ("duration_s", "interval_s"):
            if not (np.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise OutOfRangeError(f"{name} is {getattr(self, name)}; it must be above 0 s")
        if not (np.isfinite(self.pause_s) and self.pause_s >= 0):
            raise OutOfRangeError(f"pause_s is {self.pause_s}; it must be 0 s or more")
        low, high = self.speed_m_s
        if not (MIN_SPEED_M_S <= low <= high <= MAX_SPEED_M_S):
            raise OutOfRangeError(
                f"speed_m_s is {low:g} to {high:g}; it must be {MIN_SPEED_M_S:g} to "
                f"{MAX_SPEED_M_S:g}, the lower one first"
            )
        if not 0 <= self.seed < 2**63:
            raise OutOfRangeError(f"seed is {self.seed}; it must be 0 or more, below 2^63")
        check_samples(self.num_ues, self.duration_s / self.interval_s + 1)

    @property
    def time_s(self) -> Floats:
        """Times [s], from 0, [time]."""
        steps = np.arange(int(self.duration_s / self.interval_s + 1e-9) + 1, dtype=np.float64)
        return self.interval_s * steps

    @property
    def names(self) -> tuple[str, ...]:
        """ue_0, ue_1, ..."""
        return tuple(f"ue_{number}" for number in range(self.num_ues))

    def rng(self, ue: int) -> np.random.Generator:
        """The draws of one user."""
        return np.random.Generator(np.random.PCG64([self.seed, _STREAM, ue]))


def random_waypoint(
    free: ArrayLike,
    cell_x_m: ArrayLike,
    cell_y_m: ArrayLike,
    walk: Walk,
    is_clear: IsClear | None = None,
) -> Tracks:
    """Users that walk straight from one free place to another that they can reach so.

    The next waypoint is drawn among the free cells, and taken if the straight
    way there stays in free cells; so nobody walks through a building.

    Args:
        free: Whether one can stand in a cell, [cell_y, cell_x].
        cell_x_m: x of the cell centres [m], equally spaced, [cell_x].
        cell_y_m: y of the cell centres [m], equally spaced, [cell_y].
        walk: How many users, for how long, how fast.
        is_clear: Whether the straight ways from places [n, 2] to others [n, 2]
            touch nothing, for what no cell shows, such as thin walls. It is
            asked for all users at once, since rays cost little in large numbers.
    Returns:
        Tracks without heights.
    Raises:
        ShapeError: if the shapes do not fit.
        OutOfRangeError: if no cell is free.
    Checked by tests/scene/places/test_tracks.py.
    """
    free = np.asarray(free, bool)
    x, y = np.asarray(cell_x_m, np.float64), np.asarray(cell_y_m, np.float64)
    if free.shape != (y.size, x.size):
        raise ShapeError(f"free has shape {free.shape}; it must be ({y.size}, {x.size})")
    if not free.any():
        raise OutOfRangeError("no cell of the map is free to walk in; take another map")
    ground = _FreeGround(free, x, y, is_clear)
    time = walk.time_s
    position = np.full((len(time), walk.num_ues, 3), np.nan)
    walkers = [_waypoints(ground, walk, walk.rng(ue), time[-1]) for ue in range(walk.num_ues)]
    for ue, (knots, reached) in _together(walkers, ground):
        for axis in range(2):
            position[:, ue, axis] = np.interp(time, reached, knots[:, axis])
    return Tracks(time, walk.names, position, _source("random-waypoint", walk))


def _together(
    walkers: Sequence[Generator[_Way, Bools, _Way]], ground: "_FreeGround"
) -> Iterable[tuple[int, _Way]]:
    """Users and their ways, each when it has ended; what all ask next is answered at once."""
    answers: dict[int, Any] = dict.fromkeys(range(len(walkers)))
    while answers:
        asked: dict[int, _Way] = {}
        for ue, answer in answers.items():
            try:
                asked[ue] = walkers[ue].send(answer)
            except StopIteration as end:
                yield ue, end.value
        good = ground.reachable(list(asked.values())) if asked else []
        answers = dict(zip(asked, good, strict=True))


def _source(kind: str, walk: Walk) -> dict[str, Any]:
    return {
        "kind": kind,
        "duration_s": walk.duration_s,
        "interval_s": walk.interval_s,
        "num_ues": walk.num_ues,
        "pause_s": walk.pause_s,
        "seed": walk.seed,
        "speed_m_s": list(walk.speed_m_s),
    }


class _FreeGround:
    """Cells that one can stand in, and which straight ways lead through nothing else."""

    def __init__(self, free: Bools, x: Floats, y: Floats, is_clear: IsClear | None) -> None:
        self.x, self.y, self.is_clear = x, y, is_clear
        self.cells = np.argwhere(free)
        pitch = [float(c[1] - c[0]) if c.size > 1 else 1.0 for c in (x, y)]
        self.step = np.array(pitch)
        # Cells beyond the edge are not free: no place needs to be asked whether it is inside.
        self.around = np.pad(free, 1)

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Places in free cells, [count, 2]."""
        row, column = self.cells[rng.integers(len(self.cells), size=count)].T
        shift = rng.random((count, 2)) - 0.5
        return np.stack([self.x[column], self.y[row]], axis=1) + shift * self.step

    def is_free(self, xy: Floats) -> Bools:
        """Whether places [..., 2] are in free cells."""
        low = np.array([self.x[0], self.y[0]]) - self.step / 2
        last = np.array(self.around.shape[::-1]) - 1
        cell = np.clip(np.floor((xy - low) / self.step) + 1, 0, last).astype(np.int64)
        return np.asarray(self.around[cell[..., 1], cell[..., 0]])

    def reachable(self, asked: Sequence[_Way]) -> list[Bools]:
        """Whether the straight ways from each place [2] to its others [n, 2] are free."""
        counts = [len(ends) for _, ends in asked]
        start = np.repeat([start for start, _ in asked], counts, axis=0)
        end = np.concatenate([ends for _, ends in asked])
        longest = [np.linalg.norm(ends - here, axis=1).max() for here, ends in asked]
        places = np.ceil(np.array(longest) / (_WALKABLE_SHARE * self.step.min())).astype(int) + 2
        good = np.ones(len(end), bool)
        # Most ways run into something large: few places of them need to be looked at.
        for every in _EVERY:
            left = np.flatnonzero(good)
            for rows in np.array_split(left, 1 + len(left) // _WAYS_AT_ONCE):
                ways = start[rows], end[rows], np.repeat(places, counts)[rows]
                good[rows] = self._through_free_cells(*ways, every)
        if self.is_clear is not None and good.any():
            good[good] = self.is_clear(start[good], end[good])
        return np.split(good, np.cumsum(counts)[:-1])

    def _through_free_cells(self, start: Floats, end: Floats, places: Ints, every: int) -> Bools:
        """Whether every so manieth of equally spaced places of ways [n, 2] is free, [n]."""
        number = -(-places // every)
        first = np.cumsum(number) - number
        place = every * (np.arange(number.sum()) - np.repeat(first, number))
        share = place * np.repeat(1.0 / (places - 1), number)
        way = np.repeat(end - start, number, axis=0)
        free = self.is_free(np.repeat(start, number, axis=0) + share[:, None] * way)
        return np.logical_and.reduceat(free, first) if len(free) else np.zeros(0, bool)


def _waypoints(
    ground: _FreeGround, walk: Walk, rng: np.random.Generator, end_s: float
) -> Generator[_Way, Bools, _Way]:
    """Waypoints [n, 2] and the times [n] at which they are reached.

    Yields a place [2] and others [n, 2], and is sent which of these can be reached.
    """
    here = ground.draw(rng, 1)[0]
    knots, reached = [here], [0.0]
    while reached[-1] < end_s:
        for count in _TRIES:
            candidates = ground.draw(rng, count)
            length = np.linalg.norm(candidates - here, axis=1)
            free = yield here, candidates
            good = np.flatnonzero(free & (length > 1e-3))
            if good.size:
                break
        # A nook from which nothing is in sight: stay for a second and look again.
        duration = 1.0
        if good.size:
            speed = rng.uniform(*walk.speed_m_s)
            duration, here = length[good[0]] / speed, candidates[good[0]]
        knots.append(here)
        reached.append(reached[-1] + duration)
        if walk.pause_s > 0:
            knots.append(here)
            reached.append(reached[-1] + walk.pause_s * (1.0 - rng.random()))
    return np.array(knots), np.array(reached)


def walk_ways(ways: Iterable[ArrayLike], walk: Walk) -> Tracks:
    """Users that walk along a network of ways, each at a speed of its own.

    A user starts anywhere on the network. Where ways meet or cross it takes one
    of the others by chance, and turns round only at a dead end.

    Args:
        ways: Polylines [m], [n, 2] each.
        walk: How many users, for how long, how fast.
    Returns:
        Tracks without heights.
    Raises:
        OutOfRangeError: if the ways have no length.
    Checked by tests/scene/places/test_tracks.py.
    """
    edges, ends = _network(ways)
    lengths = np.array([np.linalg.norm(np.diff(edge, axis=0), axis=1).sum() for edge in edges])
    leaving: dict[tuple[float, float], list[tuple[int, bool]]] = {}
    for number, (a, b) in enumerate(ends):
        leaving.setdefault(a, []).append((number, True))
        leaving.setdefault(b, []).append((number, False))
    time = walk.time_s
    position = np.full((len(time), walk.num_ues, 3), np.nan)
    for ue in range(walk.num_ues):
        rng = walk.rng(ue)
        knots, way = _wander(edges, ends, lengths, leaving, walk, rng, time[-1])
        for axis in range(2):
            position[:, ue, axis] = np.interp(time, way, knots[:, axis])
    return Tracks(time, walk.names, position, _source("ways", walk))


def _network(
    ways: Iterable[ArrayLike],
) -> tuple[list[Floats], list[tuple[tuple[float, float], tuple[float, float]]]]:
    """Pieces between places where ways meet, and the two places of each."""
    from shapely import LineString, unary_union

    lines = [np.asarray(way, np.float64)[:, :2] for way in ways]
    # A centimetre is the same place: files of different tools round differently.
    shapes = [LineString(np.round(line, 2)) for line in lines if len(line) > 1]
    joined = unary_union(shapes) if shapes else LineString()
    parts = getattr(joined, "geoms", [joined])
    edges = [np.asarray(part.coords) for part in parts if part.length > 0]
    if not edges:
        raise OutOfRangeError("the ways have no length; give lines of two or more places")
    return edges, [(_place(edge[0]), _place(edge[-1])) for edge in edges]


def _place(point: Floats) -> tuple[float, float]:
    return round(float(point[0]), 2), round(float(point[1]), 2)


def _wander(
    edges: list[Floats],
    ends: list[tuple[tuple[float, float], tuple[float, float]]],
    lengths: Floats,
    leaving: dict[tuple[float, float], list[tuple[int, bool]]],
    walk: Walk,
    rng: np.random.Generator,
    end_s: float,
) -> tuple[Floats, Floats]:
    """Corners of one user's way [n, 2] and when it is there [n] s, from time 0 on."""
    speed = rng.uniform(*walk.speed_m_s)
    edge = int(rng.choice(len(edges), p=lengths / lengths.sum()))
    forward = bool(rng.integers(2))
    offset = rng.random() * lengths[edge]
    knots, reached = [], []
    clock = -offset / speed  # it is in the middle of its first piece at time 0
    while True:
        line = edges[edge] if forward else edges[edge][::-1]
        steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        knots.append(line)
        reached.append(clock + steps / speed)
        clock = float(reached[-1][-1])
        if clock >= end_s:
            return np.concatenate(knots), np.concatenate(reached)
        if walk.pause_s > 0:
            clock += walk.pause_s * rng.random()
        choices = leaving[ends[edge][1 if forward else 0]]
        others = [choice for choice in choices if choice[0] != edge] or choices
        edge, forward = others[int(rng.integers(len(others)))]
