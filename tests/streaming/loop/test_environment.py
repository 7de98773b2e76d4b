"""GroupingEnv passes the checkers, and is the closed loop."""

import numpy as np
import pytest

from rtwin.streaming.behaviour import draw_population
from rtwin.streaming.decision import search
from rtwin.streaming.loop import Belief, ClosedLoop, World

from ..conftest import walking_trace

gymnasium = pytest.importorskip("gymnasium")


@pytest.fixture
def env(catalogue, setting):
    from rtwin.streaming.loop.environment import GroupingEnv

    def world(seed):
        trace = walking_trace(seed=seed % 100)
        return World(trace, catalogue, draw_population(16, seed), 30.0, seed), Belief(trace)

    return GroupingEnv(world, setting)


def test_checkers_pass(env):
    from gymnasium.utils.env_checker import check_env

    check_env(env, skip_render_check=True)


def test_stable_baselines_takes_it(env):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(env)


def test_an_episode_is_a_walk(env):
    seen, _ = env.reset(seed=3)
    rewards, over = [], False
    while not over:
        assert env.observation_space.contains(seen)
        seen, reward, ended, over, info = env.step(np.array([13, 13, 1]))
        rewards.append(reward)
        assert not ended
        assert 0 <= info["satisfaction"] <= 1
    assert len(rewards) == 4
    world, belief = env.make_world(env.loop.world.seed)
    log = ClosedLoop(world, belief, env.setting, env.loop.scheme).run(1)
    assert log.steps[0].utility == pytest.approx(rewards[0])


def test_actions_matter(env):
    def total(action):
        env.reset(seed=5)
        return sum(env.step(np.array(action))[1] for _ in range(4))

    assert len({total(a) for a in ([0, 0, 1], [20, 20, 1], [20, 20, 2])}) == 3


def test_search_does_better_than_chance(env):
    env.reset(seed=8)
    rng = np.random.default_rng(0)
    world, belief = env.make_world(env.loop.world.seed)
    best = ClosedLoop(world, belief, env.setting, search).run().mean("utility")
    drawn = np.mean([env.step(np.array([*rng.integers(24, size=2), 2]))[1] for _ in range(4)])
    assert best > drawn
