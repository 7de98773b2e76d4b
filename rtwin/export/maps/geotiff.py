"""A radio map as GeoTIFF, for QGIS and other tools of maps.

A pixel is a cell and its value the cell's average, the top row is the north.
With a georeference the file is in its projected system; without one it is in
metres from the scene's origin, in an engineering system that says so.
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from rtwin.dataset.reading import RadioMap
from rtwin.errors import GeometryError
from rtwin.export.maps.raster import METRIC_HELP, transmitter_of
from rtwin.export.registry import Report
from rtwin.extras import needs
from rtwin.plot.fields import MapField, map_extent, map_field
from rtwin.progress import Progress
from rtwin.scene import Georeference, recipe_from_dict

NO_TRANSMITTER = -1
# ISO 19162; GDAL writes it as a local system with this name.
LOCAL_CRS = (
    'LOCAL_CS["metres east and north of the scene\'s origin",UNIT["metre",1],'
    'AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
)


def write_geotiff(
    radio_map: RadioMap,
    target: Path,
    progress: Progress,
    *,
    metric: Annotated[str, METRIC_HELP] = "rss",
) -> Report:
    """Write one band for the best of all transmitters and one for each.

    Bands are float32 in the unit of the metric, NaN where no ray came; serving
    is one band of int16, -1 where nothing arrives, with the names as tags.

    Args:
        radio_map: What `open_radio_map` returns.
        target: A .tif file.
        progress: Called with stage ("export"), bands done and in all.
        metric: As in `plot_radio_map`.
    Raises:
        OutOfRangeError: if the metric has another name.
        GeometryError: if the reference system of the georeference is unknown.
        RecipeError: if the georeference in the file is not whole.
        MissingExtraError: if rasterio is not installed.
    Source: GeoTIFF 1.1 (OGC 19-008r4), written by GDAL; checked by
        tests/export/maps/test_geotiff.py.
    """
    with needs("GeoTIFF needs rasterio", "'rtwin[geo]'"):
        import rasterio
        from rasterio.crs import CRS
        from rasterio.errors import CRSError
        from rasterio.transform import Affine
    place = georeference_of(radio_map)
    num_tx = len(radio_map.tx_name)
    choices = (None, *range(num_tx)) if num_tx > 1 and metric != "serving" else (None,)
    fields = [map_field(radio_map, metric, tx) for tx in choices]
    is_serving = metric == "serving"
    num_y, num_x = fields[0].values.shape
    west, _, _, north = map_extent(radio_map)
    try:
        crs = CRS.from_wkt(LOCAL_CRS) if place is None else CRS.from_epsg(place.epsg)
    except CRSError as error:
        raise GeometryError(
            f"the reference system EPSG:{place.epsg if place else ''} of the scene is unknown; "
            "correct its [georeference]"
        ) from error
    if place is not None:
        west, north = west + place.origin_easting_m, north + place.origin_northing_m
    size = float(radio_map.attributes["cell_size_m"])
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": num_y,
        "width": num_x,
        "count": len(fields),
        "crs": crs,
        "dtype": "int16" if is_serving else "float32",
        "nodata": NO_TRANSMITTER if is_serving else np.nan,
        "transform": Affine(size, 0.0, west, 0.0, -size, north),
        "compress": "deflate",
        "BIGTIFF": "IF_SAFER",
    }
    with rasterio.open(target, "w", **profile) as file:
        for band, (tx, field) in enumerate(zip(choices, fields, strict=True), start=1):
            file.write(_north_up(field, is_serving), band)
            whose = transmitter_of(radio_map, field, tx)
            file.set_band_description(band, f"{field.title}, {whose}" if whose else field.title)
            if field.unit:
                file.set_band_unit(band, field.unit)
            progress("export", band, len(fields))
        file.update_tags(
            AREA_OR_POINT="Area",
            TITLE=str(radio_map.attributes.get("title", "")),
            METRIC=fields[0].title,
            HEIGHT_M=f"{radio_map.attributes['height_m']:g}",
            FREQUENCY_HZ=f"{radio_map.attributes['frequency_hz']:g}",
            SOFTWARE="rtwin",
            CONTENT_HASH=str(radio_map.attributes.get("content_hash", "")),
        )
        if is_serving:
            file.update_tags(1, **{f"TX_{n}": name for n, name in enumerate(radio_map.tx_name)})
    named = f"EPSG:{place.epsg}" if place else "none in the scene: metres from its origin"
    return {"bands": len(fields), "reference system": named, "unit": fields[0].unit or "none"}


def georeference_of(radio_map: RadioMap) -> Georeference | None:
    """Where the scene of a radio map lies on Earth, if its recipe has a [georeference]."""
    attributes = radio_map.attributes
    return recipe_from_dict(attributes["recipe"], str(attributes["scene"])).georeference


def _north_up(field: MapField, is_serving: bool) -> NDArray[Any]:
    values = field.values[::-1]
    if is_serving:
        return np.where(np.isfinite(values), values, NO_TRANSMITTER).astype(np.int16)
    return values.astype(np.float32)
