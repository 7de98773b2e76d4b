"""Binary PLY files of triangles, as Mitsuba scenes have by the thousand, read at once."""

import re

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats

_TYPES = {
    **dict.fromkeys(("char", "int8"), "<i1"),
    **dict.fromkeys(("uchar", "uint8"), "<u1"),
    **dict.fromkeys(("short", "int16"), "<i2"),
    **dict.fromkeys(("ushort", "uint16"), "<u2"),
    **dict.fromkeys(("int", "int32"), "<i4"),
    **dict.fromkeys(("uint", "uint32"), "<u4"),
    **dict.fromkeys(("float", "float32"), "<f4"),
    **dict.fromkeys(("double", "float64"), "<f8"),
}
_HEADER = re.compile(
    rb"ply\r?\nformat binary_little_endian 1\.0\r?\n(?:comment[^\n]*\n)*"
    rb"element vertex (\d{1,9})\r?\n((?:property \w+ \w+\r?\n)+)"
    rb"element face (\d{1,9})\r?\n"
    rb"property list (?:uchar|uint8) (int|int32|uint|uint32) vertex_ind(?:ex|ices)\r?\n"
    rb"end_header\r?\n"
)


def triangles(data: bytes) -> tuple[Floats, NDArray[np.int64]] | None:
    """Vertices [vertex, 3] and faces [face, 3] of a PLY file.

    Returns:
        None for whatever is more than vertices and triangles in little-endian binary, or does
        not hold what its header says: a general reader is asked then.
    Checked by tests/scene/build/readers/test_ply.py against trimesh.
    """
    header = _HEADER.match(data)
    if header is None:
        return None
    properties = [line.decode().split()[1:] for line in header[2].splitlines()]
    names = [name for _, name in properties]
    if not {"x", "y", "z"} <= set(names) or len(set(names)) < len(names):
        return None
    if any(kind not in _TYPES for kind, _ in properties):
        return None
    vertex = np.dtype([(name, _TYPES[kind]) for kind, name in properties])
    face = np.dtype([("count", "u1"), ("corner", _TYPES[header[4].decode()], (3,))])
    num_vertices, num_faces = int(header[1]), int(header[3])
    if not (num_vertices and num_faces):
        return None
    start = header.end()
    middle = start + num_vertices * vertex.itemsize
    if len(data) != middle + num_faces * face.itemsize:
        return None
    points = np.frombuffer(data, vertex, num_vertices, start)
    faces = np.frombuffer(data, face, num_faces, middle)
    if not (faces["count"] == 3).all():
        return None
    places = np.column_stack([points[axis].astype(np.float64) for axis in "xyz"])
    return places, faces["corner"].astype(np.int64)
