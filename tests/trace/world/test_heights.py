"""Heights seen from above, over boxes and a wood of known size."""

import numpy as np
import pytest

from rtwin.trace import height_map, load_world
from rtwin.trace.world import heights

GROUND = {
    "name": "ground",
    "material": "concrete",
    "shape": "plane",
    "center_m": [0, 0, 0],
    "size_m": [100, 60],
}
BOX = {
    "name": "house",
    "material": "brick",
    "shape": "box",
    "center_m": [10, 0, 4],
    "size_m": [20, 10, 8],
}
WOOD = {
    "name": "wood",
    "material": "vegetation",
    "shape": "extrude",
    "base_m": 0.0,
    "height_m": 12.0,
    "footprint": [[-40, -20], [-20, -20], [-20, 20], [-40, 20]],
}


@pytest.fixture
def world(two_boxes):
    mast = {"name": "mast", "position_m": [40, 20, 10]}
    return load_world(two_boxes(object=[GROUND, BOX, WOOD], transmitter=[mast]))


def test_house_and_wood_rise_where_they_stand(world):
    found = height_map(world, 1.0)
    places = np.array([[10, 0], [10, 8], [-30, 0], [-30, 25]], np.float64)
    row, column = found.pixels(places)
    assert found.solid_m[row, column] == pytest.approx([8, 0, 0, 0], abs=1e-3)
    assert found.woods_m[row, column] == pytest.approx([0, 0, 12, 0], abs=1e-3)
    assert np.abs(found.ground_m).max() < 1e-3
    area = found.step_m**2
    assert np.sum(found.solid_m > 1) * area == pytest.approx(200, rel=0.2)
    assert np.sum(found.woods_m > 1) * area == pytest.approx(800, rel=0.1)


def test_places_outside_have_the_edge(world):
    found = height_map(world, 2.0)
    row, column = found.pixels(np.array([[1e4, -1e4]]))
    assert (row[0], column[0]) == (0, found.ground_m.shape[1] - 1)


def test_a_large_scene_has_a_wider_grid(world, monkeypatch):
    monkeypatch.setattr(heights, "MAX_PIXELS", 500)
    found = height_map(world, 0.5)
    assert found.step_m > 2.0
    assert found.ground_m.size < 700
