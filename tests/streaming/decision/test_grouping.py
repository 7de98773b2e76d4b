"""Schemes of grouping, on what twins say."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.streaming.decision import (
    ACTIONS,
    Emulator,
    action_scores,
    by_actions,
    dbscan,
    fixed,
    heuristic,
    search,
)

SCHEMES = (heuristic, dbscan, fixed, search)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_decisions_keep_their_bounds(scheme, setting, known):
    made = scheme(setting, known)
    for cell in range(2):
        assert made.prb[made.cell == cell].sum() <= setting.num_prb
    assert set(np.unique(made.group[made.group >= 0])) == set(range(made.num_groups))
    assert (made.cell[made.group[made.group >= 0]] == known.cell[made.group >= 0]).all()
    assert np.allclose(made.mix.sum(axis=1), 1.0)
    assert 0 <= made.satisfaction <= 1
    spent = 0.25 * made.consumption + 0.05 * made.computing
    assert made.utility == pytest.approx(made.satisfaction - spent)


def test_search_is_the_best_of_all_actions(setting, known):
    best = search(setting, known).utility
    every = [by_actions(setting, known, [n, n]).utility for n in range(len(ACTIONS))]
    assert best >= max(every) - 1e-12
    scores, _ = action_scores(setting, known)
    # Prices are taken off in the cells' own objective: its sum is the utility.
    assert scores.max(axis=0).sum() == pytest.approx(best)


@pytest.mark.parametrize("scheme", [heuristic, dbscan])
def test_order_of_users_does_not_matter(scheme, setting, known):
    order = np.random.default_rng(1).permutation(16)
    other = replace(
        known,
        cell=known.cell[order],
        bits=known.bits[:, order],
        taste=known.taste[order],
        haste=known.haste[order],
    )
    assert scheme(setting, other).utility == pytest.approx(scheme(setting, known).utility, rel=1e-4)


def test_users_without_a_channel_are_left_out(setting, known):
    bits = known.bits.copy()
    bits[:, 3] = 0.0
    made = search(setting, replace(known, bits=bits))
    assert made.group[3] == -1


def test_a_group_of_one_is_unicast(setting, known):
    emulator = Emulator(setting, known)
    groups = emulator.groups(np.arange(16))
    assert groups.believed_bits == pytest.approx(known.bits.mean(axis=0)[_users(groups)])
    assert groups.weight == pytest.approx(np.full(16, 1 / 16))
    assert groups.mix == pytest.approx(known.taste[_users(groups)])


def _users(groups):
    return np.array([np.flatnonzero(groups.group == g)[0] for g in range(len(groups.cell))])


def test_dear_blocks_are_spent_less(setting, known):
    dear = replace(setting, weights=replace(setting.weights, radio=1.0))
    assert search(dear, known).consumption < search(setting, known).consumption


def test_past_traffic_moves_the_heuristic(setting, known):
    past = np.zeros((2, 8))
    past[:, known.taste.mean(axis=0).argmax()] = 50.0
    one, other = heuristic(setting, known), heuristic(setting, replace(known, past_mbps=past))
    assert not np.array_equal(one.prb, other.prb)
