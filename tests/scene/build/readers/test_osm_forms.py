"""OpenStreetMap in its other clothes: packed, `out geom`, Overpass JSON, both sides of 180."""

import bz2
import gzip
import json

import numpy as np
import pytest
import shapely

from rtwin.errors import GeometryError
from rtwin.scene import load_recipe
from rtwin.scene.build import build_scene
from rtwin.scene.build.readers import opening
from rtwin.scene.build.readers.read import read_source

from ...helpers import assert_one_line
from ..maps import OsmFile, lon_lat, square


def a_house():
    file = OsmFile()
    file.way(square(0, 0), number=77, building="yes", height="6")
    return file


@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("bz2", bz2.compress)])
def test_packed(suffix, pack, tmp_path):
    path = tmp_path / f"a.osm.{suffix}"
    path.write_bytes(pack(a_house().text().encode()))
    assert [e.name for e in read_source(path).elements] == ["way_77"]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(GeometryError) as caught:
        read_source(path)
    assert_one_line(caught, "a.osm")


def test_what_unpacks_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening.chunks, "__defaults__", (1000, 100))
    (tmp_path / "a.osm.gz").write_bytes(gzip.compress(b"<osm>" + b" " * 5000))
    with pytest.raises(GeometryError) as caught:
        read_source(tmp_path / "a.osm.gz")
    assert_one_line(caught, "unpacks to more than")


def geometry(corners):
    return [dict(zip(("lon", "lat"), lon_lat(*c), strict=True)) for c in corners]


def closed(*args):
    ring = square(*args)
    return [*ring, ring[0]]


def overpass(with_nodes):
    house = {
        "type": "way",
        "id": 77,
        "tags": {"building": "yes", "height": "6"},
        "geometry": geometry(closed(0, 0)),
    }
    if with_nodes:
        house["nodes"] = [1, 2, 3, 4, 1]
    yard = {
        "type": "relation",
        "id": 5,
        "tags": {"type": "multipolygon", "building": "yes"},
        "members": [
            # The outer ring in two pieces that meet by their places alone.
            {"type": "way", "ref": 8, "role": "outer", "geometry": geometry(square(50, 0, 30)[:3])},
            {
                "type": "way",
                "ref": 9,
                "role": "outer",
                "geometry": geometry([*square(50, 0, 30)[2:], (50, 0)]),
            },
            {"type": "way", "ref": 10, "role": "inner", "geometry": geometry(closed(60, 10))},
        ],
    }
    tree = {"type": "node", "id": 6, "tags": {"natural": "tree"}}
    tree |= dict(zip(("lon", "lat"), lon_lat(20, 20), strict=True))
    return {"version": 0.6, "generator": "Overpass API", "elements": [house, yard, tree]}


@pytest.mark.parametrize("with_nodes", [False, True])
def test_overpass_json(with_nodes, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(overpass(with_nodes)))
    found = {e.name: e for e in read_source(tmp_path / "a.json").elements}
    assert set(found) == {"way_77", "relation_5", "node_6"}
    assert len(found["relation_5"].geometry.interiors) == 1
    outline = shapely.get_coordinates(found["way_77"].geometry)
    assert np.allclose(outline, [lon_lat(*c) for c in closed(0, 0)], rtol=0, atol=1e-9)


def test_overpass_says_that_it_gave_up(tmp_path):
    data = {"elements": [], "remark": "runtime error: Query timed out"}
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(GeometryError) as caught:
        read_source(tmp_path / "a.json")
    assert_one_line(caught, "Query timed out")


def test_broken_overpass_elements_are_counted(tmp_path):
    data = overpass(True)
    data["elements"] += [None, {"type": "way"}, {"type": "node", "id": 1, "lat": "x", "lon": 1}]
    data["elements"].append({"type": "way", "id": 3, "tags": {"building": "yes"}, "center": {}})
    (tmp_path / "a.json").write_text(json.dumps(data))
    notes = read_source(tmp_path / "a.json").notes
    assert notes["elements that are broken left out"] == 3
    assert notes["ways without nodes left out (ask Overpass for `out geom`)"] == 1


