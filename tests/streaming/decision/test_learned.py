"""Schemes that learn which groups to form from emulated outcomes."""

import pickle

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.decision import (
    ACTIONS,
    Examples,
    action_scores,
    cell_features,
    fit_double_q,
    fit_trees,
    joined,
)

NUM = len(ACTIONS)


@pytest.fixture(scope="module")
def examples():
    """The best action follows from one feature: a learner must find that."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(160, 12))
    groups = np.log([count for count, _ in ACTIONS])
    wanted = np.where(features[:, :1] > 0, 2.2, 0.4)
    scores = 0.1 - 0.02 * (groups - wanted) ** 2
    following = np.append(np.arange(1, 160), -1)
    return Examples(features, scores, following)


@pytest.mark.parametrize("fit", [fit_trees, fit_double_q])
def test_what_can_be_learned_is_learned(fit, examples):
    rows = np.arange(160) % 4 > 0
    kept = Examples(examples.features[rows], examples.scores[rows], np.full(rows.sum(), -1))
    test = Examples(examples.features[~rows], examples.scores[~rows], np.full((~rows).sum(), -1))
    learned = fit(kept)
    best_single = min(test.regret(np.full(len(test.scores), n)) for n in range(NUM))
    assert test.regret(learned.actions(test.features)) < 0.6 * best_single
    again = pickle.loads(pickle.dumps(learned))
    assert np.array_equal(again.actions(test.features), learned.actions(test.features))


def test_regret_is_against_the_best(examples):
    assert examples.regret(examples.scores.argmax(axis=1)) == 0.0
    assert examples.regret(examples.scores.argmin(axis=1)) > 0.01


def test_the_same_seed_learns_the_same(examples):
    one, other = (fit_double_q(examples, 4, updates=40) for _ in range(2))
    assert np.array_equal(one.predict(examples.features), other.predict(examples.features))


def test_it_is_a_scheme(setting, known, examples):
    made = fit_trees(examples)(setting, known)
    scores, _ = action_scores(setting, known)
    assert made.utility <= scores.max(axis=0).sum() + 1e-12
    assert made.prb.sum() <= 48


def test_features_are_of_a_cell(known):
    rows = np.stack([cell_features(known, cell) for cell in range(2)])
    assert rows[:, 0].sum() == pytest.approx(0.16)
    assert rows[:, -1].sum() == pytest.approx(1.0)
    assert (cell_features(known, 7) == 0).all()


def test_walks_are_joined(examples):
    both = joined([examples, examples])
    assert both.following[159] == both.following[319] == -1
    assert both.following[160] == 161


def test_what_is_impossible_is_said(examples):
    with pytest.raises(OutOfRangeError, match="24 actions"):
        fit_trees(Examples(examples.features, examples.scores[:, :3], examples.following))
