"""Tracing again only what an edit of the scene can have changed.

A path is a chain of planes and edges walked between a transmitter and a
receiver, and the walk meets nothing but what stands at its own straight
segments. So whoever shoots the transmitter's rays again in the new scene (which
is cheap) knows the new chains, and of the pairs of chain and receiver only
those can end otherwise than before whose chain is new, or whose way touches
where something stood or stands now. Those are walked; all other paths stay as
they are, bit for bit.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import InteractionType
from rtwin.scene import Receivers, Solver
from rtwin.trace.chains import ChainTable
from rtwin.trace.connect import walk_pairs
from rtwin.trace.evaluate import evaluate_paths
from rtwin.trace.fields import refine
from rtwin.trace.images import ChainImages
from rtwin.trace.paths import Source, Tracer
from rtwin.trace.queries import segments_meet
from rtwin.trace.reach import NUM_BOXES, reachable_pairs
from rtwin.trace.transmitter import NO_CHAIN, StoredChains, TransmitterTrace, sorted_repeats
from rtwin.trace.wedges import edge_numbers, wedges_of_edges
from rtwin.trace.world import NO_TRIANGLE, World

# Mirror points may lie beside the surface that a walk meets by what Sionna accepts as the
# same plane (2 cm), at grazing angles by more: what comes this near is walked again.
NEAR_M = 0.3
TOUCH_M = 0.02
PATHS_PER_BATCH = 200_000
MAX_TABLE = 200_000_000


@dataclass(frozen=True)
class Change:
    """What differs between two worlds, as paths feel it."""

    triangle: NDArray[np.uint32]  # [triangle before], its number now; NO_TRIANGLE if it changed
    boxes_m: NDArray[np.float64]  # [box, 2, 3], where surfaces stood that moved, or stand now
    is_recoloured: NDArray[np.bool_]  # [triangle now], stands where it stood, of other material
    volume_boxes_m: NDArray[np.float64]  # [box, 2, 3], where vegetation grew or grows


@dataclass(frozen=True)
class Effort:
    """What tracing again took, of one transmitter."""

    num_chains: int = 0
    num_new_chains: int = 0
    num_pairs: int = 0  # of chain and receiver that were walked
    num_kept: int = 0  # paths that stayed
    num_evaluated: int = 0  # of these, paths whose field was computed anew
    num_dropped: int = 0
    num_found: int = 0


@dataclass(frozen=True)
class PartialTrace:
    """A transmitter's trace in a changed world."""

    trace: TransmitterTrace
    is_touched: NDArray[np.bool_]  # [rx], whether any path was dropped, found or computed anew
    effort: Effort


def keeps_chains(change: Change, solver: Solver) -> bool:
    """Whether rays of the same seed meet the same surfaces in the same ways as before.

    Materials decide how rays go on only where they may go on in several ways.
    """
    several = solver.refraction or solver.diffraction
    return not len(change.boxes_m) and not (several and change.is_recoloured.any())


