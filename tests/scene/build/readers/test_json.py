"""GeoJSON and CityJSON files, whole and broken."""

import json

import numpy as np
import pytest

from rtwin.errors import GeometryError
from rtwin.scene import load_recipe
from rtwin.scene.build import build_scene
from rtwin.scene.build.readers.read import read_source
from rtwin.scene.lint import lint_scene

from ...helpers import SHELL, assert_one_line
from ..maps import feature, save_geojson, square

POINT = {"type": "Point", "coordinates": [1.0, 2.0]}


def read(data, tmp_path, name="a.json", **options):
    path = tmp_path / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_source(path, **options)


def test_footprints_without_tags_are_buildings(tmp_path):
    save_geojson(tmp_path / "a.geojson", feature(square(0, 0), height=7), feature(square(20, 0)))
    found = read_source(tmp_path / "a.geojson")
    assert [e.tags["building"] for e in found.elements] == ["yes", "yes"]
    assert found.elements[0].tags["height"] == "7"
    assert found.epsg == 4326


def test_polygons_of_something_else_are_not(tmp_path):
    save_geojson(tmp_path / "a.geojson", feature(square(0, 0), amenity="parking"))
    assert "building" not in read_source(tmp_path / "a.geojson").elements[0].tags


def test_dialects(tmp_path):
    """Overpass ids, nulls, nested tags, and the keys of OSM Buildings."""
    save_geojson(
        tmp_path / "a.geojson",
        feature(square(0, 0), **{"@id": "way/12", "building": "yes", "name": None}),
        feature(square(20, 0), tags={"building": "yes", "height": "4"}, type="way", id=77),
        feature(square(40, 0), levels=3, roofShape="gabled", minHeight=2),
        feature(square(60, 0), building="23098418", levels=2),
        feature(square(80, 0), shape="none"),
    )
    found = read_source(tmp_path / "a.geojson")
    assert [e.name for e in found.elements] == ["way_12", "feature_77", "feature_2", "feature_3"]
    assert found.elements[0].tags == {"@id": "way/12", "building": "yes"}
    assert found.elements[1].tags["height"] == "4"
    assert found.elements[2].tags["building:levels"] == "3"
    assert found.elements[2].tags["roof:shape"] == "gabled"
    assert found.elements[3].tags["building:part"] == "23098418"
    assert found.notes == {"features of shape 'none' (drawn as parts) left out": 1}


@pytest.mark.parametrize(
    ("name", "epsg"),
    [
        ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326),
        ("urn:ogc:def:crs:EPSG::32734", 32734),
        ("EPSG:25832", 25832),
        ("https://www.opengis.net/def/crs/EPSG/0/7415", 7415),
    ],
)
def test_named_systems(name, epsg, tmp_path):
    crs = {"type": "name", "properties": {"name": name}}
    save_geojson(tmp_path / "a.geojson", feature(square(0, 0)), crs=crs)
    assert read_source(tmp_path / "a.geojson").epsg == epsg


def test_geometry_types(tmp_path):
    ring = [[0, 0], [1e-4, 0], [1e-4, 1e-4], [0, 0]]
    shapes = [
        {"type": "MultiPolygon", "coordinates": [[ring], [[[x + 1e-3, y] for x, y in ring]]]},
        {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[2, 2], [3, 3, 9]]]},
        {
            "type": "GeometryCollection",
            "geometries": [POINT, {"type": "Polygon", "coordinates": [ring]}],
        },
    ]
    data = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": g} for g in shapes],
    }
    found = read(data, tmp_path)
    assert [e.geometry.geom_type for e in found.elements] == [
        "MultiPolygon",
        "LineString",
        "LineString",
        "Point",
        "Polygon",
    ]


def test_broken_features_are_counted(tmp_path):
    bad = [
        {"type": "Polygon", "coordinates": [[["a", 0], [1, 0], [1, 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, float("nan")], [1, 1], [0, 0]]]},
    ]
    features = [{"type": "Feature", "properties": {}, "geometry": g} for g in bad]
    data = {
        "type": "FeatureCollection",
        "features": [*features, 7, {"geometry": None}, feature(square(0, 0))],
    }
    found = read(data, tmp_path)
    assert len(found.elements) == 1
    assert found.notes == {
        "features with broken coordinates left out": 4,
        "features that are no objects left out": 1,
        "features without geometry left out": 1,
    }


