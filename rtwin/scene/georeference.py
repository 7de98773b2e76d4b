"""Where a scene lies on Earth: one projected reference system and an origin in it.

Scene coordinates are metres east, north and up of the origin:

    x = easting - origin_easting_m, y = northing - origin_northing_m,
    z = height - origin_height_m

East and north are those of the projection's grid. In a UTM zone a metre of the
grid is a metre on the ground to within 4 in 10,000.
"""

import math
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, ValidationError

from rtwin.arrays import Floats
from rtwin.errors import GeometryError
from rtwin.scene._model import (
    MAX_COORDINATE_M,
    Coordinate,
    Float,
    Int,
    Table,
    one_line,
    recipe_error,
)

WGS84 = 4326
FarAway = Annotated[Float, Field(ge=-1e8, le=1e8)]
Latitude = Annotated[Float, Field(ge=-90, le=90)]
Longitude = Annotated[Float, Field(ge=-180, le=180)]


class Georeference(Table):
    """The scene's projected reference system, and where in it the scene's origin lies."""

    epsg: Annotated[Int, Field(ge=1024, le=999999)]  # in metres; checked when it is used
    origin_lat_deg: Latitude
    origin_lon_deg: Longitude
    origin_easting_m: FarAway
    origin_northing_m: FarAway
    origin_height_m: Coordinate = 0.0

    def to_local(self, lat_deg: ArrayLike, lon_deg: ArrayLike, height_m: ArrayLike = 0.0) -> Floats:
        """Scene coordinates [m], [..., 3], of places given in WGS 84.

        Args:
            lat_deg: Latitudes [deg], [...].
            lon_deg: Longitudes [deg], [...].
            height_m: Heights [m] in the system of origin_height_m, [...].
        Returns:
            x, y, z [m]; infinite where the projection does not reach.
        Raises:
            GeometryError: if the EPSG code names no projected system in metres.
        Checked by tests/scene/test_georeference.py against closed forms.
        """
        lat, lon, height = np.broadcast_arrays(lat_deg, lon_deg, height_m)
        easting, northing = transformer(WGS84, self.epsg).transform(lon, lat)
        origin = self.origin_easting_m, self.origin_northing_m, self.origin_height_m
        return np.stack(
            [
                np.asarray(v, np.float64) - o
                for v, o in zip((easting, northing, height), origin, strict=True)
            ],
            axis=-1,
        )

    def to_geographic(self, position_m: ArrayLike) -> Floats:
        """Latitude [deg], longitude [deg] and height [m], [..., 3], of scene coordinates.

        Args:
            position_m: x, y, z [m], [..., 3].
        Raises:
            GeometryError: if the EPSG code names no projected system in metres.
        Checked by tests/scene/test_georeference.py.
        """
        x, y, z = np.moveaxis(np.asarray(position_m, np.float64), -1, 0)
        lon, lat = transformer(self.epsg, WGS84).transform(
            x + self.origin_easting_m, y + self.origin_northing_m
        )
        return np.stack([lat, lon, z + self.origin_height_m], axis=-1)


class GeographicPoint(Table):
    """A point of a recipe in WGS 84; z_m counts like the z of any other point."""

    lat_deg: Latitude
    lon_deg: Longitude
    z_m: Coordinate


def georeference_at(
    lat_deg: float, lon_deg: float, *, epsg: int | None = None, height_m: float = 0.0
) -> Georeference:
    """A georeference whose origin is at a place in WGS 84.

    Args:
        lat_deg: Latitude [deg].
        lon_deg: Longitude [deg].
        epsg: Projected system in metres; default: the UTM zone of the place.
        height_m: Height of z = 0 [m].
    Raises:
        GeometryError: if the system is unknown, not in metres, or does not reach there.
    Checked by tests/scene/test_georeference.py.
    """
    epsg = utm_epsg(lat_deg, lon_deg) if epsg is None else epsg
    transformer(epsg, epsg)  # refuses what is not projected
    easting, northing = (float(v) for v in transformer(WGS84, epsg).transform(lon_deg, lat_deg))
    if not (math.isfinite(easting) and math.isfinite(northing)):
        raise GeometryError(
            f"EPSG:{epsg} does not reach latitude {lat_deg:g}, longitude {lon_deg:g}; "
            "choose a system for that region"
        )
    return Georeference(
        epsg=epsg,
        origin_lat_deg=lat_deg,
        origin_lon_deg=lon_deg,
        # A millimetre is more than any map knows, and reads well in a recipe.
        origin_easting_m=round(easting, 3),
        origin_northing_m=round(northing, 3),
        origin_height_m=height_m,
    )