def retrace_transmitter(
    tracer: Tracer,
    number: int,
    receivers: Receivers,
    old: TransmitterTrace,
    change: Change,
    *,
    fed: bool = False,
) -> PartialTrace:
    """All paths of a transmitter that stands where it stood, in a changed world.

    Args:
        tracer: The world now.
        number: Row of the transmitter in the recipe of that world.
        receivers: The same as before.
        old: Its trace in the world before.
        change: What is different.
        fed: Whether its antenna, bearing or velocity differs: all fields are computed anew.
    Returns:
        The trace as Tracer.trace_transmitter gives it; fields of paths that were kept
        are those of before, bit for bit.
    Checked by tests/horizontal/known_change/test_retrace.py against full traces.
    """
    world, source = tracer.world, tracer.sources[number]
    old = old.take(old.chain != NO_CHAIN)  # what scatters is drawn anew
    if fed:
        ports = (len(old), world.recipe.receivers.antenna.num_ports, source.end.antenna.num_ports)
        old = replace(old, a=np.zeros(ports, np.complex64))
    solver = world.recipe.solver
    if same_chains := keeps_chains(change, solver):
        match = np.arange(len(old.chains))
        chains = _renumbered(old.chains, change.triangle)
    else:
        chains = source.stored_chains
        match = matched_chains(world, old.chains, source.chains, change.triangle)
    is_known = np.zeros(len(chains), bool)
    is_known[match[match >= 0]] = True

    source_m, receivers_m = source.position_m, receivers.position_m
    chain = match[old.chain]
    triangle = _mapped(old.triangle, change.triangle)
    changed = ((triangle == NO_TRIANGLE) & (old.interactions != 0)).any(axis=1)
    changed |= _meets(old, source_m, receivers_m, change.boxes_m, TOUCH_M)
    lost = chain < 0
    found, walked = None, np.zeros(0, np.int64)
    if not same_chains:
        asked = (chain[changed & ~lost], old.receiver[changed & ~lost])
        found, walked = _walk_again(tracer, source, receivers_m, is_known, change.boxes_m, asked)
    again = _is_in(_pair(chain, old.receiver, len(receivers_m)), walked)
    goes = lost | changed | again
    is_touched = np.zeros(len(receivers_m), bool)
    is_touched[old.receiver[goes]] = True
    kept = np.flatnonzero(~goes)
    stays = replace(old.take(kept), chains=chains, chain=chain[kept], triangle=triangle[kept])
    met = np.where(stays.triangle != NO_TRIANGLE, stays.triangle, 0)
    other = (change.is_recoloured[met] & (stays.triangle != NO_TRIANGLE)).any(axis=1)
    other |= _meets(stays, source_m, receivers_m, change.volume_boxes_m, TOUCH_M) | fed
    num_kept = len(stays)
    if found is not None and len(found):
        stays = TransmitterTrace.concatenate([stays, found])
        other = np.concatenate([other, np.ones(len(found), bool)])
    order, repeat = sorted_repeats(
        stays.receiver, stays.interactions, stays.triangle, stays.vertex_m
    )
    was_repeat = stays.is_repeat[order]
    result = replace(stays.take(order), is_repeat=repeat)
    rows = np.flatnonzero(~repeat & (other[order] | was_repeat))
    result = _evaluated(tracer, number, receivers, result, rows)
    is_touched[result.receiver[rows]] = True
    effort = Effort(
        num_chains=len(chains),
        num_new_chains=int(np.count_nonzero(~is_known)),
        num_pairs=len(walked),
        num_kept=num_kept,
        num_evaluated=len(rows),
        num_dropped=len(old) - num_kept,
        num_found=0 if found is None else len(found),
    )
    if solver.diffuse_reflection:
        result = TransmitterTrace.concatenate([result, tracer.scattered(number, receivers)])
        is_touched[:] = True
    return PartialTrace(result, is_touched, effort)


