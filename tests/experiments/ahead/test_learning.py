"""The learning table and picture from runs, and names of policies on the way."""

import numpy as np
import pytest

from rtwin.experiments import Episode
from rtwin.experiments.ahead import AheadStudy, Run, ahead_results
from rtwin.experiments.ahead.learning import LEARNED_ON, PPO, named
from rtwin.experiments.ahead.study import CONSTANT, OPTIMISED, PROPORTIONAL, REPORT
from rtwin.experiments.learned import Snapshot


def run_of(seed, policy, knowledge, reward, decisions=0, seconds=0.0):
    episode = Episode(reward, 0.1, np.array([0.1]), 1.0, 1.0, 0.5, 0.5)
    return Run(seed, 5.0, policy, knowledge, episode, 1.0, 0.9, decisions, seconds)


@pytest.fixture
def runs():
    found = []
    for seed, world in enumerate((-0.3, -0.1)):
        found.append(run_of(seed, CONSTANT, "nothing", world))
        for bonus, knowledge in enumerate(LEARNED_ON):
            found += [
                run_of(seed, PROPORTIONAL, knowledge, world - 0.05),
                run_of(seed, OPTIMISED, knowledge, world + 0.01),
                run_of(seed, f"{PPO} after 64", knowledge, world - 0.01, 64, 2.0),
                run_of(seed, PPO, knowledge, world + 0.02 + 0.01 * bonus + 0.001 * seed, 128, 4.0),
            ]
    return found


def test_a_policy_is_named_by_what_it_learned_from():
    snapshots = [Snapshot(n, float(n), None) for n in (64, 128, 192)]
    assert [name for name, _ in named(snapshots)] == [f"{PPO} after 64", f"{PPO} after 128", PPO]
    assert REPORT in LEARNED_ON


def test_learning_is_judged_within_worlds(runs):
    results = ahead_results(AheadStudy(windows_s=(5.0,)), runs)
    main, learning = results.tables
    # What had not learned everything stands in the learning table alone.
    policies = {row["policy"] for row in main.rows}
    assert policies == {CONSTANT, PROPORTIONAL, OPTIMISED, PPO}
    assert [row["decisions"] for row in learning.rows] == [64, 128, 64, 128]
    assert [row["decides on"] for row in learning.rows] == [n for n in LEARNED_ON for _ in "ab"]
    last = learning.rows[-1]
    assert last["processor [s]"] == 4.0
    assert last["over constant"].mean == pytest.approx(0.0305)
    assert last["over constant"].half_width < 0.01  # worlds differ by 0.2
    assert last[f"over {PROPORTIONAL}"].mean == pytest.approx(0.0805)
    assert last[f"over {OPTIMISED}"].mean == pytest.approx(0.0205)
    curve = results.pictures["learning-5s"].axes[0]
    x, y = curve.lines[0].get_data()
    np.testing.assert_array_equal(x, [0, 64, 128])
    np.testing.assert_allclose(y, [0, -0.01, 0.0205], atol=1e-12)


def test_without_ppo_there_is_no_learning(runs):
    results = ahead_results(AheadStudy(windows_s=(5.0,)), [r for r in runs if not r.decisions])
    assert [table.name for table in results.tables] == ["5s"]
    assert list(results.pictures) == ["5s"]