FAR = {
    "type": "Feature",
    "properties": {},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[281e3, 624e4], [282e3, 624e4], [282e3, 625e4], [281e3, 624e4]]],
    },
}
BROKEN = [
    ('{"type": "FeatureCollection", "features": [', "a.json:1: not valid JSON", "cut short"),
    ("[1, 2]", "is JSON, but neither GeoJSON nor CityJSON"),
    ('{"type": "Topology"}', "is JSON of type 'Topology'"),
    ("[" * 100_000, "nested too deeply"),
    ({"type": "FeatureCollection", "features": [FAR]}, "are no longitude and latitude"),
    (
        {"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "Mars"}}},
        "names the reference system 'Mars', which is no EPSG code",
    ),
    ({"type": "CityJSON", "vertices": []}, "has no CityObjects"),
    ({"type": "CityJSON", "vertices": [[0, "x", 1]], "CityObjects": {"a": {}}}, "cannot be read"),
    ({"type": "CityJSON", "CityObjects": {"a": {}}}, "its vertices cannot be read"),
]


@pytest.mark.parametrize(("data", "parts"), [(b[0], b[1:]) for b in BROKEN])
def test_broken_files(data, parts, tmp_path):
    with pytest.raises(GeometryError) as caught:
        read(data, tmp_path)
    assert_one_line(caught, "a.json", *parts)


def test_not_utf8(tmp_path):
    (tmp_path / "a.json").write_bytes(b'{"type": "\xff\xfe"}')
    with pytest.raises(GeometryError) as caught:
        read_source(tmp_path / "a.json")
    assert_one_line(caught, "is not UTF-8")


def test_given_system_of_a_file_that_names_none(tmp_path):
    data = {"type": "FeatureCollection", "features": [FAR]}
    assert read(data, tmp_path, epsg=32734).epsg == 32734


# A box of 10 x 6 x 4 m at (100, 200, 50), quantised to centimetres.
CORNERS = [[x, y, z] for z in (0, 400) for x, y in ((0, 0), (1000, 0), (1000, 600), (0, 600))]
TIN = [[[0, 1, 2]], [[0, 2, 3]]]


def city(**changes):
    data = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/28992"},
        "transform": {"scale": [0.01] * 3, "translate": [100.0, 200.0, 50.0]},
        "vertices": CORNERS,
        "CityObjects": {
            "7": {
                "type": "Building",
                "attributes": {"roof": 3, "x": None},
                "geometry": [{"type": "Solid", "lod": "1.2", "boundaries": [SHELL]}],
            },
            "tin": {
                "type": "TINRelief",
                "geometry": [{"type": "CompositeSurface", "lod": 1, "boundaries": TIN}],
            },
            "lamp": {"type": "CityFurniture"},
        },
    }
    return data | changes


def test_city_box_becomes_a_footprint(tmp_path):
    found = read(city(), tmp_path, "a.city.json")
    assert found.epsg == 28992
    (house,) = found.elements
    assert (house.name, house.base_m, house.top_m) == ("building_7", 50.0, 54.0)
    assert house.geometry.bounds == (100.0, 200.0, 110.0, 206.0)
    assert house.tags == {"building": "yes", "roof": "3"}
    (terrain,) = found.terrain
    assert len(terrain.faces) == 2
    assert found.notes == {"objects of type CityFurniture left out": 1}


def test_city_solid_with_a_roof_stays_a_mesh(tmp_path):
    raised = [*CORNERS, [500, 300, 700]]
    roof = [[[4, 5, 8]], [[5, 6, 8]], [[6, 7, 8]], [[7, 4, 8]]]
    data = city(vertices=raised)
    shell = [s for s in SHELL if s != [[4, 5, 6, 7]]] + roof
    data["CityObjects"]["7"]["geometry"] = [{"type": "Solid", "lod": 2, "boundaries": [shell]}]
    (solid,) = read(data, tmp_path).solids
    import trimesh

    mesh = trimesh.Trimesh(solid.vertices, solid.faces)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(10 * 6 * 4 + 10 * 6 * 3 / 3)


def test_city_surfaces_may_have_holes(tmp_path):
    inner = [
        [x, y, z] for z in (0, 400) for x, y in ((200, 200), (400, 200), (400, 400), (200, 400))
    ]
    data = city(vertices=CORNERS + inner)
    shell = [[[3, 2, 1, 0], [8, 9, 10, 11]], [[4, 5, 6, 7], [15, 14, 13, 12]], *SHELL[2:]]
    shell += [[[9, 8, 12, 13]], [[10, 9, 13, 14]], [[11, 10, 14, 15]], [[8, 11, 15, 12]]]
    data["CityObjects"]["7"]["geometry"][0]["boundaries"] = [shell]
    (house,) = read(data, tmp_path).elements
    assert house.geometry.area == pytest.approx(60 - 4)


