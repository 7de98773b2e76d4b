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

from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.images import ChainImages, aims, visible_pairs
from rtwin.trace.table import PathTable
from rtwin.trace.wedges import WEDGE_FIELDS, first_faces
from rtwin.trace.world import NO_TRIANGLE, World

SAME_PLANE_M = 0.02
SAME_NORMAL = 0.999
WALKERS_PER_LAUNCH = 1_000_000


def connect(
    world: World,
    groups: list[ChainImages],
    source_m: NDArray[np.float64],
    receivers_m: NDArray[np.float64],
    solver: Solver,
) -> PathTable:
    """Candidate paths from a transmitter [3] to receivers [rx, 3] along all chains."""
    parts = []
    everyone = np.arange(len(receivers_m))
    if solver.line_of_sight or (solver.refraction and solver.max_depth > 0):
        direct = _walk(
            world, None, np.zeros_like(everyone), everyone, source_m, receivers_m, solver
        )
        # Without line of sight only the paths through walls are wanted.
        keep = (direct.kind != 0).any(axis=1) | solver.line_of_sight
        parts.append(direct.take(keep))
    for group in groups:
        chain, receiver = visible_pairs(world, group, receivers_m)
        for start in range(0, len(chain), WALKERS_PER_LAUNCH):
            block = slice(start, start + WALKERS_PER_LAUNCH)
            parts.append(
                _walk(world, group, chain[block], receiver[block], source_m, receivers_m, solver)
            )
    if not parts:
        nobody = everyone[:0]
        return _walk(world, None, nobody, nobody, source_m, receivers_m, solver)
    return PathTable.concatenate(parts)


def _walk(
    world: World,
    group: ChainImages | None,
    chain: NDArray[np.int64],
    receiver: NDArray[np.int64],
    source_m: NDArray[np.float64],
    receivers_m: NDArray[np.float64],
    solver: Solver,
) -> PathTable:
    num, depth = len(chain), max(solver.max_depth, 1)
    length = 0 if group is None else group.length
    # Interactions in the order met, from the receiver; turned round at the end.
    kind = np.zeros((num, depth), np.uint8)
    triangle = np.full((num, depth), NO_TRIANGLE, np.uint32)
    point = np.zeros((num, depth, 3), np.float32)
    count = np.zeros(num, np.int64)
    wedge = np.zeros(num, WEDGE_FIELDS)
    if group is None:
        aim = np.broadcast_to(source_m, (num, 1, 3))
    else:
        aim = aims(group, chain, receivers_m[receiver])
        if group.edge is not None:
            wedge = group.wedge[chain]
            along = np.einsum(
                "pi,pi->p", aim[:, group.edge + 1] - wedge["o"], wedge["e_hat"].astype(np.float64)
            )
            on_edge = (along > 0) & (along < wedge["length"])
    remaining = np.full(num, length, np.int64)  # elements not reached yet
    vertex = receivers_m[receiver].astype(np.float32)
    normal = np.zeros((num, 3), np.float32)
    alive = np.arange(num)
    if group is not None and group.edge is not None:
        alive = alive[on_edge]
    done = np.zeros(num, bool)
    edge_offset = _edge_offset(wedge)
    while len(alive):
        k = remaining[alive]
        at_edge = (
            np.zeros(len(alive), bool) if group is None or group.edge is None
            else k - 1 == group.edge
        )  # fmt: skip
        after_edge = (
            np.zeros(len(alive), bool) if group is None or group.edge is None
            else (k == group.edge) & (count[alive] > 0) & (kind[alive, count[alive] - 1] == 8)
        )  # fmt: skip
        target = aim[alive, k]
        step = _Step(
            start=vertex[alive] + after_edge[:, None] * edge_offset[alive],
            target=target.astype(np.float32) + at_edge[:, None] * edge_offset[alive],
            target_normal=np.where(at_edge[:, None], wedge["n0"][alive], np.float32(0)),
            normal=normal[alive],
        )
        hit = _shoot_segments(world, step)
        open_end = at_edge | (k == 0)  # nothing may stand between here and the target
        arrived = open_end & ~hit.valid
        if group is not None:
            arrived |= hit.valid & ~open_end & _on_plane(world, group, chain[alive], k - 1, hit)
        passes = hit.valid & ~arrived & solver.refraction & (count[alive] + 1 + k <= depth)
        passes &= solver.max_depth > 0

        finished = arrived & (k == 0)
        done[alive[finished]] = True
        reflects = arrived & ~open_end
        diffracts = arrived & at_edge
        for mask, code in (
            (reflects, InteractionType.SPECULAR),
            (passes, InteractionType.REFRACTION),
            (diffracts, InteractionType.DIFFRACTION),
        ):
            rows = alive[mask]
            place = count[rows]
            kind[rows, place] = code
            if code == InteractionType.DIFFRACTION:
                triangle[rows, place] = first_faces(world, wedge[rows])
                point[rows, place] = target[mask]
                vertex[rows], normal[rows] = target[mask], wedge["n0"][rows]
            else:
                triangle[rows, place] = hit.triangle[mask]
                point[rows, place] = hit.point[mask]
                vertex[rows], normal[rows] = hit.point[mask], hit.normal[mask]
            count[rows] += 1
        remaining[alive[reflects | diffracts]] -= 1
        alive = alive[(reflects | diffracts | passes)]
    return _turned_round(receiver, kind, triangle, point, wedge, count, done)


