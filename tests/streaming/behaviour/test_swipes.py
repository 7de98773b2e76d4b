"""Swipes: proportional hazards, censoring, the Gamma posterior."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.streaming.behaviour import HastePosterior, cut_views, draw_views, watched_test

RNG = np.random.default_rng(8)


@pytest.mark.parametrize("haste", [0.4, 1.0, 3.0])
def test_seconds_fetched_are_the_sum_of_the_survival(catalogue, haste):
    clock = RNG.exponential(size=20_000)
    for video in (0, 7, 33):
        seen = draw_views(catalogue, video, haste, clock).fetched_s
        error = seen.std() / np.sqrt(len(seen))
        wanted = catalogue.survival(haste)[video].sum()
        assert abs(seen.mean() - wanted) < 4 * error + 1e-9


def test_watched_follows_the_curve(catalogue):
    video = int(catalogue.duration_s.argmax())
    seen = draw_views(catalogue, video, 1.7, RNG.exponential(size=3000))
    assert watched_test(catalogue, video, seen.watched_s[seen.swiped], 1.7) > 0.01
    assert watched_test(catalogue, video, seen.watched_s[seen.swiped], 1.0) < 1e-6
    assert (seen.watched_s[~seen.swiped] == catalogue.duration_s[video]).all()


def test_posterior_finds_the_truth_and_covers_it(catalogue):
    covered = []
    for number in range(300):
        rng = np.random.default_rng([9, number])
        # Drawn from its own prior, an interval of 90 % covers in 90 % of the cases.
        haste = rng.gamma(4.0, 1 / 4.0)
        video = rng.integers(catalogue.num_videos, size=30)
        seen = draw_views(catalogue, video, haste, rng.exponential(size=30))
        known = HastePosterior().seen(seen.swiped.sum(), seen.exposure.sum())
        low, high = known.interval(0.9)
        covered.append(low <= haste <= high)
    assert 0.85 < np.mean(covered) < 0.95
    video = RNG.integers(catalogue.num_videos, size=20_000)
    seen = draw_views(catalogue, video, 2.2, RNG.exponential(size=20_000))
    known = HastePosterior().seen(seen.swiped.sum(), seen.exposure.sum())
    assert known.mean == pytest.approx(2.2, rel=0.03)


def test_censored_views_bring_exposure_alone(catalogue):
    video = RNG.integers(catalogue.num_videos, size=20_000)
    whole = draw_views(catalogue, video, 1.5, RNG.exponential(size=20_000))
    cut = cut_views(catalogue, video, whole, np.full(20_000, 3.5))
    assert cut.watched_s.max() <= 3.5
    assert cut.swiped.sum() < whole.swiped.sum()
    known = HastePosterior().seen(cut.swiped.sum(), cut.exposure.sum())
    assert known.mean == pytest.approx(1.5, rel=0.06)
    # Counting a censored view as a swipe would not find it.
    wrong = HastePosterior().seen(len(video), cut.exposure.sum())
    assert wrong.mean > 2.0


def test_forgetting_keeps_the_mean():
    known = HastePosterior().seen(20, 10.0)
    less = known.forgetting(0.5)
    assert less.mean == pytest.approx(known.mean)
    low, high = known.interval()
    wide = less.interval()
    assert wide[0] < low < high < wide[1]


def test_what_is_impossible_is_said(catalogue):
    with pytest.raises(OutOfRangeError, match="haste is 0"):
        draw_views(catalogue, 0, 0.0, 1.0)
    with pytest.raises(OutOfRangeError, match="both must be > 0"):
        HastePosterior(0.0, 1.0)
    with pytest.raises(OutOfRangeError, match="-1 swipes"):
        HastePosterior().seen(-1, 1.0)
