"""Weights of networks: flat and back, rounds of sites with tools of their own, files."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, StoreError
from rtwin.federation import LinearModel, learn_in_rounds
from rtwin.federation.learning import learn_asynchronously, learn_locally
from rtwin.federation.sites import (
    aggregate_networks,
    flat,
    learn_networks,
    learn_networks_on_arrival,
    shaped,
)
from rtwin.horizontal.learned.worlds import load_arrays, save_arrays


def test_flat_and_back():
    rng = np.random.default_rng(1)
    arrays = [rng.random((3, 4)).astype(np.float16), rng.random(5).astype(np.float32)]
    again = shaped(flat(arrays), arrays)
    for one, other in zip(arrays, again, strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)
    assert len(flat([])) == 0
    with pytest.raises(OutOfRangeError, match="16 weights for 17 places"):
        shaped(np.zeros(16), arrays)


def test_rounds_are_those_of_stacked_stations():
    rng = np.random.default_rng(2)
    x, model = rng.standard_normal((3, 40, 2)), LinearModel(2)
    y = x @ np.array([1.0, -2.0]) + 0.5
    start = model.initial(1)
    stacked = learn_in_rounds(model, start, x, y, 4, np.random.default_rng(7))

    class Site:
        def __init__(self, k):
            self.k, self.rng = k, np.random.default_rng(7)

        def __call__(self, weights):
            rows = slice(self.k, self.k + 1)
            return learn_locally(model, weights[None], x[rows], y[rows], self.rng)[0]

    found = learn_networks([Site(k) for k in range(3)], start, 4, rule="mean")
    assert np.allclose(found, stacked)


def test_arrivals_are_those_of_stacked_stations():
    rng = np.random.default_rng(2)
    x, model = rng.standard_normal((3, 40, 2)), LinearModel(2)
    y = x @ np.array([1.0, -2.0]) + 0.5
    start, seconds = model.initial(1), np.array([1.0, 2.0, 4.0])
    shared = np.random.default_rng(7)

    def site(k):
        rows = slice(k, k + 1)
        return lambda weights: learn_locally(model, weights[None], x[rows], y[rows], shared)[0]

    found = learn_networks_on_arrival([site(k) for k in range(3)], start, 4, seconds)
    order = np.random.default_rng(7)
    stacked = learn_asynchronously(model, start[None], x, y, order, seconds=seconds, each=4)
    assert np.allclose(found, stacked[0])


def test_a_keras_network_is_learned_so():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(3)
    x = rng.standard_normal((4, 64, 2)).astype(np.float32)
    y = np.tanh(x @ np.array([1.0, -1.0], np.float32))[..., None]
    keras.utils.set_random_seed(1)
    net = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)]
    )
    net.compile(keras.optimizers.SGD(0.1), "mse")
    like = net.get_weights()

    def site(k):
        def learn(weights):
            net.set_weights(shaped(weights, like))
            net.fit(x[k], y[k], epochs=3, batch_size=16, verbose=0)
            return flat(net.get_weights())

        return learn

    def liar(weights):
        return weights + 1e6

    def loss(weights):
        net.set_weights(shaped(weights, like))
        return float(np.mean((net(x.reshape(-1, 2)).numpy() - y.reshape(-1, 1)) ** 2))

    start = flat(like)
    honest = learn_networks([site(k) for k in range(4)], start, 4)
    lied_to = learn_networks([*(site(k) for k in range(4)), liar], start, 4)
    assert loss(honest) < 0.5 * loss(start)
    assert loss(lied_to) < 0.6 * loss(start)


def network(seed, scale=1.0, kind="hypotheses", size=6):
    rng = np.random.default_rng(0)
    base = {"w000": rng.standard_normal((size, 3)), "w001": rng.standard_normal(4)}
    rng = np.random.default_rng(seed)
    arrays = {n: (v + 0.01 * scale * rng.standard_normal(v.shape)) for n, v in base.items()}
    told = {"kind": kind, "threshold": 0.1 * seed, "scale": {"every": 1.5 + 0.1 * seed}}
    return {n: v.astype(np.float16) for n, v in arrays.items()}, told


def test_files_of_honest_sites_and_a_liar(tmp_path):
    files = []
    for seed in range(1, 6):
        files.append(tmp_path / f"{seed}.npz")
        save_arrays(files[-1], *network(seed))
    honest = aggregate_networks(files, tmp_path / "honest.npz", "mean")
    assert honest["weights"] == 22
    arrays, told = load_arrays(tmp_path / "honest.npz")
    mean = np.mean([network(seed)[0]["w000"] for seed in range(1, 6)], axis=0)
    assert np.allclose(arrays["w000"], mean, atol=2e-3)
    assert arrays["w000"].dtype == np.float16
    assert (told["threshold"], told["scale"]) == (pytest.approx(0.3), {"every": pytest.approx(1.8)})
    save_arrays(files[0], *network(1, scale=1e4))
    found = aggregate_networks(files, tmp_path / "defended.npz")
    assert found["rule"] == "biweight"
    assert max(found["distance"], key=found["distance"].get) == str(files[0])
    defended, _ = load_arrays(tmp_path / "defended.npz")
    assert np.abs(defended["w000"] - mean).max() < 0.05


def test_what_does_not_fit_is_said(tmp_path):
    one, other = tmp_path / "a.npz", tmp_path / "b.npz"
    save_arrays(one, *network(1))
    save_arrays(other, *network(2, size=7))
    with pytest.raises(StoreError, match=r"b\.npz: holds another network"):
        aggregate_networks([one, other], tmp_path / "c.npz")
    arrays, told = network(2)
    arrays["w001"][0] = np.nan
    save_arrays(other, arrays, told)
    with pytest.raises(StoreError, match="not finite"):
        aggregate_networks([one, other], tmp_path / "c.npz")
    with pytest.raises(OutOfRangeError, match="rule is 'FLTrust'"):
        aggregate_networks([one], tmp_path / "c.npz", "FLTrust")
    with pytest.raises(StoreError, match="is what is read"):
        aggregate_networks([one], one)
    with pytest.raises(OutOfRangeError, match="there are no networks"):
        aggregate_networks([], tmp_path / "c.npz")
    assert not (tmp_path / "c.npz").exists()
