"""Chains of a transmitter in the memory that kernels read, element after element."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Singles
from rtwin.trace.chains.images import ChainImages, Edges
from rtwin.trace.world import World


@dataclass(frozen=True)
class DeviceChains:
    """Chains of one transmitter, each column sent when it is first asked for.

    Columns of elements have row `chain * depth + k`, those of images, edge origins and
    edge directions `chain * (depth + 1) + k`, with k as in ChainImages.
    """

    world: World
    images: ChainImages

    @property
    def has_edges(self) -> bool:
        return self.images.edges is not None

    @cached_property
    def depth(self) -> Any:
        return self.numbers([self.images.depth])

    @cached_property
    def length(self) -> Any:
        return self.numbers(self.images.length)

    @cached_property
    def image(self) -> Any:
        return self.points(self.images.image)

    @cached_property
    def plane(self) -> Any:
        return self.numbers(self.images.plane)

    @cached_property
    def normal(self) -> Any:
        return self.points(self.images.normal)

    @cached_property
    def point(self) -> Any:
        return self.points(self.images.point)

    @cached_property
    def edge_place(self) -> Any:
        return self.numbers(self._edges.place)

    @cached_property
    def edge_length(self) -> Any:
        return self.floats(self._edges.wedge["length"])

    @cached_property
    def origin(self) -> Any:
        return self.points(self._edges.origin)

    @cached_property
    def direction(self) -> Any:
        return self.points(self._edges.direction)

    @cached_property
    def edge_normal(self) -> Any:
        return self.world.points(self._edges.wedge["n0"])

    @cached_property
    def edge_other_normal(self) -> Any:
        return self.world.points(self._edges.wedge["nn"])

    @cached_property
    def edge_offset(self) -> Any:
        return self.world.points(_edge_offset(self._edges.wedge))

    @cached_property
    def plane_of_triangle(self) -> Any:
        return self.numbers(self.world.triangles.plane)

    @cached_property
    def is_opaque(self) -> Any:
        return self.world.engine.opaque(self.world.is_opaque, "Bool")

    @cached_property
    def world_origin(self) -> Any:
        return self.points(self.world.origin_m)

    @property
    def _edges(self) -> Edges:
        edges = self.images.edges
        assert edges is not None
        return edges

    def numbers(self, values: Any) -> Any:
        """Whole numbers of any shape, one after the other, mi.UInt."""
        return self.world.engine.opaque(np.asarray(values).ravel().astype(np.uint32), "UInt")

    def floats(self, values: Any) -> Any:
        """Numbers of any shape, one after the other, mi.Float64."""
        return self.world.engine.opaque(np.asarray(values, np.float64).ravel(), "Float64")

    def points(self, values: Any) -> Any:
        """Places or directions [..., 3] in the scene's own origin, mi.Point3d."""
        columns = np.asarray(values, np.float64).reshape(-1, 3).T
        return self.world.engine.mi.Point3d(*(self.floats(column) for column in columns))


def _edge_offset(wedge: NDArray[Any]) -> Singles:
    """The millimetre that Sionna steps away from a wedge, so that rays do not leak into it."""
    outward = wedge["n0"] + wedge["nn"]
    size = np.linalg.norm(outward, axis=-1, keepdims=True)
    step = np.divide(outward, size, out=np.zeros_like(outward), where=size > 0)
    is_wedge = wedge["prim0"] != wedge["primn"]
    return np.where(is_wedge[..., None], np.float32(1e-3) * step, np.float32(0))
