"""GeoJSON: footprints and Overpass exports as elements."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.errors import GeometryError
from rtwin.scene._model import one_line, shown
from rtwin.scene.build.elements import Element, MapData, Notes, clean_name
from rtwin.scene.build.readers.opening import read_source_bytes
from rtwin.scene.build.readers.vocabulary import osm_tags
from rtwin.scene.build.tags import CLASS_KEYS, is_wanted, main_tag
from rtwin.scene.georeference import WGS84

# json takes several times a file's size in memory.
MAX_JSON_BYTES = 256 * 2**20


def load_json(path: Path) -> Any:
    """The parsed content of a JSON file.

    Raises:
        GeometryError: if the file is missing, too large, no JSON or cut short (line named).
    """
    data = read_source_bytes(path, MAX_JSON_BYTES)
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise GeometryError(
            f"{one_line(path)}:{error.lineno}: not valid JSON ({error.msg}); "
            "is it cut short? download it again"
        ) from None
    except UnicodeDecodeError as error:
        raise GeometryError(
            f"{one_line(path)}: byte {error.start} is not UTF-8; save it as UTF-8"
        ) from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else one_line(error)
        raise GeometryError(f"{one_line(path)}: not readable as JSON ({reason[:80]})") from None


def geojson_map(data: Any, path: Path, epsg: int | None = None) -> MapData:
    """The features of a GeoJSON object as elements.

    A polygon is a building if its tags say so, or if no tag says that it is
    something else: footprint files have no tag for it.

    Args:
        data: What load_json gave.
        path: Where it came from, for messages.
        epsg: Reference system if the file names none; default WGS 84.
    Raises:
        GeometryError: if there are no features, or the reference system is bad.
    """
    where = one_line(path)
    features = _features(data, where)
    named = None if epsg else _named_epsg(data.get("crs"), where)
    epsg = epsg or named or WGS84
    notes: Notes = Counter()
    unused: Notes = Counter()
    elements: list[Element] = []
    for i, feature in enumerate(features):
        if not isinstance(feature, dict):
            notes["features that are no objects left out"] += 1
            continue
        tags = _tags(feature, notes)
        if tags.pop("shape", "") == "none":
            notes["features of shape 'none' (drawn as parts) left out"] += 1
            continue
        parts = list(_parts(feature.get("geometry"), notes))
        key = _key(feature, tags)
        name = clean_name(key, "feature") if key else f"feature_{i}"
        for k, (kind, geometry) in enumerate(parts):
            tags_of = _with_class(tags) if kind == "Polygon" else tags
            if not is_wanted(tags_of):
                unused[main_tag(tags_of)] += 1
            more = "" if k == 0 else f"_{k + 1}"
            elements.append(Element(name + more, tags_of, geometry, key=key + more if key else ""))
    _check_range(elements, epsg, where, named is not None)
    licence = str(data.get("copyright", ""))[:200]
    unused.pop("", None)
    return MapData(path.name, epsg, elements, licence=one_line(licence), notes=notes, unused=unused)


def _features(data: Any, where: str) -> list[Any]:
    kind = data.get("type") if isinstance(data, dict) else None
    if kind == "FeatureCollection" and isinstance(data.get("features"), list):
        return data["features"]
    if kind == "Feature":
        return [data]
    if kind in ("Polygon", "MultiPolygon", "GeometryCollection", "LineString"):
        return [{"type": "Feature", "geometry": data, "properties": {}}]
    raise GeometryError(
        f"{where}: is JSON of type {shown(kind)}, neither GeoJSON (FeatureCollection) nor CityJSON"
    )


def _named_epsg(crs: Any, where: str) -> int | None:
    """The EPSG code of the crs member of old GeoJSON."""
    if crs is None:
        return None
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = str((properties or {}).get("name", ""))
    if "CRS84" in name:
        return WGS84
    found = re.search(r"EPSG:(?:[\d.]*:)?(\d{4,6})$", name) or re.search(r"EPSG/0/(\d+)$", name)
    if not found:
        raise GeometryError(
            f"{where}: names the reference system {shown(name)}, which is no EPSG code; "
            "give it with --source-epsg"
        )
    return int(found[1])


def _tags(feature: dict[str, Any], notes: Notes) -> dict[str, str]:
    properties = feature.get("properties")
    properties = dict(properties) if isinstance(properties, dict) else {}
    nested = properties.pop("tags", None)
    if isinstance(nested, dict):
        # osmtogeojson and others put the tags one level deeper.
        properties = {**{k: v for k, v in properties.items() if k != "type"}, **nested}
    tags = osm_tags(properties, notes)
    # OSM Buildings names the parent of a part in "building".
    if re.fullmatch(r"\d+", tags.get("building", "")) and tags["building"] not in ("0", "1"):
        tags["building:part"] = tags.pop("building")
    return tags


def _with_class(tags: dict[str, str]) -> dict[str, str]:
    if {"building", "building:part"} & set(tags) or set(CLASS_KEYS) & set(tags):
        return tags
    return {**tags, "building": tags.get("type", "yes")}


def _key(feature: dict[str, Any], tags: dict[str, str]) -> str:
    """The feature's own id; empty if it has none."""
    ids = (tags.get("@id"), feature.get("id"), tags.get("id"))
    return next((str(value)[:255] for value in ids if value not in (None, "")), "")


def _parts(geometry: Any, notes: Notes) -> list[tuple[str, Any]]:
    """The polygons, lines and points of a geometry; broken ones are counted."""
    import shapely

    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind == "GeometryCollection":
        members = geometry.get("geometries")
        return [p for g in (members if isinstance(members, list) else []) for p in _parts(g, notes)]
    if kind is None:
        notes["features without geometry left out"] += 1
        return []
    try:
        coordinates = geometry["coordinates"]
        if kind == "Polygon":
            return [(kind, _polygon(coordinates))]
        if kind == "MultiPolygon":
            polygons = shapely.make_valid([_polygon(c) for c in coordinates])
            return [("Polygon", shapely.union_all(polygons))]
        if kind == "LineString":
            return [(kind, shapely.LineString(_points(coordinates)))]
        if kind == "MultiLineString":
            return [("LineString", shapely.LineString(_points(c))) for c in coordinates]
        if kind == "Point":
            return [(kind, shapely.Point(_points([coordinates])[0]))]
    except (KeyError, TypeError, ValueError, IndexError, shapely.errors.ShapelyError):
        notes["features with broken coordinates left out"] += 1
        return []
    return []


def _polygon(rings: Any) -> Any:
    import shapely

    closed = []
    for ring in rings:
        points = _points(ring)
        if len(points) < 3:
            raise ValueError("too few corners")
        closed.append(points)
    return shapely.Polygon(closed[0], closed[1:])


def _points(coordinates: Any) -> Any:
    points = np.array([c[:2] for c in coordinates], np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError("no pairs of finite numbers")
    return points


def _check_range(elements: list[Element], epsg: int, where: str, named: bool) -> None:
    """Degrees are degrees, whichever of the two comes first."""
    import shapely

    if not elements or epsg != WGS84:
        return
    low_x, low_y, high_x, high_y = shapely.total_bounds([e.geometry for e in elements])
    x, y = max(-low_x, high_x), max(-low_y, high_y)
    if max(x, y) <= 360.0 and min(x, y) <= 90.0:
        return
    raise GeometryError(
        f"{where}: coordinates such as ({high_x:.6g}, {high_y:.6g}) are no longitude and latitude, "
        f"though the file {'says so' if named else 'names no reference system'}; "
        "give its EPSG code with --source-epsg"
    )
