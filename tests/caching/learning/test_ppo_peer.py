"""Stable-Baselines3: its checker, and that MaskablePPO learns. Needs the extra `rl`."""

import warnings

import numpy as np
import pytest

from rtwin.caching.caches import LRU, Network, run


@pytest.mark.peer
def test_stable_baselines_checker(independent):
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_checker import check_env

    from rtwin.caching.caches import ALL
    from rtwin.caching.learning.environment import CachingEnv

    with warnings.catch_warnings():
        # What it would have advised about spaces is a failure here.
        warnings.filterwarnings("error", category=UserWarning)
        check_env(CachingEnv(independent(200, 60, num_stations=3, two=0.5), 8, reliability=ALL))


@pytest.mark.peer
def test_maskable_ppo_learns(independent):
    pytest.importorskip("sb3_contrib")
    from rtwin.caching.learning.environment import CachingEnv, play
    from rtwin.caching.learning.ppo import choose_by, train_maskable_ppo

    trace = independent(1500, 150, 1.0, seed=1)
    plain = run(Network(LRU, 1, 150, 15), trace).hit.mean()
    model = train_maskable_ppo(
        lambda: CachingEnv(trace, 15, baseline=float(plain)), 20_000, num_envs=4, n_steps=512
    )
    fresh = independent(3000, 150, 1.0, seed=7)

    rate = play(CachingEnv(fresh, 15), choose_by(model)).hit.mean()
    assert rate > run(Network(LRU, 1, 150, 15), fresh).hit.mean() - 0.01


@pytest.mark.peer
def test_rows_of_the_study(independent):
    """Both rows are there, and count what the others count."""
    pytest.importorskip("sb3_contrib")
    from rtwin.caching.demand import WalkingDemand, ring_reach
    from rtwin.caching.study import CachingStudy
    from rtwin.caching.study.ppo_rows import run_ppo

    reach = ring_reach(6, 3, 400, 50, 0.3, np.random.default_rng(1))
    trace = WalkingDemand(kinds=3, items_per_kind=40).draw(reach, 400, 1)
    study = CachingStudy(slots=10, history=150, warm_up=50, test=200, ppo_steps=600)
    rows = list(run_ppo(study, reach, trace, 200, 0))
    assert [row.policy for row in rows] == ["MaskablePPO", "MaskablePPO w/ twin"]
    assert all(0 < row.hit_rate < 1 and row.shield == 0 for row in rows)
