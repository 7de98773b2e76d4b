"""Diffracting edges as table rows, and back into the engine's form."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.trace.world import World

WEDGE_FIELDS = np.dtype(
    [
        ("shape", "u4"), ("prim0", "u4"), ("primn", "u4"), ("local_edge", "u4"),
        ("o", "f4", 3), ("e_hat", "f4", 3), ("length", "f4"), ("n0", "f4", 3), ("nn", "f4", 3),
    ]
)  # fmt: skip
"""An edge: its two faces (equal for a free edge), origin, direction, length, face normals."""


def wedge_rows(
    world: World, wedges: Any, is_diffraction: NDArray[np.bool_], lanes: NDArray[np.int64]
) -> NDArray[Any]:
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
    return rows


def wedge_arrays(world: World, rows: NDArray[Any]) -> Any:
    """The engine's wedge record of table rows."""
    from sionna.rt.utils import WedgeGeometry

    mi, dr = world.engine.mi, world.engine.dr
    vector = {"o": mi.Point3f, "e_hat": mi.Vector3f, "n0": mi.Normal3f, "nn": mi.Normal3f}
    fields: dict[str, Any] = {}
    for name in WEDGE_FIELDS.names or ():
        column = np.ascontiguousarray(rows[name])
        if name in vector:
            fields[name] = vector[name](*(np.ascontiguousarray(c) for c in column.T))
        elif name == "length":
            fields[name] = mi.Float(column)
        else:
            fields[name] = mi.UInt(column)
    fields["shape"] = dr.reinterpret_array(mi.MeshPtr, fields["shape"])
    return WedgeGeometry(**fields)


def edge_numbers(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Number of each row's edge; rows of one edge seen from one side share it."""
    keys = np.ascontiguousarray(rows[["shape", "prim0", "primn", "local_edge"]])
    packed = np.stack([keys[name].astype(np.int64) for name in keys.dtype.names or ()], axis=1)
    return np.unique(packed, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
