"""Networks: order does not matter, padding is not heard, what is saved comes back, loss falls."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.learned.network.batch import batched, sizes_of
from rtwin.horizontal.learned.network.graph import (
    draw_measured,
    known_graph,
    unknown_graph,
    without_edit,
)
from rtwin.horizontal.learned.network.predict import (
    Predictor,
    built,
    load_predictor,
    save_predictor,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None,
    reason="TensorFlow is not installed (pip install 'rtwin[horizontal]')",
)


@pytest.fixture(autouse=True, scope="module")
def uncompiled():
    """Compiling takes longer than what these tests compute."""
    from rtwin.horizontal.learned.network.backend import keras

    keras()
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def small(street):
    """The street with the edits that reach few cells."""
    few = [p for p in street.pairs if 8 < len(known_graph(street, p).rows) <= 384]
    assert len(few) >= 2
    return replace(street, pairs=tuple(few))


def stirred(net, seed=0):
    """A network whose zero-initialised heads say something."""
    rng = np.random.default_rng(seed)
    net.set_weights([w + rng.normal(0, 0.1, w.shape) for w in net.get_weights()])
    return net


@pytest.fixture(scope="module")
def graphs(street):
    changes = [np.abs(p.truth - street.stale)[:, 0].max() for p in street.pairs]
    pair = street.pairs[int(np.argmax(changes))]
    rng = np.random.default_rng(1)
    return {
        "unknown": unknown_graph(street, draw_measured(street, pair, rng)),
        "known": known_graph(street, pair),
    }


@pytest.fixture(scope="module")
def nets(graphs):
    return {task: stirred(built("gnn", task, sizes_of(g))) for task, g in graphs.items()}


def cells_shuffled(graph, order):
    back = np.argsort(order)
    fields = ("rows", "cell", "reflected", "passed", "block", "pixel", "link", "prior", "stale")
    moved = {name: getattr(graph, name)[order] for name in fields}
    return replace(graph, neighbour=back[graph.neighbour[order]].astype(np.int32), **moved)


def said(net, graph):
    found = net(batched([graph]))
    return {k: np.asarray(v)[0, : len(graph.rows)] for k, v in found.items()}


@pytest.mark.parametrize("task", ["unknown", "known"])
def test_order_of_nodes_does_not_matter(task, graphs, nets):
    graph, net = graphs[task], nets[task]
    rng = np.random.default_rng(2)
    order = rng.permutation(len(graph.rows))
    here, there = said(net, graph), said(net, cells_shuffled(graph, order))
    things = rng.permutation(len(graph.object))
    other = replace(
        graph,
        object=graph.object[things],
        reflected=graph.reflected[:, things],
        passed=graph.passed[:, things],
    )
    rows = rng.permutation(graph.link.shape[1])
    third = said(net, replace(other, link=graph.link[:, rows], value=graph.value[rows]))
    for name in ("delta", "changed", "clear", "log_sigma"):
        np.testing.assert_allclose(there[name], here[name][order], atol=2e-3)
        np.testing.assert_allclose(third[name], here[name], atol=2e-3)
    assert here["delta"].std() > 0.01


def test_a_batch_is_its_graphs_one_by_one(graphs, nets, street):
    graph = graphs["known"]
    small = known_graph(street, street.pairs[0], graph.rows[:40])
    both = nets["known"](batched([graph, small]))
    alone = said(nets["known"], small)
    np.testing.assert_allclose(np.asarray(both["delta"])[1, :40], alone["delta"], atol=2e-3)


def test_saved_and_loaded_networks_say_the_same(graphs, nets, tmp_path, street):
    file = tmp_path / "net.npz"
    told = {"task": "known", "kind": "gnn", "sizes": sizes_of(graphs["known"]), "threshold": 0.2}
    save_predictor(file, Predictor(nets["known"], told))
    once = load_predictor(file)
    assert once.threshold == 0.2
    save_predictor(tmp_path / "again.npz", once)
    twice = load_predictor(tmp_path / "again.npz")
    # Half precision rounds once, then no more.
    one, two = said(once.net, graphs["known"]), said(twice.net, graphs["known"])
    assert all(np.array_equal(one[name], two[name]) for name in one)
    np.testing.assert_allclose(
        one["delta"], said(nets["known"], graphs["known"])["delta"], atol=0.05
    )


def test_strange_files_get_one_line(tmp_path, graphs, nets):
    (tmp_path / "text.npz").write_text("no weights")
    with pytest.raises(StoreError, match="no readable file of weights"):
        load_predictor(tmp_path / "text.npz")
    with pytest.raises(StoreError, match="rtwin horizontal train"):
        load_predictor(tmp_path / "missing.npz")
    evil = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "pickle.npz", told=evil)
    with pytest.raises(StoreError, match="allow_pickle"):
        load_predictor(tmp_path / "pickle.npz")
    sizes = sizes_of(graphs["known"]) | {"cell": 10**9}
    save_predictor(
        tmp_path / "huge.npz",
        Predictor(nets["known"], {"task": "known", "kind": "gnn", "sizes": sizes}),
    )
    with pytest.raises(StoreError, match="beyond 1 to 499"):
        load_predictor(tmp_path / "huge.npz")


def test_cells_that_are_preserved_keep_their_bits(graphs, nets, street):
    told = {"task": "known", "threshold": 0.5}
    found = Predictor(nets["known"], told)(street, graphs["known"])
    still = ~found.updated
    assert still.any()
    assert found.statistics[still].tobytes() == street.stale[still].tobytes()
    outside = np.setdiff1d(np.arange(len(street.index)), graphs["known"].rows)
    assert not found.updated[outside].any()
    nothing = known_graph(street, without_edit(street, street.pairs[0]))
    assert len(nothing.rows) == 0
    found = Predictor(nets["known"], told)(street, nothing)
    assert found.statistics.tobytes() == street.stale.tobytes()


@pytest.mark.parametrize("kind", ["gnn", "unet"])
def test_a_few_steps_lower_the_loss(kind, small):
    from rtwin.horizontal.learned.network.train import Plan, train

    _, history = train(Plan("known", kind, epochs=8, patience=9), [small], [small])
    assert len(history.train_loss) == len(history.validation_loss) == 8
    assert min(history.train_loss[1:]) < 0.9 * history.train_loss[0]


def test_a_stopped_run_goes_on_where_it_was(small, tmp_path):
    from rtwin.horizontal.learned.network.train import Plan, train
    from rtwin.horizontal.learned.network.weights import load_arrays

    file, plan = tmp_path / "state.npz", Plan("known", "mlp", epochs=3)
    whole, history = train(plan, [small], [small])

    class Stopped(Exception):
        pass

    def stop(stage, done, total):
        if done >= total - 1:
            raise Stopped

    with pytest.raises(Stopped):
        train(plan, [small], [small], file, stop)
    assert len(load_arrays(file)[1]["train"]) == 2
    resumed, again = train(plan, [small], [small], file)
    np.testing.assert_allclose(again.train_loss, history.train_loss, rtol=1e-4)
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


def test_an_encoder_drifts_where_news_are_and_nowhere_else(small, tmp_path):
    from rtwin.horizontal.learned.network.embedding import load_encoder, save_encoder, train_encoder

    encoder = train_encoder([small], [small], epochs=1)
    save_encoder(tmp_path / "encoder.npz", encoder)
    loaded = load_encoder(tmp_path / "encoder.npz")
    for pair in small.pairs:
        drift = loaded.drift(small, pair)
        assert drift.min() >= 0
        assert drift.max() > 0
        assert (encoder.drift(small, without_edit(small, pair)) == 0).all()


@pytest.mark.parametrize("first", ["tensorflow", "rtwin"])
def test_the_tracer_and_keras_share_a_process(first):
    code = "from rtwin.horizontal.learned.pairs.files import make_scene_pairs; "
    use = "from rtwin.horizontal.learned.network.backend import keras; "
    use += "k = keras(); print(k.ops.ones(3).shape)"
    trace = "; print(len(make_scene_pairs('rooms_901', 1).pairs))"
    head = "import tensorflow; " if first == "tensorflow" else ""
    run = subprocess.run(
        [sys.executable, "-c", head + code + use + trace],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-1500:]
    assert run.stdout.split()[-1] == "1"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"task": "unknwon"}, "did you mean 'unknown'"),
        ({"kind": "gcn"}, "gnn"),
        ({"num_scenes": 0}, "1 to"),
        ({"epochs": 0}, "1 to 1000"),
        ({"pairs_per_scene": 1000}, "1 to 200"),
        ({"output": "net.h5"}, "npz"),
    ],
)
def test_impossible_training_gets_one_line(wrong, said, tmp_path):
    from rtwin.horizontal.learned.network.recipe import train_predictor

    output = tmp_path / wrong.pop("output", "net.npz")
    with pytest.raises(OutOfRangeError, match=said):
        train_predictor(output, tmp_path / "pairs", **wrong)
    assert not (tmp_path / "pairs").exists()


def test_a_file_of_something_else_is_not_replaced(tmp_path):
    from rtwin.horizontal.learned.network.recipe import train_predictor

    letter = tmp_path / "letter.npz"
    letter.write_text("dear reader")
    with pytest.raises(StoreError, match="no readable file of weights"):
        train_predictor(letter, tmp_path / "pairs")
    assert letter.read_text() == "dear reader"
