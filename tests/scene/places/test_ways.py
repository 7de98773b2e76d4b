"""Receivers that walk along a map's ways, and tables in latitude and longitude."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.errors import RecipeError
from rtwin.scene import (
    CsvReceivers,
    WayReceivers,
    georeference_at,
    place_receivers,
    read_footways,
)
from rtwin.scene.places.ways import walked

from ..helpers import assert_one_line

REFERENCE = georeference_at(50.0, 8.0)
BOUNDS = [[-200.0, -200.0, 0.0], [200.0, 200.0, 30.0]]


def hill(xy):
    return 0.1 * xy[:, 0]


def place(spec, tmp_path, georeference=REFERENCE, inside=lambda p: np.zeros(len(p), bool)):
    return place_receivers(
        spec, BOUNDS, hill, inside, 1, folder=tmp_path, georeference=georeference
    )


def save(tmp_path, **lines):
    features = []
    for kind, corners in lines.items():
        xyz = np.column_stack([np.array(corners, float), np.zeros(len(corners))])
        place = REFERENCE.to_geographic(xyz)
        features.append(
            {
                "type": "Feature",
                "properties": {"highway": kind},
                "geometry": {"type": "LineString", "coordinates": place[:, 1::-1].tolist()},
            }
        )
    (tmp_path / "ways.geojson").write_text(json.dumps({"features": features}))


def test_even_steps_over_the_ground(tmp_path):
    save(tmp_path, footway=[(0, 0), (20, 0), (20, 10)], primary=[(0, 50), (50, 50)])
    spec = WayReceivers(kind="ways", highway=("footway",), spacing_m=10.0, speed_m_s=2.0)
    found = place(spec, tmp_path)
    expected = [[5, 0, 2.0], [15, 0, 3.0], [20, 5, 3.5]]
    assert np.allclose(found.position_m, expected, atol=2e-3)
    assert np.allclose(found.velocity_m_s, [[2, 0, 0], [2, 0, 0], [0, 2, 0]], atol=1e-3)
    every = place(WayReceivers(kind="ways", spacing_m=10.0), tmp_path)
    assert len(every) == 3 + 5


def test_walkers_inside_are_turned_away(tmp_path):
    save(tmp_path, footway=[(0, 0), (40, 0)])
    spec = WayReceivers(kind="ways", spacing_m=10.0, area=(-1, -1, 30, 1))
    found = place(spec, tmp_path, inside=lambda p: p[:, 0] < 10)
    assert found.position_m[:, 0] == pytest.approx([15, 25], abs=2e-3)
    assert (found.num_candidates, found.num_inside) == (3, 1)


@given(
    corners=st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=8),
    spacing=st.floats(0.5, 30),
)
def test_steps_along_any_line(corners, spacing):
    line = np.array(corners)
    points, direction = walked(line, spacing)
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    assert abs(len(points) - length / spacing) <= 1
    assert np.linalg.norm(direction, axis=1) == pytest.approx(np.ones(len(points)))
    # No chord is longer than the way along the line.
    assert (np.linalg.norm(np.diff(points, axis=0), axis=1) <= spacing * (1 + 1e-9)).all()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('{"features": [', "is no GeoJSON of lines"),
        ("[]", "is no GeoJSON of lines"),
        (
            '{"features": [{"geometry": {"type": "LineString", "coordinates": [["a", 1]]}}]}',
            "is no GeoJSON of lines",
        ),
        (
            '{"features": [{"geometry": {"type": "LineString", "coordinates": [[1], [2]]}}]}',
            "holds a line without pairs of numbers",
        ),
        ('{"features": []}', "has no ways of kind any; there are 'none'"),
    ],
)
def test_bad_files(text, part, tmp_path):
    (tmp_path / "ways.geojson").write_text(text)
    with pytest.raises(RecipeError) as caught:
        place(WayReceivers(kind="ways"), tmp_path)
    assert_one_line(caught, "ways.geojson", part)


def test_other_kinds_are_named(tmp_path):
    save(tmp_path, footway=[(0, 0), (40, 0)])
    with pytest.raises(RecipeError) as caught:
        place(WayReceivers(kind="ways", highway=("motorway",)), tmp_path)
    assert_one_line(caught, "has no ways of kind motorway; there are 'footway'")
    with pytest.raises(RecipeError) as refused:
        place(WayReceivers(kind="ways"), tmp_path, georeference=None)
    assert_one_line(refused, "the recipe has no [georeference]; add one")


def table(tmp_path, text):
    (tmp_path / "rx.csv").write_text(text)
    return CsvReceivers(kind="csv", file="rx.csv")


def test_csv_in_latitude_and_longitude(tmp_path):
    lat, lon, _ = REFERENCE.to_geographic([30.0, 40.0, 0.0])
    spec = table(tmp_path, f"lat_deg,lon_deg,height_m\n{lat:.9f},{lon:.9f},2.0\n")
    assert np.allclose(place(spec, tmp_path).position_m, [[30, 40, 5]], atol=2e-3)
    spec = table(tmp_path, f"lon_deg,lat_deg,z_m\n{lon:.9f},{lat:.9f},7.0\n")
    assert np.allclose(place(spec, tmp_path).position_m, [[30, 40, 7]], atol=2e-3)
    spec = table(tmp_path, "x_m,y_m,height_m\n30,40,2\n")
    assert np.allclose(place(spec, tmp_path).position_m, [[30, 40, 5]])


@pytest.mark.parametrize(
    ("text", "georeference", "part"),
    [
        ("lat_deg,lon_deg,z_m\n50,8,1\n", None, "but the recipe has no [georeference]"),
        (
            "lat_deg,lon_deg,z_m\n8,50,1\n",
            REFERENCE,
            "receiver 0 at latitude 8, longitude 50 is more",
        ),
        ("lat_deg,lon_deg,z_m\n95,8,1\n", REFERENCE, "rx.csv:2: lat_deg = 95: must be -90 to 90"),
        ("lat_deg,z_m\n50,1\n", REFERENCE, "missing column 'lon_deg'"),
        ("x_m,y_m,lat_deg,lon_deg,z_m\n1,2,50,8,1\n", REFERENCE, "which say the same; keep one"),
        ("x_m,y_m,z_m,height_m\n1,2,50,8\n", REFERENCE, "has z_m and height_m, which say the same"),
    ],
)
def test_bad_tables(text, georeference, part, tmp_path):
    with pytest.raises(RecipeError) as caught:
        place(table(tmp_path, text), tmp_path, georeference)
    assert_one_line(caught, part)


CROSS = [[[0, 0], [100, 0]], [[50, -50], [50, 50]]]


def geojson(folder, data):
    file = folder / "ways.geojson"
    file.write_text(data if isinstance(data, str) else json.dumps(data))
    return file


def test_geojson_of_ways(tmp_path):
    line = {"type": "LineString", "coordinates": [[0, 0, 5], [1, 1, 5]]}
    many = {"type": "MultiLineString", "coordinates": CROSS}
    point = {"type": "Point", "coordinates": [3, 3]}
    features = [
        {"type": "Feature", "properties": {}, "geometry": g} for g in (line, many, point, None)
    ]
    ways = read_footways(geojson(tmp_path, {"type": "FeatureCollection", "features": features}))
    assert [way.tolist() for way in ways] == [[[0, 0], [1, 1]], *CROSS]


class Degrees:
    """A georeference that turns a degree into a kilometre."""

    def to_local(self, lat_deg, lon_deg):
        return 1e3 * np.stack([np.asarray(lon_deg), np.asarray(lat_deg), 0 * lat_deg], axis=-1)


def test_a_scene_on_earth_takes_longitude_and_latitude(tmp_path):
    line = {"type": "LineString", "coordinates": [[8.0, 50.0], [8.5, 50.0]]}
    (way,) = read_footways(geojson(tmp_path, line), Degrees())
    np.testing.assert_allclose(way, [[8000, 50000], [8500, 50000]])
    line["coordinates"][1] = [180.0, 0.0]
    with pytest.raises(RecipeError, match="not in scene coordinates"):
        read_footways(geojson(tmp_path, line), Degrees())


def test_people_walk_on_footways(tmp_path):
    def features(*tags):
        return {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "properties": t,
                    "geometry": {"type": "LineString", "coordinates": [[i, 0], [i, 9]]},
                }
                for i, t in enumerate(tags)
            ],
        }

    tags = (
        {"highway": "motorway"},
        {"highway": "footway"},
        {"highway": "service"},
        {"highway": "service", "foot": "yes"},
        {"highway": "path", "foot": "no"},
        None,
    )
    ways = read_footways(geojson(tmp_path, features(*tags)))
    assert [way[0, 0] for way in ways] == [1, 3]
    # Where no way says so, all are taken.
    ways = read_footways(geojson(tmp_path, features({"highway": "service"}, None)))
    assert [way[0, 0] for way in ways] == [0, 1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "is no GeoJSON of lines"),
        ("[1]", "is no GeoJSON of lines"),
        ({"type": "LineString"}, "is no GeoJSON of lines"),
        ({"type": "LineString", "coordinates": [["a", "b"]]}, "is no GeoJSON of lines"),
        ({"type": "Point", "coordinates": [1, 2]}, "holds no LineString"),
        (
            {"type": "LineString", "coordinates": [[0, 0], [689000.0, 3986000.0]]},
            "is not in scene coordinates",
        ),
        ({"type": "LineString", "coordinates": [[0, 0], [1e400, 0]]}, "without pairs of numbers"),
    ],
)
def test_bad_geojson(tmp_path, data, words):
    with pytest.raises(RecipeError) as error:
        read_footways(geojson(tmp_path, data))
    assert_one_line(error, words)


def test_a_missing_file_of_ways(tmp_path):
    with pytest.raises(RecipeError, match="no such file"):
        read_footways(tmp_path / "none.geojson")
