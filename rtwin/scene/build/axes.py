"""Longitude first, and everything on one side of 180 degrees."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import GeometryError
from rtwin.scene._model import one_line
from rtwin.scene.build.elements import Box, MapData, moved
from rtwin.scene.georeference import WGS84

MARGIN_DEG = 3.0  # people use a system a little beyond its area


def longitude_first(source: MapData, latitude_first: bool = False) -> MapData:
    """A map whose coordinates are longitude, latitude, or easting, northing.

    Some programs write them the other way round. That is told, or seen where the given
    order lies outside of the area in which the reference system is used.

    Args:
        source: A map with a reference system.
        latitude_first: It is told: the other order.
    Raises:
        GeometryError: if neither order gives places that the system knows.
    """
    points = _points(source)
    if not len(points):
        return source
    epsg = source.epsg or WGS84
    given, turned = points, points[:, ::-1]
    swap = latitude_first or _share(given, epsg) < 0.5 < _share(turned, epsg)
    if not latitude_first and max(_share(xy, epsg, MARGIN_DEG) for xy in (given, turned)) < 0.5:
        x, y = points[0]
        raise GeometryError(
            f"{one_line(source.source)}: coordinates such as ({x:.6g}, {y:.6g}) lie outside of "
            f"the area of EPSG:{source.epsg}; give the right code with --source-epsg"
        )
    if not swap:
        return source
    source.notes["sources with latitude (or northing) first, turned round"] += 1
    return moved(source, lambda xy: xy[:, ::-1])


def _points(source: MapData) -> Floats:
    """Some places of a map, [n, 2]."""
    import shapely

    corners = [shapely.get_coordinates([e.geometry for e in source.elements])]
    corners += [s.vertices[:, :2] for s in (*source.solids, *source.terrain)]
    points = np.concatenate(corners)
    return points[:: max(len(points) // 1000, 1)]


def _area_of(epsg: int) -> Box:
    """West, south, east, north of where a system is used [deg]; east may exceed 180."""
    import pyproj

    area = pyproj.CRS.from_epsg(epsg).area_of_use
    if area is None:
        return -180.0, -90.0, 180.0, 90.0
    return area.west, area.south, area.east + 360.0 * (area.east <= area.west), area.north


def _share(points: Floats, epsg: int, margin_deg: float = 0.0) -> float:
    """Share of places that lie in the area of a system, 0 to 1."""
    lon, lat = points.T
    to_earth = source_transformer(epsg, WGS84)  # refuses a system that does not exist
    if not in_degrees(epsg):  # degrees stay as they are, so that impossible ones are seen
        lon, lat = (np.asarray(values, float) for values in to_earth.transform(lon, lat))
    west, south, east, north = _area_of(epsg)
    off = np.abs((lon - (west + east) / 2 + 180.0) % 360.0 - 180.0)
    near = (off <= (east - west) / 2 + margin_deg) & (np.abs(lon) <= 360.0)
    low, high = max(south - margin_deg, -90.0), min(north + margin_deg, 90.0)
    return float((near & np.isfinite(lon) & (lat >= low) & (lat <= high)).mean())


def on_one_side(maps: list[MapData], bbox: Box | None = None) -> list[MapData]:
    """Maps in degrees that lie on both sides of 180 degrees, as longitudes beyond 180.

    Args:
        maps: Maps, longitude first.
        bbox: South, west, north, east [deg] of what will be built; west above east: across.
    """
    import shapely

    degrees = [m for m in maps if in_degrees(m.epsg or WGS84)]
    parts = [shapely.get_coordinates([e.geometry for e in m.elements])[:, 0] for m in degrees]
    longitudes = np.concatenate([np.zeros(0), *parts])
    across = bbox is not None and bbox[1] > bbox[3]
    if not across:
        if not longitudes.size or np.ptp(longitudes) <= 180.0:
            return maps
        both = (longitudes > 90.0) | (longitudes < -90.0)
        if not both.all():  # a map of half the Earth
            return maps

    def turned(xy: Floats) -> Floats:
        return np.column_stack([xy[:, 0] + 360.0 * (xy[:, 0] < 0.0), xy[:, 1]])

    def whole(source: MapData) -> MapData:
        """Bounds that reach from -180 to 180 are no bounds."""
        bounds = source.bounds
        wide = bounds is not None and bounds[2] - bounds[0] > 180.0
        return replace(source, bounds=None) if wide else source

    return [moved(whole(m), turned) if in_degrees(m.epsg or WGS84) else m for m in maps]


def in_degrees(epsg: int) -> bool:
    """Whether a system counts in degrees of longitude and latitude."""
    import pyproj

    source_transformer(epsg, WGS84)  # refuses a system that does not exist
    return bool(pyproj.CRS.from_epsg(epsg).is_geographic)


@lru_cache(maxsize=32)
def source_transformer(source_epsg: int, target_epsg: int) -> Any:
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
