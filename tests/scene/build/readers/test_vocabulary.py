"""Words of other footprint files."""

from collections import Counter

import pytest

from rtwin.scene import load_recipe
from rtwin.scene.build import build_scene
from rtwin.scene.build.readers.read import read_source
from rtwin.scene.build.readers.vocabulary import osm_tags

from ..maps import feature, save_geojson, square


@pytest.mark.parametrize(
    ("properties", "tags"),
    [
        ({"num_floors": 4}, {"building:levels": "4"}),
        ({"measuredHeight": 8.5}, {"height": "8.5"}),
        ({"HEIGHT": 7}, {"height": "7"}),
        ({"HAUTEUR": 7}, {"height": "7"}),
        ({"roofShape": "gabled", "minHeight": 2}, {"roof:shape": "gabled", "min_height": "2"}),
        ({"b3_h_dak_70p": 12.0, "b3_h_maaiveld": -1.5}, {"height": "13.50"}),
        ({"is_underground": True}, {"location": "underground"}),
        ({"type": "building", "subtype": "residential", "class": "house"}, {"building": "house"}),
        ({"type": "building_part"}, {"building:part": "yes"}),
        ({"type": "segment", "class": "footway"}, {"highway": "footway"}),
        ({"names": {"primary": "Town Hall"}}, {"name": "Town Hall"}),
    ],
)
def test_words(properties, tags):
    notes: Counter[str] = Counter()
    assert osm_tags(properties, notes).items() >= tags.items()
    assert not notes


def test_values_of_more_than_255_letters_go():
    tags = osm_tags({"long": "x" * 255, "longer": "x" * 256, "none": None, "many": [1]}, Counter())
    assert tags == {"long": "x" * 255}


@pytest.mark.parametrize("name", ["heightroof", "FLOORS_ABOVE", "relativeEavesHeight"])
def test_heights_that_are_not_read_are_said(name):
    notes: Counter[str] = Counter()
    osm_tags({name: 3}, notes)
    assert list(notes) == [f"properties '{name}' not read; rename to 'height' in metres"]


def test_overture(tmp_path):
    """A building and a part as Overture Maps gives them."""
    save_geojson(
        tmp_path / "a.geojson",
        feature(
            square(0, 0),
            id="08b2a100d2ca5fff0200",
            type="building",
            theme="buildings",
            height=21.5,
            num_floors=6,
            facade_material="brick",
            roof_shape="flat",
            is_underground=False,
        )
        | {"id": "08b2a100d2ca5fff0200"},
        feature(square(40, 0), type="building", num_floors=3, facade_material="glass"),
        feature(square(80, 0), type="building", is_underground=True),
    )
    report = build_scene([tmp_path / "a.geojson"], tmp_path / "out")
    assert report["buildings"] == 2
    assert report["notes"]["buildings below the ground left out"] == 1
    houses = [i for i in load_recipe(tmp_path / "out").object if i.shape == "extrude"]
    assert [(i.material, i.height_m) for i in houses] == [("brick", 22.0), ("glass", 9.5)]


def test_what_is_no_building_is_counted_by_tag(tmp_path):
    save_geojson(
        tmp_path / "a.geojson", feature(square(0, 0)), feature(square(9, 0), amenity="bar")
    )
    assert read_source(tmp_path / "a.geojson").unused == {"amenity=bar": 1}
