"""CityJSON 1.0 to 2.0: buildings with their own heights, terrain, vegetation, water."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line, shown
from rtwin.scene.build.elements import Element, MapData, Notes, Solid

SAME_LEVEL_M = 0.02
_TAGS = {
    "Building": {"building": "yes"},
    "BuildingPart": {"building": "yes"},
    "BuildingInstallation": {"building": "yes"},
    "Bridge": {"building": "bridge"},
    "OtherConstruction": {"building": "yes"},
    "PlantCover": {"natural": "wood"},
    "SolitaryVegetationObject": {"natural": "tree"},
    "WaterBody": {"natural": "water"},
    "TINRelief": {},
}
_TERRAIN = "TINRelief"
Surface = list[list[int]]  # rings of vertex numbers, the first is the outer one


def cityjson_map(data: dict[str, Any], path: Path, epsg: int | None = None) -> MapData:
    """The city objects of a CityJSON file.

    Solids between two heights become footprints with a base and a top; others stay meshes.

    Args:
        data: What load_json gave.
        path: Where it came from, for messages.
        epsg: Reference system if the file names none.
    Raises:
        GeometryError: if the file holds no usable objects, or is broken.
    """
    where = one_line(path)
    vertices = _vertices(data, where)
    objects = data.get("CityObjects")
    if not isinstance(objects, dict) or not objects:
        raise GeometryError(f"{where}: has no CityObjects; export the city model again")
    notes: Notes = Counter()
    made = MapData(path.name, _epsg(data, where) or epsg, notes=notes)
    for key, item in objects.items():
        kind = item.get("type") if isinstance(item, dict) else None
        if kind not in _TAGS:
            notes[f"objects of type {one_line(kind)[:40]} left out"] += 1
            continue
        if _parts_have_geometry(item, objects):
            continue
        surfaces = list(_surfaces(item.get("geometry")))
        try:
            _add(made, _name(key), item, kind, surfaces, vertices)
        except (IndexError, TypeError, ValueError):
            notes["objects with broken geometry left out"] += 1
    return made


def _vertices(data: dict[str, Any], where: str) -> NDArray[np.float64]:
    try:
        vertices = np.array(data["vertices"], np.float64).reshape(-1, 3)
        if transform := data.get("transform"):
            vertices = vertices * np.array(transform["scale"], float) + np.array(
                transform["translate"], float
            )
    except (KeyError, TypeError, ValueError) as error:
        raise GeometryError(
            f"{where}: its vertices cannot be read ({one_line(error)[:80]}); export it again"
        ) from None
    if not np.isfinite(vertices).all():
        raise GeometryError(f"{where}: has vertices that are not finite; export it again")
    return vertices


def _epsg(data: dict[str, Any], where: str) -> int | None:
    metadata = data.get("metadata")
    # Some writers put the metadata into a list of one.
    metadata = metadata[0] if isinstance(metadata, list) and metadata else metadata
    name = metadata.get("referenceSystem") if isinstance(metadata, dict) else None
    if name is None:
        return None
    found = re.search(r"EPSG(?:::|:|/\d*/|/)(\d{4,6})$", str(name))
    if not found:
        raise GeometryError(
            f"{where}: names the reference system {shown(name)}, which is no EPSG code; "
            "give it with --source-epsg"
        )
    return int(found[1])


def _name(key: str) -> str:
    text = re.sub(r"[^A-Za-z0-9_-]+", "_", str(key))[:60].strip("_")
    return f"building_{text}" if text[:1].isdigit() else text or "building"


def _parts_have_geometry(item: dict[str, Any], objects: dict[str, Any]) -> bool:
    """Whether an object's children draw it in more detail."""
    children = item.get("children")
    if not isinstance(children, list):
        return False
    drawn = (objects.get(c) for c in children if isinstance(c, str))
    return any(
        isinstance(c, dict) and c.get("type") == "BuildingPart" and c.get("geometry") for c in drawn
    )


