"""Values of another unit are said, single ones that cannot be are set aside."""

import numpy as np
import pytest

from rtwin.calibration.campaign import load_campaign
from rtwin.calibration.campaign.plausible import (
    RANGES,
    check_unit,
    floor_of,
    impossible,
    known_degrees,
)
from rtwin.calibration.campaign.reading import load_measurements
from rtwin.errors import CampaignError

CAMPAIGN = """
title = "t"
frequency_hz = 3.5e9
[measurements]
file = "points.csv"
quantity = "{quantity}"
value = "level"
x = "x"
y = "y"
[[transmitter]]
name = "mast"
x_m = 0
y_m = 0
height_m = 20
"""


def campaign(folder, levels, quantity="rss_dbm"):
    (folder / "campaign.toml").write_text(CAMPAIGN.format(quantity=quantity))
    rows = "\n".join(f"{20 + 3 * n},{7 * n % 40},{level!r}" for n, level in enumerate(levels))
    (folder / "points.csv").write_text(f"x,y,level\n{rows}\n")
    return load_campaign(folder)


def test_plain_levels_pass(tmp_path):
    assert len(load_measurements(campaign(tmp_path, [-70.0 - n for n in range(20)]))) == 20


@pytest.mark.parametrize(
    ("levels", "quantity", "words"),
    [
        ([1e-10 * n for n in range(1, 21)], "rss_dbm", "looks like watts, not dBm"),
        ([1e-5 * n for n in range(1, 21)], "rss_dbm", "looks like milliwatts or watts"),
        ([90.0 + n for n in range(20)], "rss_dbm", 'write quantity = "path_loss_db"'),
        ([-90.0 - n for n in range(20)], "path_loss_db", '"path_gain_db" or "rss_dbm"'),
        ([90.0 + n for n in range(20)], "path_gain_db", 'write quantity = "path_loss_db"'),
        ([30.0 + n for n in range(20)], "rms_delay_spread_s", "nanoseconds"),
        ([-1e308] * 20, "rss_dbm", "a mark for nothing heard"),
    ],
)
def test_units_that_are_wrong_everywhere(tmp_path, levels, quantity, words):
    with pytest.raises(CampaignError, match="in the middle") as caught:
        load_measurements(campaign(tmp_path, levels, quantity))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_that_cannot_be_are_counted(tmp_path):
    levels = [-70.0 - n for n in range(20)] + [-1e308, 1e300, 500.0]
    data = load_measurements(campaign(tmp_path, levels))
    assert len(data) == 20
    assert data.set_aside["that cannot be a rss_dbm"] == 3


def test_places_that_cannot_be_are_counted(tmp_path):
    told = campaign(tmp_path, [-70.0 - n for n in range(20)])
    with open(tmp_path / "points.csv", "a") as file:
        file.write("1e300,0,-80\n")
    assert load_measurements(told).set_aside["farther than 100 km from the origin"] == 1


def test_a_table_alone_has_no_quantity_to_write(tmp_path):
    with pytest.raises(CampaignError, match="name the column path_loss_db, or turn its sign"):
        check_unit(np.full(9, 90.0), "path_gain_db", tmp_path, by_column=True)


def test_a_noise_floor_is_no_unit(tmp_path):
    """Half of a drive test may hear nothing and say so by -200."""
    check_unit(np.array([-200.0] * 30 + [-80.0] * 5), "rss_dbm", tmp_path, -200.0)
    check_unit(np.array([]), "rss_dbm", tmp_path)
    check_unit(np.full((3, 4), np.nan), "power_delay_profile", tmp_path)


@pytest.mark.parametrize("quantity", [*RANGES, "power_delay_profile"])
def test_no_number_is_not_impossible(quantity):
    values = np.full((3, 2) if quantity == "power_delay_profile" else 3, np.nan)
    assert not impossible(values, quantity).any()


def test_degrees_are_those_of_a_place(tmp_path):
    found = known_degrees(np.array([36.0, 95, 36, 36]), np.array([-79.0, -79, 200, -79]), "c")
    assert np.isnan(found).tolist() == [[False, True, True, False]] * 2
    with pytest.raises(CampaignError, match="row 1; they must be within 90 and 180 degrees"):
        known_degrees(np.array([3.6e8, 3.6e8, 36.0]), np.array([1e9, 1e9, -79.0]), "c")
    assert known_degrees(np.zeros(0), np.zeros(0), "c")[0].shape == (0,)


def test_a_floor_that_nobody_named():
    rng = np.random.default_rng(1)
    level = rng.normal(-90.0, 10.0, 500)
    assert floor_of(level) is None
    assert floor_of(np.round(level)) is None  # phones say whole decibels
    assert floor_of(np.maximum(level, -100.0)) == -100.0
    assert floor_of(np.maximum(np.round(level), -100.0)) == -100.0
    assert floor_of(np.full(100, -80.0)) is None
    assert floor_of(np.zeros(0)) is None


@pytest.mark.parametrize(
    ("quantity", "low", "high"),
    [
        ("rss_dbm", -250, 60),
        ("path_loss_db", 0, 300),
        ("path_gain_db", -300, 20),
        ("rms_delay_spread_s", 0, 1e-3),
        ("power_delay_profile", -1e30, 1e30),
    ],
)
def test_what_a_quantity_can_be(quantity, low, high):
    assert set(RANGES) < {"rss_dbm", "path_loss_db", "path_gain_db", "rms_delay_spread_s", ""}
    step = 1e-6 * (high - low)
    values = np.array([low, high, low - step, high + step])
    assert impossible(values, quantity).tolist() == [False, False, True, True]
