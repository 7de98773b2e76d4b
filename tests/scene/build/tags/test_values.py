"""Numbers, lengths, storeys and directions as people write them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.scene.build.tags import HeightRule, compass_deg, heights, length_m, storeys
from rtwin.scene.build.tags.kinds import main_tag

RULE = HeightRule()


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("12", 12),
        ("12.5 m", 12.5),
        ("12,5", 12.5),
        ("40 ft", 12.192),
        ("5'6\"", 1.6764),
        ("5'-6\"", 1.6764),
        ("7 metres", 7),
        ("1200 cm", 12),
        ("~8", 8),
        ("ca. 8 m", 8),
        (">12", 12),
        ("12+", 12),
        ("12;15", 15),
        ("12-15", 15),
        ("12 m - 15 m", 15),
        ("12 to 15", 15),
        ("12;high", None),
        ("", None),
        (";", None),
        ("1e400", None),
        ("high", None),
        (None, None),
    ],
)
def test_length(text, metres):
    assert length_m(text) == (pytest.approx(metres) if metres is not None else None)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("4", 4),
        ("5;6", 6),
        ("5-6", 6),
        ("12 floors", 12),
        ("3 storeys", 3),
        ("1 story", 1),
        ("~12", 12),
        ("G+3", 4),
        ("2.5", 2.5),
        ("-1", -1),
        ("II", None),
        ("many", None),
    ],
)
def test_storeys(text, count):
    assert storeys(text) == count


@given(st.text(max_size=60))
def test_any_text_is_a_value_or_none(text):
    for read in (length_m, storeys, compass_deg):
        value = read(text)
        assert value is None or value == value


@pytest.mark.parametrize(
    ("text", "degrees"),
    [("E", 90), ("nnw", 337.5), ("South", 180), ("270", 270), ("45°", 45), ("up", None)],
)
def test_directions(text, degrees):
    assert compass_deg(text) == degrees


@pytest.mark.parametrize(
    ("tags", "top", "note"),
    [
        ({"building:levels": "5;6"}, 18, "building:levels '5;6' read as 6"),
        ({"building:levels": "5-6"}, 18, "building:levels '5-6' read as 6"),
        ({"building:levels": "12 floors"}, 36, None),
        ({"height": "12;15"}, 15, "height '12;15' read as 15"),
        ({"height": "~12"}, 12, "height '~12' read as 12"),
        ({"height": "3 storeys"}, 9, None),
        ({"height": "tall"}, 9, "height 'tall' cannot be used, taken as not given"),
        (
            {"height": "0", "building:levels": "2"},
            6,
            "height '0' cannot be used, taken as not given",
        ),
        (
            {"building:levels": "two"},
            9,
            "building:levels 'two' cannot be used, taken as not given",
        ),
        ({"building:levels": "0", "roof:levels": "1"}, 3, None),
        ({"building:levels": "2", "roof:height": "0"}, 6, None),
    ],
)
def test_what_cannot_be_used_is_named(tags, top, note):
    notes: Counter[str] = Counter()
    assert heights(tags, RULE, notes).top_m == pytest.approx(top)
    assert list(notes) == ([note] if note else [])


@pytest.mark.parametrize(
    ("tags", "base", "top"),
    [
        ({}, 5.5, 8.5),
        ({"layer": "2"}, 11, 14),
        ({"layer": "1", "height": "9"}, 5.5, 9),
        ({"layer": "1", "height": "4"}, 3, 4),
        ({"min_height": "7", "height": "10"}, 7, 10),
        ({"building:min_level": "3", "building:levels": "4"}, 9, 12),
    ],
)
def test_bridges_stand_where_layer_and_height_say(tags, base, top):
    found = heights({"building": "bridge"} | tags, RULE)
    assert (found.base_m, found.top_m) == (pytest.approx(base), pytest.approx(top))


def test_main_tag():
    assert main_tag({"name": "x", "power": "tower", "source": "y"}) == "power=tower"
    assert main_tag({"name": "x", "seamark": "buoy"}) == "seamark=buoy"
    assert main_tag({"name": "x", "source": "y"}) == ""


@pytest.mark.parametrize(
    ("names", "metres"),
    [
        (("", "m", "mt", "mts", "metre", "metres", "meter", "meters"), 1.0),
        (("mm",), 0.001),
        (("cm",), 0.01),
        (("km",), 1000.0),
        (("'", "ft", "feet", "foot"), 0.3048),
        (('"', "in", "inch", "inches"), 0.0254),
    ],
)
def test_units_of_length(names, metres):
    for name in names:
        assert length_m(f"2{name}") == length_m(f"2 {name}") == pytest.approx(2 * metres), name


def test_a_circle_is_named_every_22_5_degrees():
    names = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W"]
    found = [compass_deg(name) for name in (*names, "WNW", "NW", "NNW")]
    assert found == [22.5 * i for i in range(16)]
    assert [compass_deg(name) for name in ("north", "east", "south", "west")] == [0, 90, 180, 270]
