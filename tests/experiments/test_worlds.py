"""Worlds and what is believed of them: no twin is the reference, fits find what they should."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.channel import free_space_path_loss_db
from rtwin.dataset import open_radio_map
from rtwin.errors import OutOfRangeError
from rtwin.experiments import WorldSettings
from rtwin.experiments.fitted_maps import (
    SparsePoints,
    filled,
    kriged_map,
    leveled,
    log_distance_map,
    measure,
)
from rtwin.experiments.worlds import (
    correlated_fields,
    free_space_map,
    materials_in_use,
    perturbed,
    updated,
    with_gain,
    with_residual,
    without_objects,
)
from rtwin.units import from_db, to_db

SETTINGS = WorldSettings()


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def radio_map(map_file):
    return open_radio_map(map_file)


@pytest.fixture(scope="module")
def free_space(radio_map, two_boxes, tmp_path_factory):
    return free_space_map(radio_map, two_boxes(), tmp_path_factory.mktemp("free"))


@pytest.fixture(scope="module")
def materials(two_boxes, tmp_path_factory):
    return materials_in_use(two_boxes(), tmp_path_factory.mktemp("materials"))


def test_free_space_is_friis(free_space):
    away = free_space.cell_centers_m + 0.01 - free_space.tx_position_m[:, None, None]
    distance = np.linalg.norm(away, axis=-1)
    wanted = -free_space_path_loss_db(distance, 3.5e9)
    # Upright isotropic antennas.
    np.testing.assert_allclose(to_db(free_space.path_gain), wanted, atol=0.01)


def test_the_reference_is_no_twin(two_boxes, materials):
    recipe = two_boxes()
    assert set(materials.name) == {"concrete", "brick", "metal", "glass"}
    real = perturbed(recipe, materials, SETTINGS, rng())
    told = updated(recipe, materials, SETTINGS, rng())
    for name in materials.name:
        a, b = real.materials[name], told.materials[name]
        assert a.relative_permittivity == b.relative_permittivity
        assert a.conductivity_s_per_m == b.conductivity_s_per_m
        assert a.scattering_coefficient > b.scattering_coefficient == 0
    assert real.transmitter == told.transmitter != recipe.transmitter
    assert real.solver.max_depth == 5
    assert real.solver.diffraction
    assert real.solver.diffuse_reflection
    assert told.solver == recipe.solver
    other = updated(recipe, materials, SETTINGS, rng(2))
    assert other.materials["brick"] != told.materials["brick"]


def test_materials_are_drawn_around_the_recipe_s(two_boxes, materials):
    row = materials.name.index("brick")
    draws = [
        updated(two_boxes(), materials, SETTINGS, rng(seed)).materials["brick"]
        for seed in range(300)
    ]
    eps = np.log([m.relative_permittivity - 1 for m in draws])
    nominal = np.log(materials.relative_permittivity[row] - 1)
    assert eps.mean() == pytest.approx(nominal, abs=0.1)
    assert eps.std() == pytest.approx(0.4, rel=0.15)


def test_a_world_before_an_object(two_boxes):
    before = without_objects(two_boxes(), ["brick_box"])
    assert [item.name for item in before.object] == ["ground", "metal_box", "sheet"]
    with pytest.raises(OutOfRangeError, match="has no object 'tower' of its own; it has ground"):
        without_objects(two_boxes(), ["tower"])


def test_residual_fields_have_their_variance_and_correlation():
    fields = correlated_fields(60, (40, 50), 2.0, 15.0, rng())
    assert fields.mean() == pytest.approx(0, abs=0.1)
    assert fields.var() == pytest.approx(1, rel=0.1)
    for lag in (2, 8, 15):
        found = np.mean(fields[:, :, :-lag] * fields[:, :, lag:])
        assert found == pytest.approx(np.exp(-2.0 * lag / 15.0), abs=0.08)


def test_residuals_keep_holes_and_change_the_rest(radio_map):
    some = with_residual(radio_map, SETTINGS, rng())
    np.testing.assert_array_equal(some.path_gain == 0, radio_map.path_gain == 0)
    reached = radio_map.path_gain > 0
    change = to_db(some.path_gain[reached]) - to_db(radio_map.path_gain[reached])
    assert 2.5 < change.std() < 5.5
    assert with_residual(radio_map, WorldSettings(residual_db=0), rng()) is radio_map


def known_world(free_space, slope=1.2, offsets=(-20.0, -10.0)):
    away = free_space.cell_centers_m - free_space.tx_position_m[:, None, None]
    distance = np.maximum(np.linalg.norm(away, axis=-1), 1.0)
    level = to_db(free_space.path_gain) - slope * 10 * np.log10(distance)
    return with_gain(free_space, from_db(level + np.array(offsets)[:, None, None]))


def test_log_distance_finds_the_world_that_it_can_say(free_space):
    world = known_world(free_space)
    everywhere = np.ones(world.path_gain.shape[1:], bool)
    fitted = log_distance_map(free_space, measure(world, everywhere, 30, 0.0, rng()))
    np.testing.assert_allclose(to_db(fitted.path_gain), to_db(world.path_gain), atol=1e-4)
    noisy = log_distance_map(free_space, measure(world, everywhere, 200, 2.0, rng()))
    assert np.abs(to_db(noisy.path_gain) - to_db(world.path_gain)).max() < 3.0


def test_too_few_measurements_leave_free_space(free_space):
    none = SparsePoints(np.array([[0, 0]]), np.zeros((1, 2)), np.array([[np.nan, -80.0]]))
    assert log_distance_map(free_space, none) is free_space


def test_levels_are_the_median_of_the_measurements(free_space):
    world = known_world(free_space, slope=0.0, offsets=(-20.0, -10.0))
    everywhere = np.ones(world.path_gain.shape[1:], bool)
    points = measure(world, everywhere, 41, 0.0, rng())
    level_db = to_db(free_space.path_gain)

    def shifts_db(points):
        return (to_db(leveled(free_space, points).path_gain) - level_db).mean(axis=(1, 2))

    np.testing.assert_allclose(shifts_db(points), [-20, -10], atol=1e-4)
    # One mast is not heard, or none: what is known of the others, or nothing, counts.
    deaf = replace(points, rss_dbm=points.rss_dbm + np.array([0.0, np.nan]))
    np.testing.assert_allclose(shifts_db(deaf), [-20, -20], atol=1e-4)
    nothing = replace(points, rss_dbm=np.full_like(points.rss_dbm, np.nan))
    assert leveled(free_space, nothing) is free_space


def test_holes_are_filled_with_another_map(free_space):
    gain = free_space.path_gain.copy()
    gain[0, :3] = 0.0
    other = known_world(free_space)
    found = filled(with_gain(free_space, gain), other).path_gain
    np.testing.assert_array_equal(found[0, :3], other.path_gain[0, :3])
    np.testing.assert_array_equal(found[0, 3:], gain[0, 3:])
    np.testing.assert_array_equal(found[1], gain[1])


def test_kriging_beats_its_trend_on_a_correlated_world(free_space):
    trend = known_world(free_space)
    world = with_residual(trend, WorldSettings(residual_db=6.0, residual_distance_m=40.0), rng())
    everywhere = np.ones(world.path_gain.shape[1:], bool)
    points = measure(world, everywhere, 120, 1.0, rng(3))
    fit, check = points.split(90)
    kriged = kriged_map(trend, fit, 1.0, 40.0)
    truth = to_db(world.path_gain)
    before, after = (np.std(to_db(m.path_gain) - truth) for m in (trend, kriged))
    assert after < 0.7 * before
    # Nobody told it the distance, and it is as good.
    found = np.std(to_db(kriged_map(trend, fit, 1.0, None).path_gain) - truth)
    assert found < 1.05 * after
    # Check points tell the error of either, measurement error included.
    assert check.error_db(kriged) < check.error_db(trend)
    everything = np.stack([to_db(trend.path_gain), truth])
    strongest = (truth + world.tx_power_dbm[:, None, None]).argmax(axis=0)
    miss = np.take_along_axis(everything[0] - everything[1], strongest[None], 0)
    rms = np.sqrt(np.mean(miss**2))
    assert measure(world, everywhere, 576, 0.0, rng()).error_db(trend) == pytest.approx(rms)


def test_impossible_settings():
    with pytest.raises(OutOfRangeError, match="residual_db is -1"):
        WorldSettings(residual_db=-1.0)
    with pytest.raises(OutOfRangeError, match="no cell can be walked to"):
        measure(None, np.zeros((2, 2), bool), 3, 1.0, rng())
