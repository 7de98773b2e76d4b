"""Strings of many links at once are those that Qhull finds for each alone."""

import numpy as np

from rtwin.trace.paths import hulls
from rtwin.trace.paths.hulls import string_hulls

MOST = 3


def strings(rng, num, places):
    """Ways, and points on their left; `places` makes them, so that some lie in one place."""
    way = rng.normal(size=(num, 2)) * 30
    owner = np.repeat(np.arange(num), rng.integers(0, 12, num))
    point = places(rng, owner, way)
    left = way[owner, 0] * point[:, 1] - way[owner, 1] * point[:, 0] > 1e-6
    return way, owner[left], point[left]


def scattered(rng, owner, way):
    return way[owner] * rng.random((len(owner), 1)) + rng.normal(size=(len(owner), 2)) * 8


def on_a_grid(rng, owner, way):
    return np.round(scattered(rng, owner, way) / 6) * 6


def one_by_one(way, owner, point, side):
    found = np.full((len(way), MOST), -1)
    for n in range(len(way)):
        rows = np.flatnonzero(owner == n)
        chain = rows[hulls._chain(way[n], point[rows], side)]
        if len(chain) <= MOST:
            found[n, : len(chain)] = chain
    return found


def test_scattered_points_are_wrapped():
    way, owner, point = strings(np.random.default_rng(1), 400, scattered)
    found, is_sure = hulls._wrapped(way, owner, point, 1, MOST)
    assert is_sure.all()
    np.testing.assert_array_equal(found, one_by_one(way, owner, point, 1))
    assert {0, 1, 2, 3} == set((found >= 0).sum(axis=1))


def test_the_other_side_is_its_mirror_image():
    way, owner, point = strings(np.random.default_rng(2), 200, scattered)
    left = string_hulls(way, owner, point, 1, MOST)
    right = string_hulls(way * [1, -1], owner, point * [1, -1], -1, MOST)
    np.testing.assert_array_equal(left, right)


def test_points_in_one_place_and_in_one_line_are_left_to_qhull():
    way, owner, point = strings(np.random.default_rng(3), 400, on_a_grid)
    _, is_sure = hulls._wrapped(way, owner, point, 1, MOST)
    assert 0 < is_sure.sum() < len(way)
    found = string_hulls(way, owner, point, 1, MOST)
    np.testing.assert_array_equal(found, one_by_one(way, owner, point, 1))
