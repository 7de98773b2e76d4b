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

from rtwin.arrays import Bools, Floats, Ints
from rtwin.channel import InteractionType
from rtwin.scene import Receivers
from rtwin.trace.chains import (
    NO_CHAIN,
    NUM_BOXES,
    ChainImages,
    TransmitterTrace,
    reachable_pairs,
    sorted_repeats,
)
from rtwin.trace.fields import evaluate_paths, refine, touches_faces
from rtwin.trace.paths.change_reach import Change, Reach, mapped_triangles, reach_of_change, widened
from rtwin.trace.paths.connect import walk_pairs
from rtwin.trace.paths.strings import differing
from rtwin.trace.paths.tracer import Source, Tracer
from rtwin.trace.world import NO_TRIANGLE, World, segments_meet

TOUCH_M = 0.02
PATHS_PER_BATCH = 200_000
PAIRS_AT_ONCE = 40_000_000  # of chain and receiver, before any test


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
    is_touched: Bools  # [rx], whether any path was dropped, found or computed anew
    effort: Effort


def retrace_transmitter(
    tracer: Tracer,
    number: int,
    receivers: Receivers,
    old: TransmitterTrace,
    change: Change,
    *,
    fed: bool = False,
    reach: Reach | None = None,
) -> PartialTrace:
    """All paths of a transmitter that stands where it stood, in a changed world.

    Args:
        tracer: The world now.
        number: Row of the transmitter in the recipe of that world.
        receivers: The same as before.
        old: Its trace in the world before.
        change: What is different.
        fed: Whether its antenna, bearing or velocity differs: all fields are computed anew.
        reach: By reach_of_change, where it is known already.
    Returns:
        The trace as Tracer.trace_transmitter gives it; fields of paths that were kept
        are those of before, bit for bit.
    Checked by tests/horizontal/known_change/test_retrace.py against full traces.
    """
    world, source = tracer.world, tracer.sources[number]
    if reach is None:
        reach = reach_of_change(tracer, number, old.chains, change)
    scatters = (old.interactions == InteractionType.DIFFUSE).any(axis=1)
    if scatters.any():
        old = old.take(~scatters)  # what scatters is drawn anew
    if fed:
        ports = (len(old), world.recipe.receivers.antenna.num_ports, source.end.antenna.num_ports)
        old = replace(old, a=np.zeros(ports, np.complex64))
    solver = world.recipe.solver
    source_m, receivers_m = source.position_m, receivers.position_m
    is_string = old.chain == NO_CHAIN
    chain = np.where(is_string, NO_CHAIN, reach.match[old.chain])
    triangle = mapped_triangles(old.triangle, change.triangle)
    goes = (chain < 0) & ~is_string
    goes |= ((triangle == NO_TRIANGLE) & (old.interactions != 0)).any(axis=1)
    near = np.flatnonzero((chain >= 0) & reach.may_meet[chain] & ~goes)
    goes[near] = _meets(old.take(near), source_m, receivers_m, change.boxes_m, TOUCH_M)
    found, walked = None, np.zeros(0, np.int64)
    if len(change.boxes_m) or not reach.is_known.all():
        asked = np.flatnonzero(goes & (chain >= 0))
        found, walked = _walk_again(
            tracer, source, receivers_m, reach, change, (chain[asked], old.receiver[asked])
        )
        goes[near] |= _is_in(_pair(chain[near], old.receiver[near], len(receivers_m)), walked)
    strings = np.flatnonzero(is_string)
    goes[strings] |= _meets(old.take(strings), source_m, receivers_m, change.boxes_m, TOUCH_M)
    before = replace(old, triangle=triangle).take(strings)
    over = tracer.unevaluated(number, tracer.over_edges(number, receivers))
    gone, new = differing(before, over)
    new |= differing(before.take(~goes[strings]), over)[1]
    goes[strings] |= gone
    if new.any():
        some = over.take(new)
        found = some if found is None else TransmitterTrace.concatenate([found, some])
    is_touched = np.zeros(len(receivers_m), bool)
    is_touched[old.receiver[goes]] = True
    num_found = 0 if found is None else len(found)
    if found is not None:
        is_touched[found.receiver] = True
    old = replace(old, chains=reach.chains, chain=chain, triangle=triangle)
    result, rows = _spliced(old, goes, found, is_touched)
    again = rows.is_new | fed
    if change.is_recoloured.any():
        again |= touches_faces(
            world, result.interactions, result.triangle, result.vertex_m, change.is_recoloured
        )
    again |= _meets(result, source_m, receivers_m, change.volume_boxes_m, TOUCH_M)
    evaluated = np.flatnonzero(~result.is_repeat & (again | rows.was_repeat))
    result = _evaluated(tracer, number, receivers, result, evaluated)
    is_touched[result.receiver[evaluated]] = True
    num_dropped = int(np.count_nonzero(goes))
    effort = Effort(
        num_chains=len(reach.chains),
        num_new_chains=int(np.count_nonzero(~reach.is_known)),
        num_pairs=len(walked),
        num_kept=len(old) - num_dropped,
        num_evaluated=len(evaluated),
        num_dropped=num_dropped,
        num_found=num_found,
    )
    if solver.diffuse_reflection:
        result = TransmitterTrace.concatenate([result, tracer.scattered(number, receivers)])
        is_touched[:] = True
    return PartialTrace(result, is_touched, effort)


