"""Grounds without a back side against Fresnel's coefficients, in every way fields are computed."""

import dataclasses
import math

import numpy as np
import pytest

from rtwin.channel import complex_permittivity, fresnel_half_space, path_gain_coherent
from rtwin.dataset import evaluate as evaluate_file
from rtwin.dataset import generate, open_dataset
from rtwin.scene import MAX_THICKNESS_M, Material, recipe_from_dict
from rtwin.trace import Tracer, freeze_paths, load_world, place
from rtwin.trace.engine.half_space import engine_values
from rtwin.units import to_db, wavelength_m

from ...tables import plane

FREQUENCY_HZ = 3.5e9
DRY = complex_permittivity(3.0, 0.00015 * 3.5**2.52, FREQUENCY_HZ)


def scene(materials=None, *, material="very_dry_ground", tx_z=10.0, rx=None, polarization="V"):
    antenna = {"polarization": polarization}
    rx = rx or [[float(x), 0.0, 2.0] for x in range(20, 301)]
    return recipe_from_dict(
        {
            "title": "two rays",
            "frequency_hz": FREQUENCY_HZ,
            "geometry": {"ground": ["ground"]},
            "object": [plane(2000.0, material)],
            "materials": materials or {},
            "transmitter": [{"name": "tx", "position_m": [0, 0, tx_z], "antenna": antenna}],
            "receivers": {
                "kind": "list",
                "positions_m": rx,
                "keep_invalid": True,
                "antenna": antenna,
            },
            "solver": {"rays": 20_000},
        }
    )


def two_ray_db(distance, high, low, permittivity, polarization):
    """Gain of the direct wave and of one from the half-space, coherent."""
    direct, way = np.hypot(distance, high - low), np.hypot(distance, high + low)
    angle = np.arctan2(distance, high + low)
    te, tm = fresnel_half_space(angle, permittivity)
    k = 2 * np.pi / wavelength_m(FREQUENCY_HZ)
    if polarization == "H":
        first, bounce = np.ones_like(direct), te
    else:
        # Isotropic elements: the vertical field of each ray has unit size along its own theta.
        # The upward part of both, which the receiver's theta at its angle turns back into one.
        first, bounce = np.ones_like(direct), tm
    field = first * np.exp(-1j * k * direct) / direct + bounce * np.exp(-1j * k * way) / way
    return to_db(np.abs(field / (2 * k)) ** 2)


@pytest.mark.parametrize("polarization", ["V", "H"])
def test_two_rays_over_very_dry_ground_within_a_tenth_of_a_db(polarization):
    recipe = scene(polarization=polarization)
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    assert (traced.num_paths == 2).all()
    found = to_db(path_gain_coherent(traced.path_set(FREQUENCY_HZ)))
    distance = np.arange(20.0, 301.0)
    expected = two_ray_db(distance, 10.0, 2.0, DRY, polarization)
    assert np.abs(found - expected).max() < 0.1


def test_a_slab_of_ten_centimetres_is_not_the_ground():
    recipe = scene({"very_dry_ground": {"thickness_m": 0.1}})
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    found = to_db(path_gain_coherent(traced.path_set(FREQUENCY_HZ)))
    expected = two_ray_db(np.arange(20.0, 301.0), 10.0, 2.0, DRY, "V")
    assert np.abs(found - expected).max() > 5.0


@pytest.mark.parametrize("permittivity", [1.5, 4.0, 80.0])
@pytest.mark.parametrize("conductivity", [0.0, 1e-6, 0.01, 10.0])
def test_any_half_space_reflects_as_fresnel_says_and_lets_nothing_through(
    permittivity, conductivity
):
    numbers = {"relative_permittivity": permittivity, "conductivity_s_per_m": conductivity}
    rx = [[float(x), 0.0, z] for x in (1, 10, 30, 300) for z in (10.0, -5.0)]
    world = load_world(
        scene({"soil": {**numbers, "thickness_m": "infinite"}}, material="soil", rx=rx)
    )
    traced = Tracer(world).trace(place(world))
    assert traced.num_paths.tolist() == [2, 0] * 4
    bounced = traced.interactions[:, 0] == 1
    distance = np.array([1.0, 10.0, 30.0, 300.0])
    eta = complex_permittivity(permittivity, conductivity, FREQUENCY_HZ)
    tm = fresnel_half_space(np.arctan2(distance, 20.0), eta)[1]
    spread = wavelength_m(FREQUENCY_HZ) / (4 * np.pi * np.hypot(distance, 20.0))
    found = np.abs(traced.a[bounced, 0, 0]) / spread
    np.testing.assert_allclose(found, np.abs(tm), atol=5e-4)


def test_evaluation_and_frozen_paths_know_it(tmp_path):
    recipe = scene(rx=[[20.0, 0.0, 2.0], [200.0, 5.0, 1.0]])
    file = generate(recipe, tmp_path / "ground.h5")
    sweep = evaluate_file(file, tmp_path / "more.h5", frequencies_hz=[2e9, FREQUENCY_HZ])
    with open_dataset(file) as dataset:
        assert dataset.read("thickness_m").tolist() == [math.inf]
        traced = dataset.read("a")
    with open_dataset(sweep, frequency_hz=FREQUENCY_HZ) as dataset:
        np.testing.assert_array_equal(dataset.read("a"), traced)
    world = load_world(recipe)
    receivers = place(world)
    paths = Tracer(world).trace(receivers)
    frozen = freeze_paths(world, receivers, paths, 0, np.arange(len(paths.a)))
    power = np.abs(paths.a[:, 0, 0].astype(complex)) ** 2
    np.testing.assert_allclose(frozen.power(), power, rtol=1e-5)
    name = "very_dry_ground"
    lossy = {name: {"relative_permittivity": 4.0, "conductivity_s_per_m": 0.0005}}
    changed = frozen.power(lossy)
    other = load_world(
        scene(
            {name: {**lossy[name], "thickness_m": "infinite"}},
            rx=[[20.0, 0.0, 2.0], [200.0, 5.0, 1.0]],
        )
    )
    fresh = Tracer(other).trace(place(other))
    np.testing.assert_allclose(changed, np.abs(fresh.a[:, 0, 0].astype(complex)) ** 2, rtol=1e-4)
    np.testing.assert_allclose(frozen.power(), power, rtol=1e-5)


def test_the_thickness_that_stands_for_it_is_beyond_any_slab():
    material = Material(3.0, 1e-3, math.inf)
    assert material.is_half_space
    assert engine_values(material)["thickness"] > 10 * MAX_THICKNESS_M
    assert engine_values(dataclasses.replace(material, thickness_m=0.3))["thickness"] == 0.3
