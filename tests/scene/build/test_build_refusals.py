"""What no scene can be built from is said in a line, and nothing is written."""

import pytest
import trimesh

from rtwin.errors import GeometryError, OutOfRangeError, RecipeError
from rtwin.scene.build import build_scene

from ..helpers import assert_one_line
from .maps import OsmFile, campus, feature, save_geojson, square


def no_houses(tmp_path):
    file = OsmFile()
    file.way([(0, 0), (9, 0)], closed=False, highway="footway")
    return file.save(tmp_path / "a.osm")


def only_a_sliver(tmp_path):
    file = OsmFile()
    file.way([(0, 0), (90, 0), (90, 0.05)], building="yes")
    return file.save(tmp_path / "a.osm")


def mars(tmp_path):
    crs = {"type": "name", "properties": {"name": "EPSG:999999"}}
    return save_geojson(tmp_path / "a.geojson", feature(square(0, 0)), crs=crs)


@pytest.mark.parametrize(
    ("make", "options", "part"),
    [
        (no_houses, {}, "holds 0 buildings (1 way); give a map with building outlines"),
        (only_a_sliver, {}, "0 buildings are left (1 buildings under 1 m2"),
        (mars, {}, "EPSG:999999 is not a known reference system"),
        (lambda p: campus().save(p / "a.osm"), {"epsg": 4326}, "not a projected system in metres"),
        (
            lambda p: campus().save(p / "a.osm"),
            {"bbox": (10.0, 10.0, 11.0, 11.0)},
            "holds 0 buildings",
        ),
        (lambda p: OsmFile().save(p / "a.osm"), {}, "nothing in it has a place"),
    ],
)
def test_maps_without_a_scene(make, options, part, tmp_path):
    with pytest.raises(GeometryError) as caught:
        build_scene([make(tmp_path)], tmp_path / "out", **options)
    assert_one_line(caught, part)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "error", "part"),
    [
        ({"bbox": (1.0, 0.0, 0.0, 1.0)}, OutOfRangeError, "south below north"),
        ({"bbox": (0.0, 0.0, 90.5, 1.0)}, OutOfRangeError, "bbox is [0.0, 0.0, 90.5, 1.0]"),
        ({"bbox": (-90.5, 0.0, 1.0, 1.0)}, OutOfRangeError, "bbox is [-90.5, 0.0, 1.0, 1.0]"),
        ({"bbox": (0.0, -180.5, 1.0, -170.0)}, OutOfRangeError, "bbox is [0.0, -180.5,"),
        ({"bbox": (0.0, 170.0, 1.0, 180.5)}, OutOfRangeError, "1.0, 180.5]"),
        ({"bbox": (0.0, 5.0, 1.0, 5.0)}, OutOfRangeError, "west below east"),
        ({"bbox": (0.0, -100.0, 1.0, 80.5)}, OutOfRangeError, "1.0, 80.5]"),
        ({"level_height_m": 0.4}, OutOfRangeError, "level_height_m is 0.4; it must be 0.5 to"),
        ({"default_height_m": 1000.5}, OutOfRangeError, "default_height_m is 1000.5"),
        ({"units": "ft2"}, OutOfRangeError, "units is 'ft2'; it must be one of mm, cm, m, km"),
        ({"scale": 2e9}, OutOfRangeError, "scale is 2e+09; it must be 1e-9 to 1e9"),
        ({"scale": 0.0}, OutOfRangeError, "scale is 0"),
        ({"up": "x"}, OutOfRangeError, "up is 'x'; it must be 'y' or 'z'"),
        (
            {"default_height_m": -1},
            OutOfRangeError,
            "default_height_m is -1; it must be 0.5 to 1000",
        ),
        ({"sources": []}, OutOfRangeError, "no source is given"),
    ],
)
def test_bad_options(options, error, part, tmp_path):
    options = {"sources": [campus().save(tmp_path / "a.osm")], **options}
    with pytest.raises(error) as caught:
        build_scene(folder=tmp_path / "out", **options)
    assert_one_line(caught, part)


def test_a_box_may_reach_both_poles_and_half_around(tmp_path):
    with pytest.raises(GeometryError, match="holds 0 buildings"):
        build_scene([no_houses(tmp_path)], tmp_path / "out", bbox=(-90.0, -180.0, 90.0, 0.0))


def test_maps_and_meshes_do_not_mix(tmp_path):
    trimesh.creation.box((1, 1, 1)).export(tmp_path / "a.stl")
    with pytest.raises(GeometryError) as caught:
        build_scene([campus().save(tmp_path / "a.osm"), tmp_path / "a.stl"], tmp_path / "out")
    assert_one_line(caught, "a.stl: has no place on Earth, but other sources have")
    (tmp_path / "a.tif").touch()
    with pytest.raises(RecipeError) as refused:
        build_scene([tmp_path / "a.stl"], tmp_path / "out", terrain=tmp_path / "a.tif")
    assert_one_line(refused, "terrain needs a map with a place on Earth")


def test_too_many_buildings(tmp_path, monkeypatch):
    monkeypatch.setattr("rtwin.scene.build.objects.MAX_BUILDINGS", 3)
    with pytest.raises(GeometryError) as caught:
        build_scene([campus().save(tmp_path / "a.osm")], tmp_path / "out")
    assert_one_line(caught, "holds 4 buildings over", "cut out a part with --bbox")
