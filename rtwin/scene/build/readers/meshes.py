"""Mesh files and Mitsuba scenes as solids."""

import io
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from rtwin.arrays import Ints
from rtwin.errors import GeometryError
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import MapData, Notes, Solid
from rtwin.scene.build.readers.opening import read_source_bytes
from rtwin.scene.build.readers.ply import triangles
from rtwin.scene.materials import ITU_TABLE
from rtwin.scene.meshes import MAX_MESH_BYTES, MESH_FORMATS, unreadable
from rtwin.scene.xml_text import checked_xml

_GROUND = re.compile(r"ground|terrain|floor|plane|street|road", re.IGNORECASE)
FARTHEST = 1e11  # national coordinates in millimetres
Y_UP = ("glb", "gltf")


def mesh_map(path: Path, up: str = "") -> MapData:
    """The objects of a mesh file; one mesh of everything is taken apart into its pieces.

    Args:
        path: A file of one of MESH_FORMATS.
        up: "y" or "z", the axis that points up; default: y for glTF, as it says, else z.
    Raises:
        GeometryError: if the file cannot be read or holds no triangles.
    """
    suffix = path.suffix[1:].lower()
    meshes = _load(path, suffix)
    notes: Notes = Counter()
    solids = []
    for name, mesh in meshes.items():
        vertices = np.asarray(mesh.vertices, np.float64)
        if (up or ("y" if suffix in Y_UP else "z")) == "y":
            vertices = np.column_stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]])
        faces = np.asarray(mesh.faces, np.int64)
        _check_mesh(path, vertices, faces)
        hint = getattr(getattr(mesh.visual, "material", None), "name", "") or ""
        solids.append(_solid(name, vertices, faces, str(hint)))
    if len(solids) == 1:
        solids = _pieces(solids[0], notes)
    return MapData(path.name, None, solids=solids, notes=notes)


def _load(path: Path, suffix: str) -> dict[str, Any]:
    import trimesh

    if suffix not in MESH_FORMATS:
        raise GeometryError(
            f"{one_line(path)}: is of no format that rtwin reads; allowed are .osm, .geojson, "
            f".json (CityJSON), .xml (Mitsuba), {', '.join('.' + f for f in MESH_FORMATS)}"
        )
    data = io.BytesIO(read_source_bytes(path, MAX_MESH_BYTES))
    options: dict[str, Any] = (
        {"split_objects": True, "group_material": False} if suffix == "obj" else {}
    )
    try:
        with np.errstate(all="ignore"):  # numbers that overflow are refused below
            scene = trimesh.load_scene(data, file_type=suffix, process=False, **options)
        # Node transforms are applied; a mesh used twice comes twice.
        meshes = {
            str(m.metadata.get("node") or m.metadata.get("name") or f"object_{i}"): m
            for i, m in enumerate(scene.dump())
            if isinstance(m, trimesh.Trimesh) and len(m.faces)
        }
    except Exception as error:
        raise unreadable(f"{one_line(path)}: cannot be read", suffix, error) from None
    if not meshes:
        raise GeometryError(f"{one_line(path)}: holds no triangles; export it as a mesh")
    for name, mesh in meshes.items():
        if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
            raise GeometryError(
                f"{one_line(path)}: faces of '{one_line(name)[:40]}' name corners that are not "
                f"there (it has {len(mesh.vertices)}); export it again"
            )
    return meshes


def _check_mesh(path: Path, vertices: Any, faces: Any) -> None:
    """Refuse what no mesh can be: faces of corners that are not there, places beyond the Earth."""
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise GeometryError(
            f"{one_line(path)}: has vertices of shape {vertices.shape}, not x, y, z"
        )
    if not np.isfinite(vertices).all():
        raise GeometryError(f"{one_line(path)}: has vertices that are not finite; repair it")
    if faces.ndim != 2 or faces.shape[1] != 3 or not ((faces >= 0) & (faces < len(vertices))).all():
        raise GeometryError(f"{one_line(path)}: has a face with a missing vertex; repair it")
    largest = float(np.abs(vertices).max())
    if largest > FARTHEST:
        raise GeometryError(
            f"{one_line(path)}: has vertices such as {largest:.3g}, which lie beyond any scene in "
            "any units; repair it (--units tells what it counts in)"
        )


def _solid(name: str, vertices: Any, faces: Any, hint: str) -> Solid:
    text = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:60].strip("_") or "object"
    tags = {"ground": "yes"} if _GROUND.search(text) else {"building": "yes"}
    return Solid(text, tags, vertices, faces, _material(hint) or _material(text))


def _material(text: str) -> str | None:
    """The ITU-R P.2040 material that a name speaks of; the longest one counts."""
    found = [name for name in ITU_TABLE if name in text.lower().replace("-", "_")]
    return max(found, key=len, default=None)


