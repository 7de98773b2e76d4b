"""Rungs of the ladder: all give the same maps, and each is right where it must be."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.horizontal import RUNGS, trace_state
from rtwin.horizontal.known_change.ladder import (
    analytic,
    delta,
    few_ray,
    full,
    guarded,
    monte_carlo_delta,
    partial,
    stale,
)

from ..worlds import edited

GRID = {"cell_size_m": 8.0, "area": [-40, -40, 40, 40]}
RAYS = 5_000
MOVE = {"kind": "move_object", "object": "brick_box", "by_m": [4, -2, 0]}
TILT = {
    "kind": "set_transmitter",
    "transmitter": "mast",
    "downtilt_deg": 15.0,
    "antenna": {"pattern": "tr38901"},
}
NEW = {"kind": "add_transmitter", "transmitter": {"name": "new", "position_m": [9, 9, 9]}}
GONE = {"kind": "remove_transmitter", "transmitter": "mast"}


@pytest.fixture(scope="module")
def old(two_boxes):
    return trace_state(two_boxes(radio_map=GRID, solver={"rays": RAYS, "max_depth": 2}))


@pytest.mark.parametrize("edits", [[MOVE], [TILT, NEW], [GONE]])
def test_all_give_the_same_kind_of_maps(old, edits):
    world = edited(old, *edits)
    reference = full(old, *world)
    rungs = [*RUNGS.values(), lambda *given: monte_carlo_delta(*given, rays=10_000)]
    for rung in rungs:
        found = rung(old, *world)
        assert found.maps.keys() == reference.maps.keys()
        for name, values in reference.maps.items():
            assert found.maps[name].shape == values.shape, (found.what, name)
            assert found.maps[name].dtype == values.dtype, (found.what, name)
        assert (found.maps["path_gain"] >= 0).all()
        assert np.isfinite(found.maps["path_gain"]).all()
        assert min(found.seconds, found.cpu_s, found.load_s) >= 0
    assert reference.state is not None


def test_partial_is_full(old):
    world = edited(old, MOVE)
    one, two = partial(old, *world), full(old, *world)
    for name, values in two.maps.items():
        np.testing.assert_allclose(one.maps[name], values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.maps["path_gain"], two.maps["path_gain"], rtol=1e-5)
    assert one.rays == two.rays == 2 * RAYS


def test_analytic_is_full_for_feeds_and_stale_for_objects(old):
    world = edited(old, TILT)
    found = analytic(old, *world)
    np.testing.assert_array_equal(found.maps["path_gain"], full(old, *world).maps["path_gain"])
    assert found.rays == 0
    moved = analytic(old, *edited(old, MOVE))
    for name, values in stale(old, *edited(old, MOVE)).maps.items():
        np.testing.assert_array_equal(moved.maps[name], values)


def test_new_transmitters_bring_nothing_to_stale_maps(old):
    maps = stale(old, *edited(old, NEW)).maps
    assert (maps["path_gain"][2] == 0).all()
    assert np.isnan(maps["rms_delay_spread_s"][2]).all()


def test_delta_and_few_rays_with_all_rays_are_the_full_trace(old):
    """The limit that both must have: stale + (new - stale)."""
    world = edited(old, MOVE)
    reference = full(old, *world).maps
    few = few_ray(old, *world, rays=RAYS).maps
    np.testing.assert_array_equal(few["path_gain"], reference["path_gain"])
    found = delta(old, *world, rays=RAYS, guard="zero").maps
    significant = reference["path_gain"] > 1e-4 * old.maps["path_gain"]
    np.testing.assert_allclose(
        found["path_gain"][significant], reference["path_gain"][significant], rtol=1e-6
    )
    np.testing.assert_array_equal(found["num_paths"], reference["num_paths"])
    np.testing.assert_array_equal(found["line_of_sight"], reference["line_of_sight"])
    known = np.isfinite(reference["rms_delay_spread_s"] + old.maps["rms_delay_spread_s"])
    np.testing.assert_allclose(
        found["rms_delay_spread_s"][known], reference["rms_delay_spread_s"][known], atol=1e-15
    )


def test_cells_that_few_rays_see_unchanged_stay(old):
    world = edited(old, MOVE)
    found = delta(old, *world, rays=1000).maps["path_gain"]
    same = found == old.maps["path_gain"]
    assert 0.3 < same.mean() < 1


def test_guards():
    stale_gain, low, high = np.array([[4.0, 4.0, 0.0], [1.0, 9.0, 0.0], [2.0, 1.0, 3.0]])
    assert guarded(stale_gain, low, high, "stale").tolist() == [5, 4, 3]
    assert guarded(stale_gain, low, high, "new").tolist() == [5, 1, 3]
    assert guarded(stale_gain, low, high, "zero").tolist() == [5, 0, 3]
    with pytest.raises(OutOfRangeError, match="stale, new, zero"):
        guarded(stale_gain, low, high, "none")
