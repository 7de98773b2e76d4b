"""The town of the study: streets are free of houses, stations stand in them."""

import numpy as np
import pytest

from rtwin.caching.study.town import (
    HALF_M,
    STATIONS,
    free_space_gain,
    street_walk,
    streets,
    town_recipe,
)
from rtwin.caching.study.walking import DEMAND, TOWN_LOAD
from rtwin.scene import Walk


class Masts:
    """What free space needs of a radio map."""

    def __init__(self, position_m):
        self.tx_position_m = np.array(position_m, float)
        self.attributes = {"frequency_hz": 3.5e9}


def inside_of_a_house(recipe, place):
    for item in recipe.object:
        if item.shape == "box":
            (x, y, _), (width, depth, _) = item.center_m, item.size_m
            if abs(place[0] - x) < width / 2 and abs(place[1] - y) < depth / 2:
                return True
    return False


def test_streets_and_stations_are_outdoors():
    recipe = town_recipe()
    assert len(recipe.transmitter) == len(STATIONS) == len(TOWN_LOAD) == 5
    for mast in recipe.transmitter:
        assert not inside_of_a_house(recipe, mast.position_m)
    for line in streets():
        for share in np.linspace(0, 1, 50):
            assert not inside_of_a_house(recipe, line[0] + share * (line[1] - line[0]))


def test_users_stay_on_streets():
    tracks = street_walk(Walk(5, 200.0, 2.0, (0.6, 1.8), 0.0, 1))
    place = tracks.position_m[..., :2]
    assert np.abs(place).max() <= HALF_M + 1e-6
    pitch = 2 * HALF_M / 4
    off = np.abs((place + HALF_M + pitch / 2) % pitch - pitch / 2)
    assert off.min(axis=-1).max() < 1e-6, "on one of the lines at least"
    steps = np.linalg.norm(np.diff(place, axis=0), axis=-1)
    assert steps.max() <= 1.8 * 2.0 + 1e-6


def test_free_space_is_friis():
    class Tracks:
        position_m = np.array([[[100.0, 0.0, 1.5]]])

    gain = free_space_gain(Masts([[0.0, 0.0, 1.5]]), Tracks())
    assert -10 * np.log10(gain[0, 0, 0]) == pytest.approx(83.329, abs=1e-3)


def test_demand_has_bursts():
    assert DEMAND.bursts.every > 0