def _pieces(solid: Solid, notes: Notes) -> list[Solid]:
    """The connected pieces of a mesh, the ground among them by its shape."""
    import trimesh

    # A micrometre apart is the same corner.
    places = np.round(solid.vertices, 6)
    _, first, corner = np.unique(places, axis=0, return_index=True, return_inverse=True)
    faces = corner.reshape(-1)[solid.faces]
    mesh = trimesh.Trimesh(solid.vertices[first], faces, process=False)
    labels = trimesh.graph.connected_component_labels(mesh.face_adjacency, len(mesh.faces))
    if labels.max(initial=0) == 0:
        return [solid]
    notes["connected pieces made objects of their own"] += int(labels.max()) + 1
    spread = np.ptp(mesh.vertices[:, :2], axis=0)
    pieces = []
    for number, rows in enumerate(_rows_by_label(labels)):
        used, faces = np.unique(mesh.faces[rows], return_inverse=True)
        vertices = np.asarray(mesh.vertices[used])
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        # Wide and flat: what everything else stands on.
        is_ground = np.all(high[:2] - low[:2] > 0.8 * spread) and (
            high[2] - low[2] < 0.1 * max(spread.max(), 1e-9)
        )
        tags = {"ground": "yes"} if is_ground else {"building": "yes"}
        name = "ground" if is_ground else f"{solid.name}_{number + 1}"
        pieces.append(Solid(name, tags, vertices, faces.reshape(-1, 3), solid.material))
    return pieces


def _rows_by_label(labels: Ints) -> list[Ints]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)


def mitsuba_map(path: Path) -> MapData:
    """The shapes of a Mitsuba or Sionna scene file, with the materials that it names.

    Raises:
        GeometryError: if the file or a mesh of it cannot be read.
    """
    root = checked_xml(path)
    if root.tag != "scene":
        raise GeometryError(f"{one_line(path)}: starts with <{root.tag}>, not <scene>: no Mitsuba")
    notes: Notes = Counter()
    solids = []
    materials = {node.get("id", ""): node for node in root.iter("bsdf")}
    for number, shape in enumerate(root.iter("shape")):
        kind = shape.get("type")
        if kind not in ("ply", "obj"):
            notes[f"shapes of type {kind} left out, convert them to PLY"] += 1
            continue
        file = next(
            (s.get("value", "") for s in shape.iter("string") if s.get("name") == "filename"), ""
        )
        name = (shape.get("id") or f"shape_{number}").removeprefix("mesh-")
        # Meshes of a scene lie in its folder or below: checked_xml has looked.
        for corners, faces in _triangles(path.parent / file, kind):
            vertices = _moved(corners, shape, path)
            _check_mesh(path, vertices, faces)
            hint = _bsdf_name(shape, materials)
            solid = _solid(name, vertices, faces, hint)
            if solid.material is None:
                notes[f"unknown material '{hint[:30]}', class default taken"] += 1
            solids.append(solid)
    if not solids:
        raise GeometryError(f"{one_line(path)}: has no shapes of type ply or obj; nothing to build")
    return MapData(path.name, None, solids=solids, notes=notes)


def _triangles(path: Path, kind: str) -> list[tuple[Any, Any]]:
    """Vertices and faces of the meshes of a file."""
    plain = triangles(read_source_bytes(path, MAX_MESH_BYTES)) if kind == "ply" else None
    if plain is not None:
        return [plain]
    return [
        (np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))
        for mesh in _load(path, kind).values()
    ]


def _bsdf_name(shape: Any, materials: dict[str, Any]) -> str:
    ref = next((node.get("id", "") for node in shape.iter("ref")), "")
    inner = next(iter(shape.iter("bsdf")), materials.get(ref))
    if inner is not None and inner.get("type") == "itu-radio-material":
        kind = next(s.get("value", "") for s in inner.iter("string") if s.get("name") == "type")
        return kind or ref
    return ref or (inner.get("id", "") if inner is not None else "")


def _moved(vertices: Any, shape: ElementTree.Element, path: Path) -> Any:
    """Vertices under the shape's to_world transform, steps in the order of the file."""
    total = np.eye(4)
    transform = next(iter(shape.iter("transform")), None)
    for step in transform if transform is not None else ():
        try:
            total = _step(step) @ total
        except (ValueError, KeyError, TypeError):
            raise GeometryError(
                f"{one_line(path)}: cannot read the <{step.tag}> of a shape's transform; "
                "export it with a matrix"
            ) from None
    return vertices @ total[:3, :3].T + total[:3, 3]


def _step(step: ElementTree.Element) -> Any:
    import trimesh

    def numbers(text: str) -> list[float]:
        return [float(v) for v in text.replace(",", " ").split()]

    def xyz(default: float) -> list[float]:
        if "value" in step.attrib:
            values = numbers(step.attrib["value"])
            return values * 3 if len(values) == 1 else values
        return [float(step.get(axis, default)) for axis in "xyz"]

    result = np.eye(4)
    if step.tag == "matrix":
        return np.array(numbers(step.attrib["value"])).reshape(4, 4)
    if step.tag == "translate":
        result[:3, 3] = xyz(0.0)
    elif step.tag == "scale":
        result[:3, :3] = np.diag(xyz(1.0))
    elif step.tag == "rotate":
        angle = math.radians(float(step.attrib["angle"]))
        return trimesh.transformations.rotation_matrix(angle, xyz(0.0))
    else:
        raise ValueError(step.tag)
    return result
