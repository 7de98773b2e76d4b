"""The graph policy and PPO. Needs `pip install 'rtwin[rl]'`."""

from importlib.util import find_spec

import numpy as np
import pytest

from rtwin.deployment import Deployment, drawn_regions, simulate
from rtwin.deployment.drift.policies import POLICIES
from rtwin.deployment.drift.regions import MAPPINGS
from rtwin.deployment.learned import train_policy
from rtwin.errors import OutOfRangeError

IS_THERE = find_spec("torch") is not None and find_spec("stable_baselines3") is not None
pytestmark = [
    pytest.mark.peer,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not IS_THERE, reason="the extra `rl` is not installed"),
]
if IS_THERE:
    import torch

    from rtwin.deployment.learned.graph import StarGraph
    from rtwin.deployment.learned.split import Cut


def graph_of(cut=None):
    torch.manual_seed(3)
    return StarGraph(5, 2, width=16, cut=cut)


def test_order_of_stations_does_not_matter():
    graph, seen = graph_of(), torch.rand(4, 7, 5)
    order = torch.randperm(7)
    wanted, server = graph(seen)
    other, same = graph(seen[:, order])
    torch.testing.assert_close(other, wanted[:, order], rtol=0, atol=1e-5)
    torch.testing.assert_close(same, server, rtol=0, atol=1e-5)
    assert graph(torch.rand(2, 14, 5))[0].shape == (2, 14, 2)


def gradients(cut):
    graph, seen = graph_of(cut), torch.rand(6, 7, 5, generator=torch.Generator().manual_seed(1))
    wanted, server = graph(seen)
    (wanted.square().sum() + server.sum()).backward()
    return [weight.grad for weight in graph.parameters()]


def test_a_split_graph_has_the_gradient_of_the_whole():
    whole, cut, rough = gradients(None), Cut(), Cut(8)
    for mine, theirs in zip(gradients(cut), whole, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
    assert cut.up_bytes == cut.down_bytes == 6 * 7 * 16 * 4
    for mine, theirs in zip(gradients(rough), whole, strict=True):
        assert (mine - theirs).norm() < 0.1 * theirs.norm() + 1e-6
    assert rough.up_bytes + rough.down_bytes < 0.26 * (cut.up_bytes + cut.down_bytes)
    with pytest.raises(ValueError, match="8 or 32"):
        Cut(7)


def test_it_learns_and_runs_on_twice_as_many_regions():
    plan, larger = (Deployment(drawn_regions(n), MAPPINGS, n * 6 // 10) for n in (5, 10))
    few = {"runs": 6, "slots": 60}
    learned = train_policy(plan, 12_000, slots=60, seed=1, bits=32)
    assert learned.crossed > 0
    for where in (plan, larger):
        runs = simulate(where, learned, **few)
        assert runs.loss.mean() < 0.9 * simulate(where, POLICIES["random"], **few).loss.mean()
        assert (runs.units <= where.budget).all()
    again = simulate(plan, learned, **few)
    np.testing.assert_array_equal(again.loss, simulate(plan, learned, **few).loss)
    with pytest.raises(OutOfRangeError, match="no network 'tree'"):
        train_policy(plan, 10, network="tree")