def utm_epsg(lat_deg: float, lon_deg: float) -> int:
    """EPSG code of the WGS 84 / UTM zone of a place; the poles have zones of their own."""
    if lat_deg >= 84.0:
        return 5041
    if lat_deg <= -80.0:
        return 5042
    zone = min(int((lon_deg + 180.0) // 6.0) + 1, 60)
    return (32600 if lat_deg >= 0 else 32700) + zone


@lru_cache(maxsize=32)
def transformer(source_epsg: int, target_epsg: int) -> Any:
    """pyproj's transformer between two systems, x or longitude first.

    Raises:
        GeometryError: if a code is unknown, or is not a projected system in metres (4326 apart).
    """
    import pyproj

    for epsg in (source_epsg, target_epsg):
        try:
            crs = pyproj.CRS.from_epsg(epsg)
        except pyproj.exceptions.CRSError as error:
            raise GeometryError(
                f"EPSG:{epsg} is not a known reference system ({one_line(error)[:80]}); "
                "give the code of a projected one, such as 32632"
            ) from None
        units = {axis.unit_conversion_factor for axis in crs.axis_info[:2]}
        is_usable = crs.is_projected and units == {1.0}
        if not is_usable and (epsg != WGS84 or source_epsg == target_epsg):
            raise GeometryError(
                f"EPSG:{epsg} ({crs.name}) is not a projected system in metres; "
                "give one that is, such as a UTM zone (32601-32660 north, 32701-32760 south)"
            )
    return pyproj.Transformer.from_crs(source_epsg, target_epsg, always_xy=True)


def local_points(data: dict[str, Any], georeference: Georeference | None) -> dict[str, Any]:
    """A recipe's tables of devices with points in WGS 84 turned into scene coordinates.

    Wherever [x, y, z] may stand, so may {lat_deg, lon_deg, z_m}.

    Args:
        data: The recipe as a dict; not changed.
        georeference: Its georeference, if it has one.
    Returns:
        The same tables with three numbers in every such place, in mm.
    Raises:
        ValueError: if such a point stands in a recipe without a georeference, or too far away.
        ValidationError: if it is not a geographic point.
    """
    data = _with_heights(data)
    return {
        key: _local(value, key, georeference) if key in _WITH_POINTS else value
        for key, value in data.items()
    }


def _with_heights(data: dict[str, Any]) -> dict[str, Any]:
    """Transmitters whose places hold a height_m above the ground, said beside the place."""
    listed = data.get("transmitter")
    if not isinstance(listed, list | tuple):
        return data
    return {**data, "transmitter": [_with_height(item) for item in listed]}


def _with_height(item: Any) -> Any:
    place = item.get("position_m") if isinstance(item, dict) else None
    if not isinstance(place, dict) or "height_m" not in place or "z_m" in place:
        return item
    place = dict(place)
    height = place.pop("height_m")
    if set(place) == {"x_m", "y_m"}:
        return {**item, "position_m": [place["x_m"], place["y_m"], height], "height_m": height}
    return {**item, "position_m": {**place, "z_m": height}, "height_m": height}


_WITH_POINTS = ("transmitter", "receivers", "camera")


def _local(value: Any, where: str, georeference: Georeference | None) -> Any:
    if isinstance(value, list | tuple):
        return [_local(item, f"{where}[{i}]", georeference) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if not {"lat_deg", "lon_deg"} & set(value):
        return {key: _local(item, f"{where}.{key}", georeference) for key, item in value.items()}
    try:
        point = GeographicPoint.model_validate(value)
    except ValidationError as error:
        raise ValueError(str(recipe_error(where, value, error))) from None
    if georeference is None:
        raise ValueError(
            f"{where} is given in latitude and longitude, but the recipe has no [georeference]; "
            "add one, or give x, y, z"
        )
    place = [*georeference.to_local(point.lat_deg, point.lon_deg)[:2], point.z_m]
    if not max(abs(v) for v in place) <= MAX_COORDINATE_M:
        raise ValueError(
            f"{where} at latitude {point.lat_deg:g}, longitude {point.lon_deg:g} is "
            f"{math.hypot(*place[:2]) / 1e3:.6g} km from the scene's origin; at most "
            f"{MAX_COORDINATE_M / 1e3:g} km are allowed: check the numbers and their order"
        )
    return [round(float(v), 3) for v in place]
