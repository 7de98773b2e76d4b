"""Diffracting edges as table rows, and back into the engine's form."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Bytes, Ints, Unsigned
from rtwin.trace.diffraction import NO_ROW, row_ranks
from rtwin.trace.world import World

WEDGE_FIELDS = np.dtype(
    [
        ("shape", "u4"),
        ("prim0", "u4"),
        ("primn", "u4"),
        ("local_edge", "u4"),
        ("o", "f4", 3),
        ("e_hat", "f4", 3),
        ("length", "f4"),
        ("n0", "f4", 3),
        ("nn", "f4", 3),
    ]
)
"""An edge: its two faces (equal for a free edge), origin, direction, length, face normals."""

NO_EDGE = 255


def wedge_rows(world: World, wedges: Any, is_diffraction: Bools, lanes: Ints) -> NDArray[Any]:
    """Rows of the wedges met by `lanes`; zeros where a lane does not diffract."""
    mi, dr = world.engine.mi, world.engine.dr
    rows = np.zeros(len(lanes), WEDGE_FIELDS)
    met = is_diffraction[lanes]
    if not met.any():
        return rows
    for name in WEDGE_FIELDS.names or ():
        value = getattr(wedges, name)
        if name == "shape":
            value = dr.reinterpret_array(mi.UInt, value)
        array = value.numpy()
        rows[name][met] = (array.T if array.ndim == 2 else array)[lanes[met]]
    rows["o"][met] += world.origin_m
    return rows


def wedge_arrays(world: World, rows: NDArray[Any]) -> Any:
    """The engine's wedge record of table rows."""
    from sionna.rt.utils import WedgeGeometry

    mi, dr, opaque = world.engine.mi, world.engine.dr, world.engine.opaque
    vector = {"o": mi.Point3f, "e_hat": mi.Vector3f, "n0": mi.Normal3f, "nn": mi.Normal3f}
    fields: dict[str, Any] = {}
    for name in WEDGE_FIELDS.names or ():
        column = rows[name]
        if name == "o":
            column = (column - world.origin_m).astype(np.float32)
        if name in vector:
            fields[name] = vector[name](*(opaque(c) for c in column.T))
        else:
            fields[name] = opaque(column, "Float" if name == "length" else "UInt")
    fields["shape"] = dr.reinterpret_array(mi.MeshPtr, fields["shape"])
    return WedgeGeometry(**fields)


def edges_of_wedges(world: World, rows: NDArray[Any]) -> Bytes:
    """Which edge of its first face each row's wedge is, [row]; NO_EDGE for empty rows.

    0, 1, 2: from corner 0, 1, 2 of the face to the next. 3 more where the wave
    comes from the back of a free edge's only face.
    """
    if not (rows["length"] > 0).any():
        return np.full(len(rows), NO_EDGE, np.uint8)
    triangle = first_faces(world, rows)
    corners = world.triangles.vertices[triangle]
    middle = rows["o"] + 0.5 * rows["length"][:, None] * rows["e_hat"]
    middles = 0.5 * (corners + np.roll(corners, -1, axis=1))
    nearest = np.linalg.norm(middles - middle[:, None], axis=2).argmin(axis=1)
    edge = np.where(rows["length"] > 0, nearest, NO_EDGE).astype(np.uint8)
    front = wedges_of_edges(world, triangle, edge)["n0"]
    behind = np.einsum("ri,ri->r", front, rows["n0"]) < 0
    return np.where(behind, edge + 3, edge).astype(np.uint8)


def wedges_of_edges(world: World, triangle: Unsigned, edge: Bytes) -> NDArray[Any]:
    """Rows of the wedges at edges of triangles, as `edges_of_wedges` names them.

    Zeros for seams, which rtwin's own model has no edges at.
    """
    if world.recipe.solver.diffraction_model != "sionna":
        return _own_wedges(world, triangle, edge)
    return _wedges_of_meshes(world, triangle, edge)


