"""Identities of utilities, whatever the weights."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.deployment.utility import (
    Utility,
    additive,
    copula,
    dominance,
    generator,
    master_constant,
    multilinear,
    multiplicative,
)
from rtwin.errors import OutOfRangeError, ShapeError

WEIGHTS = st.lists(st.floats(0.02, 0.98), min_size=2, max_size=5).map(np.array)
GENERATORS = [
    ("independent", 1.0),
    ("frank", 3.0),
    ("frank", -2.0),
    ("clayton", 1.5),
    ("gumbel", 2.0),
]


def forms(k):
    yield lambda u: additive(u, k)
    yield lambda u: multiplicative(u, k)
    for name, strength in GENERATORS:
        yield lambda u, name=name, strength=strength: copula(u, 1 - k, name, strength)


@given(WEIGHTS, st.integers(0, 2**31))
def test_ends_monotone_and_blind_to_names(k, seed):
    rng = np.random.default_rng(seed)
    low, order = rng.uniform(0, 1, (30, len(k))), rng.permutation(len(k))
    high = low + rng.uniform(0, 1, low.shape) * (1 - low)
    for form, shuffled in zip(forms(k), forms(k[order]), strict=True):
        assert form(np.ones(len(k))) == pytest.approx(1, abs=1e-9)
        assert form(np.zeros(len(k))) == pytest.approx(0, abs=1e-9)
        below, above = form(low), form(high)
        assert (above >= below - 1e-9).all()
        assert ((below >= -1e-9) & (below <= 1 + 1e-9)).all()
        np.testing.assert_allclose(shuffled(low[:, order]), below, rtol=1e-7, atol=1e-9)


@given(WEIGHTS)
def test_master_constant_solves_its_equation(k):
    constant = master_constant(k)
    assert constant > -1
    assert np.sign(constant) == np.sign(1 - k.sum()) or abs(k.sum() - 1) < 1e-8
    assert np.prod(1 + constant * k) == pytest.approx(1 + constant, rel=1e-6, abs=1e-9)


def test_master_constants_in_closed_form():
    assert master_constant([0.4, 0.4]) == pytest.approx((1 - 0.8) / 0.16)
    assert master_constant([0.5, 0.5, 0.5]) == pytest.approx(-3 + np.sqrt(5))
    assert master_constant([0.25] * 4) == 0
    assert master_constant([1.0, 1.0, 1.0]) == -1
    u = np.random.default_rng(1).uniform(size=(9, 3))
    np.testing.assert_allclose(multiplicative(u, [1, 1, 1]), 1 - np.prod(1 - u, axis=1))
    np.testing.assert_allclose(
        multiplicative(u, [0.2, 0.3, 0.5]), additive(u, [0.2, 0.3, 0.5]), atol=1e-9
    )
    near = multiplicative(u, np.array([0.2, 0.3, 0.5]) * (1 + 1e-6))
    np.testing.assert_allclose(near, additive(u, [0.2, 0.3, 0.5]), atol=1e-5)


@given(WEIGHTS, st.integers(0, 2**31))
def test_forms_agree_where_they_are_the_same(k, seed):
    u = np.random.default_rng(seed).uniform(size=(20, len(k)))
    constant = master_constant(k)
    wanted = multiplicative(u, k)
    corners = np.zeros((2,) * len(k))
    for choice in np.ndindex(corners.shape):
        corners[choice] = multiplicative(np.array(choice, float), k)
    corners[(0,) * len(k)], corners[(1,) * len(k)] = 0, 1
    np.testing.assert_allclose(multilinear(u, corners), wanted, rtol=1e-6, atol=1e-7)
    if constant > 1e-6:
        same = copula(u, 1 / (1 + constant * k), "independent")
        np.testing.assert_allclose(same, wanted, rtol=1e-5, atol=1e-7)


def test_additive_corners_are_additive():
    k = np.array([0.2, 0.3, 0.5])
    corners = np.array([k @ c for c in np.ndindex(2, 2, 2)]).reshape(2, 2, 2)
    corners[1, 1, 1] = 1
    u = np.random.default_rng(2).uniform(size=(9, 3))
    np.testing.assert_allclose(multilinear(u, corners), additive(u, k))


@pytest.mark.parametrize(("name", "strength"), GENERATORS)
def test_generators_rise_to_one_and_turn_back(name, strength):
    psi, inverse = generator(name, strength)
    u = np.linspace(0.05, 1, 40)
    assert (np.diff(psi(u)) > 0).all()
    assert psi(np.array(1.0)) == pytest.approx(1)
    np.testing.assert_allclose(inverse(psi(u)), u, rtol=1e-7)


def test_bayes_rule_of_dominance():
    """U(x) U(y | x) = U(y) U(x | y), with the conditionals of one joint utility."""
    rng = np.random.default_rng(3)
    grid = np.cumsum(np.cumsum(rng.uniform(size=(6, 5)), axis=0), axis=1)
    joint = grid / grid[-1, -1]
    of_x, of_y = joint[:, -1:], joint[-1:, :]
    np.testing.assert_allclose(dominance(of_x, joint / of_x), dominance(of_y, joint / of_y))
    assert dominance(0.0, 0.7) == 0


def test_what_cannot_be_is_refused():
    for values, weights in (([0.5, 1.2], [0.5, 0.5]), ([0.5, 0.5], [0, 0]), ([0.5], [np.nan])):
        with pytest.raises(OutOfRangeError):
            additive(values, weights)
    with pytest.raises(ShapeError):
        additive([0.5, 0.5], [1.0])
    with pytest.raises(OutOfRangeError, match="rise from 0"):
        multilinear([0.5, 0.5], [[0, 0.7], [0.8, 0.6]])
    with pytest.raises(OutOfRangeError):
        generator("clayton", -1)
    with pytest.raises(OutOfRangeError):
        master_constant([0.4])


def test_utility_takes_what_is_known():
    """An attribute that nobody measured is left out, and the others keep their weights."""
    for form in ("additive", "multiplicative", "copula"):
        utility = Utility({"accuracy": 0.6, "freshness": 0.3, "trust": 0.3}, form)
        assert utility([1, 1, 1]) == pytest.approx(1)
        assert utility([1, 1], ("accuracy", "trust")) == pytest.approx(1)
        assert utility([0.5], ("accuracy",)) == pytest.approx(0.5, abs=0.2)
        assert 0 < utility([0.5, 0.5, 0.5]) < 1
