"""What a run takes is said before the ray tracer starts."""

import sys

import pytest

from rtwin.dataset.generation import estimate_dataset, estimate_map
from rtwin.errors import OutOfRangeError, RecipeError
from rtwin.scene import load_recipe, recipe_from_dict
from rtwin.trace.maps.sampling import CELL_S

from ...tables import plane_scene

# docs/benchmarks.md: links, seconds and MiB of 1000 receivers, or as said.
MEASURED = {
    "courtyard": (1000, 1.8, 285),
    "office": (1000, 3.3, 375),
    "san_francisco": (1000, 5.4, 442),
    "street_canyon": (1000, 1.7, 247),
    "munich": (100_000, 34.8, 356),
}


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch):
    for name in ("mitsuba", "drjit", "sionna.rt"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("scene", MEASURED)
def test_within_a_factor_of_three_of_what_was_measured(scene):
    receivers, seconds, mib = MEASURED[scene]
    # The table was made without diffraction.
    found = estimate_dataset(load_recipe(scene, num_receivers=receivers, diffraction=False))
    assert found.num_rx == receivers
    assert 1 / 3 < found.seconds / seconds < 3
    assert 1 / 3 < found.num_bytes / 2**20 / mib < 3


def test_receivers_are_counted():
    grid = {"kind": "grid", "spacing_m": 10.0, "area": [-20, -20, 20, 20]}
    recipe = recipe_from_dict(plane_scene(receivers=grid))
    assert estimate_dataset(recipe).num_rx == 25
    assert estimate_dataset(recipe, workers=4).num_bytes > estimate_dataset(recipe).num_bytes


def test_maps_and_twins():
    recipe = load_recipe("street_canyon", cell_size_m=2.0)
    found = estimate_map(recipe, "paths")
    assert (found.num_tx, found.num_rx) == (3, 70 * 40)
    assert found.seconds > 3 * 70 * 40 * CELL_S
    assert estimate_map(recipe).method in ("paths", "monte-carlo")
    twin = estimate_map(recipe, keeps_paths=True)
    assert twin.method == "paths"
    assert twin.num_bytes > found.num_bytes
    with pytest.raises(OutOfRangeError, match="method is 'rays'"):
        estimate_map(recipe, "rays")
    with pytest.raises(RecipeError, match="cells, allowed are"):
        estimate_map(load_recipe("munich", cell_size_m=0.01))
