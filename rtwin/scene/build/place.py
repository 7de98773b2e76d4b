"""Maps in one reference system, about an origin: where a scene lies."""

from dataclasses import replace
from typing import Any

import numpy as np

from rtwin.errors import GeometryError
from rtwin.scene._model import MAX_COORDINATE_M, one_line
from rtwin.scene.build.axes import longitude_first, on_one_side, source_transformer
from rtwin.scene.build.elements import Box, MapData, moved
from rtwin.scene.build.merging import merge, union
from rtwin.scene.build.tags import is_built
from rtwin.scene.georeference import WGS84, Georeference, georeference_at, transformer, utm_epsg

FAR_M = 5_000.0


def to_scene(
    maps: list[MapData],
    epsg: int | None = None,
    bbox: Box | None = None,
    latitude_first: bool = False,
) -> tuple[MapData, Georeference | None]:
    """All maps as one, in scene coordinates, and where the scene lies on Earth.

    Args:
        maps: What the readers gave.
        epsg: Projected system of the scene; default: that of the first map that has
            one, else the UTM zone of the middle.
        bbox: South, west, north, east [deg]; only what touches it is kept.
        latitude_first: Coordinates of the maps are latitude (or northing) first.
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
    maps = on_one_side([longitude_first(m, latitude_first) for m in maps], bbox)
    if bbox is not None:
        south, west, north, east = bbox
        bbox = (south, west, north, east if east > west else east + 360.0)
        maps = [_cropped(m, bbox) for m in maps]
    projected = (_projected_epsg(m.epsg) for m in maps)
    target = epsg or next((code for code in projected if code is not None), None)
    lon, lat = _middle(maps, bbox)
    lon = (lon + 180.0) % 360.0 - 180.0
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
    merged = merge([_transformed(m, reference) for m in maps])
    floor = _lowest(merged)
    if floor is not None:
        reference = reference.model_copy(update={"origin_height_m": floor})
        merged = moved(merged, height=lambda z: z - floor)
    _check_reach(merged)
    return merged, reference


def _cropped(source: MapData, bbox: Box) -> MapData:
    import shapely

    south, west, north, east = bbox
    x, y = source_transformer(WGS84, source.epsg or WGS84).transform(
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


def _height_unit_m(epsg: int) -> float:
    """Metres per unit of height: city models in feet count heights in feet as well."""
    import pyproj

    crs = pyproj.CRS.from_epsg(epsg)
    return crs.axis_info[0].unit_conversion_factor if crs.is_projected else 1.0


def _middle(maps: list[MapData], bbox: Box | None) -> tuple[float, float]:
    """Longitude and latitude of the middle of what will be built."""
    if bbox is not None:
        return (bbox[1] + bbox[3]) / 2, (bbox[0] + bbox[2]) / 2
    boxes: list[tuple[float, float, float, float]] = []
    for source in maps:
        box = source.bounds or _extent(source)
        if box is not None:
            to_earth = source_transformer(source.epsg or WGS84, WGS84)
            x, y = to_earth.transform([box[0], box[2]], [box[1], box[3]])
            first = boxes[0][0] if boxes else x[0]
            x = [first + (value - first + 180.0) % 360.0 - 180.0 for value in x]
            boxes.append((x[0], y[0], x[1], y[1]))
    whole = union(boxes)
    if whole is None or not np.isfinite(whole).all():
        raise GeometryError(
            f"{', '.join(one_line(m.source) for m in maps)}: nothing in it has a place; "
            "is the reference system right?"
        )
    return (whole[0] + whole[2]) / 2, (whole[1] + whole[3]) / 2


def _extent(source: MapData) -> Box | None:
    """What the buildings cover; ways and woods may reach far beyond."""
    import shapely

    built = [e for e in source.elements if is_built(e.tags)]
    geometries = [e.geometry for e in built or source.elements]
    boxes = [tuple(shapely.total_bounds(geometries))] if geometries else []
    for solid in source.solids + source.terrain:
        low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
        boxes.append((low[0], low[1], high[0], high[1]))
    return union([b for b in boxes if np.isfinite(b).all()])


def _transformed(source: MapData, reference: Georeference) -> MapData:
    """A map in scene coordinates, heights still absolute."""
    epsg = source.epsg or WGS84
    to_target = source_transformer(epsg, reference.epsg)
    unit = _height_unit_m(epsg)
    origin = np.array([reference.origin_easting_m, reference.origin_northing_m])

    result = moved(
        source,
        lambda xy: np.column_stack(to_target.transform(xy[:, 0], xy[:, 1])) - origin,
        lambda z: z * unit,
    )
    elements = [e for e in result.elements if _is_near(e.geometry)]
    notes = source.notes.copy()
    if far := len(result.elements) - len(elements):
        notes["elements too far away left out"] += far
    return replace(result, epsg=reference.epsg, elements=elements, notes=notes)


def _is_near(geometry: Any) -> bool:
    bounds = np.abs(geometry.bounds)
    return len(bounds) == 4 and bool(np.all(bounds < MAX_COORDINATE_M))


def _lowest(merged: MapData) -> float | None:
    """The lowest absolute height of a map, to the centimetre; None if it has none."""
    lows = [float(s.vertices[:, 2].min()) for s in merged.solids + merged.terrain]
    lows += [e.base_m for e in merged.elements if e.base_m is not None]
    return float(np.floor(100 * min(lows)) / 100) if lows else None


def _recentred(merged: MapData) -> MapData:
    """A scene without a place on Earth near its origin: float32 loses millimetres far away."""
    box = _extent(merged)
    if box is None:
        return merged
    middle = np.round([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2])
    if np.abs(middle).max() >= FAR_M:
        shift = 0.0 - middle
        merged = moved(merged, lambda xy: xy + shift)
        merged.notes[f"everything moved by {shift[0]:.0f}, {shift[1]:.0f} m to the origin"] = 1
    _check_reach(merged)
    return merged


def _check_reach(merged: MapData) -> None:
    """Nothing lies farther out than a recipe may say."""
    reach = [np.abs(s.vertices).max() for s in merged.solids + merged.terrain if len(s.vertices)]
    for element in merged.elements:
        corners = [*element.geometry.bounds, element.base_m or 0.0, element.top_m or 0.0]
        reach.append(np.abs(corners).max())
    farthest = max((float(value) for value in reach), default=0.0)
    if not farthest < MAX_COORDINATE_M:
        raise GeometryError(
            f"{one_line(merged.source)}: reaches {farthest:.3g} m from the origin, scenes reach "
            f"{MAX_COORDINATE_M / 1e3:.0f} km at most: is it in millimetres? give its --units"
        )
