"""Several maps into one: a common reference system, an origin, each thing once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtwin.errors import GeometryError
from rtwin.scene._model import MAX_COORDINATE_M, one_line
from rtwin.scene.build.elements import Element, MapData, Solid
from rtwin.scene.build.tags import height_rank, kind_of
from rtwin.scene.georeference import WGS84, Georeference, georeference_at, transformer, utm_epsg

FAR_M = 5_000.0
Box = tuple[float, float, float, float]


def merge(maps: list[MapData]) -> MapData:
    """Maps of one system as one; of elements with one id the first stays, with all their tags.

    A tag that only a later map has is taken over. Metres of a later map replace a height
    that is missing, makes no sense or is a number of storeys.
    """
    notes: Counter[str] = Counter()
    elements: dict[str, Element] = {}
    for source in maps:
        notes.update(source.notes)
        for element in source.elements:
            known = elements.get(element.name)
            if known is None:
                elements[element.name] = element
            elif _is_same(known, element):
                notes["elements that several sources hold, merged by id"] += 1
                elements[element.name] = replace(known, tags=_merged(known.tags, element.tags))
            else:
                # Ids of this kind are row numbers of their file, not names of things.
                name = _free(element.name, elements)
                elements[name] = replace(element, name=name)
    bounds = [m.bounds for m in maps]
    solids: dict[str, Solid] = {}
    for solid in (s for m in maps for s in m.solids):
        name = _free(solid.name, {**solids, **elements})
        solids[name] = replace(solid, name=name)
    return MapData(
        source=", ".join(m.source for m in maps),
        epsg=maps[0].epsg,
        elements=list(elements.values()),
        solids=list(solids.values()),
        terrain=[t for m in maps for t in m.terrain],
        bounds=_union([b for b in bounds if b is not None]) if all(bounds) else None,
        licence="; ".join(dict.fromkeys(m.licence for m in maps if m.licence)),
        notes=notes,
    )


def _is_same(a: Element, b: Element) -> bool:
    if not a.name.startswith("feature_"):
        return True
    return bool(a.geometry.distance(b.geometry) < 1.0)


def _free(name: str, taken: dict[str, Any]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


_HEIGHT_KEYS = ("height", "building:height", "est_height", "building:levels", "levels")


def _merged(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    """Tags of both; heights from the one that knows them better, from the first if both do."""
    if height_rank(second) > height_rank(first):
        first = {k: v for k, v in first.items() if k not in _HEIGHT_KEYS}
    else:
        second = {k: v for k, v in second.items() if k not in _HEIGHT_KEYS}
    return {**second, **first}


def to_scene(
    maps: list[MapData], epsg: int | None = None, bbox: Box | None = None
) -> tuple[MapData, Georeference | None]:
    """All maps as one, in scene coordinates, and where the scene lies on Earth.

    Args:
        maps: What the readers gave.
        epsg: Projected system of the scene; default: that of the first map that has
            one, else the UTM zone of the middle.
        bbox: South, west, north, east [deg]; only what touches it is kept.
    Returns:
        The merged map and its georeference; None for meshes without a place on Earth.
    Raises:
        GeometryError: if maps with and without a place on Earth are mixed, a reference
            system is bad, or the maps lie too far apart.
    """
    placed = [m for m in maps if m.epsg is not None]
    if placed and len(placed) < len(maps):
        lost = next(m.source for m in maps if m.epsg is None)
        raise GeometryError(
            f"{lost}: has no place on Earth, but other sources have; build it alone, "
            "or give its EPSG code with --source-epsg"
        )
    if not placed:
        if bbox is not None:
            raise GeometryError("a mesh has no place on Earth, so that bbox means nothing for it")
        return _recentred(merge(maps)), None
    if bbox is not None:
        maps = [_cropped(m, bbox) for m in maps]
    projected = (_projected_epsg(m.epsg) for m in placed)
    target = epsg or next((code for code in projected if code is not None), None)
    lon, lat = _middle(maps, bbox)
    target = target or utm_epsg(lat, lon)
    reference = georeference_at(lat, lon, epsg=target)
    reference = reference.model_copy(
        update={
            "origin_easting_m": float(round(reference.origin_easting_m)),
            "origin_northing_m": float(round(reference.origin_northing_m)),
        }
    )
    lat, lon, _ = reference.to_geographic([0.0, 0.0, 0.0])
    reference = reference.model_copy(
        update={"origin_lat_deg": round(float(lat), 9), "origin_lon_deg": round(float(lon), 9)}
    )
    moved = [_transformed(m, reference) for m in maps]
    merged = merge(moved)
    floor = _lowest(merged)
    if floor is not None:
        reference = reference.model_copy(update={"origin_height_m": floor})
        merged = _raised(merged, -floor)
    return merged, reference


def _cropped(source: MapData, bbox: Box) -> MapData:
    import shapely

    south, west, north, east = bbox
    x, y = _source_transformer(WGS84, source.epsg or WGS84).transform(
        [west, east, west, east], [south, south, north, north]
    )
    low, high = (min(x), min(y)), (max(x), max(y))
    area = shapely.box(*low, *high)
    keep = shapely.intersects([e.geometry for e in source.elements], area)
    solids = [
        s
        for s in source.solids
        if np.all(s.vertices[:, :2].max(axis=0) >= low)
        and np.all(s.vertices[:, :2].min(axis=0) <= high)
    ]
    elements = [e for e, kept in zip(source.elements, keep, strict=True) if kept]
    return replace(source, elements=elements, solids=solids, bounds=(*low, *high))


def _projected_epsg(epsg: int | None) -> int | None:
    """A map's own system if scenes can use it: projected, in metres, without its heights."""
    import pyproj

    try:
        crs = pyproj.CRS.from_epsg(epsg or WGS84)
        # City models name a system of place and height together.
        flat = crs.sub_crs_list[0].to_epsg() if crs.is_compound else epsg
        transformer(flat or WGS84, flat or WGS84)
    except (GeometryError, pyproj.exceptions.CRSError):
        return None
    return flat


