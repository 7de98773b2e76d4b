"""Losses, lengths and horizons along links over obstacles whose answer is known."""

import numpy as np
import pytest

from rtwin.calibration import load_measurements
from rtwin.calibration.physics.model import link_profiles
from rtwin.calibration.physics.model.link_profiles import PROFILE_FEATURES, profile_features
from rtwin.channel import knife_edge_loss_db, knife_edge_nu
from rtwin.trace import HeightMap

HERTZ = 3.5e9


def plain(*walls, wood=False):
    """Flat ground with walls of (x, height), each one sample of a link thick."""
    solid, woods = np.zeros((41, 401)), np.zeros((41, 401))
    for x, height in walls:
        (woods if wood else solid)[:, int(x)] = height
    return HeightMap(np.array([0.5, -20.0]), 1.0, np.zeros((41, 401)), solid, woods)


def along(heights, start, end):
    place = np.array([start], np.float64), np.array([end], np.float64)
    return link_profiles._along(heights, *place, np.array([HERTZ]))[0]


@pytest.fixture(autouse=True)
def fine(monkeypatch):
    monkeypatch.setattr(link_profiles, "_STEP_M", 1.0)


def test_nothing_in_the_way():
    found = along(plain(), (0, 0, 20), (300, 0, 1.5))
    assert np.all(found[:6] == 0)


def test_one_wall_is_a_knife_edge():
    found = along(plain((150.5, 20.0)), (0, 0, 10), (300, 0, 10))
    nu = knife_edge_nu(10.0, 150.5, 149.5, HERTZ)
    assert found[0] == pytest.approx(knife_edge_loss_db(nu), abs=1e-6)
    assert found[1] == pytest.approx(found[0])  # no trees: the same with them
    assert found[6] == pytest.approx(np.degrees(np.arctan2(10, 149.5)) / 10, abs=0.02)


def test_two_walls_add_the_second_over_the_line_to_the_first():
    found = along(plain((100.5, 25.0), (200.5, 22.0)), (0, 0, 10), (300, 0, 10))
    main = knife_edge_nu(15.0, 100.5, 199.5, HERTZ)
    over = 22.0 - (25.0 - 15.0 * 100 / 199.5)  # the line from the first top to the receiver
    second = knife_edge_nu(over, 100.0, 99.5, HERTZ)
    wanted = knife_edge_loss_db(main) + knife_edge_loss_db(second)
    assert knife_edge_loss_db(second) > 10
    assert found[0] == pytest.approx(wanted, abs=0.01)


def test_a_wood_is_no_roof():
    found = along(plain((280, 20.0), wood=True), (0, 0, 10), (300, 0, 1.5))
    assert found[0] == 0
    assert found[1] > 5
    assert found[2] == 0  # roofs in 60 m
    assert found[4] == found[5] == pytest.approx(0.1, abs=0.02)  # one metre of it
    far = along(plain((200, 20.0), wood=True), (0, 0, 10), (300, 0, 1.5))
    assert far[4] == 0
    assert far[5] > 0


def test_share_of_the_ground_within_a_radius():
    inside = np.zeros((101, 101), bool)
    inside[:, :50] = True
    share = link_profiles._mean_around(inside, 10.0)
    assert share[50, 10] == pytest.approx(1.0)
    assert share[50, 49] == pytest.approx(0.5, abs=0.06)
    assert share[50, 90] == pytest.approx(0.0, abs=1e-9)


def test_no_rows_and_numbers_that_are_finite(two_boxes, plain_campaign):
    from rtwin.trace import load_world

    world = load_world(two_boxes())
    data = load_measurements(plain_campaign)
    found = profile_features(world, data)
    assert found.shape == (len(data), len(PROFILE_FEATURES))
    assert np.isfinite(found).all()
    assert profile_features(world, data.take(np.zeros(0, int))).shape == (0, len(PROFILE_FEATURES))
