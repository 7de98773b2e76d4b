"""SlicingEnv: Gymnasium's checker, its spaces, its reward."""

import warnings

import numpy as np
import pytest

from rtwin.errors import MissingExtraError, OutOfRangeError
from rtwin.experiments import StaticShares, make_slices, reward_of
from rtwin.experiments.network.simulator import SlicedNetwork

pytest.importorskip("gymnasium")
from rtwin.experiments import SlicingEnv

USERS = {"vr": 3, "embb": 5, "urllc": 4}


@pytest.fixture
def env(moving):
    return SlicingEnv(moving, make_slices(USERS), max_epochs=40, random_start=True)


def test_gymnasium_s_checker(env):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env, skip_render_check=True)


def test_an_episode_ends_with_its_epochs(env):
    observation, _ = env.reset(seed=3)
    over, steps = False, 0
    while not over:
        assert env.observation_space.contains(observation)
        observation, reward, terminated, over, info = env.step(env.action_space.sample())
        assert -1.1 <= reward <= 0
        assert not terminated
        steps += 1
    assert steps == 40
    assert set(info) == set(USERS)
    assert info["urllc"]["sla_violation"] <= 1


def test_seeds_repeat_and_differ(env):
    def rewards(seed):
        env.reset(seed=seed)
        return [env.step(np.zeros(6, np.float32))[1] for _ in range(20)]

    assert rewards(5) == rewards(5)
    assert rewards(5) != rewards(6)


def test_actions_are_shares(env):
    env.reset(seed=1)
    np.testing.assert_array_equal(env.blocks_of(np.full(6, -1.0)), 0)
    np.testing.assert_array_equal(env.blocks_of(np.full(6, 1.0)), [[17, 17, 17]] * 2)
    half = env.blocks_of(np.array([0.0, -1, -1, -1, -1, 1]))
    np.testing.assert_array_equal(half, [[26, 0, 0], [0, 0, 51]])
    blocks = StaticShares()(env.view())
    np.testing.assert_array_equal(env.blocks_of(env.action_of(blocks)), blocks)


def test_the_reward_is_violations_and_price(moving):
    slices = make_slices(USERS)
    network = SlicedNetwork(moving, slices)
    report = network.step([[20, 10, 5], [20, 10, 5]])
    wanted = -report.sla_violation.mean() - 0.5 * 35 / 51
    assert reward_of(report, slices, 51, 0.5) == pytest.approx(wanted)


def test_observation_has_what_the_docstring_says(moving):
    env = SlicingEnv(moving, make_slices(USERS))
    found, _ = env.reset(seed=1)
    features = found.reshape(2, 3, 7)
    # Every user is in one cell at most.
    assert (features[..., 0].sum(axis=0) <= 1 + 1e-6).all()
    assert (features[..., 4:] == 0).all()
    found, *_ = env.step_blocks(np.array([[10, 20, 21], [0, 0, 51]]))
    reserved = found.reshape(2, 3, 7)[..., 4] * 51
    np.testing.assert_allclose(reserved, [[10, 20, 21], [0, 0, 51]], rtol=1e-6)
    efficiency = found.reshape(2, 3, 7)[..., 3] * 7.5
    assert 0.1 < efficiency.max() < 7.5


def test_impossible_environments(moving):
    with pytest.raises(OutOfRangeError, match="max_epochs is 1000; the trace has 200"):
        SlicingEnv(moving, make_slices(USERS), max_epochs=1000)


def test_what_is_not_installed_is_said_in_one_line(monkeypatch):
    import sys

    import rtwin.experiments

    monkeypatch.setitem(sys.modules, "rtwin.experiments.network.mobile", None)
    with pytest.raises(MissingExtraError, match="needs mobile-env; pip install mobile-env"):
        rtwin.experiments.RadioMapChannel  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'NoSuchThing'"):
        rtwin.experiments.NoSuchThing  # noqa: B018
