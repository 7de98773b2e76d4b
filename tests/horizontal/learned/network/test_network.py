"""The network on made-up measurements: its arrays, its invariances, its files."""

import importlib.util
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal.learned.network import (
    KINDS,
    SHIPPED,
    SUMMARY,
    CellPredictor,
    Lessons,
    Plan,
    Predictor,
    arrays_of,
    batched,
    cell_summary,
    draw_evidence,
    example_of,
    load_predictor,
    names_of,
    save_predictor,
    train,
    train_network,
)
from rtwin.horizontal.learned.network.graph import hypothesis_graph, telling_rows
from rtwin.horizontal.learned.network.predict import built
from rtwin.horizontal.learned.worlds import Case, SceneCases, Truth, hidden_cases
from rtwin.horizontal.levels import floored_db
from rtwin.horizontal.unknown_change import MOST, Evidence, library_posterior

needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.fixture(scope="module")
def scene(small_state, small_library):
    """Cases that are the library's own entries."""
    shape = (len(small_library.tx_names), small_library.num_cells)
    cases = []
    for entry in small_library.entries[:6]:
        maps = {"change_db": np.zeros(shape), "spread_ns": np.zeros(shape)}
        for name, values in (("change_db", entry.gain_db), ("spread_ns", entry.spread_ns)):
            maps[name].ravel()[entry.cell] = values
        truth = Truth(entry.hypothesis.kind, (), (entry.hypothesis.subject,))
        cases.append(Case(truth, **maps, sight=np.zeros(shape, int), of_twin=True, seconds=0.1))
    gain = floored_db(small_state.maps["path_gain"]).reshape(shape)
    return SceneCases(
        "two boxes",
        small_state.grid.centers_m.reshape(-1, 3),
        small_state.grid.cell_size_m,
        np.array([device.position_m for device in small_state.recipe.transmitter]),
        gain,
        small_state.is_inside.ravel(),
        np.zeros(shape),
        small_library,
        tuple(cases),
    )


@pytest.fixture(scope="module")
def posterior(scene):
    evidence = draw_evidence(scene, scene.cases[1], np.random.default_rng(0), 0.1)
    return library_posterior(scene.library, evidence, scene.cells_m)


def test_a_graph_is_what_it_says(scene, posterior):
    graph = hypothesis_graph(posterior, scene.cells_m, scene.gain_db)
    assert graph.world[:, 0].sum() == pytest.approx(1.0)
    assert graph.world[-1, 4] == 1
    np.testing.assert_allclose(graph.pair[..., 2] * 10, graph.residual_db - graph.change_db)
    np.testing.assert_allclose(np.diag(graph.alike)[:-1][graph.world[:-1, 2] > 0], 1.0, atol=1e-4)
    cells = graph.cells_of(1, np.arange(10, 30))
    whole = graph.cells_of(1)
    np.testing.assert_array_equal(cells.change_db, whole.change_db[:, 10:30])
    np.testing.assert_allclose(cells.share, whole.share[10:30], atol=1e-6)
    # Kriging knows its own measurements: shares of another transmitter's are none.
    other = posterior.evidence.tx[graph.rows] != 1
    assert (whole.share[:, other] == 0).all()


def test_the_rows_that_tell_most_are_taken(posterior):
    rows = telling_rows(posterior, 10)
    assert len(rows) == 10
    surprise = np.abs(posterior.evidence.value_db) / posterior.evidence.sd_db
    assert surprise[rows].mean() > surprise.mean()


def test_a_summary_is_what_it_says(scene, posterior):
    told = dict(
        zip(
            SUMMARY,
            np.moveaxis(cell_summary(posterior, scene.cells_m, scene.gain_db), -1, 0),
            strict=True,
        )
    )
    np.testing.assert_allclose(10 * told["mean_field"], posterior.mean_db, atol=1e-3)
    np.testing.assert_allclose(3 * np.sinh(told["mean"]), posterior.mean_db, atol=1e-3)
    worlds = posterior.changes_db[np.argsort(-posterior.weight)[0]].reshape(scene.gain_db.shape)
    np.testing.assert_allclose(3 * np.sinh(told["likeliest"]), worlds, atol=1e-3)
    assert (told["moved"] >= -1e-6).all()
    assert (told["moved"] <= 1 + 1e-6).all()
    evidence = posterior.evidence
    # Where something was measured, the nearest is that, and 50 m are one.
    np.testing.assert_allclose(told["nearest"][evidence.tx, evidence.cell], 0)
    here = told["nearest_residual"][evidence.tx, evidence.cell]
    np.testing.assert_allclose(3 * np.sinh(here), evidence.value_db, atol=1e-3)
    apart = np.linalg.norm(
        scene.cells_m[None, evidence.cell[evidence.tx == 0]] - scene.cells_m[:, None], axis=-1
    )
    np.testing.assert_allclose(50 * told["nearest"][0], apart.min(axis=1), atol=1e-3)
    for name in ("chance", "p_none", "p_change", "num_rows"):
        assert len(np.unique(told[name])) == 1
    assert told["num_rows"][0, 0] == pytest.approx(len(evidence) / 2 / 50)