def _turned_round(
    receiver: NDArray[np.int64],
    kind: NDArray[np.uint8],
    triangle: NDArray[np.uint32],
    point: NDArray[np.float32],
    wedge: NDArray[Any],
    count: NDArray[np.int64],
    done: NDArray[np.bool_],
) -> PathTable:
    rows = np.flatnonzero(done)
    depth = np.arange(kind.shape[1])
    order = count[rows, None] - 1 - depth
    filled = order >= 0
    source = np.maximum(order, 0)
    return PathTable(
        receiver=receiver[rows],
        kind=np.where(filled, kind[rows[:, None], source], 0).astype(np.uint8),
        triangle=np.where(filled, triangle[rows[:, None], source], NO_TRIANGLE),
        vertex=np.where(filled[..., None], point[rows[:, None], source], np.float32(0)),
        wedge=wedge[rows],
    )


@dataclass(frozen=True)
class _Step:
    start: NDArray[np.float32]
    target: NDArray[np.float32]
    target_normal: NDArray[np.float32]
    normal: NDArray[np.float32]


@dataclass(frozen=True)
class _Hit:
    valid: NDArray[np.bool_]
    triangle: NDArray[np.uint32]
    point: NDArray[np.float32]
    normal: NDArray[np.float32]


def _shoot_segments(world: World, step: _Step) -> _Hit:
    """First hit of the segment of each walker, as Sionna's image method would shoot it."""
    from sionna.rt.utils import offset_p, spawn_ray_to

    mi, dr = world.engine.mi, world.engine.dr
    start, target = world.points(step.start), world.points(step.target)
    end = offset_p(target, start - target, world.points(step.target_normal))
    ray = spawn_ray_to(start, end, world.points(step.normal))
    hit = world.mi_scene.ray_intersect(ray, ray_flags=mi.RayFlags.Minimal, coherent=True)
    valid = hit.is_valid()
    triangle = world.triangle_of(hit, valid)
    dr.eval(valid, triangle, hit.p, hit.n)
    return _Hit(valid.numpy(), triangle.numpy(), hit.p.numpy().T, hit.n.numpy().T)


def _on_plane(
    world: World,
    group: ChainImages,
    chain: NDArray[np.int64],
    element: NDArray[np.int64],
    hit: _Hit,
) -> NDArray[np.bool_]:
    """Whether each hit lies on the plane of the element looked for.

    By plane, not by distance along the ray: grazing rays fail the latter.
    """
    element = np.maximum(element, 0)
    normal = group.normal[chain, element]
    distance = np.einsum("pi,pi->p", hit.point - group.point[chain, element], normal)
    aligned = np.abs(np.einsum("pi,pi->p", hit.normal, normal)) > SAME_NORMAL
    return aligned & (np.abs(distance) < SAME_PLANE_M)


def _edge_offset(wedge: NDArray[Any]) -> NDArray[np.float32]:
    """The millimetre that Sionna steps away from a wedge, so that rays do not leak into it."""
    outward = wedge["n0"] + wedge["nn"]
    size = np.linalg.norm(outward, axis=-1, keepdims=True)
    step = np.divide(outward, size, out=np.zeros_like(outward), where=size > 0)
    is_wedge = wedge["prim0"] != wedge["primn"]
    return np.where(is_wedge[..., None], np.float32(1e-3) * step, np.float32(0))
