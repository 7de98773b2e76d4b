"""Who is refitted, taken over, left: likelihoods, and what each way costs."""

import numpy as np
import pytest

from rtwin.streaming.behaviour import draw_population
from rtwin.streaming.userdata import POLICIES, Known, new_users, updated
from rtwin.streaming.userdata.updates import REFIT, STAY, TRANSFER, behave, errors, nearest


def test_much_that_was_seen_is_the_truth(catalogue):
    people = draw_population(12, 3)
    known = behave(catalogue, people, 2000, 2000, np.random.default_rng(0))
    taste, haste = errors(known, people)
    assert taste < 0.03
    assert haste < 0.06


def test_one_is_nearest_to_oneself(catalogue):
    people, rng = draw_population(12, 3), np.random.default_rng(1)
    known = behave(catalogue, people, 400, 400, rng)
    did = behave(catalogue, people, 200, 200, rng)
    assert (nearest(known, did) == np.arange(12)).mean() > 0.8
    assert (nearest(known, did, np.arange(12)) != np.arange(12)).all()


def test_scaling_keeps_the_mean_and_loses_certainty():
    known = Known(np.array([[30.0, 10.0]]), np.array([8.0]), np.array([4.0]))
    less = known.scaled(4.0)
    assert less.counts.tolist() == [[3.0, 1.0]]
    assert less.swipes / less.exposure == pytest.approx([2.0])
    assert known.scaled(100.0).counts.tolist() == known.counts.tolist()


def test_new_users_are_better_off_with_the_model_of_another(catalogue):
    rows = [r for seed in range(3) for r in new_users(catalogue, (1, 20), seed)]

    def error(count, model):
        own = [r for r in rows if (r["swipes"], r["model"]) == (count, model)]
        return np.mean([r["error of taste"] for r in own])

    both = f"{TRANSFER}, then {REFIT}"
    assert error(1, both) < error(1, REFIT) < error(1, STAY)
    # With twenty it hardly matters whose model it started from.
    assert error(20, both) == pytest.approx(error(20, REFIT), abs=0.04)
    assert error(20, REFIT) < error(20, TRANSFER)
    costs = {r["model"]: r["bytes"] for r in rows if r["swipes"] == 1}
    assert costs[STAY] == 0 < costs[REFIT] < costs[TRANSFER]


def test_reports_on_surprise_cost_less_than_all(catalogue):
    found = {name: updated(catalogue, name, 2) for name in POLICIES}
    never, every = found["never"], found["refit all"]
    chosen = found["as surprise says"]
    assert never["bytes"] == 0 < chosen["bytes"] < 0.5 * every["bytes"]
    assert chosen["error of taste"] < never["error of taste"]
    for row in found.values():
        assert row[STAY] + row[TRANSFER] + row[REFIT] == pytest.approx(1.0)
