"""Closed forms of learning together."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.federation.learning import (
    Cost,
    LinearModel,
    LstmModel,
    Network,
    arrivals_of,
    buffered,
    have_drifted,
    learn_asynchronously,
    learn_in_rounds,
    learn_locally,
    make_clusters,
    mixed,
    model_bytes,
    profiles_of,
    step_size,
)

MODEL = LinearModel(3)


def world(stations=6, rows=80, seed=1, noise=0.1):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(stations, rows, 3))
    y = x @ np.array([1.0, -0.5, 0.2]) + 0.3 + noise * rng.normal(size=(stations, rows))
    return x, y


def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("make", [lambda: MODEL, lambda: LstmModel(4)])
def test_stacked_is_separate(make):
    """Stations that learn in one array do not know of each other."""
    model = make()
    inputs = 6 if isinstance(model, LstmModel) else 3
    x = np.random.default_rng(0).normal(size=(3, 40, inputs))
    y = x[..., 0] - x[..., 1]
    start = np.stack([model.initial(seed) for seed in range(3)])
    together = learn_locally(model, start, x, y, rng())
    for i in range(3):
        alone = learn_locally(model, start[i : i + 1], x[i : i + 1], y[i : i + 1], rng())
        assert together[i] == pytest.approx(alone[0], abs=1e-5)
    assert model.predict(together, x).shape == (3, 40)


def test_further_axes_are_further_models():
    x, y = world()
    start = np.random.default_rng(2).normal(size=(4, 6, MODEL.num_weights))
    whole = learn_locally(MODEL, start, x, y, rng())
    assert whole[2] == pytest.approx(learn_locally(MODEL, start[2], x, y, rng()))
    lstm = LstmModel(2)
    inputs = np.random.default_rng(0).normal(size=(2, 20, 6))
    heap = np.random.default_rng(3).normal(size=(3, 2, lstm.num_weights))
    assert lstm.predict(heap, inputs)[1] == pytest.approx(lstm.predict(heap[1], inputs), abs=1e-6)


def test_lstm_is_that_of_keras():
    """A second implementation: two keras.layers.LSTM and a Dense with the same weights."""
    keras = pytest.importorskip("keras")
    model = LstmModel(5)
    assert LstmModel().num_weights == 2337
    weights = model.initial(3) + 0.1 * np.random.default_rng(1).normal(size=model.num_weights)
    parts, at = [], 0
    for shape in model.shapes:
        size = int(np.prod(shape))
        parts.append(weights[at : at + size].reshape(shape))
        at += size
    x = np.random.default_rng(2).normal(size=(1, 30, 6))
    branches = []
    for k in range(2):
        layer = keras.layers.LSTM(5)
        series = x[0][:, 3 * k : 3 * k + 3, None].astype(np.float32)
        layer.build(series.shape)
        layer.set_weights(parts[3 * k : 3 * k + 3])
        branches.append(np.asarray(layer(series)))
    expected = np.concatenate(branches, axis=1) @ parts[6][:, 0] + parts[7]
    assert model.predict(weights[None], x)[0] == pytest.approx(expected, abs=1e-5)


def test_federated_average_of_alike_stations_is_pooled_least_squares():
    """Equal Gram matrices: every station has the same inputs, targets differ."""
    x, y = world(noise=0.5)
    x = np.tile(x[:1], (6, 1, 1))
    y = x @ np.array([1.0, -0.5, 0.2]) + 0.5 * np.random.default_rng(5).normal(size=y.shape)
    weights = MODEL.initial(1)
    generator = rng()
    for rate in (0.05, 0.01, 0.002):
        for _ in range(150):
            local = learn_locally(
                MODEL, np.tile(weights, (6, 1)), x, y, generator, rate=rate, momentum=0.0, batch=80
            )
            weights = local.mean(axis=0)
    assert weights == pytest.approx(MODEL.pooled(x, y), abs=1e-6)


def test_clustered_with_one_local_round_is_flat():
    x, y = world()
    clusters = make_clusters(np.arange(12.0).reshape(6, 2), np.zeros((6, 168)), 3)
    flat = learn_in_rounds(MODEL, MODEL.initial(1), x, y, 5, rng())
    tree = learn_in_rounds(MODEL, MODEL.initial(1), x, y, 5, rng(), clusters=clusters)
    assert tree == pytest.approx(flat, abs=1e-12)


def test_bytes_of_a_round():
    """2 n P 4 a round on the core; with clusters n on the edge and K on the core."""
    x, y = world()
    size = MODEL.num_weights
    flat, tree = Cost(), Cost()
    learn_in_rounds(MODEL, MODEL.initial(1), x, y, 3, rng(), cost=flat)
    clusters = make_clusters(np.arange(12.0).reshape(6, 2), np.zeros((6, 168)), 2)
    learn_in_rounds(MODEL, MODEL.initial(1), x, y, 3, rng(), cost=tree, clusters=clusters)
    assert (flat.edge_bytes, flat.core_bytes) == (0, 3 * 2 * 6 * size * 4)
    assert (tree.edge_bytes, tree.core_bytes) == (3 * 2 * 6 * size * 4, 3 * 2 * 2 * size * 4)
    assert model_bytes(size, 1) == 2 * size * 4


def test_wall_clock_waits_for_the_slowest():
    cost = Cost(Network(windows_per_s=10.0, core_bit_s=800.0))
    cost.learn(20, np.array([1.0, 0.5, 2.0]))
    assert (cost.wall_s, cost.processor_s) == (4.0, 2.0 + 4.0 + 1.0)
    cost.send(core=100.0)
    assert cost.wall_s == 5.0
    cost.send(core=100.0, waits=False)
    assert (cost.wall_s, cost.core_bytes) == (5.0, 200.0)


def test_arrivals():
    found = list(arrivals_of(np.array([1.0, 2.5]), each=2))
    assert [(a.time_s, a.station, a.version, a.staleness) for a in found] == [
        (1.0, 0, 0, 0),
        (2.0, 0, 1, 0),
        (2.5, 1, 0, 2),
        (5.0, 1, 3, 0),
    ]


def test_step_size():
    assert step_size(0) == 0.3
    assert step_size(3) == pytest.approx(0.15)
    assert step_size(8, 1.0, 0.0) == 1.0


def test_one_station_that_is_all_taken_is_local_learning():
    x, y = world(stations=1)
    start = MODEL.initial(1)[None]
    found = learn_asynchronously(
        MODEL, start, x, y, rng(), seconds=np.ones(1), each=3, share=1.0, fading=0.0
    )
    generator, local = rng(), start
    for _ in range(3):
        local = learn_locally(MODEL, local, x, y, generator)
    assert found == pytest.approx(local)


def test_a_full_buffer_without_staleness_is_federated_averaging():
    x, y = world()
    start = MODEL.initial(1)
    found = buffered(MODEL, start, x, y, rng(), seconds=np.ones(6), buffer=6)
    flat = learn_in_rounds(MODEL, start, x, y, 1, rng())
    assert found == pytest.approx(flat)


def test_heads_mix():
    heads, sizes = np.array([[0.0], [4.0]]), np.array([3.0, 1.0])
    assert mixed(heads, sizes, keep=0.5).ravel().tolist() == [0.5, 2.5]
    assert mixed(heads, sizes, keep=1.0) == pytest.approx(heads)


def test_arrivals_bring_a_model_nearer():
    x, y = world()
    start = MODEL.initial(1)[None]
    cost = Cost()
    made = learn_asynchronously(MODEL, start, x, y, rng(), seconds=np.ones(6), each=100, cost=cost)
    truth = MODEL.pooled(x, y)
    assert np.linalg.norm(made - truth) < 0.3 * np.linalg.norm(start - truth)
    assert cost.core_bytes == model_bytes(MODEL.num_weights, 600)


def test_clusters_are_near_and_alike():
    places = np.concatenate([np.zeros((4, 2)), 100.0 + np.zeros((4, 2))])
    places += np.random.default_rng(1).normal(size=(8, 2))
    found = make_clusters(places, np.zeros((8, 168)), 2)
    assert len(set(found.of_station[:4])) == len(set(found.of_station[4:])) == 1
    assert found.sizes.tolist() == [4, 4]
    assert all(found.of_station[head] == k for k, head in enumerate(found.head))
    with pytest.raises(OutOfRangeError, match="1 to 8"):
        make_clusters(places, np.zeros((8, 168)), 9)


def test_profiles_and_their_drift():
    hours = np.arange(336)
    day = np.sin(2 * np.pi * hours / 24)[:, None] * np.ones((1, 3))
    profiles = profiles_of(day)
    assert np.linalg.norm(profiles, axis=1) == pytest.approx(np.ones(3))
    assert not have_drifted(profiles, profiles_of(2.0 * day))
    assert have_drifted(profiles, profiles_of(np.roll(day, 6, axis=0)))
