"""What tags mean."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.scene import ITU_TABLE
from rtwin.scene.build.tags import (
    CLASS_MATERIALS,
    MATERIALS,
    HeightRule,
    heights,
    is_area,
    is_underground,
    kind_of,
    roof_material,
    vegetation_m,
    wall_material,
)

RULE = HeightRule()


@pytest.mark.parametrize(
    ("tags", "base", "top", "default"),
    [
        ({"height": "12"}, 0, 12, False),
        ({"building:height": "11"}, 0, 11, False),
        ({"building:levels": "4"}, 0, 12, False),
        ({"building:levels": "4", "roof:levels": "1"}, 0, 15, False),
        ({"building:levels": "2", "roof:height": "2.5"}, 0, 8.5, False),
        ({"building:levels": "2", "height": "7"}, 0, 7, False),
        ({"height": "20", "min_height": "6"}, 6, 20, False),
        ({"building:levels": "5", "building:min_level": "2"}, 6, 15, False),
        ({"height": "5", "min_height": "6"}, 0, 5, False),
        ({"height": "-1.0", "building:levels": "0"}, 0, 9, True),
        ({"height": "99999"}, 0, 9, True),
        ({"building": "yes"}, 0, 9, True),
        ({"building": "garage"}, 0, 3, True),
        ({"building": "roof", "height": "5"}, 4.5, 5, False),
        ({"building": "roof"}, 2.5, 3, True),
    ],
)
def test_heights(tags, base, top, default):
    found = heights(tags, RULE)
    assert (found.base_m, found.top_m, found.is_default) == (
        pytest.approx(base),
        pytest.approx(top),
        default,
    )


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "height",
                "building:levels",
                "min_height",
                "roof:height",
                "roof:levels",
                "building:min_level",
            ]
        ),
        st.one_of(st.floats(-10, 2000).map(str), st.text(max_size=8)),
    )
)
def test_heights_are_always_usable(tags):
    found = heights(tags, RULE)
    assert 0 <= found.base_m < found.top_m <= 2000
    assert found.roof_m is None or 0 < found.roof_m <= found.top_m - found.base_m


@pytest.mark.parametrize(
    ("tags", "kind"),
    [
        ({"building": "yes"}, "building"),
        ({"building": "no"}, "other"),
        ({"building": "no", "building:part": "yes"}, "part"),
        ({"natural": "wood"}, "vegetation"),
        ({"landuse": "forest"}, "vegetation"),
        ({"natural": "tree_row"}, "vegetation"),
        ({"natural": "water"}, "water"),
        ({"highway": "footway"}, "way"),
        ({"highway": "footway", "bridge": "yes"}, "way"),
        ({"railway": "rail", "bridge": "viaduct"}, "bridge"),
        ({"railway": "rail"}, "other"),
        ({"man_made": "bridge"}, "bridge"),
        ({"man_made": "silo"}, "structure"),
        ({"man_made": "tower", "tower:construction": "lattice"}, "other"),
        ({"barrier": "wall", "height": "3"}, "structure"),
        ({"barrier": "wall"}, "other"),
        ({"highway": "proposed"}, "other"),
        ({"amenity": "bench"}, "other"),
        ({}, "other"),
    ],
)
def test_kinds(tags, kind):
    assert kind_of(tags) == kind


def test_areas():
    assert is_area({"building": "yes"}, closed=False)
    assert not is_area({"natural": "tree_row"}, closed=True)
    assert not is_area({"highway": "pedestrian"}, closed=True)
    assert is_area({"highway": "pedestrian", "area": "yes"}, closed=True)


def test_underground():
    assert is_underground({"building": "yes", "layer": "-1"})
    assert is_underground({"location": "underground"})
    assert not is_underground({"building": "yes", "layer": "1"})


def test_materials():
    notes: Counter[str] = Counter()
    assert wall_material({"building": "yes"}, notes) == "concrete"
    assert wall_material({"building": "house"}, notes) == "brick"
    assert wall_material({"building": "yes", "building:part": "greenhouse"}, notes) == "glass"
    tags = {"building": "house", "building:material": "Timber framing;brick"}
    assert wall_material(tags, notes) == "wood"
    assert roof_material({"building": "yes"}, notes) is None
    assert roof_material({"roof:material": "metal"}, notes) == "metal"
    assert not notes
    assert wall_material({"building": "house", "building:material": "cheese"}, notes) == "brick"
    assert list(notes) == ["unknown building:material 'cheese', class default taken"]


def test_every_rule_leads_to_a_known_material():
    assert {*MATERIALS.values(), *CLASS_MATERIALS} <= set(ITU_TABLE)


def test_vegetation():
    assert vegetation_m({"natural": "wood"}) == (0.0, 15.0, 5.0)
    assert vegetation_m({"natural": "tree", "height": "12", "diameter_crown": "7"}) == (2, 12, 7)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ({"natural": "tree"}, (2.0, 8.0, 5.0)),
        ({"natural": "tree", "height": "4"}, (1.0, 4.0, 5.0)),
        ({"natural": "tree_row", "height": "20"}, (2.0, 20.0, 5.0)),
        ({"natural": "wood", "height": "20"}, (0.0, 20.0, 5.0)),
        ({"landuse": "forest", "est_height": "9"}, (0.0, 9.0, 5.0)),
    ],
)
def test_crowns_of_trees_and_rows_stand_on_trunks(tags, wanted):
    assert vegetation_m(tags) == pytest.approx(wanted)
