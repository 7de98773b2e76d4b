"""GeoTIFF: every cell at its place on Earth, read back by GDAL, and its tags by Pillow."""

import json
import shutil
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.errors import (
    GeometryError,
    MissingExtraError,
    OutOfRangeError,
    RecipeError,
    StoreError,
)
from rtwin.export import export
from rtwin.plot.fields import map_field

rasterio = pytest.importorskip("rasterio")
pytest.importorskip("rasterio.warp")
EPSG, LAT, LON = 32617, 36.0014, -78.9382  # UTM zone 17 north; Durham, North Carolina


def utm(lat_deg, lon_deg):
    """Easting and northing [m], by PROJ."""
    (x,), (y,) = rasterio.warp.transform("EPSG:4326", f"EPSG:{EPSG}", [lon_deg], [lat_deg])
    return x, y


@pytest.fixture(scope="module")
def on_earth(two_boxes, tmp_path_factory):
    """A map that is not square, of a scene that lies somewhere."""
    recipe = two_boxes(radio_map={"area": [-50.0, -30.0, 40.0, 35.0]})
    file = generate_radio_map(recipe, tmp_path_factory.mktemp("earth") / "map.h5")
    easting, northing = utm(LAT, LON)
    place = {
        "epsg": EPSG,
        "origin_lat_deg": LAT,
        "origin_lon_deg": LON,
        "origin_easting_m": easting,
        "origin_northing_m": northing,
        "origin_height_m": 120.0,
    }
    change_recipe(file, georeference=place)
    return file


def change_recipe(file, **tables):
    with h5py.File(file, "r+") as h5:
        h5.attrs["recipe"] = json.dumps(json.loads(h5.attrs["recipe"]) | tables)


@pytest.mark.parametrize("metric", ["rss", "path_gain", "sinr", "error"])
def test_bands_are_the_values(on_earth, tmp_path, metric):
    report = export(on_earth, "geotiff", tmp_path / "map.tif", metric=metric)
    radio_map = open_radio_map(on_earth)
    unit = "dBm" if metric == "rss" else "dB"
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.count == 3
        assert [text.split(", ")[1] for text in file.descriptions] == [
            "best transmitter",
            "mast",
            "pole",
        ]
        assert file.units == (unit,) * 3
        for band, tx in enumerate((None, 0, 1), start=1):
            values = map_field(radio_map, metric, tx).values
            np.testing.assert_allclose(file.read(band)[::-1], values, rtol=1e-6)
        assert np.isnan(file.nodata)
        assert file.tags()["AREA_OR_POINT"] == "Area"
        assert file.tags()["HEIGHT_M"] == "1.5"
    assert report["bands"] == 3
    assert report["reference system"] == "EPSG:32617"


def test_cells_lie_where_they_are_on_earth(on_earth, tmp_path):
    """A place 32.5 m north and 17.5 m west of the origin, by latitude and longitude, is one."""
    export(on_earth, "geotiff", tmp_path / "map.tif")
    # On an ellipsoid of 6378.137 km, flattened by 1 / 298.257: metres of a degree.
    meridian = 111_132.95 - 559.82 * np.cos(2 * np.radians(LAT))
    parallel = 111_412.84 * np.cos(np.radians(LAT)) - 93.5 * np.cos(3 * np.radians(LAT))
    # The grid's north turns from the true one by the meridian convergence.
    turn = np.radians(LON + 81.0) * np.sin(np.radians(LAT))
    east, north = -17.5, 32.5
    true_east = east * np.cos(turn) + north * np.sin(turn)
    true_north = north * np.cos(turn) - east * np.sin(turn)
    lat, lon = LAT + true_north / meridian, LON + true_east / parallel
    radio_map = open_radio_map(on_earth)
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs.to_epsg() == EPSG
        (value,) = next(file.sample([utm(lat, lon)], indexes=[1]))
    centers = radio_map.cell_centers_m[..., :2]
    cell = np.argmin(np.abs(centers - [east, north]).max(axis=-1))
    assert value == pytest.approx(map_field(radio_map, "rss").values.ravel()[cell])


