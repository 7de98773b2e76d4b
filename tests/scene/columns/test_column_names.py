"""Names that other programs give to columns."""

import pytest

from rtwin.scene.columns.column_names import meaning_of, recognised, same_meaning


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Latitude", "lat_deg"),
        ("lng", "lon_deg"),
        ("GPS Lat", "lat_deg"),
        ("SS-RSRP", "value"),
        ("Physical Cell ID", "tx"),
        ("x_m", "x_m"),
        ("comment", None),
    ],
)
def test_meanings(name, meaning):
    assert meaning_of(name) == meaning


def test_a_header_is_recognised_where_it_is_clear():
    known = ("x_m", "y_m", "lat_deg", "lon_deg", "z_m")
    assert recognised(["Lat", "Lng", "z"], known) == ["lat_deg", "lon_deg", "z_m"]
    assert recognised(["x_m", "X"], known) == ["x_m", "X"]
    assert recognised(["lat", "latitude"], known) == ["lat", "latitude"]
    assert recognised(["speed"], known) == ["speed"]


def test_columns_of_the_same_meaning():
    assert same_meaning("rss", ["RSRP", "cell", "RSS"]) == ["RSRP", "RSS"]
    assert same_meaning("speed", ["Speed", "cell"]) == ["Speed"]
