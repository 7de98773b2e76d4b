"""The check of mapped values."""

import numpy as np
import pytest
from scipy.stats import norm

from rtwin.federation.defence import believe, by_source, check_series
from rtwin.federation.defence.trust import LIMIT, robust_sd, running_sums


def series(hours=1500, sources=8, seed=1):
    """A linear process: one common signal and normal noise of each source."""
    rng = np.random.default_rng(seed)
    common = np.sin(2 * np.pi * np.arange(hours) / 24) + 0.5 * rng.normal(size=hours)
    return common[:, None] + 0.3 * rng.normal(size=(hours, sources))


def test_false_alarms_of_a_linear_process_are_those_of_the_normal_law():
    whole = series(6000)
    belief = believe(whole[:3000])
    limit = 2.5
    verdict = check_series(belief, whole[3000:], limit=limit)
    one = (verdict.score > limit).mean()
    assert one == pytest.approx(2 * norm.sf(limit), rel=0.35)
    assert not verdict.liars.any()
    assert check_series(belief, whole[3000:]).untrusted.mean() < 4 * norm.sf(LIMIT) + 1e-3


def test_spikes_are_found_and_replaced():
    whole = series()
    belief = believe(whole[:1000])
    news, true = whole[1000:].copy(), whole[1000:]
    rng = np.random.default_rng(2)
    where = rng.random(news.shape) < 0.03
    news[where] += 4.0
    verdict = check_series(belief, news)
    assert verdict.untrusted[where].mean() > 0.95
    assert verdict.untrusted[~where].mean() < 0.01
    assert np.abs(verdict.replaced - true)[where].mean() < 0.5
    assert (verdict.half_width[verdict.untrusted] > 0).all()
    assert (verdict.half_width[~verdict.untrusted] == 0).all()


def test_lasting_small_lies_add_up():
    whole = series()
    belief = believe(whole[:1000])
    news = whole[1000:].copy()
    news[:, 3] += 1.0  # three standard deviations of the noise, below the limit
    verdict = check_series(belief, news)
    assert np.flatnonzero(verdict.liars).tolist() == [3]
    assert verdict.age[-1, 3] == len(news)
    rows = by_source(verdict, [f"s{i}" for i in range(8)])
    assert rows[0]["source"] == "s3"
    assert rows[0]["is_liar"]


def test_neighbours_together_do_not_vouch_for_each_other():
    whole = series()
    belief = believe(whole[:1000])
    news = whole[1000:].copy()
    news[:, :3] += 3.0
    verdict = check_series(belief, news)
    assert verdict.untrusted[:, :3].mean() > 0.9
    assert verdict.untrusted[:, 3:].mean() < 0.05


def test_nothing_to_check():
    verdict = check_series(believe(series(400)), np.zeros((0, 8)))
    assert verdict.replaced.shape == (0, 8)
    assert not verdict.liars.any()


def test_running_sum_of_a_shift():
    """A shift of d adds d - slack an hour, in both directions."""
    shift = np.column_stack([np.full(50, 1.5), np.full(50, -1.5), np.zeros(50)])
    assert running_sums(shift).tolist() == [50.0, 50.0, 0.0]


def test_robust_sd_of_normal_values():
    values = np.random.default_rng(1).normal(0, 3.0, (200_000, 1))
    values[:1000] = 1e6
    assert robust_sd(values)[0] == pytest.approx(3.0, rel=0.02)
