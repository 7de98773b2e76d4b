"""CityJSON 1.0 to 2.0 and its sequences: buildings with heights, terrain, vegetation, water."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import GeometryError
from rtwin.scene._model import one_line, shown
from rtwin.scene.build.elements import Element, MapData, Notes, Solid, clean_name
from rtwin.scene.build.readers.city_shapes import (
    Shape,
    Templates,
    footprint_of,
    prism_of,
    shape_of,
    triangles,
)
from rtwin.scene.build.readers.geojson import MAX_JSON_BYTES
from rtwin.scene.build.readers.opening import read_source_bytes
from rtwin.scene.build.readers.vocabulary import osm_tags

_TAGS = {
    "Building": {"building": "yes"},
    "BuildingPart": {"building": "yes"},
    "BuildingInstallation": {"building": "yes"},
    "BuildingConstructiveElement": {"building": "yes"},
    "Bridge": {"building": "bridge"},
    "BridgePart": {"building": "bridge"},
    "BridgeConstructiveElement": {"building": "bridge"},
    "OtherConstruction": {"building": "yes"},
    "PlantCover": {"natural": "wood"},
    "SolitaryVegetationObject": {"natural": "tree"},
    "WaterBody": {"natural": "water"},
    "TINRelief": {},
}
_TERRAIN = "TINRelief"
_BUILDING = {"building": "yes"}
_NO_TEMPLATES = Templates([], np.zeros((0, 3)))


def cityjson_map(data: dict[str, Any], path: Path, epsg: int | None = None) -> MapData:
    """The city objects of a CityJSON file.

    Solids between two heights become footprints with a base and a top; others stay meshes.

    Args:
        data: What load_json gave.
        path: Where it came from, for messages.
        epsg: Reference system if the file names none, or one that is no EPSG code.
    Raises:
        GeometryError: if the file holds no usable objects, or is broken.
    """
    where = one_line(path)
    objects = data.get("CityObjects")
    if not isinstance(objects, dict) or not objects:
        raise GeometryError(f"{where}: has no CityObjects; export the city model again")
    made = _empty(data, path, epsg)
    vertices = _vertices(data, data.get("transform"), where)
    _add_objects(made, objects, vertices, _templates(data, made.notes))
    return made


def cityjson_sequence(path: Path, epsg: int | None = None) -> MapData:
    """The features of a CityJSON sequence (.jsonl): a header, then one feature a line.

    Args:
        path: The file.
        epsg: Reference system if the file names none, or one that is no EPSG code.
    Raises:
        GeometryError: if the file is missing, too large, or a line of it is broken (named).
    """
    where = one_line(path)
    made: MapData | None = None
    transform: Any = None
    templates = _NO_TEMPLATES
    for row, line in enumerate(read_source_bytes(path, MAX_JSON_BYTES).splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else one_line(error)
            raise GeometryError(
                f"{where}:{row}: not valid JSON ({reason[:80]}); is it cut short? download it again"
            ) from None
        kind = item.get("type") if isinstance(item, dict) else None
        if made is None:
            if kind != "CityJSON":
                raise GeometryError(
                    f"{where}:{row}: is of type {shown(kind)}; a CityJSON sequence begins with "
                    "its header of type 'CityJSON'"
                )
            made, transform = _empty(item, path, epsg), item.get("transform")
            templates = _templates(item, made.notes)
        elif kind != "CityJSONFeature":
            made.notes[f"lines of type {one_line(kind)[:40]} left out"] += 1
            continue
        objects = item.get("CityObjects")
        if isinstance(objects, dict) and objects:
            _add_objects(made, objects, _vertices(item, transform, f"{where}:{row}"), templates)
    if made is None or not (made.elements or made.solids or made.terrain):
        raise GeometryError(f"{where}: has no CityObjects; export the city model again")
    return made


def _empty(data: dict[str, Any], path: Path, epsg: int | None) -> MapData:
    notes: Notes = Counter()
    return MapData(path.name, _epsg(data, one_line(path), epsg), notes=notes, has_feet=True)


def _add_objects(
    made: MapData, objects: dict[str, Any], vertices: Floats, templates: Templates
) -> None:
    for key, item in objects.items():
        kind = item.get("type") if isinstance(item, dict) else None
        if kind not in _TAGS:
            made.notes[f"objects of type {one_line(kind)[:40]} left out"] += 1
            continue
        if _parts_have_geometry(item, objects):
            continue
        try:
            shape = shape_of(item.get("geometry"), vertices, templates)
            _add(made, str(key), item, kind, shape)
        except (IndexError, KeyError, TypeError, ValueError):
            made.notes["objects with broken geometry left out"] += 1


def _vertices(data: dict[str, Any], transform: Any, where: str) -> Floats:
    try:
        vertices = np.array(data["vertices"], np.float64).reshape(-1, 3)
        if transform:
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


def _templates(data: dict[str, Any], notes: Notes) -> Templates:
    found = data.get("geometry-templates")
    if not isinstance(found, dict):
        return _NO_TEMPLATES
    try:
        vertices = np.array(found["vertices-templates"], np.float64).reshape(-1, 3)
        return Templates(list(found["templates"]), vertices)
    except (KeyError, TypeError, ValueError):
        notes["geometry templates that cannot be read left out"] += 1
        return _NO_TEMPLATES


def _epsg(data: dict[str, Any], where: str, given: int | None) -> int | None:
    metadata = data.get("metadata")
    # Some writers put the metadata into a list of one.
    metadata = metadata[0] if isinstance(metadata, list) and metadata else metadata
    name = metadata.get("referenceSystem") if isinstance(metadata, dict) else None
    if name is None:
        return given
    # Of a compound of place and height, the place comes first.
    found = re.search(r"EPSG(?:::|:|/[\d.]*/|/)(\d{4,6})(?=$|&)", str(name))
    if not found and given is not None:
        return given
    if not found:
        raise GeometryError(
            f"{where}: names the reference system {shown(name)}, which is no EPSG code; "
            "give it with --source-epsg"
        )
    return int(found[1])


def _parts_have_geometry(item: dict[str, Any], objects: dict[str, Any]) -> bool:
    """Whether an object's children draw it in more detail."""
    children = item.get("children")
    if not isinstance(children, list):
        return False
    drawn = (objects.get(c) for c in children if isinstance(c, str))
    return any(
        isinstance(c, dict) and c.get("type") == "BuildingPart" and c.get("geometry") for c in drawn
    )


