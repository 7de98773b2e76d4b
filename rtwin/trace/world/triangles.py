"""The table of a scene's triangles, in which everything that a ray meets is looked up."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats, Ints, Singles, Unsigned
from rtwin.trace.diffraction import SceneEdges, find_edges, find_parts
from rtwin.trace.engine import Engine
from rtwin.trace.world.planes import Planes, find_planes
from rtwin.trace.world.sources import Part

NO_TRIANGLE = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True)
class Triangles:
    """All triangles of a scene, one row each; row number = `triangle` id."""

    vertices: Singles  # [triangle, 3, 3] m
    normal: Singles  # [triangle, 3], unit, as wound
    object: NDArray[np.int32]  # [triangle], index into World.object_names
    material: NDArray[np.int16]  # [triangle], index into World.material_names
    plane: Ints  # [triangle], row of World.planes
    shape: Unsigned  # [triangle], the engine's number of the shape
    primitive: Unsigned  # [triangle], row inside that shape

    @cached_property
    def edges(self) -> SceneEdges:
        """Where they meet at an angle, and where they end."""
        return find_edges(self.vertices, self.plane)

    @cached_property
    def part(self) -> Ints:
        """Number of the connected part that each triangle belongs to, [triangle]."""
        return find_parts(self.vertices)


def triangle_table(
    engine: Engine,
    groups: dict[tuple[str, tuple[float, ...]], list[int]],
    parts: Sequence[Part],
    shapes: dict[str, Any],
    material_names: tuple[str, ...],
) -> tuple[Triangles, Planes, Any]:
    """The triangles of a loaded scene, their planes, and the first triangle by the engine's shape.

    Args:
        groups: Rows of the parts of each shape, by material and velocity, in order.
        shapes: The engine's shapes, "shape-0" the first group.
    """
    corners, objects, materials, shape_numbers, primitives = [], [], [], [], []
    first: dict[int, int] = {}
    start = 0
    for number, ((material, _), members) in enumerate(groups.items()):
        pointer = engine.mi.ShapePtr(shapes[f"shape-{number}"])
        shape_number = int(engine.dr.reinterpret_array(engine.mi.UInt32, pointer)[0])
        first[shape_number] = start
        count = 0
        for i in members:
            corners.append(parts[i].vertices[parts[i].faces])
            objects.append(np.full(len(parts[i].faces), i, np.int32))
            count += len(parts[i].faces)
        materials.append(np.full(count, material_names.index(material), np.int16))
        shape_numbers.append(np.full(count, shape_number, np.uint32))
        primitives.append(np.arange(count, dtype=np.uint32))
        start += count
    vertices = np.concatenate(corners)
    normal = _unit_normals(vertices)
    plane, planes = find_planes(vertices, normal)
    table = Triangles(
        vertices=vertices,
        normal=normal.astype(np.float32),
        object=np.concatenate(objects),
        material=np.concatenate(materials),
        plane=plane,
        shape=np.concatenate(shape_numbers),
        primitive=np.concatenate(primitives),
    )
    by_shape = np.zeros(max(first) + 1, np.uint32)
    for shape_number, index in first.items():
        by_shape[shape_number] = index
    return table, planes, engine.opaque(by_shape, "UInt32")


def _unit_normals(vertices: Singles) -> Floats:
    corners = vertices.astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
