"""The walk itself, on the device: a launch per straight segment, and nothing of it in NumPy.

What stands of a walker between two segments is small: its pair, how many elements
are left, where it stands. What it met is written into one list per segment, each
line with the line before it; only those that arrive are read back from there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.chains import WEDGE_FIELDS, DeviceChains, PathTable, first_faces
from rtwin.trace.engine import segment
from rtwin.trace.world import NO_TRIANGLE

SAME_PLANE_M = 0.02
SAME_NORMAL = 0.999
SAME_FACE_M = 2e-4  # nearer planes are one face that rounding has split


@dataclass(frozen=True)
class _Walkers:
    """Those under way, on the device."""

    number: Any  # of the walker; those that fork off have the numbers after the pairs
    pair: Any
    remaining: Any  # elements not reached yet
    place: Any  # Point3f, engine
    normal: Any  # of what they stand on, 0 in the air
    at_edge: Any  # Bool; then `place` has no meaning


@dataclass(frozen=True)
class _Met:
    """What the walkers of one segment came from and met, on the device."""

    before: Any  # row of the walkers of the segment before
    kind: Any
    triangle: Any
    place: Any  # Point3f, engine


class Walk:
    """Pairs of chain and receiver on their way from the receiver back to the transmitter."""

    def __init__(
        self,
        chains: DeviceChains,
        chain: Ints,
        receiver: Ints,
        receivers_m: Floats,
        solver: Solver,
    ) -> None:
        world = chains.world
        self._world, self._mi, self._dr = world, world.engine.mi, world.engine.dr
        self._chains, self._chain, self._receiver = chains, chain, receiver
        self._refraction = solver.refraction and solver.max_depth > 0
        self._depth = max(solver.max_depth, 1)
        self._most = world.engine.opaque([self._depth], "UInt")
        self._pair_chain = world.engine.opaque(chain.astype(np.uint32), "UInt")
        self._along_edge: Any = None
        self._num = len(chain)  # of walkers so far
        self._met: list[_Met] = []
        self._arrived: list[tuple[Any, Any, Any]] = []  # rows, numbers and pairs, by segment
        place = world.places(receivers_m)
        numbers = world.engine.opaque(receiver.astype(np.uint32), "UInt")
        self._walkers = self._begin(place, numbers, receivers_m)

    def _begin(self, place: Any, receiver: Any, receivers_m: Floats) -> _Walkers:
        mi, dr, chains = self._mi, self._dr, self._chains
        pair = dr.arange(mi.UInt, len(self._chain))
        if chains.has_edges:
            target = dr.gather(mi.Point3d, chains.points(receivers_m), receiver)
            self._along_edge = self._diffraction_m(target)
            length = dr.gather(mi.Float64, chains.edge_length, self._pair_chain)
            within = (self._along_edge > 0) & (self._along_edge < length)
            dr.eval(self._along_edge, within)
            pair = dr.compress(within)
        chain = dr.gather(mi.UInt, self._pair_chain, pair)
        num = dr.width(pair)
        walkers = _Walkers(
            number=mi.UInt(pair),
            pair=pair,
            remaining=dr.gather(mi.UInt, chains.length, chain),
            place=dr.gather(mi.Point3f, place, dr.gather(mi.UInt, receiver, pair)),
            normal=dr.zeros(mi.Normal3f, num),
            at_edge=dr.full(mi.Bool, False, num),
        )
        self._evaluate(walkers)
        return walkers

    def _diffraction_m(self, target: Any) -> Any:
        """ChainImages.diffraction_m on the device."""
        mi, dr, chains = self._mi, self._dr, self._chains
        length = dr.gather(mi.UInt, chains.length, self._pair_chain)
        row = self._pair_chain * (chains.depth + 1) + length
        source, origin = (dr.gather(mi.Point3d, p, row) for p in (chains.image, chains.origin))
        direction = dr.gather(mi.Point3d, chains.direction, row)
        along_source = _dot(source - origin, direction)
        along_target = _dot(target - origin, direction)
        off_source = _norm(dr, source - origin - along_source * direction)
        off_target = _norm(dr, target - origin - along_target * direction)
        total = dr.maximum(off_source + off_target, 1e-12)
        return (along_source * off_target + along_target * off_source) / total

    def run(self) -> PathTable:
        """Step until nobody is under way; the candidates."""
        while self._dr.width(self._walkers.pair):
            self._step()
        return self._table()

    def _step(self) -> None:
        """Every walker shoots one straight segment, and goes on or ends."""
        mi, dr, chains, walkers = self._mi, self._dr, self._chains, self._walkers
        k = walkers.remaining
        chain = dr.gather(mi.UInt, self._pair_chain, walkers.pair)
        row = chain * (chains.depth + 1) + k
        aim = dr.gather(mi.Point3d, chains.image, row)
        start = mi.Point3d(walkers.place) + chains.world_origin
        to_edge, aim_normal = dr.full(mi.Bool, False, 1), dr.zeros(mi.Normal3f)
        if chains.has_edges:
            edge = dr.gather(mi.UInt, chains.edge_place, chain)
            aim = dr.select(edge < k, self._on_edge(walkers.pair, row), aim)
            to_edge = k == edge + 1
            offset = mi.Point3d(dr.gather(mi.Point3f, chains.edge_offset, chain))
            stands = self._on_edge(walkers.pair, chain * (chains.depth + 1) + edge + 1) + offset
            start = dr.select(walkers.at_edge, stands, start)
            aim = dr.select(to_edge, aim + offset, aim)
            edge_normal = mi.Normal3f(dr.gather(mi.Point3f, chains.edge_normal, chain))
            aim_normal = dr.select(to_edge, edge_normal, aim_normal)
        hit = self._shoot(start, aim, aim_normal, walkers.normal)
        valid = hit.is_valid()
        triangle = self._world.triangle_of(hit, valid)
        on_plane, before = self._on_plane(chain, k, hit, triangle)
        open_end = to_edge | (k == 0)  # nothing may stand between here and the target
        arrived = dr.select(open_end, ~valid, valid & on_plane)
        reflects, diffracts = arrived & ~open_end, arrived & to_edge
        ends = arrived & (k == 0)
        passes, forks = dr.full(mi.Bool, False, 1), None
        if self._refraction:
            # A face close before the one looked for may be either: a pane of a window, say.
            passes = valid & (~arrived | (reflects & before))
            met = len(self._met) + 1
            passes &= self._world.engine.opaque([met], "UInt") + k <= self._most
            passes &= ~dr.gather(mi.Bool, chains.is_opaque, triangle, passes)
            forks = passes & reflects
        stays = reflects | diffracts | passes
        normal = hit.n
        if chains.has_edges:
            normal = dr.select(diffracts, edge_normal, normal)
        # All at once: what is asked for later would shoot every ray again.
        dr.eval(stays, ends, forks, reflects, diffracts, triangle, hit.p, normal)
        self._go_on(stays, ends, forks, (reflects, diffracts), (triangle, hit.p, normal))

    def _shoot(self, start: Any, target: Any, target_normal: Any, normal: Any) -> Any:
        """First hits of the segments, as Sionna's image method would shoot them."""
        from sionna.rt.utils import offset_p

        mi, world = self._mi, self._world
        start, target = (mi.Point3f(p - self._chains.world_origin) for p in (start, target))
        end = offset_p(target, start - target, target_normal)
        ray = segment(world.engine, start, end, normal)
        return world.mi_scene.ray_intersect(ray, ray_flags=mi.RayFlags.Minimal, coherent=True)

    def _on_edge(self, pair: Any, row: Any) -> Any:
        mi, dr, chains = self._mi, self._dr, self._chains
        along = dr.gather(mi.Float64, self._along_edge, pair)
        return dr.gather(mi.Point3d, chains.origin, row) + along * dr.gather(
            mi.Point3d, chains.direction, row
        )

    def _on_plane(self, chain: Any, k: Any, hit: Any, triangle: Any) -> tuple[Any, Any]:
        """Whether each hit lies on the plane of the element looked for, and whether clearly off it.

        By plane, not by distance along the ray: grazing rays fail the latter.
        """
        mi, dr, chains = self._mi, self._dr, self._chains
        if chains.images.depth == 0:
            return dr.full(mi.Bool, False, 1), dr.full(mi.Bool, False, 1)
        row = chain * chains.depth + dr.maximum(k, 1) - 1
        normal = dr.gather(mi.Point3d, chains.normal, row)
        point = mi.Point3d(hit.p) + chains.world_origin
        distance = _dot(point - dr.gather(mi.Point3d, chains.point, row), normal)
        aligned = dr.abs(_dot(mi.Point3d(hit.n), normal)) > SAME_NORMAL
        found = hit.is_valid() & aligned & (dr.abs(distance) < SAME_PLANE_M)
        plane = dr.gather(mi.UInt, chains.plane_of_triangle, triangle, found)
        other = plane != dr.gather(mi.UInt, chains.plane, row)
        return found, found & (dr.abs(distance) > SAME_FACE_M) & other

    def _go_on(
        self,
        stays: Any,
        ends: Any,
        forks: Any,
        arrives: tuple[Any, Any],
        met: tuple[Any, Any, Any],
    ) -> None:
        """The walkers of the next segment, and what those that end here have met."""
        mi, dr, walkers = self._mi, self._dr, self._walkers
        rows = dr.compress(ends)
        if dr.width(rows):
            numbers, pairs = (dr.gather(mi.UInt, x, rows) for x in (walkers.number, walkers.pair))
            dr.eval(numbers, pairs)
            self._arrived.append((rows.numpy(), numbers.numpy(), pairs.numpy()))
        else:
            nobody = np.zeros(0, np.uint32)
            self._arrived.append((nobody, nobody, nobody))
        rows = dr.compress(stays)
        reflects, diffracts = arrives
        if not dr.width(rows):
            self._walkers = _Walkers(rows, rows, rows, met[1], met[2], reflects)
            return
        rows, number, forked = self._with_forks(rows, forks)
        reflects, diffracts = (dr.gather(mi.Bool, x, rows) & ~forked for x in arrives)
        triangle, place, normal = met
        kind = dr.select(
            diffracts,
            mi.UInt(int(InteractionType.DIFFRACTION)),
            dr.select(
                reflects,
                mi.UInt(int(InteractionType.SPECULAR)),
                mi.UInt(int(InteractionType.REFRACTION)),
            ),
        )
        remaining = dr.gather(mi.UInt, walkers.remaining, rows)
        self._walkers = _Walkers(
            number=number,
            pair=dr.gather(mi.UInt, walkers.pair, rows),
            remaining=remaining - dr.select(reflects | diffracts, mi.UInt(1), mi.UInt(0)),
            place=dr.gather(mi.Point3f, place, rows),
            normal=dr.gather(mi.Normal3f, normal, rows),
            at_edge=diffracts,
        )
        line = _Met(rows, kind, dr.gather(mi.UInt, triangle, rows), self._walkers.place)
        dr.schedule(line.kind, line.triangle)
        self._evaluate(self._walkers)
        self._met.append(line)

    def _with_forks(self, rows: Any, forks: Any) -> tuple[Any, Any, Any]:
        """Rows of the walkers that go on and then of those that fork off, their numbers, which."""
        mi, dr, opaque = self._mi, self._dr, self._world.engine.opaque
        number = self._walkers.number
        also = rows if forks is None else dr.compress(forks)
        if forks is None or not dr.width(also):
            return rows, dr.gather(mi.UInt, number, rows), dr.full(mi.Bool, False, 1)
        first = opaque([dr.width(rows)], "UInt")
        rows = dr.concat([rows, also])
        place = dr.arange(mi.UInt, dr.width(rows))
        forked = place >= first
        new = place - first + opaque([self._num], "UInt")
        self._num += dr.width(also)
        return rows, dr.select(forked, new, dr.gather(mi.UInt, number, rows)), forked

    def _evaluate(self, walkers: _Walkers) -> None:
        self._dr.eval(
            walkers.number,
            walkers.pair,
            walkers.remaining,
            walkers.place,
            walkers.normal,
            walkers.at_edge,
        )

    def _table(self) -> PathTable:
        """The walkers that arrived, their interactions counted from the transmitter."""
        mi, dr, group = self._mi, self._dr, self._chains.images
        number = np.concatenate([n for _, n, _ in self._arrived] or [np.zeros(0, np.uint32)])
        pair = np.concatenate([p for *_, p in self._arrived] or [np.zeros(0, np.uint32)])
        out = np.empty(len(number), np.int64)  # row of the table, by order of arrival
        order = np.argsort(number, kind="stable")
        out[order] = np.arange(len(number))
        pair = pair[order]
        chain = self._chain[pair]
        kind = np.zeros((len(out), self._depth), np.uint8)
        triangle = np.full((len(out), self._depth), NO_TRIANGLE, np.uint32)
        vertex = np.zeros((len(out), self._depth, 3))
        wedge = np.zeros(len(out), WEDGE_FIELDS)
        if group.edges is not None:
            wedge = group.edges.wedge[chain]
        # Last segment first: there the transmitter's next interaction was met.
        left, rows, table_rows = len(out), np.zeros(0, np.uint32), np.zeros(0, np.int64)
        column = np.zeros(len(out), np.int64)
        for segments in range(len(self._arrived) - 1, -1, -1):
            new = self._arrived[segments][0]
            left -= len(new)
            rows = np.concatenate([rows, new])
            table_rows = np.concatenate([table_rows, out[left : left + len(new)]])
            if not segments or not len(rows):
                continue
            met = self._met[segments - 1]
            at = self._world.engine.opaque(rows, "UInt")
            found = [dr.gather(mi.UInt, x, at) for x in (met.before, met.kind, met.triangle)]
            place = dr.gather(mi.Point3f, met.place, at)
            dr.eval(found, place)
            here = (table_rows, column[table_rows])
            rows, kind[here], triangle[here] = (x.numpy() for x in found)
            vertex[here] = self._world.from_engine(place)
            column[table_rows] += 1
        if group.edges is not None and len(out):
            self._put_edges(kind, triangle, vertex, wedge, chain, pair)
        return PathTable(
            receiver=self._receiver[pair],
            kind=kind,
            triangle=triangle,
            vertex=vertex,
            wedge=wedge,
            chain=group.row[chain],
        )

    def _put_edges(
        self,
        kind: NDArray[np.uint8],
        triangle: NDArray[np.uint32],
        vertex: Floats,
        wedge: NDArray[Any],
        chain: Ints,
        pair: NDArray[Any],
    ) -> None:
        """Faces and places of the edges in a table of what was met."""
        edges = self._chains.images.edges
        assert edges is not None
        along = self._dr.gather(
            self._mi.Float64, self._along_edge, self._world.engine.opaque(pair, "UInt")
        ).numpy()
        row, column = np.nonzero(kind == InteractionType.DIFFRACTION)
        behind = (chain[row], edges.place[chain[row]] + 1)
        triangle[row, column] = first_faces(self._world, wedge[row])
        vertex[row, column] = edges.origin[behind] + along[row, None] * edges.direction[behind]


def _dot(one: Any, other: Any) -> Any:
    """Rounded after each step, unlike the engine's: the same on every device."""
    return one.x * other.x + one.y * other.y + one.z * other.z


def _norm(dr: Any, vector: Any) -> Any:
    return dr.sqrt(_dot(vector, vector))