@needs_keras
def test_numpy_computes_what_keras_does(scene, posterior):
    net = built("cells")
    one = CellPredictor([np.asarray(w) for w in net.get_weights()], {"kind": "cells"})
    summary = cell_summary(posterior, scene.cells_m, scene.gain_db)
    out = {name: np.asarray(v) for name, v in net({"summary": summary}).items()}
    made = one(posterior, scene.cells_m, scene.gain_db)
    np.testing.assert_allclose(made.change_db, out["mean"], atol=1e-3)
    np.testing.assert_allclose(made.sigma_db, 10 * np.exp(out["log_sigma"]), rtol=1e-4)
    np.testing.assert_allclose(made.chance, 1 / (1 + np.exp(-out["changed"])), atol=1e-5)
    np.testing.assert_array_equal(made.world, posterior.weight)


@pytest.mark.parametrize("num_rows", [0, 1, 8])
def test_without_edits_or_news_it_says_little(scene, num_rows):
    """A library that is empty, and measurements that are few or none."""
    rng = np.random.default_rng(2)
    cell = rng.integers(0, scene.library.num_cells, num_rows)
    evidence = Evidence(
        np.zeros(num_rows, int), cell, np.full(num_rows, 6.0), np.full(num_rows, 1.5)
    )
    library = replace(scene.library, entries=())
    posterior = library_posterior(library, evidence, scene.cells_m)
    out = load_predictor(SHIPPED)(posterior, scene.cells_m, scene.gain_db)
    assert np.isfinite(out.change_db).all()
    assert np.isfinite(out.sigma_db).all()
    # What is hardly measured is left to the library, which knows of nothing here.
    assert np.abs(out.change_db[1]).max() < 0.5
    if num_rows == 0:
        assert np.abs(out.change_db).max() < 0.5
    if num_rows == 8:
        assert np.abs(out.change_db[0] - 6.0).mean() < 2.0


def test_what_was_rehearsed_serves_as_news(scene):
    cases = list(hidden_cases(scene, 40, np.random.default_rng(3)))
    shown = [len(told.library) for told, _ in cases]
    assert min(shown) < len(scene.library) - 1  # with what is nearly alike
    assert max(shown) == len(scene.library)  # some hide nothing
    maps = scene.library.gain_db.toarray()
    singles = [case for _, case in cases if case.truth.kind not in ("two", "level")]
    for case in singles:
        assert np.abs(maps - case.change_db.ravel()).max(axis=1).min() < 1e-4
    assert 0 < sum(case.of_twin for _, case in cases) < len(cases)
    assert 0 < len(singles) < len(cases)
    # A level is that of one transmitter, everywhere; a sector that turns is within its pattern.
    levels = [case.change_db for _, case in cases if case.truth.kind == "level"]
    assert levels
    flat = 0
    for change in levels:
        (tx,) = np.flatnonzero(np.abs(change).max(axis=1))
        if np.ptp(change[tx]) == 0:
            flat += 1
            assert 2 <= abs(change[tx, 0]) <= 25
        assert np.abs(change).max() <= 30
    assert 0 < flat < len(levels)


def test_the_weights_that_come_are_plain_arrays():
    with np.load(SHIPPED, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)
    told = load_predictor(SHIPPED).told
    assert told["kind"] == "cells"
    assert told["num_scenes"] >= 24
    assert SHIPPED.stat().st_size < 100_000


@pytest.fixture(scope="module")
def predictor():
    pytest.importorskip("tensorflow")
    return Predictor(built("hypotheses"), {"kind": "hypotheses"})


@needs_keras
def test_an_untrained_network_is_near_the_library(scene, posterior, predictor):
    out = predictor(posterior, scene.cells_m, scene.gain_db)
    assert out.change_db.shape == scene.gain_db.shape
    assert out.world.sum() + out.p_none == pytest.approx(1.0, abs=1e-5)
    truth = scene.cases[1].change_db
    error = np.sqrt(np.mean((out.change_db - truth) ** 2))
    assert error < 0.8 * np.sqrt(np.mean(truth**2))
    assert (out.sigma_db > 0).all()


@needs_keras
def test_order_and_transmitters_names_do_not_matter(scene, posterior, predictor):
    """Worlds, rows and transmitters in another order give the same map."""
    evidence = posterior.evidence
    order = np.random.default_rng(1).permutation(len(evidence))
    shuffled = Evidence(*(getattr(evidence, n)[order] for n in ("tx", "cell", "value_db", "sd_db")))
    again = library_posterior(scene.library, shuffled, scene.cells_m)
    one = predictor(posterior, scene.cells_m, scene.gain_db)
    two = predictor(again, scene.cells_m, scene.gain_db)
    np.testing.assert_allclose(one.change_db, two.change_db, atol=2e-2)


