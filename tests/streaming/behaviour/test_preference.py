"""Tastes: the Dirichlet posterior, forgetting, overlap."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.streaming.behaviour import Preference, draw_population, overlap


def test_mean_is_counts_and_prior():
    known = Preference(4, prior=0.5, keep=1.0)
    known.update([3, 0, 1, 0])
    assert known.mean == pytest.approx(np.array([3.5, 0.5, 1.5, 0.5]) / 6.0)
    assert Preference(4).mean == pytest.approx([0.25] * 4)
    assert Preference(2).prior == pytest.approx([0.5, 0.5])  # Jeffreys'


def test_forgetting_is_geometric():
    known = Preference(2, prior=1.0, keep=0.5)
    for _ in range(3):
        known.update([4, 0])
    assert known.counts == pytest.approx([4 + 2 + 1, 0])


def test_many_counts_find_the_taste(crowd):
    rng = np.random.default_rng(1)
    known = Preference(8, keep=1.0)
    for _ in range(300):
        known.update(rng.multinomial(50, crowd.taste[0]))
    assert known.mean == pytest.approx(crowd.taste[0], abs=0.01)


def test_overlap_is_one_where_they_agree(crowd):
    assert overlap(crowd.taste, crowd.taste) == pytest.approx(np.ones(16))
    assert overlap(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 0.0


def test_users_are_drawn_around_archetypes():
    many = draw_population(400, 1)
    assert np.std(np.log(many.haste)) == pytest.approx(0.5, rel=0.15)
    assert np.array_equal(draw_population(400, 1).taste, many.taste)


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="above 0"):
        Preference(3, prior=0.0)
    with pytest.raises(ShapeError, match="3 numbers"):
        Preference(3).update([1, 2])
    with pytest.raises(OutOfRangeError, match="0 users"):
        draw_population(0, 1)
