"""Tiles of a sphere: areas, what is seen, the smallest set."""

from itertools import combinations

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.viewport import Tiles, smallest_set


def directions(count):
    found = np.random.default_rng(count).normal(size=(count, 3))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_tiles_cover_the_sphere():
    tiles = Tiles()
    assert tiles.area.sum() == pytest.approx(1.0)
    # Rows of equal height hold more of the sphere at the equator: sin 30 deg against the rest.
    assert tiles.area.reshape(6, 12).sum(axis=1)[2:4].sum() == pytest.approx(0.5)


def test_what_is_seen_is_the_solid_angle_of_the_field():
    tiles = Tiles(48, 24)
    wide = np.tan(np.deg2rad(50))
    # Of a rectangular pyramid: 4 asin(sin^2 of half the angle, for a square one).
    exact = 4 * np.arcsin((wide / np.hypot(1, wide)) ** 2) / (4 * np.pi)
    seen = tiles.seen(directions(40)).sum(axis=1)
    assert seen == pytest.approx(np.full(40, exact), rel=0.03)


def test_the_table_is_near_what_it_stands_for():
    tiles = Tiles()
    where = directions(60)
    exact, near = tiles.seen(where), tiles.seen_nearly(where)
    assert abs(exact - near).sum(axis=1).max() < 0.05


def test_the_whole_sphere_misses_nothing():
    tiles = Tiles()
    seen = tiles.seen(directions(30))
    sent = smallest_set(np.ones((30, tiles.count)), 1.0)
    assert sent.all()
    assert ((seen * sent).sum(axis=1) == seen.sum(axis=1)).all()


def test_no_smaller_set_holds_as_much():
    rng = np.random.default_rng(4)
    mass = rng.random((5, 7))
    for share in (0.3, 0.8, 1.0):
        for row, sent in zip(mass, smallest_set(mass, share), strict=True):
            assert row[sent].sum() >= share * row.sum() - 1e-9
            fewer = combinations(row, int(sent.sum()) - 1)
            assert max(sum(some) for some in fewer) < share * row.sum()


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="share is 1"):
        smallest_set(np.ones((1, 4)), 1.2)
    with pytest.raises(OutOfRangeError, match="0 x 6 tiles"):
        Tiles(0)