def matched_chains(
    world: World, old: StoredChains, new: ChainTable, triangle: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """Which chain of a world each chain of the world before is now, [old chain]; -1 if none."""
    mapped = _mapped(old.triangle, triangle)
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


def _walk_again(
    tracer: Tracer,
    source: Source,
    receivers_m: NDArray[np.float64],
    is_known: NDArray[np.bool_],
    boxes_m: NDArray[np.float64],
    asked: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[TransmitterTrace, NDArray[np.int64]]:
    """Paths of all pairs that may end otherwise than before, and the numbers of these pairs."""
    world, solver = tracer.world, tracer.world.recipe.solver
    near = boxes_m + NEAR_M * np.array([[-1.0], [1.0]])
    pairs, walked = [], []
    for group in source.images:
        chain, receiver = _pairs_of_group(world, group, receivers_m, is_known, near, asked)
        pairs.append((chain, receiver))
        walked.append(_pair(group.row[chain], receiver, len(receivers_m)))
    table = walk_pairs(world, source.images, pairs, receivers_m, solver)
    table = refine(world, table, source.position_m, receivers_m, solver)
    return tracer.unevaluated(source.number, table), np.concatenate(walked)


def _pairs_of_group(
    world: World,
    group: ChainImages,
    receivers_m: NDArray[np.float64],
    is_known: NDArray[np.bool_],
    near_m: NDArray[np.float64],
    asked: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    known = is_known[group.row]
    new, old = np.flatnonzero(~known), np.flatnonzero(known)
    found = []
    if len(new):
        found.append(reachable_pairs(world, group, receivers_m, chains=new))
    for start in range(0, len(near_m), NUM_BOXES):
        some = near_m[start : start + NUM_BOXES]
        found.append(reachable_pairs(world, group, receivers_m, chains=old, near_m=some))
    row = np.full(len(is_known), -1)
    row[group.row] = np.arange(len(group))
    chain, receiver = row[asked[0]], asked[1]
    # Once each, in the order found: neighbours in space are together.
    number = np.zeros(0, np.int64)
    for one, other in [*found, (chain[chain >= 0], receiver[chain >= 0])]:
        more = _pair(one, other, len(receivers_m))
        number = np.concatenate([number, more[~_is_in(more, number)]])
    return number // max(len(receivers_m), 1), number % max(len(receivers_m), 1)


def _pair(
    chain: NDArray[np.int64], receiver: NDArray[np.int64], num_receivers: int
) -> NDArray[np.int64]:
    return chain.astype(np.int64) * max(num_receivers, 1) + receiver


def _is_in(pairs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    # By a table of all pairs, which is far quicker than sorting, where it is not too large.
    small = int(others.max(initial=0)) < MAX_TABLE
    return np.isin(pairs, others, kind="table" if small else "sort")


def _evaluated(
    tracer: Tracer,
    number: int,
    receivers: Receivers,
    trace: TransmitterTrace,
    rows: NDArray[np.int64],
) -> TransmitterTrace:
    """The trace with the fields of some of its paths computed anew, and no fields of repeats."""
    a, doppler = trace.a.copy(), trace.doppler_hz.copy()
    loss = trace.vegetation_loss_db.copy()
    if len(rows):
        a[rows], doppler[rows], loss[rows] = evaluate_paths(
            tracer.world,
            receivers,
            np.full(len(rows), number),
            trace.receiver[rows],
            trace.interactions[rows],
            trace.triangle[rows],
            trace.edge[rows],
            trace.vertex_m[rows],
        )
    a[trace.is_repeat], doppler[trace.is_repeat] = 0, 0
    return replace(trace, a=a, doppler_hz=doppler, vegetation_loss_db=loss)


def _mapped(triangle: NDArray[np.uint32], number: NDArray[np.uint32]) -> NDArray[np.uint32]:
    some = triangle != NO_TRIANGLE
    return np.where(some, number[np.where(some, triangle, 0)], NO_TRIANGLE).astype(np.uint32)


def _renumbered(chains: StoredChains, number: NDArray[np.uint32]) -> StoredChains:
    return replace(chains, triangle=_mapped(chains.triangle, number))


def _meets(
    trace: TransmitterTrace,
    source_m: NDArray[np.float64],
    receivers_m: NDArray[np.float64],
    boxes_m: NDArray[np.float64],
    margin_m: float,
) -> NDArray[np.bool_]:
    """Whether any straight piece of each path meets one of the boxes, [path]."""
    met = np.zeros(len(trace), bool)
    if not len(boxes_m):
        return met
    for start in range(0, len(trace), PATHS_PER_BATCH):
        rows = slice(start, start + PATHS_PER_BATCH)
        current = np.broadcast_to(source_m, (len(trace.receiver[rows]), 3))
        kind, vertex = trace.interactions[rows], trace.vertex_m[rows]
        for depth in range(kind.shape[1] + 1):
            if depth == kind.shape[1]:
                following = receivers_m[trace.receiver[rows]]
            else:
                there = (kind[:, depth] != 0)[:, None]
                following = np.where(there, vertex[:, depth].astype(np.float64), current)
            for low, high in boxes_m:
                met[rows] |= segments_meet(current, following, low - margin_m, high + margin_m)
            current = following
    return met
