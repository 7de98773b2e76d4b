"""City models as people publish them: without a place, in sequences, with templates."""

import json

import numpy as np
import pytest

from rtwin.errors import GeometryError
from rtwin.scene import load_recipe
from rtwin.scene.build import build_scene
from rtwin.scene.build.readers.read import read_source

from ...helpers import SHELL, assert_one_line

CORNERS = [[x, y, z] for z in (0, 4) for x, y in ((0, 0), (10, 0), (10, 6), (0, 6))]
SOLID = {"type": "Solid", "lod": "1.2", "boundaries": [SHELL]}


def building(*geometry, **more):
    return {"type": "Building", "geometry": list(geometry), **more}


def city(objects, vertices=CORNERS, **more):
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
        "vertices": vertices,
        "CityObjects": objects,
        **more,
    }


def save(data, tmp_path, name="a.city.json"):
    (tmp_path / name).write_text(json.dumps(data))
    return tmp_path / name


@pytest.mark.parametrize("away", [0.0, 80_000.0])
def test_without_a_reference_system(away, tmp_path):
    """The standard allows it: metres without a place on Earth."""
    data = city({"a": building(SOLID)})
    data["transform"]["translate"] = [away, 0, 30]
    report = build_scene([save(data, tmp_path)], tmp_path / "out")
    assert report["buildings"] == 1
    recipe = load_recipe(tmp_path / "out")
    assert recipe.georeference is None
    house = next(item for item in recipe.object if item.name == "a")
    assert house.base_m + house.height_m == pytest.approx(34)
    assert np.ptp(np.array(house.footprint), axis=0) == pytest.approx([10, 6])
    assert np.abs(house.footprint).max() < 5_000


def test_without_a_reference_system_on_a_slope(tmp_path):
    """Its buildings' feet are its ground, as in a city model with a place."""
    vertices = [*CORNERS, *([x + 60, y, z + 6] for x, y, z in CORNERS)]
    other = [[[v + 8 for v in ring] for ring in s] for s in SHELL]
    objects = {"a": building(SOLID), "b": building(SOLID | {"boundaries": [other]})}
    report = build_scene([save(city(objects, vertices), tmp_path)], tmp_path / "out")
    assert "city model without terrain: ground laid through its buildings' feet" in report["notes"]


def test_units_and_scale(tmp_path):
    path = save(city({"a": building(SOLID)}), tmp_path)
    build_scene([path], tmp_path / "out", units="ft", scale=10)
    house = next(i for i in load_recipe(tmp_path / "out").object if i.name == "a")
    assert np.ptp(np.array(house.footprint), axis=0) == pytest.approx([30.48, 18.288])


ROOF = [[[4, 5, 8]], [[5, 6, 8]], [[6, 7, 8]], [[7, 4, 8]]]
PEAKED = [*CORNERS, [5, 3, 7]]
SURFACES = {
    "type": "MultiSurface",
    "lod": "2.2",
    "boundaries": [s for s in SHELL if s != [[4, 5, 6, 7]]] + ROOF,
}


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_detailed_geometry_wins(order, tmp_path):
    """LoD 2.2 as surfaces beats LoD 1.2 as a solid."""
    data = city({"a": building(*[SOLID, SURFACES][::order])}, PEAKED)
    found = read_source(save(data, tmp_path))
    assert not found.elements
    assert found.solids[0].vertices[:, 2].max() == 7


def test_of_equal_detail_the_solid_wins(tmp_path):
    flat = {"type": "MultiSurface", "lod": "1.2", "boundaries": SHELL[:2]}
    found = read_source(save(city({"a": building(flat, SOLID)}), tmp_path))
    assert found.elements[0].top_m == 4


def test_outlines_alone_take_their_height_from_attributes(tmp_path):
    outline = {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]}
    data = city({"a": building(outline, attributes={"measuredHeight": 8.5})})
    build_scene([save(data, tmp_path)], tmp_path / "out")
    house = next(i for i in load_recipe(tmp_path / "out").object if i.name == "a")
    assert house.height_m == pytest.approx(8.5 + 0.5)


def instance(anchor, matrix):
    return {
        "type": "GeometryInstance",
        "template": 0,
        "boundaries": [anchor],
        "transformationMatrix": matrix,
    }


def test_geometry_templates(tmp_path):
    """One shed drawn once and placed twice, the second turned by 90 degrees and doubled."""
    same = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    turned = [0, -2, 0, 1, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]
    data = city(
        {"a": building(instance(0, same)), "b": building(instance(1, turned))},
        vertices=[[100, 0, 5], [200, 0, 5]],
    )
    data["geometry-templates"] = {"templates": [SOLID], "vertices-templates": CORNERS}
    found = {e.name: e for e in read_source(save(data, tmp_path)).elements}
    assert found["a"].geometry.bounds == (100, 0, 110, 6)
    assert (found["a"].base_m, found["a"].top_m) == (5, 9)
    assert found["b"].geometry.bounds == (189, 0, 201, 20)
    assert (found["b"].base_m, found["b"].top_m) == (5, 13)


@pytest.mark.parametrize(
    "change", [{"template": 7}, {"boundaries": []}, {"transformationMatrix": 1}]
)
def test_broken_instances_are_counted(change, tmp_path):
    data = city({"a": building(instance(0, [1.0] * 16) | change), "b": building(SOLID)})
    data["geometry-templates"] = {"templates": [SOLID], "vertices-templates": CORNERS}
    found = read_source(save(data, tmp_path))
    assert [e.name for e in found.elements] == ["b"]
    assert found.notes == {"objects with broken geometry left out": 1}


