"""A frequency sweep is one file: the same paths, evaluated at each frequency."""

import h5py
import numpy as np
import pytest

from rtwin.dataset import evaluate, file_info, generate, open_dataset, validate_file
from rtwin.dataset.schema import SWEEP_LAYOUT
from rtwin.dataset.store.contents import content_hash
from rtwin.errors import OutOfRangeError, RtwinError, StoreError

FREQUENCIES_HZ = (28e9, 3.5e9, 6e9)


@pytest.fixture(scope="module")
def stored(two_boxes, tmp_path_factory):
    velocity = [{"name": "t", "position_m": [0, 0, 12], "velocity_m_s": [5, 0, 0]}]
    recipe = two_boxes(transmitter=velocity, solver={"diffraction": True})
    return generate(recipe, tmp_path_factory.mktemp("stored") / "x.h5")


@pytest.fixture(scope="module")
def sweep(stored):
    return evaluate(stored, stored.with_name("sweep.h5"), frequencies_hz=FREQUENCIES_HZ)


@pytest.mark.parametrize("frequency_hz", FREQUENCIES_HZ)
def test_each_frequency_is_that_of_its_own_file(stored, sweep, tmp_path, frequency_hz):
    alone = evaluate(stored, tmp_path / "alone.h5", frequency_hz=frequency_hz)
    with open_dataset(sweep, frequency_hz) as a, open_dataset(alone) as b:
        assert a.frequency_hz == frequency_hz
        assert a.recipe == b.recipe
        for name in ("a", "doppler_hz", "vertex_m", "triangle", "conductivity_s_per_m"):
            np.testing.assert_array_equal(a.read(name), b.read(name), err_msg=name)
        one, two = a.paths(3, 9), b.paths(3, 9)
        assert one.frequency_hz == two.frequency_hz
        np.testing.assert_array_equal(one.a, two.a)


def test_dimension_frequency(sweep, stored):
    with h5py.File(sweep) as file, h5py.File(stored) as one:
        assert file["a"].shape == (one["a"].shape[0], 3, *one["a"].shape[1:])
        np.testing.assert_array_equal(file["delay_s"], one["delay_s"])
    with open_dataset(sweep, 6e9) as dataset, dataset.xarray() as data:
        assert data["a"].dims == ("path", "frequency", "rx_pol", "tx_pol")
        assert data["frequency"].values.tolist() == list(FREQUENCIES_HZ)
        assert data["conductivity_s_per_m"].dims == ("material_id", "frequency")
        free_space = np.abs(data["a"].sel(frequency=[3.5e9, 28e9]).values[:, :, 0, 0])
        direct = (data["interactions"].values == 0).all(axis=1)
        np.testing.assert_allclose(free_space[direct, 0] / free_space[direct, 1], 8, rtol=1e-5)
        shift = data["doppler_hz"].values
        np.testing.assert_allclose(shift[:, 0], 8 * shift[:, 1], rtol=1e-5)


def test_summary_and_validation(sweep):
    assert validate_file(sweep) == []
    info = file_info(sweep)
    assert info["frequencies_hz"] == list(FREQUENCIES_HZ)
    assert "frequency_hz" not in info


def test_a_changed_coefficient_is_noticed(sweep, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(sweep.read_bytes())
    with h5py.File(copy, "r+") as file:
        file["a"][0, 2] = 2.0
    assert any("content_hash" in line for line in validate_file(copy))
    with h5py.File(copy, "r+") as file:
        file.attrs["content_hash"] = content_hash(file, SWEEP_LAYOUT)
    assert any("above 1" in line for line in validate_file(copy))


def test_which_frequency_must_be_said(sweep, stored):
    with pytest.raises(StoreError, match=r"sweep over 2\.8e\+10, 3\.5e\+09, 6e\+09 Hz"):
        open_dataset(sweep)
    with pytest.raises(OutOfRangeError, match="holds"):
        open_dataset(sweep, 5e9)
    with pytest.raises(OutOfRangeError, match="holds"):
        open_dataset(stored, 5e9)
    with open_dataset(stored, 3.5e9) as dataset:
        assert dataset.frequency_hz == 3.5e9


@pytest.mark.parametrize(
    "options",
    [
        {"frequencies_hz": []},
        {"frequencies_hz": [3e9, 3e9]},
        {"frequencies_hz": [3.5e9, -1.0]},
        {"frequencies_hz": [3.5e9, float("nan")]},
        {"frequencies_hz": [3.5e9, 60e12]},
        {"frequencies_hz": [3.5e9], "frequency_hz": 3.5e9},
    ],
)
def test_impossible_frequencies(stored, tmp_path, options):
    with pytest.raises(RtwinError) as caught:
        evaluate(stored, tmp_path / "x.h5", **options)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_resumed_and_small_shards_give_the_same_content(stored, sweep, tmp_path, monkeypatch):
    import importlib

    module = importlib.import_module("rtwin.dataset.generation.evaluate")
    monkeypatch.setattr(module, "RECEIVERS_PER_SHARD", 9)
    small = evaluate(stored, tmp_path / "small.h5", frequencies_hz=FREQUENCIES_HZ)
    assert file_info(small)["content_hash"] == file_info(sweep)["content_hash"]
