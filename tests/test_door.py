"""`import rtwin` holds a function per job, loaded late, and objects that say what they are."""

import subprocess
import sys

import numpy as np
import pytest

import rtwin
from rtwin import door
from rtwin.channel import AntennaArray
from rtwin.channel import cfr as channel_cfr
from rtwin.errors import OutOfRangeError


def test_import_loads_neither_engine_nor_tensorflow():
    heavy = "('drjit', 'mitsuba', 'tensorflow', 'numpy')"
    code = f"import sys, rtwin; assert not [m for m in {heavy} if m in sys.modules]; rtwin.generate"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_is_there():
    assert rtwin.__all__ == door.__all__
    assert all(callable(getattr(rtwin, name)) for name in rtwin.__all__)
    assert set(rtwin.__all__) <= set(dir(rtwin))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rtwin.nothing  # noqa: B018


@pytest.fixture(scope="module")
def dataset(two_boxes, tmp_path_factory):
    recipe = two_boxes()
    antenna = {"num_rows": 2, "num_cols": 3, "polarization": "V"}
    devices = [{"name": d.name, "position_m": d.position_m} for d in recipe.transmitter]
    recipe = two_boxes(transmitter=[{**d, "antenna": antenna} for d in devices])
    with rtwin.generate(recipe, tmp_path_factory.mktemp("door") / "p.h5", max_depth=2) as made:
        yield made


def test_generate_takes_a_recipe_and_opens(dataset):
    assert dataset.recipe.solver.max_depth == 2
    assert f"links: {dataset.num_links} (2 tx x" in repr(dataset)
    assert "<td>links</td>" in dataset._repr_html_()
    again = rtwin.generate(dataset.recipe, dataset.path)
    again.close()
    assert repr(again).endswith("state: closed)")


def test_channels_use_the_arrays_of_the_recipe(dataset):
    frequencies = np.linspace(-5e6, 5e6, 4)
    whole = dataset.cfr(frequencies)
    assert whole.shape == (dataset.num_links, 1, 6, 1, 4)
    tx_array, rx_array = dataset.arrays(0, dataset.num_links)
    known = channel_cfr(dataset.paths(), frequencies, tx_array=tx_array, rx_array=rx_array)
    np.testing.assert_array_equal(whole, known)
    for rx, tx in ((3, 1), (None, 1), (3, None)):
        np.testing.assert_allclose(
            dataset.cfr(frequencies, rx=rx, tx=tx), whole[dataset.links(rx, tx)], rtol=1e-9
        )
    assert dataset.links(3, 1).tolist() == [dataset.link(3, 1)]
    assert dataset.cir(rx=3, tx=1).shape == (dataset.num_paths[dataset.link(3, 1)], 1, 6, 1)
    assert dataset.taps(1e6, -2, 5, rx=3).shape == (2, 1, 6, 1, 8)
    with pytest.raises(OutOfRangeError, match="rx = 99"):
        dataset.links(rx=99)


def test_maps_arrays_and_twins_say_what_they_are(two_boxes, tmp_path):
    found = rtwin.radio_map(two_boxes(), tmp_path / "m.h5", cell_size_m=10)
    assert "transmitters: mast, pole" in repr(found)
    assert len(repr(AntennaArray(np.zeros((4, 3)), np.zeros((300, 3))))) < 100
    twin = rtwin.twin(two_boxes(), tmp_path / "t.twin", cell_size_m=20)
    assert "snapshot: 0" in repr(twin)
    with pytest.raises(OutOfRangeError, match="edit or measurements"):
        rtwin.update(tmp_path / "t.twin")
