"""Transmitters with antennas of their own: each as in a scene that it has for itself."""

import numpy as np
import pytest

from rtwin.channel import AntennaArray
from rtwin.dataset import evaluate, generate, open_dataset, validate_file
from rtwin.errors import RecipeError, ShapeError
from rtwin.export import export

SMALL = {"polarization": "H", "pattern": "tr38901", "num_cols": 2}
LARGE = {"polarization": "V", "num_rows": 2, "num_cols": 3, "vertical_spacing": 0.7}
MAST = {"name": "mast", "position_m": [0, 0, 12], "azimuth_deg": 40, "antenna": SMALL}
POLE = {"name": "pole", "position_m": [30, -20, 5], "antenna": LARGE}
FREQUENCIES = np.array([-10e6, 0.0, 10e6])
RECEIVERS = {
    "kind": "random",
    "count": 6,
    "area": [-45, -45, 45, 45],
    "antenna": {"polarization": "VH"},
}


@pytest.fixture(scope="module")
def both(two_boxes, tmp_path_factory):
    recipe = two_boxes(transmitter=[MAST, POLE], receivers=RECEIVERS)
    return generate(recipe, tmp_path_factory.mktemp("both") / "both.h5")


@pytest.mark.parametrize(("tx", "spec", "elements"), [(0, MAST, 2), (1, POLE, 6)])
def test_as_in_a_scene_of_its_own(two_boxes, both, tmp_path, tx, spec, elements):
    alone = generate(two_boxes(transmitter=[spec], receivers=RECEIVERS), tmp_path / "alone.h5")
    with open_dataset(both) as dataset, open_dataset(alone) as own:
        wanted = own.cfr(FREQUENCIES)
        assert np.abs(wanted).max() > 0
        np.testing.assert_allclose(dataset.cfr(FREQUENCIES, tx=tx), wanted, rtol=1e-5, atol=1e-12)
        padded = dataset.cfr(FREQUENCIES)[tx::2]
        assert padded.shape[2] == 6
        np.testing.assert_array_equal(padded[:, :, elements:], 0.0)
        np.testing.assert_allclose(padded[:, :, :elements], wanted, rtol=1e-5, atol=1e-12)
        arrays, _ = dataset.arrays(0, dataset.num_links)
        assert arrays.take(np.arange(tx, dataset.num_links, 2)).num_elements == elements


def test_the_file_is_whole_and_evaluated_alike(both, tmp_path):
    assert validate_file(both) == []
    again = evaluate(both, tmp_path / "again.h5")
    with open_dataset(both) as one, open_dataset(again) as two:
        np.testing.assert_allclose(two.read("a"), one.read("a"), rtol=1e-6)
        with one.xarray() as labelled:
            assert labelled["tx_pol"].values.tolist() == ["port 0"]


def test_a_format_of_one_array_takes_one_transmitter(both, tmp_path):
    with pytest.raises(RecipeError, match=r"'mast' and 'pole' differ .* choose one of them"):
        export(both, "aodt", tmp_path / "all")
    export(both, "aodt", tmp_path / "one", tx="1")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"polarization": "VH"}, "'mast' has 1 polarisation ports and 'pole' 2"),
        ({"synthetic_array": False}, "synthetic_array of transmitters 'mast' and 'pole'"),
    ],
)
def test_what_one_dataset_cannot_hold(two_boxes, change, line):
    with pytest.raises(RecipeError, match=line):
        two_boxes(transmitter=[MAST, POLE | {"antenna": LARGE | change}])


def test_as_many_arrays_as_orientations():
    with pytest.raises(ShapeError, match="of equally many links"):
        AntennaArray(np.zeros((2, 4, 3)), np.zeros((3, 3)))