def _add(made: MapData, key: str, item: dict[str, Any], kind: str, shape: Shape | None) -> None:
    if shape is None:
        made.notes["objects without surfaces left out"] += 1
        return
    attributes = item.get("attributes")
    attributes = {
        str(k).removeprefix("osm_"): v
        for k, v in (attributes if isinstance(attributes, dict) else {}).items()
    }
    tags = _TAGS[kind] | osm_tags(attributes, Counter())
    name = clean_name(key)
    if kind != _TERRAIN and (prism := prism_of(shape)) is not None:
        polygon, base, top = prism
        made.elements.append(Element(name, tags, polygon, base, top, key=key))
        return
    if _TAGS[kind] == _BUILDING and (outline := footprint_of(shape)) is not None:
        made.notes["buildings of which only the outline is drawn (level of detail 0)"] += 1
        tags = _TAGS[kind] | osm_tags(attributes, made.notes)
        made.elements.append(Element(name, tags, outline, key=key))
        return
    faces = np.concatenate([triangles(surface, shape.vertices) for surface in shape.surfaces])
    if not len(faces):
        made.notes["objects without area left out"] += 1
        return
    used, faces = np.unique(faces, return_inverse=True)
    solid = Solid(name, tags, shape.vertices[used], faces.reshape(-1, 3).astype(np.int64))
    (made.terrain if kind == _TERRAIN else made.solids).append(solid)
