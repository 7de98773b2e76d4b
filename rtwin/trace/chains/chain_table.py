"""Distinct chains of surfaces that a wave from one transmitter can follow.

A chain is the sequence of planes it reflects from and edges it diffracts at.
Walls that a path merely passes through are not part of it: they depend on the
receiver and are found when the chain is connected. Chains are exactly unique:
each is its parent chain plus one element, so equality is an integer comparison
and nothing is lost to hashing.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Bools, Bytes, Ints, Unsigned
from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.chains.shoot import Bounce, shoot
from rtwin.trace.chains.wedges import WEDGE_FIELDS, edge_numbers, own_edges, wedges_of_rows
from rtwin.trace.diffraction import NO_ROW
from rtwin.trace.world import World

_IN_PLANE = 1e-4  # metres off, and of the unit vector, by which an edge is off a plane it lies in


@dataclass(frozen=True)
class ChainTable:
    """Chains found from one transmitter; row 0 is the empty chain."""

    parent: Ints  # [chain], the chain without its last element; -1 for row 0
    length: Ints  # [chain], number of elements
    kind: Bytes  # [chain], SPECULAR or DIFFRACTION of the last element
    triangle: Unsigned  # [chain], a triangle of the last element
    wedge: NDArray[Any]  # [chain], WEDGE_FIELDS of the last element, zeros unless an edge

    def __len__(self) -> int:
        return len(self.parent)

    def elements(self) -> Ints:
        """Rows that hold the elements of each chain, [chain, depth]; -1 beyond its length."""
        depth = int(self.length.max(initial=0))
        rows = np.full((len(self), depth), -1, np.int64)
        current = np.arange(len(self))
        for back in range(1, depth + 1):
            under_way = np.flatnonzero(self.length >= back)
            rows[under_way, self.length[under_way] - back] = current[under_way]
            current[under_way] = self.parent[current[under_way]]
        return rows


def discover(world: World, position_m: ArrayLike, solver: Solver, seed: int) -> ChainTable:
    """Chains met by `solver.rays` rays from a transmitter [m], [3]."""
    own_model = solver.diffraction_model != "sionna"
    bounces = list(
        shoot(
            world,
            position_m,
            solver.rays,
            solver.max_depth,
            specular_reflection=solver.specular_reflection,
            refraction=solver.refraction,
            diffraction=solver.diffraction,
            # Edges between meshes are free ones to the engine: ours are chosen below.
            edge_diffraction=solver.edge_diffraction or own_model,
            own_free=_own_free(world, solver) if own_model and solver.diffraction else None,
            seed=seed,
        )
    )
    if own_model and solver.diffraction:
        bounces = _at_own_edges(world, bounces, solver)
    edges = _edge_elements(bounces)
    num_edges = max((int(edge.max(initial=-1)) + 1 for edge in edges), default=0)
    num_elements = 2 * (int(world.triangles.plane.max()) + 1 + num_edges)
    table = _ChainBuilder(num_elements)
    chain_of_ray = np.zeros(solver.rays, np.int64)
    for bounce, edge in zip(bounces, edges, strict=True):
        grows = np.isin(bounce.kind, [InteractionType.SPECULAR, InteractionType.DIFFRACTION])
        is_edge = bounce.kind[grows] == InteractionType.DIFFRACTION
        triangle = bounce.triangle[grows]
        plane = world.triangles.plane[triangle]
        element = 2 * plane
        if len(edge):
            element = np.where(is_edge, 2 * edge[grows] + 1, element)
        wedge = bounce.wedge[grows] if bounce.wedge is not None else None
        ray = bounce.ray[grows]
        chain_of_ray[ray] = table.extend(
            chain_of_ray[ray], element, bounce.kind[grows], triangle, wedge
        )
    return table.finish()


def _own_free(world: World, solver: Solver) -> Bools:
    """At which sides of triangles rays may diffract if no other is in their mesh, [triangle, 3].

    A ray that bent at an edge which is none of ours would be lost to what it reflects.
    """
    edges = world.triangles.edges
    known = edges.row != NO_ROW
    if len(edges) and not solver.edge_diffraction:
        known &= ~edges.is_free[np.where(known, edges.row, 0)]
    return known


def _at_own_edges(world: World, bounces: list[Bounce], solver: Solver) -> list[Bounce]:
    """The bounces with the scene's edges for the engine's; rays end where there is none."""
    edges = world.triangles.edges
    ended, result = np.zeros(0, np.int64), []
    before: tuple[Bounce, NDArray[Any]] | None = None
    for bounce in bounces:
        if bounce.wedge is None:
            return bounces
        row, swapped = own_edges(world, bounce.wedge)
        wedge = wedges_of_rows(world, row, swapped)
        bends = bounce.kind == InteractionType.DIFFRACTION
        known = row != NO_ROW
        if len(edges) and not solver.edge_diffraction:
            known &= ~edges.is_free[np.where(row == NO_ROW, 0, row)]
        ended = np.union1d(ended, bounce.ray[bends & ~known])
        if before is not None:
            ended = np.union1d(ended, _along_own_face(world, *before, bounce, wedge))
        before = bounce, wedge
        stays = ~np.isin(bounce.ray, ended)
        columns = {f.name: getattr(bounce, f.name)[stays] for f in fields(Bounce)}
        result.append(Bounce(**columns | {"wedge": wedge[stays]}))
    return result


def _along_own_face(
    world: World, first: Bounce, first_wedge: NDArray[Any], then: Bounce, then_wedge: NDArray[Any]
) -> Ints:
    """Rays that go from an edge to a face which it lies in, or back: no way, for it has no length.

    What that face reflects is part of the edge's own coefficient.
    """
    ray, a, b = np.intersect1d(first.ray, then.ray, return_indices=True)
    bent = (first.kind[a], then.kind[b])
    behind = _lies_in(world, first_wedge[a], then.triangle[b])
    ahead = _lies_in(world, then_wedge[b], first.triangle[a])
    bends, reflects = InteractionType.DIFFRACTION, InteractionType.SPECULAR
    off = behind & (bent[0] == bends) & (bent[1] == reflects)
    onto = ahead & (bent[0] == reflects) & (bent[1] == bends)
    return ray[off | onto]


def _lies_in(world: World, wedge: NDArray[Any], triangle: Unsigned) -> Bools:
    """Whether each edge lies in the plane of a triangle."""
    normal = world.triangles.normal[triangle].astype(np.float64)
    corner = world.triangles.vertices[triangle, 0].astype(np.float64)
    off = np.abs(np.einsum("ri,ri->r", wedge["o"] - corner, normal))
    tilt = np.abs(np.einsum("ri,ri->r", wedge["e_hat"], normal))
    return (off < _IN_PLANE) & (tilt < _IN_PLANE)


def _edge_elements(bounces: list[Bounce]) -> list[Ints]:
    """Edge number of each hit of each bounce, equal over all depths for one edge."""
    rows = [b.wedge for b in bounces if b.wedge is not None]
    if not rows:
        return [np.zeros(0, np.int64) for _ in bounces]
    ends = np.cumsum([len(row) for row in rows])
    return np.split(edge_numbers(np.concatenate(rows)), ends[:-1])


class _ChainBuilder:
    """Grows a chain table by whole depths."""

    def __init__(self, num_elements: int) -> None:
        self._num_elements = num_elements
        self._keys = np.zeros(0, np.int64)  # sorted
        self._rows = np.zeros(0, np.int64)  # row of each key
        self._parent = [np.array([-1], np.int64)]
        self._kind = [np.zeros(1, np.uint8)]
        self._triangle = [np.zeros(1, np.uint32)]
        self._wedge = [np.zeros(1, WEDGE_FIELDS)]
        self._length = np.zeros(1, np.int64)

    def extend(
        self,
        parent: Ints,
        element: Ints,
        kind: Bytes,
        triangle: Unsigned,
        wedge: NDArray[Any] | None,
    ) -> Ints:
        """Row of the chain `parent + element` of each ray, added where it is new."""
        key = parent * self._num_elements + element
        found = np.unique(key, return_index=True, return_inverse=True)
        unique, first, inverse = (np.asarray(part, np.int64) for part in found)
        place = np.searchsorted(self._keys, unique)
        known = np.zeros(len(unique), bool)
        inside = place < len(self._keys)
        known[inside] = self._keys[place[inside]] == unique[inside]
        rows = np.empty(len(unique), np.int64)
        rows[known] = self._rows[place[known]]
        new = ~known
        rows[new] = len(self._length) + np.arange(np.count_nonzero(new))
        source = first[new]
        self._length = np.concatenate([self._length, self._length[parent[source]] + 1])
        self._parent.append(parent[source])
        self._kind.append(kind[source])
        self._triangle.append(triangle[source])
        self._wedge.append(np.zeros(len(source), WEDGE_FIELDS) if wedge is None else wedge[source])
        keys = np.concatenate([self._keys, unique[new]])
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self._rows = np.concatenate([self._rows, rows[new]])[order]
        return rows[inverse.reshape(-1)]

    def finish(self) -> ChainTable:
        return ChainTable(
            parent=np.concatenate(self._parent),
            length=self._length,
            kind=np.concatenate(self._kind),
            triangle=np.concatenate(self._triangle),
            wedge=np.concatenate(self._wedge),
        )