@dataclass(frozen=True)
class _Rows:
    """What is to be known of the paths of a spliced trace, [path] each."""

    is_new: Bools
    was_repeat: Bools


def _spliced(
    old: TransmitterTrace, goes: Bools, found: TransmitterTrace | None, is_touched: Bools
) -> tuple[TransmitterTrace, _Rows]:
    """Paths that stay and those that were found, in order, repeats marked anew.

    Only receivers that lost or won a path are sorted; all others keep their order.
    """
    if found is None and not goes.any():
        return old, _Rows(np.zeros(len(old), bool), np.zeros(len(old), bool))
    stays = is_touched[old.receiver] & ~goes
    some = old.take(stays)
    new = np.zeros(len(some), bool)
    if found is not None and len(found):
        some = TransmitterTrace.concatenate([some, replace(found, chains=old.chains)])
        new = np.concatenate([new, np.ones(len(found), bool)])
    order, repeat = sorted_repeats(some.receiver, some.interactions, some.triangle, some.vertex_m)
    was_repeat = some.is_repeat[order] & ~repeat
    some = replace(some.take(order), is_repeat=repeat)
    rest = old.take(~is_touched[old.receiver])
    result = TransmitterTrace.concatenate([rest, some])
    by_receiver = np.argsort(result.receiver, kind="stable")
    no = np.zeros(len(rest), bool)
    rows = _Rows(
        np.concatenate([no, new[order]])[by_receiver],
        np.concatenate([no, was_repeat])[by_receiver],
    )
    return result.take(by_receiver), rows


def _walk_again(
    tracer: Tracer,
    source: Source,
    receivers_m: Floats,
    reach: Reach,
    change: Change,
    asked: tuple[Ints, Ints],
) -> tuple[TransmitterTrace, Ints]:
    """Paths of all pairs that may end otherwise than before, and the numbers of these pairs."""
    world, solver = tracer.world, tracer.world.recipe.solver
    near = widened(change.boxes_m)
    groups, pairs, walked = [], [], []
    for images in source.images:
        wanted = reach.may_meet[images.row] | ~reach.is_known[images.row]
        wanted |= np.isin(images.row, asked[0])
        # Chains that cannot matter are left behind before anything is sent to the device.
        group = images.take(np.flatnonzero(wanted))
        chain, receiver = _pairs_of_group(world, group, receivers_m, reach, near, asked)
        groups.append(group)
        pairs.append((chain, receiver))
        walked.append(_pair(group.row[chain], receiver, len(receivers_m)))
    table = walk_pairs(world, groups, pairs, receivers_m, solver)
    table = refine(world, table, source.position_m, receivers_m, solver)
    return tracer.unevaluated(source.number, table), np.concatenate(walked)


def _pairs_of_group(
    world: World,
    group: ChainImages,
    receivers_m: Floats,
    reach: Reach,
    near_m: Floats,
    asked: tuple[Ints, Ints],
) -> tuple[Ints, Ints]:
    if not len(group):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    known = reach.is_known[group.row]
    new, old = np.flatnonzero(~known), np.flatnonzero(known & reach.may_meet[group.row])
    found = []
    step = max(PAIRS_AT_ONCE // max(len(receivers_m), 1), 1)
    for chains in (new[start : start + step] for start in range(0, len(new), step)):
        found.append(reachable_pairs(world, group, receivers_m, chains=chains))
    for chains in (old[start : start + step] for start in range(0, len(old), step)):
        for first in range(0, len(near_m), NUM_BOXES):
            some = near_m[first : first + NUM_BOXES]
            found.append(reachable_pairs(world, group, receivers_m, chains=chains, near_m=some))
    row = np.full(len(reach.chains), -1)
    row[group.row] = np.arange(len(group))
    chain = row[asked[0]]
    found.append((chain[chain >= 0], asked[1][chain >= 0]))
    # Once each, in the order found: neighbours in space are together.
    number = np.concatenate([_pair(*pair, len(receivers_m)) for pair in found])
    if len(found) > 1:
        order = np.argsort(number, kind="stable")
        again = np.zeros(len(number), bool)
        again[order[1:]] = number[order[1:]] == number[order[:-1]]
        number = number[~again]
    return number // max(len(receivers_m), 1), number % max(len(receivers_m), 1)


def _pair(chain: Ints, receiver: Ints, num_receivers: int) -> Ints:
    return chain.astype(np.int64) * max(num_receivers, 1) + receiver


def _is_in(pairs: Ints, others: Ints) -> Bools:
    if not len(others):
        return np.zeros(len(pairs), bool)
    others = np.sort(others)
    place = np.minimum(np.searchsorted(others, pairs), len(others) - 1)
    found: Bools = others[place] == pairs
    return found


def _evaluated(
    tracer: Tracer, number: int, receivers: Receivers, trace: TransmitterTrace, rows: Ints
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


def _meets(
    trace: TransmitterTrace, source_m: Floats, receivers_m: Floats, boxes_m: Floats, margin_m: float
) -> Bools:
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
