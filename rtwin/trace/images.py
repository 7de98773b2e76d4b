"""Where a chain sends the image of its transmitter, and whether a receiver can see it.

This is arithmetic on planes, no ray is shot: it turns away, at a few
operations each, the thousands of (chain, receiver) pairs whose mirror points
fall beside their planes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.channel import InteractionType
from rtwin.trace.chains import ChainTable
from rtwin.trace.world import World

EDGE_MARGIN_M = 0.02
PAIRS_PER_LAUNCH = 4_000_000


@dataclass(frozen=True)
class ChainImages:
    """Chains of one length with their edge at one place (or nowhere), and their images.

    Element k = 0 .. length-1 counts from the transmitter. `image[:, k]` is the
    transmitter mirrored at the planes of elements 0 .. k-1.
    """

    chain: NDArray[np.int64]  # [chain], row in the chain table
    edge: int | None  # which element diffracts
    triangle: NDArray[np.uint32]  # [chain, length]
    wedge: NDArray[Any]  # [chain], WEDGE_FIELDS of the diffracting element
    normal: NDArray[np.float64]  # [chain, length, 3]
    point: NDArray[np.float64]  # [chain, length, 3], a point of each plane
    low: NDArray[np.float64]  # [chain, length, 3], bounds of each plane's triangles
    high: NDArray[np.float64]
    image: NDArray[np.float64]  # [chain, length + 1, 3]
    edge_origin: NDArray[np.float64]  # [chain, length + 1, 3], mirrored at later planes
    edge_direction: NDArray[np.float64]

    @property
    def length(self) -> int:
        return self.triangle.shape[1]


def chain_images(
    world: World, chains: ChainTable, source_m: NDArray[np.float64]
) -> list[ChainImages]:
    """Images of a transmitter [3] for all chains, grouped by length and place of the edge."""
    groups = []
    for length in range(1, int(chains.length.max(initial=0)) + 1):
        rows = np.flatnonzero(chains.length == length)
        elements = chains.elements(rows, length)
        is_edge = chains.kind[elements] == InteractionType.DIFFRACTION
        for edge in [None, *range(length)]:
            pick = ~is_edge.any(axis=1) if edge is None else is_edge[:, edge]
            if pick.any():
                groups.append(_images(world, chains, rows[pick], elements[pick], edge, source_m))
    return groups


def _images(
    world: World,
    chains: ChainTable,
    rows: NDArray[np.int64],
    elements: NDArray[np.int64],
    edge: int | None,
    source_m: NDArray[np.float64],
) -> ChainImages:
    triangle = chains.triangle[elements]
    normal = world.triangles.normal[triangle].astype(np.float64)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-30)
    point = world.triangles.vertices[triangle][:, :, 0].astype(np.float64)
    wedge = chains.wedge[elements[:, edge or 0]]
    num, length = elements.shape
    image = np.empty((num, length + 1, 3))
    image[:, 0] = source_m
    origin = np.zeros((num, length + 1, 3))
    direction = np.zeros((num, length + 1, 3))
    for k in range(length):
        if k == edge:
            image[:, k + 1] = image[:, k]
            origin[:, k + 1] = wedge["o"]
            direction[:, k + 1] = wedge["e_hat"]
            continue
        image[:, k + 1] = _mirror(image[:, k], normal[:, k], point[:, k])
        if edge is not None and k > edge:
            origin[:, k + 1] = _mirror(origin[:, k], normal[:, k], point[:, k])
            direction[:, k + 1] = _mirror(direction[:, k], normal[:, k], np.zeros((num, 3)))
    plane = world.triangles.plane[triangle]
    low, high = world.planes.low_m[plane], world.planes.high_m[plane]
    return ChainImages(
        rows, edge, triangle, wedge, normal, point, low, high, image, origin, direction
    )


def _mirror(
    x: NDArray[np.float64], normal: NDArray[np.float64], point: NDArray[np.float64]
) -> NDArray[np.float64]:
    distance = np.einsum("ci,ci->c", x - point, normal)
    return x - 2.0 * distance[:, None] * normal


def aims(
    group: ChainImages, chain: NDArray[np.int64], receiver_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Points to walk towards from the receiver, per pair, [pair, length + 1, 3].

    Aim k+1 leads from behind to element k: the image of the transmitter, or
    after an edge the image of the diffraction point, or the edge itself. Aim 0
    is the transmitter.
    """
    image = group.image[chain].copy()
    if group.edge is None:
        return image
    t = diffraction_parameter(
        image[:, -1], receiver_m, group.edge_origin[chain, -1], group.edge_direction[chain, -1]
    )
    for k in range(group.edge, group.length):
        image[:, k + 1] = (
            group.edge_origin[chain, k + 1] + t[:, None] * group.edge_direction[chain, k + 1]
        )
    return image