def wedges_of_rows(world: World, row: Ints, swapped: Bools) -> NDArray[Any]:
    """The scene's edges in the engine's form; zeros for NO_ROW.

    Args:
        row: Of World.triangles.edges, [wedge].
        swapped: Whether the other face is the first, [wedge].
    """
    rows = np.zeros(len(row), WEDGE_FIELDS)
    met = np.flatnonzero(row != NO_ROW)
    if not len(met):
        return rows  # edges of a scene are found when they are first asked for
    edges = world.triangles.edges
    some, turned = row[met], swapped[met]
    first, other = edges.triangle[some].T
    first, other = np.where(turned, other, first), np.where(turned, first, other)
    shape, primitive = world.triangles.shape, world.triangles.primitive
    rows["shape"][met], rows["prim0"][met] = shape[first], primitive[first]
    # The engine only asks whether both are one; across meshes a number that none has.
    one_mesh = shape[first] == shape[other]
    rows["primn"][met] = np.where(one_mesh, primitive[other], primitive[other] + np.uint32(1 << 31))
    rows["local_edge"][met] = edges.side[some, 0]
    way = edges.length_m[some, None] * edges.direction[some]
    rows["o"][met] = edges.start_m[some] + turned[:, None] * way
    rows["e_hat"][met] = np.where(turned, -1.0, 1.0)[:, None] * edges.direction[some]
    rows["length"][met] = edges.length_m[some]
    normal = np.where(turned[:, None, None], edges.normal[some][:, ::-1], edges.normal[some])
    rows["n0"][met], rows["nn"][met] = normal[:, 0], normal[:, 1]
    return rows


def _own_wedges(world: World, triangle: Unsigned, edge: Bytes) -> NDArray[Any]:
    met = edge != NO_EDGE
    if not met.any():
        return np.zeros(len(edge), WEDGE_FIELDS)
    edges = world.triangles.edges
    some = np.where(met, triangle, 0).astype(np.int64)
    row = np.where(met, edges.row[some, edge % 3], NO_ROW)
    if not len(edges):
        return np.zeros(len(row), WEDGE_FIELDS)
    known = np.where(row == NO_ROW, 0, row)
    first, other = edges.triangle[known].T
    front = np.einsum("ri,ri->r", edges.normal[known, 0], world.triangles.normal[some]) > 0
    swapped = np.where(first == other, front == (edge >= 3), (other == some) & (first != some))
    return wedges_of_rows(world, row, swapped)


def own_edges(world: World, rows: NDArray[Any]) -> tuple[Ints, Bools]:
    """Which of the scene's edges each of the engine's wedges is, and whether its faces are swapped.

    NO_ROW where the engine has an edge and the scene none: a seam.
    """
    edges = world.triangles.edges
    triangle = first_faces(world, rows).astype(np.int64)
    real = rows["length"] > 0
    corners = world.triangles.vertices[triangle].astype(np.float64)
    middle = rows["o"] + 0.5 * rows["length"][:, None] * rows["e_hat"]
    middles = 0.5 * (corners + np.roll(corners, -1, axis=1))
    side = np.linalg.norm(middles - middle[:, None], axis=2).argmin(axis=1)
    row = np.where(real, edges.row[triangle, side], NO_ROW)
    known = np.where(row == NO_ROW, 0, row)
    if not len(edges):
        return row, np.zeros(len(row), bool)
    toward = np.einsum("ri,rfi->rf", rows["n0"].astype(np.float64), edges.normal[known])
    return row, toward[:, 1] > toward[:, 0]


def _wedges_of_meshes(world: World, triangle: Unsigned, edge: Bytes) -> NDArray[Any]:
    from sionna.rt.utils.wedges import wedge_geometry

    mi, dr = world.engine.mi, world.engine.dr
    rows = np.zeros(len(edge), WEDGE_FIELDS)
    met = np.flatnonzero(edge != NO_EDGE)
    if not len(met):
        return rows
    shape = world.engine.opaque(world.triangles.shape[triangle[met]], "UInt")
    primitive = world.engine.opaque(world.triangles.primitive[triangle[met]], "UInt")
    side = world.engine.opaque(edge[met].astype(np.uint32) % 3, "UInt")
    wedges = wedge_geometry(dr.reinterpret_array(mi.MeshPtr, shape), primitive, side)
    wedges.swap_faces(world.engine.opaque(edge[met] >= 3, "Bool"))
    dr.eval(wedges)  # at once: its fields would each compute all of it
    found = wedge_rows(world, wedges, np.ones(len(met), bool), np.arange(len(met)))
    rows[met] = found
    return rows


def first_faces(world: World, rows: NDArray[Any]) -> Unsigned:
    """Triangle of the first face of each wedge, [row]; 0 for empty rows."""
    first = world.first_triangle.numpy()
    real = rows["length"] > 0
    shape = np.where(real, rows["shape"], first.argmin())
    return np.where(real, first[shape] + rows["prim0"], 0).astype(np.uint32)


def edge_numbers(rows: NDArray[Any]) -> Ints:
    """Number of each row's edge; rows of one edge seen from one side share it."""
    keys = np.ascontiguousarray(rows[["shape", "prim0", "primn", "local_edge"]])
    packed = np.stack([keys[name].astype(np.int64) for name in keys.dtype.names or ()], axis=1)
    return row_ranks(packed)
