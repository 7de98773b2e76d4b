"""Walking from receivers back to a transmitter along its chains.

All pairs that the images leave over walk at once, one segment of straight line
per step: a pair reaches the next element of its chain, passes through a wall
(one more refraction, while the depth allows it), or dies. The survivors are
candidates; Sionna's image method has the last word on them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Floats, Ints, Singles, Unsigned
from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.chains import WEDGE_FIELDS, ChainImages, PathTable, first_faces, reachable_pairs
from rtwin.trace.engine import segment
from rtwin.trace.world import NO_TRIANGLE, World

SAME_PLANE_M = 0.02
SAME_NORMAL = 0.999
SAME_FACE_M = 2e-4  # nearer planes are one face that rounding has split
WALKERS_PER_LAUNCH = 500_000


def connect(
    world: World, groups: list[ChainImages], receivers_m: Floats, solver: Solver
) -> PathTable:
    """Candidate paths from a transmitter to receivers [rx, 3] along all its chains."""
    pairs = [reachable_pairs(world, group, receivers_m) for group in groups]
    return walk_pairs(world, groups, pairs, receivers_m, solver)


def walk_pairs(
    world: World,
    groups: list[ChainImages],
    pairs: list[tuple[Ints, Ints]],
    receivers_m: Floats,
    solver: Solver,
) -> PathTable:
    """Candidate paths of some pairs of chain (row of its group) and receiver."""
    parts = []
    for group, (chain, receiver) in zip(groups, pairs, strict=True):
        if not (solver.line_of_sight or (solver.refraction and solver.max_depth > 0)):
            direct = group.length[chain] == 0
            chain, receiver = chain[~direct], receiver[~direct]
        for start in range(0, len(chain), WALKERS_PER_LAUNCH):
            block = slice(start, start + WALKERS_PER_LAUNCH)
            walkers = _Walkers(world, group, chain[block], receiver[block], receivers_m, solver)
            table = walkers.walk()
            # Without line of sight only the paths through walls are wanted.
            parts.append(table.take((table.kind != 0).any(axis=1) | solver.line_of_sight))
    if not parts:
        nobody = np.zeros(0, np.int64)
        return _Walkers(world, groups[0], nobody, nobody, receivers_m, solver).table()
    return PathTable.concatenate(parts)


_OF_WALKERS = (
    "_chain",
    "_receiver",
    "_along_edge",
    "_edge",
    "_wedge",
    "_edge_offset",
    "_remaining",
    "_vertex",
    "_normal",
    "_at_edge",
    "_done",
    "_count",
    "_kind",
    "_triangle",
    "_point",
)


class _Walkers:
    """Pairs on their way from the receiver back to the transmitter."""

    def __init__(
        self,
        world: World,
        group: ChainImages,
        chain: Ints,
        receiver: Ints,
        receivers_m: Floats,
        solver: Solver,
    ) -> None:
        num, depth = len(chain), max(solver.max_depth, 1)
        self._world, self._group, self._chain, self._receiver = world, group, chain, receiver
        self._refraction = solver.refraction and solver.max_depth > 0
        self._along_edge = group.diffraction_m(chain, receivers_m[receiver])
        self.alive = np.arange(num)
        self._edge = np.full(num, -1)  # which element diffracts
        self._wedge = np.zeros(num, WEDGE_FIELDS)
        if group.edges is not None and self._along_edge is not None:
            self._edge, self._wedge = group.edges.place[chain], group.edges.wedge[chain]
            within = (self._along_edge > 0) & (self._along_edge < self._wedge["length"])
            self.alive = np.flatnonzero(within)
        self._edge_offset = _edge_offset(self._wedge)
        self._remaining = group.length[chain]
        self._vertex = receivers_m[receiver].astype(np.float64)
        self._normal = np.zeros((num, 3), np.float32)
        self._at_edge = np.zeros(num, bool)  # whether the walker stands on its edge
        self._done = np.zeros(num, bool)
        # Interactions in the order met, from the receiver; turned round at the end.
        self._count = np.zeros(num, np.int64)
        self._kind = np.zeros((num, depth), np.uint8)
        self._triangle = np.full((num, depth), NO_TRIANGLE, np.uint32)
        self._point = np.zeros((num, depth, 3))

    def walk(self) -> PathTable:
        """Step until nobody is under way; the candidates."""
        while len(self.alive):
            self.step()
        return self.table()

    def step(self) -> None:
        """Every walker shoots one straight segment, and goes on or ends."""
        alive, depth = self.alive, self._kind.shape[1]
        k = self._remaining[alive]  # elements not reached yet
        to_edge = (k > 0) & (k - 1 == self._edge[alive])
        along_edge = None if self._along_edge is None else self._along_edge[alive]
        target = self._group.aim_m(self._chain[alive], k, along_edge)
        hit = self._shoot(target, to_edge)
        open_end = to_edge | (k == 0)  # nothing may stand between here and the target
        on_plane, before = _on_plane(self._world, self._group, self._chain[alive], k - 1, hit)
        arrived = np.where(open_end, ~hit.valid, hit.valid & on_plane)
        reflects, diffracts = arrived & ~open_end, arrived & to_edge
        # A face close before the one looked for may be either: a pane of a window, say.
        passes = hit.valid & (~arrived | (reflects & before)) & self._refraction
        passes &= self._count[alive] + 1 + k <= depth
        passes[passes] = ~self._world.is_opaque[hit.triangle[passes]]
        both = self._fork(alive[passes & reflects])
        through = alive.copy()
        through[passes & reflects] = both
        self._done[alive[arrived & (k == 0)]] = True
        for rows, mask, code in (
            (alive, reflects, InteractionType.SPECULAR),
            (through, passes, InteractionType.REFRACTION),
        ):
            self._record(rows[mask], code, hit.triangle[mask], hit.point[mask], hit.normal[mask])
        rows = alive[diffracts]
        self._record(
            rows,
            InteractionType.DIFFRACTION,
            first_faces(self._world, self._wedge[rows]),
            target[diffracts],
            self._wedge["n0"][rows],
        )
        self._remaining[alive[reflects | diffracts]] -= 1
        self.alive = np.concatenate([alive[reflects | diffracts | passes], both])

    def _fork(self, rows: Ints) -> Ints:
        """Walkers that stand where those of some rows do; their rows."""
        new = len(self._chain) + np.arange(len(rows))
        if len(rows):
            for name in _OF_WALKERS:
                column = getattr(self, name)
                if column is not None:
                    setattr(self, name, np.concatenate([column, column[rows]]))
        return new

    def _shoot(self, target: Floats, to_edge: Bools) -> "_Hit":
        """First hits on the way to the targets, a step beside the edges like Sionna."""
        alive = self.alive
        offset = self._edge_offset[alive]
        leaves_edge = self._at_edge[alive]
        step = _Step(
            start=self._vertex[alive] + leaves_edge[:, None] * offset,
            target=target + to_edge[:, None] * offset,
            target_normal=np.where(to_edge[:, None], self._wedge["n0"][alive], np.float32(0)),
            normal=self._normal[alive],
        )
        return _shoot_segments(self._world, step)

    def _record(
        self,
        rows: Ints,
        code: InteractionType,
        triangle: Unsigned,
        point: NDArray[Any],
        normal: Singles,
    ) -> None:
        place = self._count[rows]
        self._kind[rows, place] = code
        self._triangle[rows, place] = triangle
        self._point[rows, place] = point
        self._vertex[rows], self._normal[rows] = point, normal
        self._at_edge[rows] = code == InteractionType.DIFFRACTION
        self._count[rows] += 1

    def table(self) -> PathTable:
        """The walkers that arrived, their interactions counted from the transmitter."""
        rows = np.flatnonzero(self._done)
        order = self._count[rows, None] - 1 - np.arange(self._kind.shape[1])
        filled = order >= 0
        place = (rows[:, None], np.maximum(order, 0))
        return PathTable(
            receiver=self._receiver[rows],
            kind=np.where(filled, self._kind[place], 0).astype(np.uint8),
            triangle=np.where(filled, self._triangle[place], NO_TRIANGLE),
            vertex=np.where(filled[..., None], self._point[place], 0.0),
            wedge=self._wedge[rows],
            chain=self._group.row[self._chain[rows]],
        )


@dataclass(frozen=True)
class _Step:
    start: NDArray[Any]
    target: NDArray[Any]
    target_normal: NDArray[Any]
    normal: NDArray[Any]


@dataclass(frozen=True)
class _Hit:
    valid: Bools
    triangle: Unsigned
    point: Floats
    normal: Singles


def _shoot_segments(world: World, step: _Step) -> _Hit:
    """First hit of the segment of each walker, as Sionna's image method would shoot it."""
    from sionna.rt.utils import offset_p

    mi, dr = world.engine.mi, world.engine.dr
    start, target = world.places(step.start), world.places(step.target)
    end = offset_p(target, start - target, world.points(step.target_normal))
    ray = segment(world.engine, start, end, world.points(step.normal))
    hit = world.mi_scene.ray_intersect(ray, ray_flags=mi.RayFlags.Minimal, coherent=True)
    valid = hit.is_valid()
    triangle = world.triangle_of(hit, valid)
    dr.eval(valid, triangle, hit.p, hit.n)
    return _Hit(valid.numpy(), triangle.numpy(), world.from_engine(hit.p), hit.n.numpy().T)


