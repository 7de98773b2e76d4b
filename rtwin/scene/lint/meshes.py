"""Checks of each object's triangles by themselves."""

from dataclasses import dataclass

import numpy as np

from rtwin.arrays import Floats, Ints
from rtwin.scene.meshes import SceneMesh

THIN_M = 1e-3


@dataclass(frozen=True)
class MeshFacts:
    """What is countable about one object's triangles, after welding equal corners."""

    name: str
    num_triangles: int
    open_edges: int  # with one face
    crowded_edges: int  # with more than two
    duplicates: int
    slivers: int  # lower than a millimetre
    is_turned: bool  # closed, but faces point inwards or both ways

    @property
    def is_closed(self) -> bool:
        return self.open_edges == 0 and self.crowded_edges == 0


def mesh_facts(name: str, vertices: Floats, faces: Ints) -> MeshFacts:
    """Facts about one object.

    Args:
        name: The object's name.
        vertices: Corners [m], [vertex, 3].
        faces: Rows of corners, [face, 3].
    Checked by tests/scene/test_lint.py.
    """
    welded, number = np.unique(vertices.astype(np.float32), axis=0, return_inverse=True)
    rows = number.reshape(-1)[faces]
    corners = welded.astype(np.float64)[rows]
    side = corners[:, [1, 2, 0]] - corners
    doubled = np.linalg.norm(np.cross(side[:, 0], side[:, 1]), axis=1)
    longest = np.linalg.norm(side, axis=2).max(axis=1)
    slivers = doubled < THIN_M * np.maximum(longest, 1e-12)
    sorted_rows = np.sort(rows, axis=1)
    _, first = np.unique(sorted_rows, axis=0, return_index=True)
    # Faces without area hold nothing together.
    whole = np.setdiff1d(first, np.flatnonzero(doubled == 0))
    rows, corners = rows[whole], corners[whole]
    edges = np.concatenate([rows[:, [0, 1]], rows[:, [1, 2]], rows[:, [2, 0]]]).astype(np.int64)
    size = max(len(welded), 1)
    both = np.sort(edges, axis=1) @ [size, 1]
    _, times = np.unique(both, return_counts=True)
    _, directed = np.unique(edges @ [size, 1], return_counts=True)
    volume = np.einsum("ti,ti->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    is_closed = bool((times == 2).all())
    return MeshFacts(
        name=name,
        num_triangles=len(faces),
        open_edges=int((times == 1).sum()),
        crowded_edges=int((times > 2).sum()),
        duplicates=len(faces) - len(first),
        slivers=int(slivers.sum()),
        is_turned=is_closed and bool((directed > 1).any() or volume < 0),
    )


def joined_by_object(meshes: list[SceneMesh]) -> dict[str, tuple[Floats, Ints]]:
    """Vertices and faces by object, a roof of its own together with its walls."""
    names = {mesh.name for mesh in meshes}
    parts: dict[str, list[SceneMesh]] = {}
    for mesh in meshes:
        stem = mesh.name.removesuffix("_roof")
        parts.setdefault(stem if stem in names else mesh.name, []).append(mesh)
    result = {}
    for name, members in parts.items():
        starts = np.cumsum([0, *(len(m.mesh.vertices) for m in members)])
        result[name] = (
            np.concatenate([np.asarray(m.mesh.vertices, np.float64) for m in members]),
            np.concatenate(
                [
                    np.asarray(m.mesh.faces, np.int64) + start
                    for m, start in zip(members, starts, strict=False)
                ]
            ),
        )
    return result


def crossings_above(points_m: Floats, corners: Floats) -> Ints:
    """How many triangles [face, 3, 3] lie straight above each point [n, 3], [n]."""
    count = np.zeros(len(points_m), np.int64)
    a, b, c = (corners[:, k, :2] for k in range(3))
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = normal[:, 2]
    usable = area != 0
    a, b, c, corners, normal, area = (values[usable] for values in (a, b, c, corners, normal, area))
    for i, point in enumerate(points_m):
        # A little aside, so that no edge is hit exactly.
        p = point[:2] + np.array([1.3e-5, 0.7e-5])
        inside = np.ones(len(area), bool)
        for one, other in ((a, b), (b, c), (c, a)):
            side = (other - one)[:, 0] * (p - one)[:, 1] - (other - one)[:, 1] * (p - one)[:, 0]
            inside &= side * area > 0
        z = (
            corners[inside, 0, 2]
            - ((p - corners[inside, 0, :2]) * normal[inside, :2]).sum(axis=1) / area[inside]
        )
        count[i] = int((z > point[2]).sum())
    return count