def test_city_parts_replace_their_building(tmp_path):
    data = city()
    whole = data["CityObjects"]["7"]
    data["CityObjects"]["7-1"] = {
        "type": "BuildingPart",
        "parents": ["7"],
        "geometry": whole["geometry"],
    }
    whole["children"] = ["7-1"]
    assert [e.name for e in read(data, tmp_path).elements] == ["building_7-1"]


def test_city_broken_objects_are_counted(tmp_path):
    data = city()
    data["CityObjects"]["7"]["geometry"][0]["boundaries"] = [[[[0, 1, 99]]]]
    data["CityObjects"]["8"] = {"type": "Building", "geometry": "none"}
    found = read(data, tmp_path)
    assert not found.elements
    assert found.notes["objects with broken geometry left out"] == 1
    assert found.notes["objects without surfaces left out"] == 1


def test_old_metadata_lists(tmp_path):
    data = city(metadata=[{"referenceSystem": "urn:ogc:def:crs:EPSG::32734"}])
    assert read(data, tmp_path).epsg == 32734
    assert np.isfinite(read(data, tmp_path).terrain[0].vertices).all()


def hills(tmp_path, **more):
    """Three boxes at different heights, no terrain."""
    data = city(transform={"scale": [0.01] * 3, "translate": [120e3, 480e3, 50.0]})
    vertices = []
    for k, (x, y, z) in enumerate([(0, 0, 0), (6000, 0, 400), (0, 6000, 900)]):
        vertices += [[a + x, b + y, c + z] for a, b, c in CORNERS]
        shell = [[[v + 8 * k for v in ring] for ring in surface] for surface in SHELL]
        data["CityObjects"][f"h{k}"] = {
            "type": "Building",
            "geometry": [{"type": "Solid", "lod": 1, "boundaries": [shell]}],
        }
    del data["CityObjects"]["7"], data["CityObjects"]["tin"]
    data |= {"vertices": vertices}
    data["CityObjects"] |= more
    path = tmp_path / "hills.json"
    path.write_text(json.dumps(data))
    return path


def test_city_without_terrain_stands_on_ground_through_its_feet(tmp_path):
    report = build_scene([hills(tmp_path)], tmp_path / "out")
    assert report["buildings"] == 3
    assert "city model without terrain: ground laid through its buildings' feet" in report["notes"]
    recipe = load_recipe(tmp_path / "out")
    assert recipe.georeference.epsg == 28992
    assert recipe.georeference.origin_height_m == 50.0
    assert lint_scene(recipe) == []
    tops = {i.name: i.base_m + i.height_m for i in recipe.object if i.shape == "extrude"}
    assert tops == pytest.approx({"h0": 4.0, "h1": 8.0, "h2": 13.0})


def test_city_vegetation_and_water(tmp_path):
    tree = {
        "type": "SolitaryVegetationObject",
        "geometry": [{"type": "MultiSurface", "lod": 2, "boundaries": [[[0, 1, 6]], [[1, 2, 6]]]}],
    }
    pond = {
        "type": "WaterBody",
        "geometry": [{"type": "MultiSurface", "lod": 2, "boundaries": [[[8, 9, 10, 11]]]}],
    }
    build_scene([hills(tmp_path, tree=tree, pond=pond)], tmp_path / "out")
    recipe = load_recipe(tmp_path / "out")
    by_name = {item.name: item for item in recipe.object}
    assert by_name["tree"].material == "vegetation"
    assert by_name["pond"].material == "fresh_water"
    assert set(recipe.geometry.ground) == {"ground", "pond"}


def test_systems_of_place_and_height_keep_the_place(tmp_path):
    """EPSG:7415 is Amersfoort / RD New with NAP heights; the scene takes RD New."""
    path = hills(tmp_path)
    path.write_text(path.read_text().replace("EPSG/0/28992", "EPSG/0/7415"))
    build_scene([path], tmp_path / "out")
    assert load_recipe(tmp_path / "out").georeference.epsg == 28992


def test_feet_become_metres(tmp_path):
    """EPSG:2263 counts in US survey feet, heights as well."""
    path = hills(tmp_path)
    text = path.read_text().replace("EPSG/0/28992", "EPSG/0/2263")
    path.write_text(text.replace("120000.0, 480000.0", "990000.0, 200000.0"))
    build_scene([path], tmp_path / "out")
    recipe = load_recipe(tmp_path / "out")
    assert recipe.georeference.epsg == 32618
    heights = [i.height_m for i in recipe.object if i.shape == "extrude"]
    assert heights == pytest.approx([4 * 0.3048006 + 0.5] * 3, abs=0.01)