def _on_plane(
    world: World, group: ChainImages, chain: Ints, element: Ints, hit: _Hit
) -> tuple[Bools, Bools]:
    """Whether each hit lies on the plane of the element looked for, and whether clearly off it.

    By plane, not by distance along the ray: grazing rays fail the latter.
    """
    if group.depth == 0:
        return np.zeros(len(chain), bool), np.zeros(len(chain), bool)
    element = np.maximum(element, 0)
    normal = group.normal[chain, element]
    distance = np.einsum("pi,pi->p", hit.point - group.point[chain, element], normal)
    aligned = np.abs(np.einsum("pi,pi->p", hit.normal, normal)) > SAME_NORMAL
    found = hit.valid & aligned & (np.abs(distance) < SAME_PLANE_M)
    rows = np.flatnonzero(found & (np.abs(distance) > SAME_FACE_M))
    off = np.zeros(len(chain), bool)
    plane = world.triangles.plane[hit.triangle[rows]]
    off[rows] = plane != group.plane[chain[rows], element[rows]]
    return found, off


def _edge_offset(wedge: NDArray[Any]) -> Singles:
    """The millimetre that Sionna steps away from a wedge, so that rays do not leak into it."""
    outward = wedge["n0"] + wedge["nn"]
    size = np.linalg.norm(outward, axis=-1, keepdims=True)
    step = np.divide(outward, size, out=np.zeros_like(outward), where=size > 0)
    is_wedge = wedge["prim0"] != wedge["primn"]
    return np.where(is_wedge[..., None], np.float32(1e-3) * step, np.float32(0))