def sequence(tmp_path, *lines):
    path = tmp_path / "a.city.jsonl"
    path.write_text(
        "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    )
    return path


def feature(key, shift=0):
    vertices = [[10 * (x + shift), 10 * y, 10 * z] for x, y, z in CORNERS]
    return {
        "type": "CityJSONFeature",
        "id": key,
        "CityObjects": {key: building(SOLID)},
        "vertices": vertices,
    }


HEADER = city({}, vertices=[]) | {
    "transform": {"scale": [0.1] * 3, "translate": [120_000, 480_000, 0]},
    "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/28992"},
}


def test_sequences(tmp_path):
    found = read_source(sequence(tmp_path, HEADER, feature("a"), "", feature("b", 50), {"type": 1}))
    assert found.epsg == 28992
    assert [e.geometry.bounds[0] for e in found.elements] == [120_000, 120_050]
    assert found.notes == {"lines of type 1 left out": 1}


@pytest.mark.parametrize(
    ("lines", "part"),
    [
        ([feature("a")], "begins with its header"),
        ([HEADER, "{"], ":2: not valid JSON"),
        ([HEADER], "has no CityObjects"),
    ],
)
def test_broken_sequences(lines, part, tmp_path):
    with pytest.raises(GeometryError) as caught:
        read_source(sequence(tmp_path, *lines))
    assert_one_line(caught, part)


def test_a_system_of_place_and_height(tmp_path):
    name = (
        "http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/25832"
        "&2=http://www.opengis.net/def/crs/EPSG/0/7837"
    )
    data = city({"a": building(SOLID)}, metadata={"referenceSystem": name})
    assert read_source(save(data, tmp_path)).epsg == 25832


def test_a_system_without_a_code_may_be_told(tmp_path):
    data = city({"a": building(SOLID)}, metadata={"referenceSystem": "my village"})
    path = save(data, tmp_path)
    with pytest.raises(GeometryError) as caught:
        read_source(path)
    assert_one_line(caught, "--source-epsg")
    assert read_source(path, epsg=28992).epsg == 28992


LOOKALIKE = ["a b", "a_b", "é1", "è1", "w/1", "w 1", "x" * 60 + "1", "x" * 60 + "2"]


def test_ids_that_look_alike_stay_apart(tmp_path):
    objects, vertices = {}, []
    for k, key in enumerate(LOOKALIKE):
        shell = [[[v + 8 * k for v in ring] for ring in s] for s in SHELL]
        objects[key] = building(SOLID | {"boundaries": [shell]})
        vertices += [[x + 30 * k, y, z] for x, y, z in CORNERS]
    report = build_scene([save(city(objects, vertices), tmp_path)], tmp_path / "out")
    assert report["buildings"] == len(LOOKALIKE)


def test_the_same_ids_of_two_files_are_one(tmp_path):
    one = save(city({"a b": building(SOLID)}), tmp_path, "one.json")
    two = save(city({"a b": building(SOLID)}), tmp_path, "two.json")
    report = build_scene([one, two], tmp_path / "out")
    assert report["buildings"] == 1
    assert report["notes"]["elements that several sources hold, merged by id"] == 1


DEGREES = [[4.9 + 1e-4 * x, 52.37 + 1e-4 * y, z] for x, y, z in CORNERS]


@pytest.mark.parametrize(
    ("vertices", "epsg", "told", "place"),
    [
        (DEGREES, 4979, False, (52.3703, 4.9005)),
        # Ambiguous: 52 degrees east, 5 degrees north is a place as well; it must be told.
        ([[y, x, z] for x, y, z in DEGREES], 4979, True, (52.3703, 4.9005)),
        # No latitude is 178: seen without being told.
        ([[-17.8 - 1e-4 * x, 178.4, z] for x, _, z in CORNERS[:1]], 4979, False, None),
        # RD New reaches 280 km east and 620 km north.
        ([[480_000 + y, 120_000 + x, z] for x, y, z in CORNERS], 28992, False, (52.3, 4.87)),
    ],
)
def test_latitude_first(vertices, epsg, told, place, tmp_path):
    if place is None:
        vertices = [[-17.8 + 1e-4 * y, 178.4 + 1e-4 * x, z] for x, y, z in CORNERS]
        place = (-17.7997, 178.4005)
    data = city({"a": building(SOLID)}, vertices)
    data["metadata"] = {"referenceSystem": f"https://www.opengis.net/def/crs/EPSG/0/{epsg}"}
    report = build_scene([save(data, tmp_path)], tmp_path / "out", latitude_first=told)
    origin = load_recipe(tmp_path / "out").georeference
    assert (origin.origin_lat_deg, origin.origin_lon_deg) == pytest.approx(place, abs=0.02)
    turned = report["notes"].get("sources with latitude (or northing) first, turned round", 0)
    assert turned == (0 if vertices is DEGREES else 1)


def test_coordinates_of_another_system(tmp_path):
    data = city({"a": building(SOLID)}, [[5e6 + x, 9e6 + y, z] for x, y, z in CORNERS])
    data["metadata"] = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/28992"}
    with pytest.raises(GeometryError) as caught:
        build_scene([save(data, tmp_path)], tmp_path / "out")
    assert_one_line(caught, "outside of the area of EPSG:28992")