@lru_cache(maxsize=32)
def _source_transformer(source_epsg: int, target_epsg: int) -> Any:
    """From any system that pyproj knows, degrees and feet included, x or longitude first."""
    import pyproj

    for epsg in (source_epsg, target_epsg):
        try:
            pyproj.CRS.from_epsg(epsg)
        except pyproj.exceptions.CRSError:
            raise GeometryError(
                f"EPSG:{epsg} is not a known reference system; give the right code with "
                "--source-epsg"
            ) from None
    return pyproj.Transformer.from_crs(source_epsg, target_epsg, always_xy=True)


def _height_unit_m(epsg: int) -> float:
    """Metres per unit of height: city models in feet count heights in feet as well."""
    import pyproj

    crs = pyproj.CRS.from_epsg(epsg)
    return crs.axis_info[0].unit_conversion_factor if crs.is_projected else 1.0


def _middle(maps: list[MapData], bbox: Box | None) -> tuple[float, float]:
    """Longitude and latitude of the middle of what will be built."""
    if bbox is not None:
        return (bbox[1] + bbox[3]) / 2, (bbox[0] + bbox[2]) / 2
    boxes = []
    for source in maps:
        box = source.bounds or _extent(source)
        if box is not None:
            to_earth = _source_transformer(source.epsg or WGS84, WGS84)
            x, y = to_earth.transform([box[0], box[2]], [box[1], box[3]])
            boxes.append((x[0], y[0], x[1], y[1]))
    union = _union(boxes)
    if union is None or not np.isfinite(union).all():
        raise GeometryError(
            f"{', '.join(one_line(m.source) for m in maps)}: nothing in it has a place; "
            "is the reference system right?"
        )
    return (union[0] + union[2]) / 2, (union[1] + union[3]) / 2


