"""Which chains can lead a wave through a box at all: images and apertures, no receiver is asked.

Over a chain a wave runs on straight lines from the image of its transmitter
through the bounds of the last plane. A box is on its way to a receiver only if
the box itself could be one (all mirror points fall inside of their planes), or
if it stands between two elements: lit by the elements before, and inside of the
shaft from their image to the next one (Haines and Wallace, 1991). Each chain
is its parent and one element, so that two tests of a chain answer for all its
straight pieces.
"""

import numpy as np

from rtwin.arrays import Bools, Floats, Ints
from rtwin.trace.chains.images import ChainImages
from rtwin.trace.chains.reach import BOX_MARGIN_M, EDGE_MARGIN_M, BoundsTest, corners_m
from rtwin.trace.world import World

_PAIRS = 2_000_000  # of chain and box in one pass of NumPy


def chains_through_boxes(
    world: World, groups: list[ChainImages], parent: Ints, boxes_m: Floats
) -> Bools:
    """Chains over which a way to any receiver may meet one of the boxes, [chain].

    Args:
        groups: Images of all chains.
        parent: The chain without its last element, [chain]; an earlier row, -1 for row 0.
        boxes_m: Lower and upper corner [m], [box, 2, 3].
    Source: shafts after Haines and Wallace, "Shaft culling for efficient ray-cast
    radiosity" (1991); checked by tests/trace/chains/test_shafts.py against the ways to receivers.
    """
    num = len(parent)
    if not len(boxes_m):
        return np.zeros(num, bool)
    lit = np.zeros((num, len(boxes_m)), bool)
    for group in groups:
        lit[group.row] = _lit(world, group, boxes_m)
    crossed = np.zeros(num, bool)  # between two of its elements
    for group in groups:
        crossed[group.row] = _in_shaft(world, group, parent, lit, boxes_m)
    length = np.zeros(num, np.int64)
    for group in groups:
        length[group.row] = group.length
    for depth in range(2, int(length.max(initial=0)) + 1):
        rows = np.flatnonzero(length == depth)
        crossed[rows] |= crossed[parent[rows]]
    return crossed | lit.any(axis=1)


def _lit(world: World, group: ChainImages, boxes_m: Floats) -> Bools:
    """Whether a wave over a chain may arrive in each box, [chain, box]."""
    num, count = len(group), len(boxes_m)
    test = BoundsTest(world, group)
    chain = np.repeat(np.arange(num, dtype=np.uint32), count)
    box = np.tile(np.arange(count, dtype=np.uint32), num)
    found = np.zeros(num * count, bool)
    found[test.passes(chain, box, corners_m(boxes_m[:, 0], boxes_m[:, 1]), BOX_MARGIN_M)] = True
    return found.reshape(num, count)


def _in_shaft(world: World, group: ChainImages, parent: Ints, lit: Bools, boxes_m: Floats) -> Bools:
    """Whether a box may stand between the last two elements of each chain, [chain]."""
    found = np.zeros(len(group), bool)
    chain, box = np.nonzero(lit[np.maximum(parent[group.row], 0)] & (group.length > 0)[:, None])
    for start in range(0, len(chain), _PAIRS):
        one = chain[start : start + _PAIRS]
        meets = hull_meets_box(
            _images_m(group, one),
            _last_bounds_m(world, group, one),
            boxes_m[box[start : start + _PAIRS]],
        )
        found[one[meets]] = True
    return found


def _images_m(group: ChainImages, chain: Ints) -> Floats:
    """Bounds of where lines towards the last element come from [m], [pair, 2, 3]."""
    last = group.length[chain] - 1
    image = group.image[chain, last]
    bounds = np.stack([image, image], axis=1)
    if group.edges is None:
        return bounds
    behind = group.edges.place[chain] < last
    ends = _edge_ends_m(group, chain, last)
    return np.where(behind[:, None, None], ends, bounds)


def _last_bounds_m(world: World, group: ChainImages, chain: Ints) -> Floats:
    """Bounds of the last element of each chain [m], [pair, 2, 3]."""
    last = group.length[chain] - 1
    plane = group.plane[chain, last]
    bounds = np.stack([world.planes.low_m[plane], world.planes.high_m[plane]], axis=1)
    if group.edges is not None:
        is_edge = group.edges.place[chain] == last
        ends = _edge_ends_m(group, chain, last + 1)
        bounds = np.where(is_edge[:, None, None], ends, bounds)
    return bounds + BOX_MARGIN_M * np.array([[-1.0], [1.0]])


def _edge_ends_m(group: ChainImages, chain: Ints, k: Ints) -> Floats:
    """Bounds of the images of the edges in the planes before element k [m], [pair, 2, 3]."""
    edges = group.edges
    assert edges is not None
    start, way = edges.origin[chain, k], edges.direction[chain, k]
    length = edges.wedge["length"][chain].astype(np.float64)
    ends = [
        start - EDGE_MARGIN_M * way,
        start + (length + EDGE_MARGIN_M)[:, None] * way,
    ]
    return np.stack([np.minimum(*ends), np.maximum(*ends)], axis=1)


def hull_meets_box(one_m: Floats, other_m: Floats, box_m: Floats) -> Bools:
    """Whether a box may meet a straight way between a point of one box and one of another.

    Args:
        one_m: Lower and upper corner [m], [pair, 2, 3].
        other_m: The same of the other end.
        box_m: The same of the box asked for.
    Returns:
        [pair]; True wherever they meet, and now and then where they hardly do not.
    """
    meets = np.ones(len(box_m), bool)
    low = np.minimum(one_m[:, 0], other_m[:, 0])
    high = np.maximum(one_m[:, 1], other_m[:, 1])
    meets &= ((box_m[:, 0] <= high) & (box_m[:, 1] >= low)).all(axis=1)
    rows = np.flatnonzero(meets)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        axes = [first, second]
        a, b, c = (m[rows][..., axes] for m in (one_m, other_m, box_m))
        apart = np.zeros(len(rows), bool)
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            way = np.stack([b[:, corner[k], k] - a[:, corner[k], k] for k in (0, 1)], axis=1)
            normal = np.stack([-way[:, 1], way[:, 0]], axis=1)
            (al, ah), (bl, bh), (cl, ch) = (_extent(m, normal) for m in (a, b, c))
            apart |= (cl > np.maximum(ah, bh)) | (ch < np.minimum(al, bl))
        rows = rows[~apart]
    found = np.zeros(len(box_m), bool)
    found[rows] = True
    return found


def _extent(box_m: Floats, normal: Floats) -> tuple[Floats, Floats]:
    """Least and greatest projection of boxes [n, 2, 2] on directions [n, 2]."""
    middle = np.einsum("nk,nk->n", box_m.mean(axis=1), normal)
    reach = np.einsum("nk,nk->n", (box_m[:, 1] - box_m[:, 0]) / 2, np.abs(normal))
    reach += 1e-9 * (1 + np.abs(middle))
    return middle - reach, middle + reach
