"""A scene's triangles without the ray tracer."""

import sys

import numpy as np
import pytest

from rtwin.scene import load_recipe, recipe_from_dict
from rtwin.scene.surfaces import surfaces

from ..tables import box, plane_scene


def test_of_a_recipe():
    recipe = recipe_from_dict(plane_scene(box("house", [0, 0, 5], [10, 8, 10])))
    ground, house = surfaces(recipe)
    assert (ground.name, ground.is_ground) == ("ground", True)
    assert (house.name, house.is_ground) == ("house", False)
    assert np.ptp(house.vertices, axis=0).tolist() == [10, 8, 10]


@pytest.mark.parametrize("name", ["street_canyon", "munich"])
def test_of_a_shipped_scene(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "mitsuba", None)
    found = list(surfaces(load_recipe(name)))
    assert sum(surface.is_ground for surface in found) == 1
    assert len(found) > 5
    assert all(surface.faces.max() < len(surface.vertices) for surface in found)