def test_every_cell_has_its_place(on_earth, tmp_path):
    export(on_earth, "geotiff", tmp_path / "map.tif")
    radio_map = open_radio_map(on_earth)
    x, y = (radio_map.cell_centers_m[..., k] + utm(LAT, LON)[k] for k in (0, 1))
    with rasterio.open(tmp_path / "map.tif") as file:
        rows, columns = rasterio.transform.rowcol(file.transform, x.ravel(), y.ravel())
        found = file.read(1)[rows, columns].reshape(x.shape)
    np.testing.assert_allclose(found, map_field(radio_map, "rss").values, rtol=1e-6)


def test_tags_of_the_standard(on_earth, tmp_path):
    """What GeoTIFF 1.1 says stands in the file, as a reader that knows no maps sees it."""
    export(on_earth, "geotiff", tmp_path / "map.tif", metric="serving")
    easting, northing = utm(LAT, LON)
    with Image.open(tmp_path / "map.tif") as image:
        tags = image.tag_v2
        assert image.size == (18, 13)
        assert tags[33550][:2] == (5.0, 5.0)  # ModelPixelScale
        west, north = easting - 50, northing + 35
        assert tags[33922] == pytest.approx((0, 0, 0, west, north, 0))  # ModelTiepoint
        keys = np.array(tags[34735]).reshape(-1, 4)  # GeoKeyDirectory
        said = {key: value for key, _, _, value in keys[1:].tolist()}
        assert said[1024] == 1  # projected
        assert said[1025] == 1  # a pixel is an area
        assert said[3072] == EPSG
        np.testing.assert_array_equal(
            np.array(image)[::-1], open_radio_map(on_earth).serving_transmitter
        )


def test_without_a_place_on_earth(map_file, tmp_path):
    report = export(map_file, "geotiff", tmp_path / "map.tif")
    assert report["reference system"] == "none in the scene: metres from its origin"
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs is not None
        assert not file.crs.is_geographic
        assert not file.crs.is_projected
        assert "scene's origin" in file.crs.to_wkt()
        assert tuple(file.bounds) == (-60.0, -60.0, 60.0, 60.0)


def test_names_of_transmitters(map_file, tmp_path):
    export(map_file, "geotiff", tmp_path / "map.tif", metric="serving")
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.tags(1)["TX_0"] == "mast"
        assert file.tags(1)["TX_1"] == "pole"
        assert file.nodata == -1


def test_wrong_requests(map_file, standing, on_earth, tmp_path, monkeypatch):
    with pytest.raises(OutOfRangeError, match="'snr', it must be one of path_gain, rss"):
        export(map_file, "geotiff", tmp_path / "map.tif", metric="snr")
    with pytest.raises(OutOfRangeError, match="is made from a radio map"):
        export(standing, "geotiff", tmp_path / "map.tif")
    with pytest.raises(StoreError, match=r"must end in \.tif"):
        export(map_file, "geotiff", tmp_path / "map.jpg")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'rtwin\[geo\]'"):
        export(map_file, "geotiff", tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []


def test_georeference_that_is_none(on_earth, tmp_path):
    file = shutil.copy(on_earth, tmp_path / "map.h5")
    names = ("origin_lat_deg", "origin_lon_deg", "origin_easting_m", "origin_northing_m")
    place = {"epsg": 999_998, **dict.fromkeys(names, 0.0)}
    change_recipe(file, georeference=place)
    with pytest.raises(GeometryError, match="EPSG:999998 of the scene is unknown"):
        export(file, "geotiff", tmp_path / "map.tif")
    for wrong in ({}, {**place, "origin_easting_m": None}, {**place, "origin_easting_m": 1e999}):
        change_recipe(file, georeference=wrong)
        with pytest.raises((RecipeError, StoreError), match=r"georeference\.|attribute recipe"):
            export(file, "geotiff", tmp_path / "map.tif")
    assert [p.name for p in tmp_path.iterdir()] == ["map.h5"]
