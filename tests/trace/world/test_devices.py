"""Where devices may stand: heights above the ground, closest distances, one place for both."""

import numpy as np
import pytest

from rtwin.dataset import generate, open_dataset
from rtwin.errors import RecipeError
from rtwin.scene import closest_m, recipe_from_dict
from rtwin.trace import Tracer, link_remarks, load_world, place
from rtwin.units import SPEED_OF_LIGHT_M_S, wavelength_m

from ...tables import plane, plane_scene

HILL = [plane([60.0, 60.0], name="ground", center_m=[0, 0, 37.5])]


def scene(position_m, *, objects=HILL, **more):
    receivers = {"kind": "list", "positions_m": [[10.0, 0.0, 39.0]], "keep_invalid": True}
    data = {
        **plane_scene(receivers=receivers, solver={"rays": 2_000, "max_depth": 1}),
        "object": objects,
        **more,
    }
    data["transmitter"] = [{"name": "mast", "position_m": position_m}]
    return recipe_from_dict(data)


def test_height_above_the_ground_beside_x_and_y(tmp_path):
    recipe = scene({"x_m": 5.0, "y_m": -3.0, "height_m": 12.0})
    world = load_world(recipe)
    assert world.recipe.transmitter[0].position_m == (5.0, -3.0, 49.5)
    assert world.recipe.transmitter[0].height_m is None
    traced = Tracer(world).trace(place(world))
    length = np.linalg.norm([5.0, 3.0, -10.5])
    assert traced.delay_s.min() * SPEED_OF_LIGHT_M_S == pytest.approx(length, rel=1e-9)
    with open_dataset(generate(recipe, tmp_path / "hill.h5")) as dataset:
        assert dataset.read("tx_position_m").tolist() == [[5.0, -3.0, 49.5]]
    assert recipe_from_dict(recipe.model_dump(mode="json", exclude_none=True)) == recipe


def test_height_above_the_ground_beside_latitude_and_longitude():
    georeference = {
        "epsg": 32633,
        "origin_lat_deg": 48.0,
        "origin_lon_deg": 15.0,
        "origin_easting_m": 500000.0,
        "origin_northing_m": 5316300.0,
    }
    place_of = {"lat_deg": 48.0, "lon_deg": 15.0, "height_m": 8.0}
    ground = plane([5_000.0, 5_000.0], name="ground", center_m=[0, 0, 37.5])
    recipe = scene(place_of, objects=[ground], georeference=georeference)
    assert load_world(recipe).recipe.transmitter[0].position_m[2] == 45.5


def test_no_ground_and_two_heights_are_said():
    with pytest.raises(RecipeError, match="no ground under transmitter 'mast'"):
        load_world(scene({"x_m": 500.0, "y_m": 0.0, "height_m": 12.0}))
    data = plane_scene()
    data["transmitter"] = [{"name": "m", "position_m": [0, 0, 9], "height_m": 12}]
    with pytest.raises(RecipeError, match="z = 9 and height_m = 12"):
        recipe_from_dict(data)


@pytest.mark.parametrize("frequency_hz", [0.7e9, 1e9, 28e9])
def test_no_link_above_0_db(frequency_hz):
    antenna = {"pattern": "hw_dipole"}
    data = plane_scene(frequency_hz=frequency_hz, solver={"max_depth": 0, "rays": 1_000})
    data["materials"] = {"concrete": {"out_of_range": "clamp"}}
    data["transmitter"][0]["antenna"] = antenna
    receivers = {"kind": "list", "antenna": antenna}
    least = closest_m(frequency_hz, *[recipe_from_dict(data).transmitter[0].antenna] * 2)
    near = {**receivers, "positions_m": [[0.999 * least, 0, 10]]}
    with pytest.raises(RecipeError, match="m apart at this frequency"):
        recipe_from_dict({**data, "receivers": near})
    just = recipe_from_dict({**data, "receivers": {**near, "positions_m": [[least, 0, 10]]}})
    world = load_world(just)
    gain = np.abs(Tracer(world).trace(place(world)).a[0, 0, 0]) ** 2
    assert gain <= 1.0 + 1e-6
    if least > 0.011:
        assert gain > 0.98


def test_monostatic_without_line_of_sight():
    data = plane_scene(plane([40.0, 40.0], "metal", name="roof", center_m=[0, 0, 25.0]))
    data["solver"] = {"rays": 5_000, "max_depth": 1, "line_of_sight": False}
    data["receivers"] = {"kind": "list", "positions_m": [[0, 0, 10]]}
    world = load_world(recipe_from_dict(data))
    traced = Tracer(world).trace(place(world))
    lengths = traced.delay_s * SPEED_OF_LIGHT_M_S
    np.testing.assert_allclose(np.sort(lengths), [20.0, 30.0], rtol=1e-6)
    roof = np.abs(traced.a[lengths.argmax(), 0, 0])
    assert roof == pytest.approx(wavelength_m(3.5e9) / (4 * np.pi * 30.0), rel=1e-3)
    data["solver"]["line_of_sight"] = True
    with pytest.raises(RecipeError, match="line_of_sight = false"):
        recipe_from_dict(data)


def test_arrays_in_their_near_field_and_devices_at_a_wall_are_noted():
    data = plane_scene(solver={"rays": 1_000, "max_depth": 0})
    data["transmitter"][0]["antenna"] = {"num_rows": 16, "num_cols": 16}
    data["receivers"] = {
        "kind": "list",
        "keep_invalid": True,
        "positions_m": [[5, 0, 9], [28, 0, 1e-5], [25, 0, 2]],
    }
    world = load_world(recipe_from_dict(data))
    lines = link_remarks(world, place(world))
    assert len(lines) == 2
    assert "transmitter 'mast' is in its near field, 19.3 m, at 1 receivers" in lines[0]
    assert "1 devices are within" in lines[1]
    data["transmitter"][0]["antenna"]["synthetic_array"] = False
    world = load_world(recipe_from_dict(data))
    assert len(link_remarks(world, place(world))) == 1
