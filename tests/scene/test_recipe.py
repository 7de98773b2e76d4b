"""Recipes: defaults, overrides, round trips and orientations."""

import json
import math
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rtwin.errors import RecipeError
from rtwin.scene import list_scenes, load_recipe, recipe_dict, recipe_from_dict, with_overrides
from rtwin.scene.recipe import OVERRIDES, Recipe
from rtwin.units import rotation_matrix

from .helpers import assert_one_line, recipe, table

finite = st.floats(-1e4, 1e4)
angle = st.floats(-180, 180)


def test_defaults():
    r = recipe()
    assert (r.bandwidth_hz, r.temperature_k, r.noise_figure_db, r.seed) == (20e6, 293.0, 7.0, 1)
    assert (r.receivers.kind, r.receivers.count, r.receivers.height_m) == ("random", 1000, 1.5)
    assert (r.solver.max_depth, r.solver.rays, r.solver.strongest_paths) == (3, 100_000, None)
    assert r.transmitter[0].orientation_rad == (0.0, 0.0, 0.0)
    assert r.name == "recipe"
    assert r.camera is None


def test_is_frozen():
    with pytest.raises(ValidationError):
        recipe().seed = 2


def test_counts_may_be_written_as_floats():
    # TOML users write 1e6.
    rays = recipe(("solver.rays", 1e6)).solver.rays
    assert rays == 1_000_000
    assert isinstance(rays, int)


@pytest.mark.parametrize("name", [s.name for s in list_scenes()])
def test_dict_round_trip(name):
    r = load_recipe(name)
    data = json.loads(json.dumps(recipe_dict(r)))
    assert recipe_from_dict(data, r.name, r.folder) == r
    assert recipe_dict(recipe_from_dict(data)) == recipe_dict(r)


def test_dict_names_no_machine_and_ignores_the_order_of_names(tmp_path):
    one = recipe(("materials.brick", {}), ("materials.wood", {}), name="a", folder=tmp_path)
    two = recipe(("materials.wood", {}), ("materials.brick", {}), name="b")
    assert json.dumps(recipe_dict(one)) == json.dumps(recipe_dict(two))
    assert str(tmp_path) not in json.dumps(recipe_dict(one))


@given(
    position=st.tuples(finite, finite, finite),
    seed=st.integers(0, 2**63 - 1),
    frequency=st.floats(1e8, 1e12),
    velocity=st.tuples(finite, finite, finite),
)
def test_any_valid_recipe_survives_the_dict(position, seed, frequency, velocity):
    r = recipe(
        ("transmitter.0.position_m", list(position)),
        ("transmitter.0.velocity_m_s", list(velocity)),
        ("seed", seed),
        ("frequency_hz", frequency),
    )
    assert recipe_from_dict(json.loads(json.dumps(recipe_dict(r)))) == r


def test_toml_and_dict_agree():
    text = """
    title = "A plane"
    frequency_hz = 3.5e9
    [[object]]
    name = "ground"
    material = "concrete"
    shape = "plane"
    center_m = [0, 0, 0]
    size_m = [100, 100]
    [[transmitter]]
    name = "a"
    position_m = [0, 0, 10]
    """
    assert recipe_from_dict(tomllib.loads(text)) == recipe()


@given(azimuth=angle, downtilt=st.floats(-90, 90), roll=angle)
def test_orientation_turns_the_boresight(azimuth, downtilt, roll):
    tx = recipe(
        ("transmitter.0.azimuth_deg", azimuth),
        ("transmitter.0.downtilt_deg", downtilt),
        ("transmitter.0.roll_deg", roll),
    ).transmitter[0]
    a, d = math.radians(azimuth), math.radians(downtilt)
    # A positive downtilt looks down.
    expected = [math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), -math.sin(d)]
    np.testing.assert_allclose(
        rotation_matrix(tx.orientation_rad) @ [1, 0, 0], expected, atol=1e-12
    )


@given(target=st.tuples(finite, finite, finite))
def test_look_at_points_the_boresight_there(target):
    distance = math.dist(target, (0, 0, 10))
    if distance < 1e-3:
        return
    tx = recipe(("transmitter.0.look_at_m", list(target))).transmitter[0]
    direction = (np.array(target) - [0, 0, 10]) / distance
    np.testing.assert_allclose(
        rotation_matrix(tx.orientation_rad) @ [1, 0, 0], direction, atol=1e-9
    )


def test_overrides_are_validated_and_leave_the_rest():
    r = recipe(name="plane")
    changed = with_overrides(
        r, frequency_hz=28e9, seed=7, max_depth=1, diffraction=True, cell_size_m=2.0, rays=None
    )
    assert (changed.frequency_hz, changed.seed, changed.solver.max_depth) == (28e9, 7, 1)
    assert changed.solver.diffraction
    assert changed.solver.rays == r.solver.rays
    assert changed.radio_map.cell_size_m == 2.0
    assert changed.name == "plane"
    assert r.frequency_hz == 3.5e9
    assert with_overrides(r) == r


def test_num_receivers_keeps_height_area_and_antenna():
    r = recipe(
        ("receivers.kind", "grid"),
        ("receivers.spacing_m", 1.0),
        ("receivers.height_m", 2.0),
        ("receivers.area", [0, 0, 10, 10]),
        ("receivers.antenna", {"pattern": "dipole"}),
    )
    receivers = with_overrides(r, num_receivers=5).receivers
    assert (receivers.kind, receivers.count, receivers.height_m) == ("random", 5, 2.0)
    assert receivers.area == (0, 0, 10, 10)
    assert receivers.antenna.pattern == "dipole"
    listed = recipe(("receivers", {"kind": "list", "positions_m": [[1, 1, 1]]}))
    assert with_overrides(listed, num_receivers=3).receivers.height_m == 1.5


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ({"max_dept": 3}, "did you mean 'max_depth'"),
        ({"max_depth": 11}, "solver.max_depth = 11"),
        ({"num_receivers": 0}, "receivers.count = 0"),
        ({"frequency_hz": "high"}, "frequency_hz = 'high'"),
    ],
)
def test_bad_override(override, part):
    with pytest.raises(RecipeError) as caught:
        with_overrides(recipe(name="plane"), **override)
    assert_one_line(caught, "plane", part)


def test_every_override_is_a_key():
    assert set(OVERRIDES) - {
        "num_receivers",
        "cell_size_m",
        "map_height_m",
        "map_z_m",
        "map_rays",
    } <= {
        *Recipe.model_fields,
        *Recipe.model_fields["solver"].annotation.model_fields,
    }


def test_table_helper_does_not_share_state():
    assert table(("seed", 3)) != table()
