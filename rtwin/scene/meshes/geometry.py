"""Meshes of a recipe's own [[object]] tables, built with trimesh and shapely.

Both libraries are imported when a mesh is first built: they cost more than all
the rest of a command's start. Vertices are exactly representable in float32, in
which the ray tracer computes, so a mesh means the same on both sides.
"""

import io
import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.errors import GeometryError
from rtwin.scene._model import MAX_COORDINATE_M, one_line
from rtwin.scene.library import resolve_file
from rtwin.scene.objects import Box, Extrude, MeshFile, Plane, SceneObject, Wall
from rtwin.scene.recipe import Recipe

if TYPE_CHECKING:
    import trimesh

# Formats that hold numbers only: reading one runs no code of the file's author.
MESH_FORMATS = ("glb", "gltf", "obj", "off", "ply", "stl")
MAX_MESH_BYTES = 256 * 2**20


@dataclass(frozen=True)
class SceneMesh:
    """One object of the scene: its triangles, material and velocity [m/s]."""

    name: str
    material: str
    mesh: "trimesh.Trimesh"
    velocity_m_s: tuple[float, float, float]


def build_meshes(recipe: Recipe) -> list[SceneMesh]:
    """The meshes of the recipe's [[object]] tables, in their order.

    Args:
        recipe: A recipe with [[object]] tables.
    Returns:
        One SceneMesh per table, vertices in m; empty if the recipe takes its
        geometry from elsewhere. Normals of solids point outwards, those of
        planes up. The same recipe gives the same vertices in the same order.
    Raises:
        GeometryError: if a footprint is degenerate, or a mesh file is missing,
            unreadable, too large or outside the recipe's folder.
    Checked by tests/scene/meshes/test_geometry.py.
    """
    return [build_mesh(item, recipe) for item in recipe.object]


def build_mesh(item: SceneObject, recipe: Recipe) -> SceneMesh:
    """The mesh of one [[object]] table; see build_meshes."""
    what = f"{recipe.name}: object '{item.name}'"
    match item:
        case Extrude():
            mesh = _extrude(item, what)
        case Box():
            mesh = _box(item)
        case Plane():
            mesh = _plane(item)
        case Wall():
            mesh = _wall(item, what)
        case MeshFile():
            mesh = _mesh_file(item, recipe, what)
    return SceneMesh(item.name, item.material, _checked(mesh, what), item.velocity_m_s)


def _checked(mesh: "trimesh.Trimesh", what: str) -> "trimesh.Trimesh":
    vertices = np.asarray(mesh.vertices)
    if len(mesh.faces) == 0:
        raise GeometryError(f"{what} has no triangles; give it at least one")
    if not np.isfinite(vertices).all():
        raise GeometryError(f"{what} has a vertex that is NaN or infinite; repair the file")
    largest = np.abs(vertices).max()
    if largest > MAX_COORDINATE_M:
        raise GeometryError(
            f"{what} reaches {largest:g} m from the origin, where float32 loses centimetres; "
            f"stay within {MAX_COORDINATE_M:g} m: move it with offset_m"
        )
    faces = np.asarray(mesh.faces)
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise GeometryError(f"{what} has a face with a missing vertex; repair the file")
    return _trimesh(vertices.astype(np.float32).astype(np.float64), faces)


def _trimesh(vertices: ArrayLike, faces: ArrayLike) -> "trimesh.Trimesh":
    import trimesh

    # process=False: merging vertices would smooth normals over sharp edges.
    return trimesh.Trimesh(vertices=vertices, faces=faces, process=False)


def _extrude(item: Extrude, what: str) -> "trimesh.Trimesh":
    import shapely
    from trimesh.creation import extrude_polygon

    polygon = shapely.Polygon(item.footprint, item.holes)
    outline = shapely.Polygon(item.footprint)
    if outline.area < 1e-4:
        raise GeometryError(
            f"{what}: its footprint has an area of {outline.area:.2g} m2; "
            "give corners that span at least 0.0001 m2"
        )
    if not polygon.is_valid:
        reason = shapely.is_valid_reason(polygon)
        raise GeometryError(
            f"{what}: its footprint is not a simple polygon ({one_line(reason)}); "
            "edges must not cross, and holes must lie inside"
        )
    # One orientation, whatever the order of the corners in the recipe.
    polygon = shapely.geometry.polygon.orient(polygon)
    mesh = extrude_polygon(polygon, item.height_m, engine="earcut")
    mesh.apply_translation((0.0, 0.0, item.base_m))
    return mesh