@needs_keras
def test_cells_in_pieces_are_cells_at_once(scene, posterior, predictor, monkeypatch):
    whole = predictor(posterior, scene.cells_m, scene.gain_db)
    monkeypatch.setattr("rtwin.horizontal.learned.network.predict.CELLS_AT_ONCE", 64)
    parts = predictor(posterior, scene.cells_m, scene.gain_db)
    np.testing.assert_allclose(whole.change_db, parts.change_db, atol=1e-3)


@pytest.fixture
def few_cells(monkeypatch):
    """Examples as large as the scene of these tests asks for."""
    # By its module: the package has a function of the same name.
    module = sys.modules["rtwin.horizontal.learned.network.train"]
    monkeypatch.setattr(module, "NUM_CELLS", 256)


@needs_keras
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_learns(scene, kind, few_cells):
    examples = arrays_of([scene], (kind,), 2, 1)
    _, history = train(Plan(kind, epochs=4, peak_rate=4e-3), examples, examples[:4])
    assert history.train_loss[-1] < history.train_loss[0]


@needs_keras
def test_training_goes_on_where_it_stopped(scene, tmp_path, few_cells):
    examples = arrays_of([scene], ("mlp",), 2, 1)
    plan = Plan("mlp", epochs=3)
    whole, _ = train(plan, examples, examples[:4])
    file = tmp_path / "checkpoint.npz"

    class Stop(Exception):
        pass

    def progress(stage, done, _):
        if stage == "epochs" and done == 2 and not progress.stopped:
            progress.stopped = True
            raise Stop

    progress.stopped = False
    with pytest.raises(Stop):
        train(plan, examples, examples[:4], file, progress)
    resumed, history = train(plan, examples, examples[:4], file, progress)
    assert len(history.train_loss) == 3
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4)


@needs_keras
@pytest.mark.slow
def test_lessons_teach_and_forget_nothing_but_the_optimizer(scene, few_cells):
    examples = arrays_of([scene], ("mlp",), 2, 1)
    lessons = Lessons("mlp", rate=4e-3)
    start = lessons.net.get_weights()
    once, again = (lessons.learn(start, examples, 3, np.random.default_rng(5)) for _ in range(2))
    for one, two in zip(once, again, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    before, after = (lessons.squares(w, examples) for w in (start, once))
    assert after[0] < before[0]
    assert after[1] == before[1] > 0


@needs_keras
def test_weights_come_back_and_nothing_else_is_read(predictor, tmp_path):
    file = tmp_path / "net.npz"
    save_predictor(file, replace(predictor, told={"kind": "hypotheses", "threshold": 0.2}))
    back = load_predictor(file)
    assert back.told["threshold"] == 0.2
    for one, two in zip(predictor.net.get_weights(), back.net.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, atol=2e-3)
    with np.load(file, allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)
    np.savez(tmp_path / "other.npz", told=np.frombuffer(b"{}", np.uint8))
    with pytest.raises(StoreError, match="no network"):
        load_predictor(tmp_path / "other.npz")


@pytest.mark.parametrize("first", ["tensorflow", "rtwin"])
@needs_keras
def test_the_tracer_and_keras_share_a_process(first):
    code = "from rtwin.horizontal.learned.worlds import training_scene; "
    use = "from rtwin.horizontal.learned.network.backend import keras; "
    use += "k = keras(); print(k.ops.ones(3).shape)"
    trace = "; print(len(training_scene('rooms_901').world.materials) > 0)"
    head = "import tensorflow; " if first == "tensorflow" else ""
    run = subprocess.run(
        [sys.executable, "-c", head + code + use + trace],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-1500:]
    assert run.stdout.split()[-1] == "True"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"kind": "gcn"}, "did you mean|hypotheses"),
        ({"num_scenes": 0}, "1 to"),
        ({"epochs": 0}, "1 to 1000"),
        ({"output": "net.h5"}, "npz"),
    ],
)
def test_impossible_training_gets_one_line(wrong, said, tmp_path):
    output = tmp_path / wrong.pop("output", "net.npz")
    with pytest.raises(OutOfRangeError, match=said):
        train_network(output, tmp_path / "cases", **wrong)
    assert not (tmp_path / "cases").exists()


def test_batches_hold_every_example(scene):
    rng = np.random.default_rng(0)
    examples = [
        example_of(scene, case, draw_evidence(scene, case, rng, 0.1), tx)
        for case in scene.cases[:2]
        for tx in (0, 1)
    ]
    inputs, targets = batched(examples, 256, KINDS)
    assert {name for kind in KINDS for name in names_of(kind)} == set(inputs)
    assert inputs["world_mask"].sum(axis=1).max() <= MOST + 1
    np.testing.assert_allclose(targets["cause"].sum(axis=1), 1.0, atol=1e-5)
    cells = len(scene.cells_m)
    np.testing.assert_allclose(targets["change"][1, :cells], examples[1].target_db, atol=1e-4)
    # Cells count whatever became of them: of those that are heard in the end, the faint ones
    # would always rise.
    np.testing.assert_array_equal(targets["judged"][1, :cells], ~scene.is_inside)
    # The raster holds each cell once.
    assert sorted(inputs["raster"][0][inputs["raster"][0] < 256]) == list(range(cells))
