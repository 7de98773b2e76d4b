"""A network is a way of an update, beside the library that it reads: rtwin's own, or another."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from rtwin.errors import StoreError
from rtwin.horizontal import create_twin, open_twin, rehearse, update_measured
from rtwin.units import to_db

needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.fixture(scope="module")
def folder(two_boxes, tmp_path_factory):
    made = tmp_path_factory.mktemp("twins") / "two.twin"
    create_twin(two_boxes(radio_map={"area": [-45, -45, 45, 45]}), made, uncertainty_db=1.0)
    rehearse(made, num_edits=8)
    return made


@pytest.fixture
def news(folder, tmp_path):
    """A level that fell by 12 dB at twenty cells of the first transmitter."""
    snapshot = open_twin(folder)
    state = snapshot.state()
    level = to_db(snapshot.radio_map.path_gain[0]).ravel()
    heard = np.flatnonzero((level > -110) & ~state.is_inside.ravel())[::7][:20]
    cells = state.grid.centers_m.reshape(-1, 3)[heard]
    rows = [
        f"{state.tx_names[0]},{x:.2f},{y:.2f},{gain - 12:.2f}"
        for (x, y, _), gain in zip(cells, level[heard], strict=True)
    ]
    file = tmp_path / "news.csv"
    file.write_text("\n".join(["tx,x_m,y_m,path_gain_db", *rows]) + "\n")
    return file


def saved(file, kind):
    """An untrained network of a kind."""
    from rtwin.horizontal.learned.network import Predictor, save_predictor
    from rtwin.horizontal.learned.network.predict import built

    save_predictor(file, Predictor(built(kind), {"kind": kind}))
    return file


@pytest.mark.parametrize("kind", ["shipped", pytest.param("hypotheses", marks=needs_keras)])
def test_it_is_a_way_and_the_library_too(own, news, tmp_path, kind):
    weights = None if kind == "shipped" else saved(tmp_path / "net.npz", kind)
    made = update_measured(own, news, how="network", network=weights)
    assert made.way == "network"
    assert (made.snapshot.number, made.snapshot.more["way"]) == (1, "network")
    # Untrained or not, it is told by the library that the level fell.
    changed = ~made.correction.is_preserved
    before = to_db(open_twin(own, 0).radio_map.path_gain.reshape(changed.shape))
    first = (made.correction.gain_db - before)[0][changed[0] & (before[0] > -110)]
    assert len(first)
    assert np.mean(first) < -1.5
    free = update_measured(own, news, network=weights, again=True)
    assert "library" in free.snapshot.more
    # The weights that come with rtwin are a way where they are asked for.
    assert ("network" in free.snapshot.more) == (kind != "shipped")


def test_the_network_that_comes_needs_no_tensorflow(own, news):
    code = (
        "import sys; from rtwin.horizontal import update_measured; "
        f"made = update_measured({str(own)!r}, {str(news)!r}, how='network'); "
        "print(made.way, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["network", "False", "False"]


@needs_keras
def test_weights_that_are_none_and_baselines_are_refused(own, news, tmp_path):
    with pytest.raises(StoreError, match="holds a baseline of the benchmark, mlp"):
        update_measured(own, news, network=saved(tmp_path / "mlp.npz", "mlp"))
    with pytest.raises(StoreError, match=r"none\.npz"):
        update_measured(own, news, network=tmp_path / "none.npz")
    assert open_twin(own).number == 0