def _box(item: Box) -> "trimesh.Trimesh":
    from trimesh.creation import box

    yaw = math.radians(item.yaw_deg)
    transform = np.eye(4)
    transform[:2, :2] = [[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]]
    transform[:3, 3] = item.center_m
    return box(extents=item.size_m, transform=transform)


def _plane(item: Plane) -> "trimesh.Trimesh":
    half = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) / 2.0
    return _trimesh(half * [*item.size_m, 0.0] + item.center_m, [[0, 1, 2], [0, 2, 3]])


def _wall(item: Wall, what: str) -> "trimesh.Trimesh":
    import shapely
    from trimesh.creation import triangulate_polygon

    # The sheet lies in the (along, up) plane until its triangles are known.
    sheet = shapely.box(0.0, 0.0, item.length_m, item.height_m)
    holes = [shapely.box(o.start_m, o.bottom_m, o.end_m, o.top_m) for o in item.openings]
    left = sheet.difference(shapely.union_all(holes)) if holes else sheet
    vertices: list[NDArray[Any]] = [np.empty((0, 2))]
    faces: list[NDArray[Any]] = [np.empty((0, 3), dtype=np.int64)]
    count = 0
    for part in shapely.get_parts(left):
        # Slivers come from openings that end at the wall's edge.
        if part.geom_type != "Polygon" or part.area < 1e-6:
            continue
        corners, triangles = triangulate_polygon(part, engine="earcut")
        vertices.append(corners)
        faces.append(triangles + count)
        count += len(corners)
    if not count:
        raise GeometryError(f"{what}: its openings leave nothing of the wall; make them smaller")
    along, up = np.concatenate(vertices).T
    start, end = np.asarray(item.from_m), np.asarray(item.to_m)
    floor = start + along[:, None] * (end - start) / item.length_m
    return _trimesh(np.column_stack([floor, up + item.base_m]), np.concatenate(faces))


def unreadable(said: str, suffix: str, error: Exception) -> GeometryError:
    """What is said of a mesh file that its reader broke down over; the reason is the reader's."""
    reason = one_line(error)[:120] or type(error).__name__
    return GeometryError(
        f"{said} as {suffix} ({reason}); export it again, with everything in one file"
    )


def _mesh_file(item: MeshFile, recipe: Recipe, what: str) -> "trimesh.Trimesh":
    import trimesh

    suffix = PurePosixPath(item.file).suffix[1:].lower()
    if suffix not in MESH_FORMATS:
        raise GeometryError(
            f"{what}: file = '{item.file}' is not of a mesh format that rtwin reads; "
            f"allowed: {', '.join(MESH_FORMATS)}"
        )
    path = resolve_file(recipe.folder, item.file)
    size = path.stat().st_size
    if size > MAX_MESH_BYTES:
        raise GeometryError(
            f"{what}: {item.file} has {size / 2**20:.0f} MiB; at most "
            f"{MAX_MESH_BYTES // 2**20} MiB are read: simplify or split the mesh"
        )
    # From memory and without a resolver: a header cannot make the reader allocate
    # more than the file holds, nor make it open other files.
    data = io.BytesIO(path.read_bytes())
    try:
        with np.errstate(all="ignore"):  # numbers that overflow are refused below
            loaded: Any = trimesh.load(data, file_type=suffix, process=False, force="mesh")
        vertices, faces = np.asarray(loaded.vertices), np.asarray(loaded.faces)
    except Exception as error:
        raise unreadable(f"{what}: cannot read {item.file}", suffix, error) from None
    if vertices.ndim != 2 or vertices.shape[1:] != (3,):
        raise GeometryError(f"{what}: {item.file} has vertices of shape {vertices.shape}")
    if faces.ndim != 2 or faces.shape[1:] != (3,) or len(faces) == 0:
        raise GeometryError(f"{what}: {item.file} holds no triangles; export it as a mesh")
    with np.errstate(all="ignore"):
        return _trimesh(vertices * item.scale + item.offset_m, faces)