def test_out_geom_in_xml(tmp_path):
    def nd(corners):
        places = [lon_lat(*c) for c in corners]
        return "".join(f'<nd lat="{lat:.9f}" lon="{lon:.9f}"/>' for lon, lat in places)

    ring = "".join(
        f'<nd ref="{i % 4 + 1}" lat="{lat:.9f}" lon="{lon:.9f}"/>'
        for i, (lon, lat) in enumerate(lon_lat(*c) for c in closed(0, 0))
    )
    text = (
        '<?xml version="1.0"?><osm version="0.6">'
        f'<way id="77"><bounds minlat="1" minlon="2" maxlat="3" maxlon="4"/>{ring}'
        '<tag k="building" v="yes"/></way>'
        f'<relation id="5"><member type="way" ref="8" role="outer">{nd(closed(50, 0, 30))}</member>'
        f'<member type="way" ref="9" role="inner">{nd(closed(60, 10))}</member>'
        '<tag k="type" v="multipolygon"/><tag k="building" v="yes"/></relation></osm>'
    )
    (tmp_path / "a.osm").write_text(text)
    found = read_source(tmp_path / "a.osm")
    by_name = {e.name: e.geometry for e in found.elements}
    assert set(by_name) == {"way_77", "relation_5"}
    assert len(by_name["relation_5"].interiors) == 1
    assert found.bounds is None


def test_a_missing_hole_is_noted(tmp_path):
    file = OsmFile()
    outer = file.way(square(0, 0, 30))
    house = file.relation([(outer, "outer"), (999, "inner")], type="multipolygon", building="yes")
    found = read_source(file.save(tmp_path / "a.osm"))
    assert [e.name for e in found.elements] == [f"relation_{house}"]
    assert found.notes == {"multipolygons whose holes are open or missing, those holes filled": 1}


def date_line(tmp_path):
    """Two houses 20 m apart on both sides of 180 degrees, and one that lies across."""
    nodes, ways = [], []
    for k, middle in enumerate((-179.9999, 179.9999, 180.0)):
        corners = []
        for i, (dx, dy) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
            number = 10 * k + i + 1
            lon = (middle + 5e-5 * dx + 180.0) % 360.0 - 180.0
            lat = -17.0 + 5e-5 * dy + 3e-4 * k
            nodes.append(f'<node id="{number}" lat="{lat:.7f}" lon="{lon:.7f}"/>')
            corners.append(number)
        refs = "".join(f'<nd ref="{n}"/>' for n in [*corners, corners[0]])
        ways.append(f'<way id="{k + 1}">{refs}<tag k="building" v="yes"/></way>')
    text = f'<osm version="0.6">{"".join(nodes)}{"".join(ways)}</osm>'
    (tmp_path / "fiji.osm").write_text(text)
    return tmp_path / "fiji.osm"


@pytest.mark.parametrize("bbox", [None, (-17.01, 179.99, -16.99, -179.99)])
def test_both_sides_of_180_degrees(bbox, tmp_path):
    report = build_scene([date_line(tmp_path)], tmp_path / "out", bbox=bbox)
    assert report["buildings"] == 3
    recipe = load_recipe(tmp_path / "out")
    assert abs(recipe.georeference.origin_lon_deg) > 179.99
    middles = {
        i.name: np.mean(i.footprint, axis=0) for i in recipe.object if hasattr(i, "footprint")
    }
    # 0.0002 degrees of longitude and 0.0003 of latitude at 17 degrees south.
    apart = np.linalg.norm(middles["way_1"] - middles["way_2"])
    metres = 111_320 * np.array([2e-4 * np.cos(np.radians(17)), 3e-4])
    assert apart == pytest.approx(np.linalg.norm(metres), rel=1e-2)
    across = next(i for i in recipe.object if i.name == "way_3")
    assert np.ptp(np.array(across.footprint), axis=0).max() < 15
