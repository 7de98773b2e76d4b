"""Monte Carlo radio maps and exact paths are two ways to the same gain.

For each phenomenon alone: the average of the path gain over points of a cell
against the map's cell, normalised mean squared error below -20 dB.
"""

import numpy as np
import pytest

from rtwin.channel import path_gain
from rtwin.errors import RecipeError
from rtwin.trace import Tracer, load_world, map_grid, place, trace_path_gain

OFF = {
    "line_of_sight": False,
    "specular_reflection": False,
    "refraction": False,
    "diffraction": False,
    "diffuse_reflection": False,
}
# Where each phenomenon reaches every cell: in front of the boxes, behind the sheet, ...
CASES = {
    "line_of_sight": (OFF | {"line_of_sight": True, "max_depth": 0}, (-8, -4, 8, 8)),
    "reflection": (OFF | {"specular_reflection": True, "max_depth": 1}, (-8, -4, 8, 8)),
    "refraction": (OFF | {"refraction": True, "max_depth": 1}, (-14, 26, -4, 32)),
    "diffraction": (OFF | {"diffraction": True, "max_depth": 1}, (-8, -8, 8, 8)),
    "scattering": (OFF | {"diffuse_reflection": True, "max_depth": 1}, (-8, -4, 8, 8)),
}
CELL_M, POINTS = 2.0, 4


@pytest.mark.parametrize("phenomenon", CASES)
def test_map_agrees_with_paths(two_boxes, phenomenon):
    switches, area = CASES[phenomenon]
    low, high = np.array(area[:2], float), np.array(area[2:], float)
    step = CELL_M / POINTS
    x = np.arange(low[0] + step / 2, high[0], step)
    y = np.arange(low[1] + step / 2, high[1], step)
    points = np.stack([*np.meshgrid(x, y), np.full((len(y), len(x)), 1.5)], axis=-1)
    recipe = two_boxes(
        transmitter=[{"name": "tx", "position_m": [0, 0, 12]}],
        materials={"concrete": {"scattering_coefficient": 0.5}},
        receivers={
            "kind": "list",
            "positions_m": points.reshape(-1, 3).tolist(),
            "keep_invalid": True,
            "antenna": {"polarization": "VH"},
        },
        solver={**switches, "rays": 100_000, "diffuse_rays": 20_000},
        radio_map={"cell_size_m": CELL_M, "height_m": 1.5, "area": area, "rays": 4_000_000},
    )
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    gain = path_gain(traced.path_set(recipe.frequency_hz)).reshape(
        len(y) // POINTS, POINTS, len(x) // POINTS, POINTS
    )
    expected = gain.mean(axis=(1, 3))
    found, error = trace_path_gain(world, 0, map_grid(world))
    assert found.shape == expected.shape
    assert (expected > 0).all()
    nmse_db = 10 * np.log10(((found - expected) ** 2).sum() / (expected**2).sum())
    assert nmse_db < -20
    assert (error > 0).all()


def test_standard_error_tells_the_real_error(two_boxes):
    """The scatter between lattices is of the size of the true error of a map."""

    def solve(rays, seed):
        recipe = two_boxes(
            seed=seed,
            radio_map={"rays": rays, "cell_size_m": 2.0, "area": [-20, -20, 20, 20]},
            solver={"max_depth": 2},
        )
        world = load_world(recipe)
        return trace_path_gain(world, 0, map_grid(world))

    truth, _ = solve(8_000_000, 7)
    coarse, error = solve(100_000, 1)
    seen = (truth > 0) & (error > 0)
    ratio = np.abs(coarse - truth)[seen] / error[seen]
    assert seen.mean() > 0.9
    # Four lattices: Student's t with three degrees of freedom has its median at 0.76.
    assert 0.3 < np.median(ratio) < 1.5


def test_map_follows_hills():
    """On a terrace the map keeps its height above the ground."""
    from rtwin.scene import recipe_from_dict

    recipe = recipe_from_dict(
        {
            "title": "terrace",
            "frequency_hz": 3.5e9,
            "geometry": {"ground": ["low", "high"]},
            "object": [
                {
                    "name": "low",
                    "material": "concrete",
                    "shape": "plane",
                    "center_m": [-25, 0, 0],
                    "size_m": [50, 40],
                },
                {
                    "name": "high",
                    "material": "concrete",
                    "shape": "extrude",
                    "footprint": [[0, -10], [50, -10], [50, 10], [0, 10]],
                    "height_m": 5,
                },
            ],
            "transmitter": [{"name": "tx", "position_m": [0, 0, 30]}],
            "radio_map": {"cell_size_m": 2, "area": [-40, -8, 40, 8], "rays": 1_000_000},
            "solver": {"max_depth": 0},
        }
    )
    world = load_world(recipe)
    grid = map_grid(world)
    assert not grid.is_flat
    height = grid.centers_m[..., 2]
    np.testing.assert_allclose(height[:, 0], 1.5, atol=1e-3)
    np.testing.assert_allclose(height[:, -1], 6.5, atol=1e-3)
    gain, _ = trace_path_gain(world, 0, grid)
    distance = np.linalg.norm(grid.centers_m - [0, 0, 30], axis=-1)
    friis = (299792458.0 / 3.5e9 / (4 * np.pi * distance)) ** 2
    flat = np.abs(grid.centers_m[..., 0]) > 6
    assert (np.abs(gain / friis - 1)[flat]).mean() < 0.05


def test_map_that_memory_cannot_hold_is_refused_before_it_is_asked_for(two_boxes):
    """2 cm cells for two transmitters: few enough by themselves."""
    world = load_world(two_boxes(radio_map={"cell_size_m": 0.02, "area": [0, 0, 100, 100]}))
    with pytest.raises(
        RecipeError, match=r"5000 x 5000 cells for each of 2 .* 1\d\.\d GiB of memory"
    ):
        map_grid(world)
    assert map_grid(load_world(two_boxes())).shape == (24, 24)
