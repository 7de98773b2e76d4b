"""Ways around corners: against ways over roofs of the same scene laid on its side, and laws."""

import numpy as np
import pytest

from rtwin.units import to_db

from ...tables import box
from .test_strings import trace


def ways(traced):
    """Places in plan of the ways around corners, and their gains [dB]."""
    found = {}
    for kind, vertex, a in zip(traced.interactions, traced.vertex_m, traced.a, strict=True):
        bends = vertex[kind == 8]
        if len(bends) and np.ptp(bends[:, 2]) < 3 and not (kind % 8).any():
            plan = tuple((round(float(x), 2), round(float(y), 2)) for x, y in bends[:, :2])
            found[plan] = float(2 * to_db(np.abs(a[0, 0])))
    return found


@pytest.mark.parametrize("material", ["metal", "concrete"])
def test_a_scene_laid_on_its_side(material):
    """Over a wall 2 m thick, and around its end: one field, with V for H."""
    over = [box("wall", [0, 0, -50], [2, 400, 100], material)]
    _, _, up = trace(over, [-20, 0, -3], [[25, 0, -2]], "H", max_diffractions=2)
    aside = [box("wall", [0, -50, 0], [2, 100, 400], material)]
    _, _, side = trace(aside, [-20, -3, 0], [[25, -2, 0]], "V", max_diffractions=2)
    over_it = ways(up)[(-1.0, 0.0), (1.0, 0.0)]
    assert ways(side)[(-1.0, 0.0), (1.0, 0.0)] == pytest.approx(over_it, abs=0.02)


def test_both_sides_of_a_house_and_its_roof():
    house = [box("house", [0, 0, 15], [20, 24, 30], "concrete")]
    _, _, traced = trace(house, [-40, 1, 1.5], [[45, -2, 1.5]], max_depth=3)
    bends = (traced.interactions == 8).sum(axis=1)
    assert bends.tolist() == [2, 2, 2]
    gain = to_db(np.abs(traced.a[:, 0, 0]) ** 2)
    upright = traced.vertex_m[:, 0, 2] < 10
    assert upright.sum() == 2
    assert gain[upright].min() > gain[~upright].max()
    # In plan the way is straight from corner to corner, and it rises evenly.
    sides = sorted(traced.vertex_m[upright, 0, 1])
    np.testing.assert_allclose(sides, [-12, 12], atol=1e-4)
    np.testing.assert_allclose(traced.vertex_m[upright, :2, 2], 1.5, atol=1e-3)


def test_around_two_houses_of_a_street():
    """The first house is passed at a corner that the second stands behind."""
    houses = [
        box("first", [0, 0, 10], [10, 20, 20], "concrete"),
        box("second", [20, 12, 10], [10, 20, 20], "concrete"),
    ]
    _, _, traced = trace(houses, [-20, 0, 1.5], [[45, 8, 1.5]], max_depth=3)
    left, right = ((-5.0, 10.0), (15.0, 22.0), (25.0, 22.0)), ((-5.0, -10.0), (5.0, -10.0))
    assert {left, right} <= set(ways(traced))


def test_more_corners_than_allowed():
    house = [box("house", [0, 0, 15], [20, 24, 30], "concrete")]
    _, _, traced = trace(house, [-40, 1, 1.5], [[45, -2, 1.5]], max_diffractions=1)
    assert ways(traced) == {}


def test_the_same_whatever_the_batch():
    house = [box("house", [0, 0, 15], [20, 24, 30], "concrete", yaw_deg=17)]
    receivers = [[45, y, 1.5] for y in (-20.0, -3.0, 0.5, 4.0, 30.0)]
    traced = trace(house, [-40, 1, 1.5], receivers)[2]
    for n, receiver in enumerate(receivers):
        alone = trace(house, [-40, 1, 1.5], [receiver])[2]
        mine = np.repeat(np.arange(len(receivers)), traced.num_paths) == n
        np.testing.assert_array_equal(alone.a, traced.a[mine])


def test_ends_exchanged():
    house = [box("house", [0, 0, 15], [20, 24, 30], "brick")]
    _, _, there = trace(house, [-40, 1, 1.5], [[45, -2, 2.5]])
    _, _, back = trace(house, [45, -2, 2.5], [[-40, 1, 1.5]])
    one, two = (np.sort(np.abs(t.a[:, 0, 0])) for t in (there, back))
    np.testing.assert_allclose(one, two, rtol=2e-3)
