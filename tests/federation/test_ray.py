"""Rounds between processes give the weights of the stacked engine."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from rtwin.dataset.cluster import door
from rtwin.errors import OutOfRangeError
from rtwin.federation.defence import rules
from rtwin.federation.learning import LinearModel, learn_in_rounds, learn_on_ray

from ..peers import python_of, run_peer

SCRIPT = Path(__file__).parent / "peers" / "ray_rounds.py"
STATIONS, ROUNDS = 4, 5


class OneProcess:
    """As much of Ray as rounds need, in this process."""

    def __init__(self):
        self.placed, self.killed = [], 0

    def is_initialized(self):
        return True

    def put(self, value):
        return value

    def get(self, answers):
        return answers

    def kill(self, actor):
        self.killed += 1

    def remote(self, kind):
        def options(num_cpus, resources):
            self.placed.append(resources)
            return SimpleNamespace(remote=lambda *given: _actor(kind(*given)))

        return SimpleNamespace(options=options)


def _actor(station):
    return SimpleNamespace(learn=SimpleNamespace(remote=station.learn))


@pytest.fixture
def ray(monkeypatch):
    found = OneProcess()
    monkeypatch.setattr(door, "require_ray", lambda: found)
    return found


def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STATIONS, 50, 6))
    return x, x @ np.arange(6) + rng.normal(np.arange(STATIONS)[:, None], 1.0, (STATIONS, 50))


@pytest.mark.parametrize("rule", [rules.mean, rules.median])
def test_rounds_apart_are_rounds_together(ray, rule):
    model, (x, y) = LinearModel(6), rows()
    start = model.initial(1)
    loads = [lambda i=i: (model, x[i], y[i]) for i in range(STATIONS)]
    seen = []
    apart = learn_on_ray(
        loads,
        start,
        ROUNDS,
        5,
        aggregate=rule,
        machines=["a", "a", "b", "b"],
        done=lambda *now: seen.append(now),
    )
    whole = learn_in_rounds(model, start, x, y, ROUNDS, np.random.default_rng(5), aggregate=rule)
    np.testing.assert_allclose(apart, whole, rtol=1e-12)
    assert seen[-1] == (ROUNDS, ROUNDS)
    assert [list(place) for place in ray.placed] == [["a"], ["a"], ["b"], ["b"]]
    assert ray.killed == STATIONS


def test_impossible_crews(ray):
    with pytest.raises(OutOfRangeError, match="there are no stations"):
        learn_on_ray([], np.zeros(7), 1, 5)
    with pytest.raises(OutOfRangeError, match="1 machines for 2 stations"):
        learn_on_ray([rows, rows], np.zeros(7), 1, 5, machines=["a"])


@pytest.mark.peer
def test_processes_of_ray_give_the_stacked_weights(tmp_path):
    python = python_of("ray", ["-e", str(SCRIPT.parents[3]), "ray>=2.30"])
    out = tmp_path / "out.npz"
    run_peer(python, SCRIPT, out, STATIONS, ROUNDS, timeout=1800)
    found = np.load(out)
    assert found["processes"] == STATIONS
    for name in ("mean", "median"):
        np.testing.assert_allclose(found[name], found[f"stacked {name}"], rtol=1e-9)