def diffraction_parameter(
    source: NDArray[np.float64],
    target: NDArray[np.float64],
    origin: NDArray[np.float64],
    direction: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Distance along an edge [m] at which the path over it is shortest, [pair].

    Unfolding both half-planes into one makes the path straight, so the edge is
    cut in the ratio of the distances of source and target from it.
    """
    along_source = np.einsum("pi,pi->p", source - origin, direction)
    along_target = np.einsum("pi,pi->p", target - origin, direction)
    off_source = np.linalg.norm(source - origin - along_source[:, None] * direction, axis=1)
    off_target = np.linalg.norm(target - origin - along_target[:, None] * direction, axis=1)
    total = np.maximum(off_source + off_target, 1e-12)
    return (along_source * off_target + along_target * off_source) / total


def visible_pairs(
    world: World, group: ChainImages, receivers_m: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs whose mirror points all fall inside the bounds of their planes.

    Returns:
        Chain (position in the group) and receiver of each pair, ascending.
    """
    num_rx = len(receivers_m)
    chains_per_launch = max(1, PAIRS_PER_LAUNCH // max(num_rx, 1))
    found = [
        _visible_block(world, group, start, start + chains_per_launch, receivers_m)
        for start in range(0, len(group.chain), chains_per_launch)
    ]
    pair = np.concatenate(found) if found else np.zeros(0, np.int64)
    return pair // num_rx, pair % num_rx


def _visible_block(
    world: World, group: ChainImages, start: int, stop: int, receivers_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    mi, dr, engine = world.engine.mi, world.engine.dr, world.engine
    block = slice(start, min(stop, len(group.chain)))
    num_chains, num_rx = block.stop - block.start, len(receivers_m)
    pair = dr.arange(mi.UInt, num_chains * num_rx)
    divisor = engine.opaque([num_rx], "UInt")
    chain = pair // divisor
    receiver = dr.gather(mi.Point3f, world.points(receivers_m), pair - chain * divisor)

    def of_chain(values: NDArray[np.float64]) -> Any:
        return dr.gather(mi.Point3f, world.points(values[block]), chain)

    vertex = receiver
    ok = dr.full(mi.Mask, True, num_chains * num_rx)
    t = mi.Float(0)
    if group.edge is not None:
        o, e = of_chain(group.edge_origin[:, -1]), of_chain(group.edge_direction[:, -1])
        source = of_chain(group.image[:, -1])
        along_s, along_t = dr.dot(source - o, e), dr.dot(receiver - o, e)
        off_s, off_t = dr.norm(source - o - along_s * e), dr.norm(receiver - o - along_t * e)
        t = (along_s * off_t + along_t * off_s) / dr.maximum(off_s + off_t, 1e-12)
        length = dr.gather(
            mi.Float, engine.opaque(np.ascontiguousarray(group.wedge["length"][block])), chain
        )
        ok &= (t > -EDGE_MARGIN_M) & (t < length + EDGE_MARGIN_M)
    for k in range(group.length - 1, -1, -1):
        if group.edge is not None and k >= group.edge:
            aim = of_chain(group.edge_origin[:, k + 1]) + t * of_chain(
                group.edge_direction[:, k + 1]
            )
        else:
            aim = of_chain(group.image[:, k + 1])
        if k == group.edge:
            vertex = aim
            continue
        normal, point = of_chain(group.normal[:, k]), of_chain(group.point[:, k])
        behind = dr.dot(point - aim, normal)
        before = dr.dot(vertex - point, normal)
        span = dr.dot(vertex - aim, normal)
        ok &= (behind * before > 0) & (dr.abs(span) > 1e-9)
        vertex = vertex + (aim - vertex) * (before / span)
        low, high = of_chain(group.low[:, k]), of_chain(group.high[:, k])
        ok &= dr.all((vertex > low) & (vertex < high))
    found = dr.compress(ok)
    return found.numpy().astype(np.int64) + block.start * num_rx
