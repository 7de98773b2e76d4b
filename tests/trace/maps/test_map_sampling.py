"""Rays of Monte Carlo maps by the error asked for, and maps at any height."""

import numpy as np
import pytest

from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.scene import recipe_from_dict
from rtwin.trace import (
    load_world,
    map_grid,
    map_sampling,
    missed_edges,
    missed_edges_remark,
    trace_path_gain,
    undersampling_remark,
)
from rtwin.units import to_db

from ...tables import box, plane, plane_scene, wall


def field(size_m, *, mast_z=20.0, cell_m=20.0, **radio_map):
    """A mast in the open: every cell is in line of sight."""
    data = plane_scene(size_m=size_m, solver={"max_depth": 0})
    data["transmitter"][0]["position_m"] = [0, 0, mast_z]
    data["radio_map"] = {"cell_size_m": cell_m, **radio_map}
    return recipe_from_dict(data)


def test_a_campus_has_no_dark_cells_in_line_of_sight():
    world = load_world(field(1000.0))
    grid = map_grid(world)
    sampling = map_sampling(world.recipe, grid)
    assert 1_000_000 < sampling.rays < 50_000_000
    assert undersampling_remark(sampling) == []
    gain, error = trace_path_gain(world, 0, grid)
    assert (gain > 0).mean() > 0.99
    relative = to_db(1 + error[gain > 0] / gain[gain > 0])
    assert np.quantile(relative, 0.8) < 1.0
    way = grid.centers_m - [0, 0, 20.0]
    friis = (0.0856549880 / (4 * np.pi)) ** 2 / (way**2).sum(axis=-1)
    seen = np.linalg.norm(way, axis=-1) < 500
    off = to_db(gain[seen] / friis[seen])
    assert np.sqrt(np.mean(off**2)) < 1.0


def test_what_was_the_default_is_salt_and_pepper_and_says_so():
    world = load_world(field(1000.0, cell_m=5.0, rays=1_000_000))
    sampling = map_sampling(world.recipe, map_grid(world))
    (line,) = undersampling_remark(sampling)
    assert "undersampled" in line
    assert "method paths" in line
    assert sampling.rays == 1_000_000 < sampling.wanted


@pytest.mark.parametrize(("target", "times"), [(0.5, 4.5), (2.0, 0.2)])
def test_rays_follow_the_target(target, times):
    one = map_sampling((load := load_world(field(800.0))).recipe, map_grid(load)).rays
    other_world = load_world(field(800.0, target_error_db=target))
    other = map_sampling(other_world.recipe, map_grid(other_world)).rays
    assert other / one == pytest.approx(times, rel=0.1) or other in (1_000_000, 50_000_000)


def test_auto_takes_the_cheaper_way_and_the_file_says_which(tmp_path):
    few = generate_radio_map(field(400.0, cell_m=50.0), tmp_path / "few.h5", method="auto")
    assert open_radio_map(few).attributes["method"] == "paths"
    many = field(60.0, cell_m=1.0, mast_z=10.0, target_error_db=3.0)
    file = generate_radio_map(many, tmp_path / "many.h5", method="auto")
    assert open_radio_map(file).attributes["method"] == "monte-carlo"


def house(z_m):
    """A basement, a ground floor and a floor above it, with a transmitter on each."""
    slabs = [
        plane([20.0, 20.0], "concrete", name=f"slab_{n}", center_m=[0, 0, z])
        for n, z in enumerate((-3.0, 0.0, 3.0, 6.0))
    ]
    masts = [
        {"name": f"floor_{n}", "position_m": [0, 0, z]} for n, z in enumerate((-1.0, 2.0, 5.0))
    ]
    return recipe_from_dict(
        {
            "title": "house",
            "environment": "indoor",
            "frequency_hz": 3.5e9,
            "object": [*slabs, box("stove", [5, 5, -2.5], [1, 1, 1])],
            "transmitter": masts,
            "solver": {"max_depth": 2, "rays": 20_000},
            "radio_map": {"cell_size_m": 4.0, "z_m": z_m, "rays": 200_000},
        }
    )


@pytest.mark.parametrize("method", ["monte-carlo", "paths"])
def test_floors_and_basements(tmp_path, method):
    for floor, z in enumerate((-2.0, 1.0, 4.0)):
        file = generate_radio_map(house(z), tmp_path / f"{floor}.h5", method=method)
        found = open_radio_map(file)
        np.testing.assert_allclose(found.cell_centers_m[..., 2], z)
        assert (found.path_gain[floor] > 0).all()
        # Each floor hears its own transmitter best.
        assert (found.serving_transmitter == floor).mean() > 0.9


def test_edges_between_two_meshes_are_said_to_be_missed(tmp_path):
    """A house of one mesh has all its edges; one under a roof of metal lacks those of the eaves."""
    size, rise = 10.0, 6.0
    walls = [
        wall(f"wall_{n}", (corner, following), 0.0, rise, "brick")
        for n, (corner, following) in enumerate(
            (([5, 5], [15, 5]), ([15, 5], [15, 15]), ([15, 15], [5, 15]), ([5, 15], [5, 5]))
        )
    ]
    roof = plane([size, size], "metal", name="roof", center_m=[10, 10, rise])
    whole = box("house", [10, 10, rise / 2 - 0.1], [size, size, rise])
    solver = {"max_depth": 2, "rays": 5_000, "diffraction": True}
    small = {"cell_size_m": 10.0, "rays": 20_000}
    one = load_world(recipe_from_dict(plane_scene(whole, solver=solver)))
    recipe = recipe_from_dict(plane_scene(*walls, roof, solver=solver, radio_map=small))
    several = load_world(recipe)
    assert missed_edges(one) == 0
    # The eaves: walls of one material are one mesh, which has its corners.
    assert missed_edges(several) == pytest.approx(4 * size / (4 * size + 4 * rise))
    assert missed_edges_remark(missed_edges(one)) == []
    (line,) = missed_edges_remark(missed_edges(several))
    assert "62 %" in line
    assert "method paths" in line
    off = plane_scene(*walls, roof, solver={**solver, "diffraction": False})
    assert missed_edges(load_world(recipe_from_dict(off))) == 0
    file = generate_radio_map(recipe, tmp_path / "map.h5", method="monte-carlo")
    assert "does not diffract" in str(open_radio_map(file).attributes["remarks"])
