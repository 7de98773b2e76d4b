"""DeploymentEnv: the checker, budgets that hold, and policies of the simulation in it."""

import numpy as np
import pytest

from rtwin.deployment import Deployment, drawn_regions
from rtwin.deployment.drift.policies import POLICIES
from rtwin.deployment.drift.regions import LEVELS, MAPPINGS, Region
from rtwin.errors import OutOfRangeError

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402 (after the check that it is there)

from rtwin.deployment.drift.environment import DeploymentEnv  # noqa: E402
from rtwin.deployment.learned.watch import FEATURES  # noqa: E402

PLAN = Deployment(drawn_regions(6), MAPPINGS, 5)


def play(env, decide, seed=3):
    rewards, units = [], []
    env.reset(seed=seed)
    over = False
    while not over:
        _, reward, _, over, info = env.step(decide(env))
        rewards.append(reward)
        units.append(info["units"])
    return np.array(rewards), np.array(units)


def test_gymnasium_checks():
    check_env(DeploymentEnv(PLAN, 20), skip_render_check=True)


def test_no_action_spends_too_much():
    env = DeploymentEnv(PLAN, 60)
    env.action_space.seed(1)
    _, units = play(env, lambda env: env.action_space.sample())
    assert units.max() == PLAN.budget
    _, greedy = play(env, lambda env: np.ones(env.action_space.shape, np.float32))
    assert (greedy <= PLAN.budget).all()
    _, nothing = play(env, lambda env: -np.ones(env.action_space.shape, np.float32))
    assert not nothing.any()


def test_mappings_come_back_from_actions():
    env = DeploymentEnv(PLAN)
    for mapping in ([0, 1, 0, 2, 0, 0], [1, 1, 1, 1, 1, 0], [0] * 6):
        found = env.mappings_of(env.action_of(np.array(mapping)))
        assert found.tolist() == mapping


def test_the_index_is_better_than_chance_in_it():
    env, rng = DeploymentEnv(PLAN, 100), np.random.default_rng(0)
    found = {}
    for name in ("random", "both, index"):
        policy = POLICIES[name]
        rewards, _ = play(
            env, lambda env, p=policy: env.action_of(p(env.plan, env.state, env._slot, rng))
        )
        found[name] = rewards.mean()
    assert -1 <= found["random"] < found["both, index"] <= 0


def test_what_is_seen():
    plan = Deployment((Region(weight=2.0, grows=1.0), Region(weight=1.0, grows=0.0)), MAPPINGS, 4)
    env = DeploymentEnv(plan, 50)
    env.reset(seed=0)
    nothing = env.action_of(np.zeros(2, np.int64))
    for _ in range(4):
        seen, *_ = env.step(nothing)
    columns = seen.reshape(2, len(FEATURES))
    assert columns[:, FEATURES.index("weight")].tolist() == [1.0, 0.5]
    assert columns[0, 0] >= np.float32(4 / (LEVELS - 1))  # every slot raises it by one or more
    assert (columns[0, 1:4] > 0.5).all()
    assert columns[:, FEATURES.index("age")].tolist() == pytest.approx([0.2, 0.2])
    seen, *_ = env.step(env.action_of(np.array([2, 0])))
    assert seen.reshape(2, -1)[0, FEATURES.index("age")] == 0
    with pytest.raises(OutOfRangeError, match="slots is 0"):
        DeploymentEnv(plan, 0)
