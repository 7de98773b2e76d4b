"""Stable-Baselines3: its checker, and that MaskablePPO learns. Needs the extra `rl`."""

import warnings

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
    from rtwin.caching.learning.environment import CachingEnv
    from rtwin.caching.learning.ppo import hit_rate, train_maskable_ppo

    trace = independent(1500, 150, 1.0, seed=1)
    plain = run(Network(LRU, 1, 150, 15), trace).hit.mean()
    model = train_maskable_ppo(
        lambda: CachingEnv(trace, 15, baseline=float(plain)), 20_000, num_envs=4, n_steps=512
    )
    fresh = independent(3000, 150, 1.0, seed=7)

    def choose(env, seen):
        action, _ = model.predict(seen, action_masks=env.action_masks(), deterministic=True)
        return int(action)

    rate = hit_rate(CachingEnv(fresh, 15), choose)
    assert rate > run(Network(LRU, 1, 150, 15), fresh).hit.mean() - 0.01
