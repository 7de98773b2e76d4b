"""Stable-Baselines3: its checker, and an agent that learns. Needs `pip install 'rtwin[rl]'`."""

import warnings

import numpy as np
import pytest

from rtwin.experiments import make_slices

from ..conftest import trace_of

pytestmark = pytest.mark.peer
# Half of the cell for each is far too little for the first: what an untrained agent gives.
USERS = {"vr": 1, "mmtc": 3}


@pytest.fixture
def env():
    pytest.importorskip("stable_baselines3")
    from rtwin.experiments import SlicingEnv

    snr_db = np.full((100, 4, 1), 18.0)
    return SlicingEnv(trace_of(snr_db), make_slices(USERS), max_epochs=50, random_start=True)


def test_stable_baselines_checker(env):
    from stable_baselines3.common.env_checker import check_env

    with warnings.catch_warnings():
        # What it would have advised about spaces is a failure here.
        warnings.filterwarnings("error", category=UserWarning)
        check_env(env)


@pytest.mark.filterwarnings("ignore")
def test_ppo_learns(env):
    from rtwin.experiments import train_ppo

    rewards = []
    for steps in (64, 6000):
        policy = train_ppo(env, steps, seed=1, n_steps=64 if steps == 64 else 256)
        rewards.append(np.mean([policy.mean_reward(env, seed) for seed in range(5)]))
    assert rewards[1] > rewards[0] + 0.3
