"""Demand of groups: closed forms against draws."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.behaviour import draw_views
from rtwin.streaming.decision import DemandModel, play, together_s


def test_one_member_needs_what_it_watches(catalogue):
    for video in (0, 11, 40):
        wanted = catalogue.survival(1.4)[video].sum()
        assert together_s(catalogue, video, np.array([1.4])) == pytest.approx(wanted)


def test_patient_members_need_the_whole_video(catalogue):
    found = together_s(catalogue, 5, np.full(7, 1e-12))
    assert found == pytest.approx(catalogue.duration_s[5])


def test_members_who_start_together_agree_with_draws(catalogue):
    rng, haste = np.random.default_rng(4), np.array([0.5, 1.0, 1.0, 2.5])
    for video in (3, 17, 60):
        clock = rng.exponential(size=(20_000, 4))
        drawn = draw_views(catalogue, video, haste, clock).fetched_s.max(axis=1)
        error = drawn.std() / np.sqrt(len(drawn))
        assert abs(drawn.mean() - together_s(catalogue, video, haste)) < 3 * error + 1e-9


@pytest.mark.parametrize("members", [1, 2, 4, 8, 16])
def test_closed_form_agrees_with_draws_of_whole_lists(catalogue, crowd, members):
    model, rng = DemandModel(catalogue, 30.0), np.random.default_rng(members)
    mix = crowd.taste[:members].mean(axis=0)
    group = np.where(np.arange(16) < members, 0, -1)
    found = model.demand_s(model.viewers(crowd.haste), group, mix[None])[0]
    haste = crowd.haste[:members]
    drawn = [
        play(
            catalogue, mix, haste, rng.exponential(size=(members, 64)), rng.random((64, 2)), 30.0
        ).demand_s
        for _ in range(400)
    ]
    # The model leaves out that members see the same videos; docs say how far that takes it.
    assert found == pytest.approx(np.mean(drawn), rel=0.15)


def test_more_members_need_more_and_order_does_not_matter(catalogue, crowd):
    model = DemandModel(catalogue, 30.0)
    viewers = model.viewers(crowd.haste)
    mix = crowd.taste.mean(axis=0)[None]
    sizes = [model.demand_s(viewers, np.where(np.arange(16) < n, 0, -1), mix)[0] for n in range(17)]
    assert sizes[0] == 0.0
    assert (np.diff(sizes) > 0).all()
    order = np.random.default_rng(0).permutation(16)
    group = np.arange(16) % 3
    mixes = np.tile(mix, (3, 1))
    one = model.demand_s(viewers, group, mixes)
    other = model.demand_s(model.viewers(crowd.haste[order]), group[order], mixes)
    assert one == pytest.approx(other, rel=1e-4)


def test_unicast_fills_the_interval(catalogue):
    rng = np.random.default_rng(1)
    mix = np.full(8, 1 / 8)
    played = play(
        catalogue, mix, np.ones(1), rng.exponential(size=(1, 64)), rng.random((64, 2)), 30.0
    )
    watched = played.views.watched_s[played.begun].sum()
    assert watched == pytest.approx(30.0)
    # Begun seconds are fetched whole.
    assert watched <= played.demand_s <= watched + played.begun.sum()


def test_what_is_impossible_is_said(catalogue):
    with pytest.raises(OutOfRangeError, match="interval_s is 0"):
        DemandModel(catalogue, 0.0)
