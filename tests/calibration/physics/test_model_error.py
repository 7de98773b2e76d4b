"""Rows that share what the map lacks are worth fewer than independent ones."""

import numpy as np
import pytest

from rtwin.calibration.physics.fitting.model_error import independent_share


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def field(place, length, rng):
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    lower = np.linalg.cholesky(np.exp(-distance / length) + 1e-9 * np.eye(len(place)))
    return lower @ rng.normal(size=len(place))


def test_noise_is_independent(rng):
    one = [
        independent_share(rng.uniform(0, 100, (150, 3)), rng.normal(0, 2, 150), np.zeros(150, int))
        for _ in range(20)
    ]
    assert np.mean(np.array(one) == 1.0) >= 0.9


@pytest.mark.parametrize("length", [3.0, 10.0])
def test_share_of_a_known_correlation(rng, length):
    """Kish's design effect of an exponential correlation and as much noise."""
    place = rng.uniform(0, 100, (300, 2))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    off = ~np.eye(300, dtype=bool)
    wanted = 1 / (1 + 0.8 * np.exp(-distance[off] / length).sum() / 300)
    got = [
        independent_share(
            place,
            np.sqrt(0.8) * field(place, length, rng) + np.sqrt(0.2) * rng.normal(size=300),
            np.zeros(300, int),
        )
        for _ in range(12)
    ]
    assert np.median(got) == pytest.approx(wanted, rel=0.5)


def test_groups_do_not_vouch_for_each_other(rng):
    place = np.repeat(rng.uniform(0, 100, (40, 2)), 2, axis=0)
    residual = np.repeat(rng.normal(size=40), 2)
    assert independent_share(place, residual, np.tile([0, 1], 40)) > 0.6
    assert independent_share(place, residual, np.zeros(80, int)) < 0.6


def test_few_rows_and_one_place():
    assert independent_share(np.zeros((1, 3)), np.ones(1), np.zeros(1, int)) == 1.0
    assert independent_share(np.zeros((5, 3)), np.ones(5), np.zeros(5, int)) == 1.0
