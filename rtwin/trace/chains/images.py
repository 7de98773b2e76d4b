"""Where a chain sends the image of its transmitter."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints
from rtwin.channel import InteractionType
from rtwin.trace.chains.chain_table import ChainTable
from rtwin.trace.world import World


@dataclass(frozen=True)
class Edges:
    """The one diffracting element of each chain, and its images in the planes behind it."""

    place: Ints  # [chain], which element it is
    wedge: NDArray[Any]  # [chain], WEDGE_FIELDS
    origin: Floats  # [chain, depth + 1, 3] m, as `ChainImages.image`
    direction: Floats  # [chain, depth + 1, 3]


@dataclass(frozen=True)
class ChainImages:
    """Chains of one transmitter, either all with an edge or all without one, and their images.

    Element k = 0 .. length-1 counts from the transmitter. `image[:, k]` is the
    transmitter mirrored at the planes of elements 0 .. k-1. What lies beyond a
    chain's length has no meaning.
    """

    row: Ints  # [chain], row of the ChainTable
    length: Ints  # [chain]
    plane: Ints  # [chain, depth], row of World.planes
    normal: Floats  # [chain, depth, 3]
    point: Floats  # [chain, depth, 3], a point of each plane
    image: Floats  # [chain, depth + 1, 3]
    edges: Edges | None

    def __len__(self) -> int:
        return len(self.length)

    @property
    def depth(self) -> int:
        return self.plane.shape[1]

    def take(self, rows: NDArray[Any]) -> "ChainImages":
        """Some of the chains."""
        edges = self.edges
        if edges is not None:
            edges = Edges(**{f.name: getattr(edges, f.name)[rows] for f in fields(Edges)})
        columns = ("row", "length", "plane", "normal", "point", "image")
        return ChainImages(**{name: getattr(self, name)[rows] for name in columns}, edges=edges)

    def diffraction_m(self, chain: Ints, receiver_m: Floats) -> Floats | None:
        """Where along its edge [m] each pair's path diffracts, [pair]; None without edges."""
        if self.edges is None:
            return None
        at = (chain, self.length[chain])
        return diffraction_parameter(
            self.image[at], receiver_m, self.edges.origin[at], self.edges.direction[at]
        )

    def aim_m(self, chain: Ints, k: Ints, t: Floats | None) -> Floats:
        """Where to walk to from the receiver when elements k-1 .. 0 are to be met, [pair, 3].

        The image of the transmitter, or behind an edge the image of the diffraction
        point at `t`, or that point itself. For k = 0 the transmitter.
        """
        aim = self.image[chain, k]
        if self.edges is None or t is None:
            return aim
        on_edge = self.edges.origin[chain, k] + t[:, None] * self.edges.direction[chain, k]
        return np.where((self.edges.place[chain] < k)[:, None], on_edge, aim)


def chain_images(world: World, chains: ChainTable, source_m: Floats) -> list[ChainImages]:
    """Images of a transmitter [3] for all chains, those without and those with an edge apart."""
    elements = chains.elements()
    is_edge = (chains.kind[elements] == InteractionType.DIFFRACTION) & (elements >= 0)
    has_edge = is_edge.any(axis=1)
    plain = np.flatnonzero(~has_edge)
    groups = [_images(world, chains, plain, elements[plain], None, source_m)]
    if has_edge.any():
        rows = np.flatnonzero(has_edge)
        place = is_edge[rows].argmax(axis=1)
        groups.append(_images(world, chains, rows, elements[rows], place, source_m))
    return groups


def _images(
    world: World,
    chains: ChainTable,
    rows: Ints,
    elements: Ints,
    place: Ints | None,
    source_m: Floats,
) -> ChainImages:
    triangle = chains.triangle[elements]
    normal = world.triangles.normal[triangle].astype(np.float64)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-30)
    point = world.triangles.vertices[triangle][:, :, 0].astype(np.float64)
    num, depth = elements.shape
    image = np.empty((num, depth + 1, 3))
    image[:, 0] = source_m
    edges = None
    if place is not None:
        wedge = chains.wedge[elements[np.arange(num), place]]
        edges = Edges(place, wedge, np.zeros((num, depth + 1, 3)), np.zeros((num, depth + 1, 3)))
    for k in range(depth):
        image[:, k + 1] = _mirror(image[:, k], normal[:, k], point[:, k])
        if edges is None or place is None:
            continue
        at, behind = place == k, (place < k)[:, None]
        image[at, k + 1] = image[at, k]
        # Before its edge, a chain's edge images are the edge itself: nothing reads them there.
        o, e = edges.origin, edges.direction
        o[:, k + 1] = np.where(behind, _mirror(o[:, k], normal[:, k], point[:, k]), wedge["o"])
        e[:, k + 1] = np.where(behind, _mirror(e[:, k], normal[:, k], 0.0), wedge["e_hat"])
    return ChainImages(
        row=rows,
        length=chains.length[rows],
        plane=world.triangles.plane[triangle],
        normal=normal,
        point=point,
        image=image,
        edges=edges,
    )


def _mirror(x: Floats, normal: Floats, point: Floats | float) -> Floats:
    distance = np.einsum("ci,ci->c", x - point, normal)
    return x - 2.0 * distance[:, None] * normal


def diffraction_parameter(
    source: Floats, target: Floats, origin: Floats, direction: Floats
) -> Floats:
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