def _surfaces(geometries: Any) -> Iterator[Surface]:
    """The surfaces of the most detailed geometry."""
    if not isinstance(geometries, list):
        return
    usable = [g for g in geometries if isinstance(g, dict) and g.get("type") in _DEPTH]
    if not usable:
        return
    best = max(usable, key=lambda g: (g["type"] != "MultiSurface", str(g.get("lod", "0"))))
    yield from _flat(best.get("boundaries"), _DEPTH[best["type"]])


_DEPTH = {
    "MultiSurface": 1,
    "CompositeSurface": 1,
    "Solid": 2,
    "MultiSolid": 3,
    "CompositeSolid": 3,
}


def _flat(boundaries: Any, depth: int) -> Iterator[Surface]:
    if not isinstance(boundaries, list):
        return
    for item in boundaries:
        if depth == 1:
            yield item
        else:
            yield from _flat(item, depth - 1)


def _add(
    made: MapData,
    name: str,
    item: dict[str, Any],
    kind: str,
    surfaces: list[Surface],
    vertices: NDArray[np.float64],
) -> None:
    if not surfaces:
        made.notes["objects without surfaces left out"] += 1
        return
    tags = dict(_TAGS[kind])
    attributes = item.get("attributes")
    for key, value in (attributes if isinstance(attributes, dict) else {}).items():
        if isinstance(value, str | int | float) and len(str(value)) <= 255:
            tags[str(key).removeprefix("osm_")] = str(value)
    if kind != _TERRAIN and (prism := _prism(surfaces, vertices)) is not None:
        polygon, base, top = prism
        made.elements.append(Element(name, tags, polygon, base, top))
        return
    faces = np.concatenate([_triangles(surface, vertices) for surface in surfaces])
    if not len(faces):
        made.notes["objects without area left out"] += 1
        return
    used, faces = np.unique(faces, return_inverse=True)
    solid = Solid(name, tags, vertices[used], faces.reshape(-1, 3).astype(np.int64))
    (made.terrain if kind == _TERRAIN else made.solids).append(solid)


def _prism(
    surfaces: list[Surface], vertices: NDArray[np.float64]
) -> tuple[Any, float, float] | None:
    """Footprint, base and top of a solid between two heights; None if it is no such thing."""
    import shapely

    z = vertices[np.concatenate([np.concatenate(surface) for surface in surfaces]).astype(int), 2]
    base, top = float(z.min()), float(z.max())
    if top - base < SAME_LEVEL_M or not np.all(
        (z - base < SAME_LEVEL_M) | (top - z < SAME_LEVEL_M)
    ):
        return None
    lids = [s for s in surfaces if np.all(top - vertices[np.concatenate(s), 2] < SAME_LEVEL_M)]
    if not lids:
        return None
    polygons = [
        shapely.Polygon(vertices[lid[0], :2], [vertices[hole, :2] for hole in lid[1:]])
        for lid in lids
    ]
    roof = shapely.union_all(shapely.make_valid(polygons))
    return (roof, base, top) if roof.area > 0 else None


def _triangles(surface: Surface, vertices: NDArray[np.float64]) -> NDArray[np.int64]:
    """A polygon in space as triangles, wound as its outer ring."""
    import mapbox_earcut

    rings = [np.asarray(ring, np.int64) for ring in surface if len(ring) >= 3]
    if not rings:
        return np.zeros((0, 3), np.int64)
    number = np.concatenate(rings)
    if number.min() < 0:
        raise IndexError("negative vertex number")
    if len(number) == 3:
        return number[None]
    outer = vertices[rings[0]]
    following = np.roll(outer, -1, axis=0)
    normal = np.cross(outer - outer[0], following - outer[0]).sum(axis=0)
    if not normal.any():
        return np.zeros((0, 3), np.int64)
    drop = int(np.argmax(np.abs(normal)))
    kept = [axis for axis in range(3) if axis != drop]
    flat = np.ascontiguousarray(vertices[number][:, kept])
    ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
    faces = mapbox_earcut.triangulate_float64(flat, ends).reshape(-1, 3).astype(np.int64)
    corners = vertices[number[faces]]
    turned = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).sum(axis=0)
    return number[faces if turned @ normal > 0 else faces[:, ::-1]]
