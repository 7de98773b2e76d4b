"""Strings pulled tight against a general minimiser, and alone against in company."""

import numpy as np
from scipy.optimize import minimize

from rtwin.trace.paths.tight import LooseStrings

SOURCE_M = np.array([0.0, 0.0, 2.0])


def random_strings(num, edges=3, seed=0):
    """Strings over edges that stand across their way, one behind the other."""
    rng = np.random.default_rng(seed)
    target = np.column_stack(
        [np.full(num, 100.0), rng.uniform(-20, 20, num), rng.uniform(1, 9, num)]
    )
    origin = rng.uniform(-10, 10, (num, edges, 3)) + np.array([0, 0, 15])
    origin[..., 0] += 100 * (np.arange(edges) + 1) / (edges + 1)
    direction = rng.normal(size=(num, edges, 3)) * np.array([0.3, 1, 0.2])
    direction /= np.linalg.norm(direction, axis=2, keepdims=True)
    return LooseStrings(SOURCE_M, target, origin, direction)


def length_m(strings, row, t):
    point = strings.origin_m[row] + np.asarray(t)[:, None] * strings.direction[row]
    way = np.concatenate([SOURCE_M[None], point, strings.target_m[row][None]])
    return np.linalg.norm(np.diff(way, axis=0), axis=1).sum()


def test_no_minimiser_finds_a_shorter_way():
    strings = random_strings(20)
    t = strings.tight(np.zeros((20, 3)))
    for row in range(20):
        best = minimize(lambda x, row=row: length_m(strings, row, x), np.zeros(3), tol=1e-12)
        assert length_m(strings, row, t[row]) <= best.fun + 1e-9
        np.testing.assert_allclose(t[row], best.x, atol=2e-3)


def test_each_is_tight_by_itself():
    strings = random_strings(50)
    start = np.zeros((50, 3))
    together = strings.tight(start)
    for row in range(0, 50, 7):
        alone = strings.take(np.array([row])).tight(start[:1])
        np.testing.assert_array_equal(alone[0], together[row])


def test_unused_places_stay_at_the_end():
    strings = random_strings(5)
    strings.direction[:, 2] = 0.0
    strings.origin_m[:, 2] = strings.target_m
    shorter = random_strings(5)
    shorter = LooseStrings(
        SOURCE_M, shorter.target_m, shorter.origin_m[:, :2], shorter.direction[:, :2]
    )
    found, expected = strings.tight(np.zeros((5, 3))), shorter.tight(np.zeros((5, 2)))
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(found[:, :2], expected, atol=1e-6)


def test_strings_that_hang_where_edges_meet_come_to_an_end():
    # Two edges that cross in front of a corner pull both points to where they meet.
    origin = np.array([[[50.0, -5.0, 12.0], [50.0, 5.0, 12.0]]])
    direction = np.array([[[0.1, 1.0, 0.0], [0.1, -1.0, 0.0]]]) / np.sqrt(1.01)
    strings = LooseStrings(SOURCE_M, np.array([[100.0, 0.0, 2.0]]), origin, direction)
    t = strings.tight(np.zeros((1, 2)))
    point = origin + t[..., None] * direction
    assert length_m(strings, 0, t[0]) < length_m(strings, 0, [5.0, 5.0]) + 1e-3
    assert np.linalg.norm(point[0, 0] - point[0, 1]) < 0.1