def _extent(source: MapData) -> Box | None:
    """What the buildings cover; ways and woods may reach far beyond."""
    import shapely

    built = [e for e in source.elements if kind_of(e.tags) in ("building", "part")]
    geometries = [e.geometry for e in built or source.elements]
    boxes = [tuple(shapely.total_bounds(geometries))] if geometries else []
    for solid in source.solids + source.terrain:
        low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
        boxes.append((low[0], low[1], high[0], high[1]))
    return _union([b for b in boxes if np.isfinite(b).all()])


def _union(boxes: Iterable[Any]) -> Box | None:
    stack = np.array(list(boxes), np.float64).reshape(-1, 4)
    if not len(stack):
        return None
    low, high = stack[:, :2].min(axis=0), stack[:, 2:].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _transformed(source: MapData, reference: Georeference) -> MapData:
    """A map in scene coordinates, heights still absolute."""
    import shapely

    epsg = source.epsg or WGS84
    to_target = _source_transformer(epsg, reference.epsg)
    unit = _height_unit_m(epsg)
    origin = np.array([reference.origin_easting_m, reference.origin_northing_m])

    def moved(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(to_target.transform(xy[:, 0], xy[:, 1])) - origin

    geometries = shapely.transform([e.geometry for e in source.elements], moved)
    near = np.array([_is_near(g) for g in geometries], bool)
    notes = source.notes.copy()
    if (~near).any():
        notes["elements too far away left out"] += int((~near).sum())
    elements = [
        replace(
            e,
            geometry=g,
            base_m=None if e.base_m is None else e.base_m * unit,
            top_m=None if e.top_m is None else e.top_m * unit,
        )
        for e, g, is_near in zip(source.elements, geometries, near, strict=True)
        if is_near
    ]
    solids, terrain = (
        [
            replace(
                s, vertices=np.column_stack([moved(s.vertices[:, :2]), s.vertices[:, 2] * unit])
            )
            for s in group
        ]
        for group in (source.solids, source.terrain)
    )
    bounds = source.bounds
    if bounds is not None:
        corners = moved(np.array([[bounds[i], bounds[j]] for i in (0, 2) for j in (1, 3)]))
        bounds = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    return replace(
        source,
        epsg=reference.epsg,
        elements=elements,
        solids=solids,
        terrain=terrain,
        bounds=bounds,
        notes=notes,
    )


def _is_near(geometry: Any) -> bool:
    bounds = np.abs(geometry.bounds)
    return len(bounds) == 4 and bool(np.all(bounds < MAX_COORDINATE_M))


def _lowest(merged: MapData) -> float | None:
    """The lowest absolute height of a map, to the centimetre; None if it has none."""
    lows = [float(s.vertices[:, 2].min()) for s in merged.solids + merged.terrain]
    lows += [e.base_m for e in merged.elements if e.base_m is not None]
    return float(np.floor(100 * min(lows)) / 100) if lows else None


def _raised(merged: MapData, by_m: float) -> MapData:
    up = np.array([0.0, 0.0, by_m])
    return replace(
        merged,
        elements=[
            e
            if e.base_m is None or e.top_m is None
            else replace(e, base_m=e.base_m + by_m, top_m=e.top_m + by_m)
            for e in merged.elements
        ],
        solids=[replace(s, vertices=s.vertices + up) for s in merged.solids],
        terrain=[replace(s, vertices=s.vertices + up) for s in merged.terrain],
    )


def _recentred(merged: MapData) -> MapData:
    """A mesh scene near its origin: float32 loses millimetres far away from it."""
    vertices = np.concatenate([s.vertices for s in merged.solids])
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    if np.abs(middle[:2]).max() < FAR_M:
        return merged
    shift = 0.0 - np.array([*np.round(middle[:2]), 0.0])
    merged.notes[f"everything moved by {shift[0]:.0f}, {shift[1]:.0f} m to the origin"] = 1
    return replace(merged, solids=[replace(s, vertices=s.vertices + shift) for s in merged.solids])
