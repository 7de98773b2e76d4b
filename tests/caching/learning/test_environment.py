"""CachingEnv: Gymnasium's checker, masks, and actions that are textbook caches."""

import numpy as np
import pytest

from rtwin.caching.caches import (
    ALL,
    LeastRecentlyUsed,
    run_textbook,
)
from rtwin.caching.twin import CountTwin
from rtwin.errors import OutOfRangeError

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402 (after the check that it is there)

from rtwin.caching.learning.environment import CHOICES, CachingEnv, play  # noqa: E402


@pytest.fixture
def trace(independent):
    return independent(800, 60, num_stations=3, two=0.5)


@pytest.mark.parametrize("options", [{}, {"reliability": ALL, "max_requests": 50}])
def test_gymnasium_checks(trace, options):
    check_env(CachingEnv(trace, 8, **options), skip_render_check=True)
    check_env(
        CachingEnv(trace, 8, make_forecaster=lambda: CountTwin(3, 60)), skip_render_check=True
    )


def test_always_lru_at_the_first_station_is_lru(trace):
    env = CachingEnv(trace, 8)
    found = play(env, lambda env, seen: 1)
    wanted = run_textbook([LeastRecentlyUsed(8) for _ in range(3)], trace)
    for name in ("hit", "station", "overloaded", "jain"):
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist()


def test_masks_leave_an_action_and_no_station_that_is_not_there(trace):
    env = CachingEnv(trace, 8)
    env.reset(seed=1)
    rng, over = np.random.default_rng(1), False
    while not over:
        mask = env.action_masks()
        assert mask.any()
        second = trace.second[env.row]
        assert mask[len(CHOICES) :].any() == (second >= 0)
        assert not mask[[3, 8]].any(), "there is no forecast"
        _, _, _, over, info = env.step(int(rng.choice(np.flatnonzero(mask))))
        assert info["station"] in (trace.first[env.row - 1], second)
    assert env.action_masks().any()


def test_every_choice_does_something_else(trace):
    rates = {}
    for action, name in enumerate(CHOICES):
        env = CachingEnv(trace, 8, make_forecaster=lambda: CountTwin(3, 60))
        rates[name] = play(env, lambda env, seen, action=action: action, seed=3).hit.mean()
    assert len({round(rate, 4) for rate in rates.values()}) == len(CHOICES)


def test_observations_lie_in_their_box(trace):
    env = CachingEnv(trace, 8, reliability=ALL, make_forecaster=lambda: CountTwin(3, 60))
    seen, _ = env.reset(seed=1)
    for row in range(300):
        assert env.observation_space.contains(seen)
        half = len(seen) // 2
        assert seen[half:].any() == (trace.second[row] >= 0)
        seen, *_ = env.step(env.action_space.sample())


def test_features_of_an_item_are_its_counts_and_its_age(trace):
    """Of an item asked for once, one request ago, which nothing else was since."""
    env = CachingEnv(trace, 8)
    env.reset(seed=1)
    station, item = int(trace.first[0]), int(trace.item[0])
    env.step(1)
    age = int(env.network.served[0, station]) + 1 - int(env.network.last[0, station, item])
    found = env._of_items(station, np.array([item, -1]))
    counts = [np.exp(-age / 60), np.exp(-age / env.network.long_span)]
    wanted = [*(c / (1 + c) for c in counts), 0.0, 1 / (1 + age / 100), 0.0]
    np.testing.assert_allclose(found[0], wanted, atol=1e-9)
    assert not found[1].any()


def test_interventions_are_counted(independent):
    trace = independent(1500, 60, num_stations=3, two=0.8, load=(5, 1, 1))
    env = CachingEnv(trace, 8, reliability=ALL)
    shield = 0
    env.reset(seed=1)
    for _ in range(1500):
        _, _, _, _, info = env.step(1)
        shield += info["handed_over"]
    assert env.interventions["shield"] == shield > 50


def test_the_reward_is_hits_less_prices(trace):
    plain, priced = CachingEnv(trace, 8, baseline=0.25), CachingEnv(trace, 8, reliability=ALL)
    plain.reset(seed=1)
    priced.reset(seed=1)
    for _ in range(50):
        _, reward, *_, info = plain.step(1)
        assert reward == info["hit"] - 0.25
        _, reward, *_, info = priced.step(1)
        assert reward <= info["hit"]


def test_impossible_environments(trace):
    with pytest.raises(OutOfRangeError, match="no requests"):
        CachingEnv(trace.part(0, 0), 8)
    with pytest.raises(OutOfRangeError, match="max_requests is 0"):
        CachingEnv(trace, 8, max_requests=0)
