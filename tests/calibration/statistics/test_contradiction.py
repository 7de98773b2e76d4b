"""Contradicted values against explicit conditioning, the normal law, and liars who are known."""

import numpy as np
import pytest
from scipy.stats import norm

from rtwin.calibration.statistics import contradictions
from rtwin.calibration.statistics.contradiction import _worst_sets

NUM = 240


def world(seed, num=NUM, field_db=5.0, noise_db=2.0, length_m=60.0):
    """Places, the covariance of a shadowed field there, and a draw of it."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 200, (num, 2))
    far = np.linalg.norm(place[:, None] - place, axis=2)
    covariance = field_db**2 * np.exp(-far / length_m) + noise_db**2 * np.eye(num)
    return place, covariance, np.linalg.cholesky(covariance) @ rng.normal(size=num)


def given_the_others(covariance, values, rows):
    """Mean and covariance of some values, by the textbook."""
    rest = np.setdiff1d(np.arange(len(values)), rows)
    weight = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[np.ix_(rest, rows)]).T
    left = covariance[np.ix_(rows, rows)] - weight @ covariance[np.ix_(rest, rows)]
    return weight @ values[rest], left


def test_a_score_is_the_distance_from_what_the_others_say():
    place, covariance, values = world(1)
    found = contradictions(covariance, values, place, (), limit=1e3, least_scale=1e-9)
    z = np.empty(NUM)
    for row in range(NUM):
        mean, left = given_the_others(covariance, values, [row])
        assert found.off_db[row] == pytest.approx(values[row] - mean[0], abs=1e-8)
        z[row] = found.off_db[row] / np.sqrt(left[0, 0])
    np.testing.assert_allclose(found.score, z / (1.4826 * np.median(np.abs(z))), rtol=1e-8)


def test_a_set_is_asked_for_its_common_shift():
    _, covariance, values = world(2)
    precision = np.linalg.inv(covariance)
    rows = np.array([7, 3, 100, 41, 12, 66, 150, 201, 88, 19])
    free = np.zeros(NUM, bool)
    free[rows] = True
    # A scale so large that it stands for the robust spread of sets: scores are left as they are.
    shifted = values + 30 * free
    ((over, found),) = _worst_sets(precision, precision @ shifted, [rows], free, 1e-6, 1e6)
    scores = {}
    for size in (8, 9, 10):
        own = rows[:size]
        mean, left = given_the_others(covariance, shifted, own)
        inverse = np.linalg.inv(left)
        # Generalised least squares of one shift for the whole set, over its deviation.
        scores[size] = abs(inverse.sum(axis=0) @ (shifted[own] - mean)) / np.sqrt(inverse.sum())
    best = max(scores, key=lambda size: scores[size])
    assert over == pytest.approx(scores[best])
    assert list(found) == list(rows[:best])


def test_false_alarms_are_those_of_the_normal_law():
    for limit in (1.5, 2.5):
        beyond = [
            (np.abs(contradictions(c, y, place, (), limit=1e3).score) > limit).mean()
            for place, c, y in (world(seed, 150) for seed in range(40))
        ]
        assert np.mean(beyond) == pytest.approx(2 * norm.sf(limit), rel=0.15)


def test_nothing_is_contradicted_in_clean_fields():
    out = 0
    for seed in range(20):
        place, covariance, values = world(seed)
        out += contradictions(covariance, values, place, (np.zeros(NUM),)).contradicted.sum()
    assert out <= 0.001 * 20 * NUM


@pytest.mark.parametrize("seed", range(4))
def test_random_liars_are_found(seed):
    place, covariance, values = world(seed)
    rng = np.random.default_rng(seed)
    liars = rng.permutation(NUM)[:24]
    values[liars] += 20 * rng.choice([-1, 1], 24)
    found = contradictions(covariance, values, place, ()).contradicted
    assert found[liars].mean() > 0.9
    assert found.sum() <= 26


@pytest.mark.parametrize("seed", range(4))
def test_neighbours_who_lie_together_are_found_as_such(seed):
    place, covariance, values = world(seed)
    source = np.arange(NUM) % 2
    own = np.flatnonzero(source == 0)
    liars = own[np.argsort(np.linalg.norm(place[own] - place[own[seed]], axis=1))[:24]]
    values[liars] += 20
    alone = contradictions(covariance, values, place, ()).contradicted
    found = contradictions(covariance, values, place, (source,)).contradicted
    assert found[liars].mean() > 0.9
    assert np.delete(found, liars).sum() <= 2
    assert found[liars].sum() >= alone[liars].sum()


def test_where_a_majority_may_lie_nothing_is_decided():
    place, covariance, values = world(3)
    # What one half says, the other half denies.
    values[np.arange(NUM) % 2 == 0] += 40
    found = contradictions(covariance, values, place, (), least_scale=0.01, limit=0.5)
    assert found.undecided
    assert not found.contradicted.any()


def test_who_is_not_asked_speaks_and_is_believed():
    place, covariance, values = world(4)
    values[:5] += 60
    asked = np.arange(NUM) >= 5
    found = contradictions(covariance, values, place, (), asked)
    assert not found.contradicted[:5].any()
    assert not found.score[:5].any()


def test_of_nothing():
    none = np.zeros(0)
    found = contradictions(np.zeros((0, 0)), none, np.zeros((0, 2)), (none.astype(int),))
    assert len(found.contradicted) == 0
