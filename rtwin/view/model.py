"""The scene of a page: triangles, sharp edges, objects and materials."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rtwin.arrays import Ints, Singles, Unsigned
from rtwin.trace import World
from rtwin.view.buffers import Buffers

MAX_TRIANGLES = 1_500_000
MAX_EDGES = 1_000_000
LEAF_COLOR = (96, 140, 84)
SHARP_DEG = 20.0  # facets that turn less than this are one face to the eye


@dataclass(frozen=True)
class SceneModel:
    """Welded triangles of a scene, object by object."""

    vertices: Singles  # [vertex, 3] m; objects share none
    faces: Unsigned  # [triangle, 3]
    edges: Unsigned  # [edge, 2], borders and sharp edges
    num_vertices: Ints  # [object], vegetation after all others
    material: Ints  # [object], row of the page's materials; -1 without triangles
    num_left_out: int  # triangles
    num_edges_left_out: int

    @property
    def remarks(self) -> list[str]:
        """What a page does not have of the scene."""
        remarks = []
        if self.num_left_out:
            total = len(self.faces) + self.num_left_out
            remarks.append(
                f"Scene: the {len(self.faces):,} largest of {total:,} triangles are here."
            )
        if self.num_edges_left_out:
            remarks.append("Scene: there are too many edges to draw any.")
        return remarks


def scene_model(world: World, max_triangles: int = MAX_TRIANGLES) -> SceneModel:
    """The triangles of a world for a page; of more than `max_triangles`, the largest."""
    triangles, volumes = world.triangles, _volumes(world)
    num_objects = len(world.object_names)
    corners = np.concatenate([triangles.vertices, *(prism for _, prism in volumes)])
    owner = np.concatenate(
        [
            triangles.object.astype(np.int64),
            *(np.full(len(prism), num_objects + row) for row, (_, prism) in enumerate(volumes)),
        ]
    )
    left_out = max(0, len(corners) - max_triangles)
    if left_out:
        a, b, c = (corners[:, k].astype(np.float64) for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        keep = np.sort(np.argsort(-area, kind="stable")[:max_triangles])
        corners, owner = corners[keep], owner[keep]
    order = np.argsort(owner, kind="stable")
    corners, owner = corners[order], owner[order]
    vertices, faces, vertex_owner = _weld(corners, owner)
    edges = _sharp_edges(vertices, faces)
    kept = edges if len(edges) <= MAX_EDGES else edges[:0]
    material = np.full(num_objects + len(volumes), -1, np.int64)
    material[triangles.object] = triangles.material
    kinds = [*world.material_names, *_foliage(world)]
    for row, (volume, _) in enumerate(volumes):
        material[num_objects + row] = kinds.index(volume.material)
    return SceneModel(
        vertices=vertices,
        faces=faces,
        edges=kept,
        num_vertices=np.bincount(vertex_owner, minlength=len(material)),
        material=material,
        num_left_out=left_out,
        num_edges_left_out=len(edges) - len(kept),
    )


def _volumes(world: World) -> list[tuple[Any, Singles]]:
    """The vegetation of a world, which is no surface to it: volumes and their triangles."""
    made = []
    for volume in world.volumes:
        from trimesh.creation import extrude_polygon

        prism = extrude_polygon(volume.polygon, volume.top_m - volume.base_m, engine="earcut")
        prism.apply_translation((0.0, 0.0, volume.base_m))
        made.append((volume, np.asarray(prism.triangles, np.float32)))
    return made


def _foliage(world: World) -> dict[str, Any]:
    """Kinds of vegetation by material, in the order of their names."""
    return dict(sorted(world.foliage.items()))


def _weld(corners: Singles, owner: Ints) -> tuple[Singles, Unsigned, Ints]:
    """Equal corners of one object made one vertex: vertices by object, faces, their objects."""
    if not len(corners):
        return np.zeros((0, 3), np.float32), np.zeros((0, 3), np.uint32), np.zeros(0, np.int64)
    keys = np.empty((3 * len(corners), 4), np.uint32)
    # Bytes are compared in order, so that a big-endian object number sorts first.
    keys[:, 0] = np.repeat(owner, 3).astype(">u4").view(np.uint32)
    keys[:, 1:] = (np.ascontiguousarray(corners, np.float32) + 0.0).reshape(-1, 3).view(np.uint32)
    rows = keys.view(np.dtype((np.void, keys.dtype.itemsize * 4)))[:, 0]
    _, first, index = np.unique(rows, return_index=True, return_inverse=True)
    vertices = keys[first, 1:].view(np.float32)
    return vertices, index.reshape(-1, 3).astype(np.uint32), np.repeat(owner, 3)[first]


def _sharp_edges(vertices: Singles, faces: Unsigned) -> Unsigned:
    """Edges where a surface ends or turns by more than SHARP_DEG, [edge, 2]."""
    corners = vertices[faces].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
    pairs = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    face = np.repeat(np.arange(len(faces)), 3)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    pairs, face = pairs[order], face[order]
    starts = np.flatnonzero(np.r_[True, (pairs[1:] != pairs[:-1]).any(axis=1)][: len(pairs)])
    count = np.diff(np.r_[starts, len(pairs)])
    first, second = face[starts], face[np.minimum(starts + 1, len(pairs) - 1)]
    # Windings may disagree across a seam, which is no edge.
    turn = np.abs((normal[first] * normal[second]).sum(axis=1))
    sharp = (count != 2) | (turn < np.cos(np.radians(SHARP_DEG)))
    return pairs[starts[sharp]].astype(np.uint32)


def add_scene(buffers: Buffers, world: World, model: SceneModel) -> dict[str, Any]:
    """Put a scene into a page: the arrays into `buffers`, names and numbers into the result."""
    buffers.add("vertices", "f4", model.vertices)
    buffers.add("faces", "u4", model.faces)
    buffers.add("edges", "u4", model.edges)
    buffers.add("object_vertices", "u4", model.num_vertices)
    buffers.add("object_material", "i2", model.material)
    materials: list[dict[str, Any]] = [
        {
            "name": name,
            "color": [round(255 * part) for part in world.color_of(name)],
            "relative_permittivity": world.materials[name].relative_permittivity,
            "conductivity_s_per_m": world.materials[name].conductivity_s_per_m,
            "thickness_m": "infinite"
            if world.materials[name].is_half_space
            else world.materials[name].thickness_m,
        }
        for name in world.material_names
    ]
    materials += [
        {
            "name": name,
            "color": LEAF_COLOR,
            "specific_attenuation_db_per_m": kind.specific_attenuation_db_per_m,
            "max_attenuation_db": kind.max_attenuation_db,
        }
        for name, kind in _foliage(world).items()
    ]
    return {
        "objects": [
            *world.object_names,
            *(volume.name for volume in world.volumes),
        ],
        "num_solid": len(world.object_names),
        "ground": sorted(world.ground),
        "materials": materials,
        "bounds_m": world.bounds_m.tolist(),
    }
