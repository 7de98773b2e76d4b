"""Fitted utilities find the weights that made the data."""

import numpy as np
import pytest

from rtwin.deployment import Utility
from rtwin.deployment.worth import fit_form, held_out
from rtwin.deployment.worth.fit import centred, line
from rtwin.errors import OutOfRangeError, ShapeError

NAMES = ("accuracy", "freshness", "coverage")


def drawn(utility, noise=0.0, rows=300):
    rng = np.random.default_rng(4)
    values = rng.uniform(size=(rows, len(NAMES)))
    return values, -0.2 + 1.3 * utility(values) + noise * rng.standard_normal(rows)


@pytest.mark.parametrize(
    ("form", "weights", "strength"),
    [
        ("additive", (0.6, 0.3, 0.1), 3.0),
        ("multiplicative", (0.7, 0.6, 0.5), 3.0),
        ("multiplicative", (0.2, 0.2, 0.05), 3.0),
        ("copula", (0.8, 0.4, 0.5), 8.0),
    ],
)
def test_weights_come_back(form, weights, strength):
    real = Utility(dict(zip(NAMES, weights, strict=True)), form, strength)
    values, worth = drawn(real)
    found = fit_form(form, NAMES, values, worth)
    np.testing.assert_allclose(found(values), worth, atol=0.01)
    if form != "copula":  # other strengths with other weights come very near
        np.testing.assert_allclose(list(found.utility.weights.values()), weights, atol=0.02)
        assert found.base == pytest.approx(-0.2, abs=0.02)
        assert found.span == pytest.approx(1.3, abs=0.02)


def test_the_form_that_made_the_data_predicts_best_what_was_left_out():
    real = Utility(dict(zip(NAMES, (0.9, 0.8, 0.7), strict=True)), "multiplicative")
    values, worth = drawn(real, 0.05)
    fold, group = np.arange(300) % 5, np.arange(300) // 10
    error = {
        form: held_out(
            lambda v, w, g, form=form: fit_form(form, NAMES, v, w, g), values, worth, fold, group
        )
        for form in ("additive", "multiplicative")
    }
    assert error["multiplicative"].error < error["additive"].error
    assert error["multiplicative"].error == pytest.approx(0.05, rel=0.15)
    assert error["multiplicative"].explained > error["additive"].explained


def test_worlds_have_levels_of_their_own():
    real = Utility(dict(zip(NAMES, (0.6, 0.3, 0.1), strict=True)))
    values, worth = drawn(real)
    group = np.arange(300) // 30
    lifted = worth + 5.0 * (group % 3)
    found = fit_form("additive", NAMES, values, lifted, group)
    np.testing.assert_allclose(list(found.utility.weights.values()), (0.6, 0.3, 0.1), atol=1e-6)
    np.testing.assert_allclose(centred(found(values), group), centred(lifted, group), atol=1e-9)


def test_held_out_knows_nothing_of_what_it_predicts():
    values, worth = np.zeros((4, 1)), np.array([0.0, 1.0, 0.0, 1.0])
    fold = group = np.array([0, 0, 1, 1])
    seen = []

    def alike(v, w, g):
        seen.append(set(g))
        return lambda new: np.full(len(new), w.mean())

    mean = held_out(alike, values, worth, fold, group)
    assert seen == [{1}, {0}]
    assert (mean.error, mean.explained, mean.lost) == (0.5, 0.0, 0.5)  # either may be taken
    told = held_out(lambda v, w, g: lambda new: np.array([0.0, 1.0]), values, worth, fold, group)
    assert (told.error, told.explained, told.lost) == (0.0, 1.0, 0.0)


def test_nothing_to_explain_and_what_cannot_be():
    values = np.random.default_rng(0).uniform(size=(20, 3))
    flat = fit_form("additive", NAMES, values, np.ones(20))
    np.testing.assert_allclose(flat(values), 1.0)
    falls = fit_form("additive", NAMES, values, -values.sum(axis=1))
    assert falls.span == 0
    assert line(values[:, 0], -values[:, 0], np.zeros(20, int))[1] == 0
    with pytest.raises(ShapeError, match="more rows than attributes"):
        fit_form("additive", NAMES, values[:4], np.ones(4))
    with pytest.raises(OutOfRangeError, match="no form 'sum'"):
        fit_form("sum", NAMES, values, np.ones(20))
