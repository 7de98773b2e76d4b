"""Which chains of a transmitter an edit of the scene can matter to, whatever the receivers."""

from dataclasses import dataclass, replace

import numpy as np

from rtwin.arrays import Bools, Floats, Ints, Unsigned
from rtwin.channel import InteractionType
from rtwin.scene import Solver
from rtwin.trace.chains import (
    ChainTable,
    StoredChains,
    chains_through_boxes,
    edge_numbers,
    wedges_of_edges,
)
from rtwin.trace.paths.tracer import Tracer
from rtwin.trace.world import NO_TRIANGLE, World

# Mirror points may lie beside the surface that a walk meets by what Sionna accepts as the
# same plane (2 cm), at grazing angles by more: what comes this near is walked again.
NEAR_M = 0.3


@dataclass(frozen=True)
class Change:
    """What differs between two worlds, as paths feel it."""

    triangle: Unsigned  # [triangle before], its number now; NO_TRIANGLE if it changed
    boxes_m: Floats  # [box, 2, 3], where surfaces stood that moved, or stand now
    is_recoloured: Bools  # [triangle now], stands where it stood, of other material
    volume_boxes_m: Floats  # [box, 2, 3], where vegetation grew or grows


def keeps_chains(change: Change, solver: Solver) -> bool:
    """Whether rays of the same seed meet the same surfaces in the same ways as before.

    Materials decide how rays go on only where they may go on in several ways.
    """
    several = solver.refraction or solver.diffraction
    return not len(change.boxes_m) and not (several and change.is_recoloured.any())


@dataclass(frozen=True)
class Reach:
    """What of a transmitter's chains a change can matter to, before any receiver is asked."""

    chains: StoredChains
    match: Ints  # [chain before], its number now; -1 if it is gone
    is_known: Bools  # [chain now], was there before
    may_meet: Bools  # [chain now], some way over it may lead past what changed

    @property
    def share(self) -> float:
        """Share of the chains that are to be looked at again."""
        return float(np.mean(self.may_meet | ~self.is_known))


def reach_of_change(tracer: Tracer, number: int, old: StoredChains, change: Change) -> Reach:
    """Chains of a transmitter that a change can matter to, in the world now.

    Args:
        tracer: The world now.
        number: Row of the transmitter in the recipe of that world.
        old: Its chains in the world before.
        change: What is different.
    """
    world, source = tracer.world, tracer.sources[number]
    if keeps_chains(change, world.recipe.solver):
        every = np.ones(len(old), bool)
        chains = replace(old, triangle=mapped_triangles(old.triangle, change.triangle))
        return Reach(chains, np.arange(len(old)), every, ~every)
    match = matched_chains(world, old, source.chains, change.triangle)
    is_known = np.zeros(len(source.chains), bool)
    is_known[match[match >= 0]] = True
    may_meet = chains_through_boxes(
        world, source.images, source.chains.parent, widened(change.boxes_m)
    )
    return Reach(source.stored_chains, match, is_known, may_meet)


def matched_chains(world: World, old: StoredChains, new: ChainTable, triangle: Unsigned) -> Ints:
    """Which chain of a world each chain of the world before is now, [old chain]; -1 if none."""
    mapped = mapped_triangles(old.triangle, triangle)
    there = mapped != NO_TRIANGLE
    plane = world.triangles.plane[np.where(there, mapped, 0)]
    before = np.where(there, 2 * plane, -1)
    now = 2 * world.triangles.plane[new.triangle]
    is_edge = new.kind == InteractionType.DIFFRACTION
    was_edge = np.flatnonzero((old.edge < 6) & there)
    if is_edge.any():
        wedges = np.concatenate(
            [new.wedge[is_edge], wedges_of_edges(world, mapped[was_edge], old.edge[was_edge])]
        )
        edge = edge_numbers(wedges)
        now[is_edge] = 2 * edge[: is_edge.sum()] + 1
        before[was_edge] = 2 * edge[is_edge.sum() :] + 1
    else:
        before[was_edge] = -1
    num_elements = int(max(before.max(initial=0), now.max(initial=0))) + 1
    key = new.parent[1:] * num_elements + now[1:]
    order = np.argsort(key, kind="stable")
    match = np.full(len(old), -1)
    match[0] = 0
    for length in range(1, int(old.length.max(initial=0)) + 1):
        rows = np.flatnonzero(old.length == length)
        rows = rows[(match[old.parent[rows]] >= 0) & (before[rows] >= 0)]
        wanted = match[old.parent[rows]] * num_elements + before[rows]
        place = np.searchsorted(key, wanted, sorter=order)
        inside = place < len(key)
        rows, wanted, place = rows[inside], wanted[inside], order[place[inside]]
        same = key[place] == wanted
        match[rows[same]] = place[same] + 1
    return match


def widened(boxes_m: Floats) -> Floats:
    """Boxes [box, 2, 3] m with all that is walked again around them."""
    return boxes_m + NEAR_M * np.array([[-1.0], [1.0]])


def mapped_triangles(triangle: Unsigned, number: Unsigned) -> Unsigned:
    """Triangles by their numbers now; NO_TRIANGLE where they changed or there was none."""
    some = triangle != NO_TRIANGLE
    return np.where(some, number[np.where(some, triangle, 0)], NO_TRIANGLE).astype(np.uint32)
