"""Maps from exact paths: closed forms, datasets of the same places, Monte Carlo maps."""

import h5py
import numpy as np
import pytest

from rtwin.channel import mean_angle, path_gain, rms_angular_spread, rms_delay_spread_s
from rtwin.dataset import (
    file_info,
    generate,
    generate_radio_map,
    open_dataset,
    open_radio_map,
    validate_file,
)
from rtwin.dataset.schema import PATH_MAP_VARIABLES
from rtwin.errors import OutOfRangeError, StoreError

AREA = [-36, -36, 36, 42]
GRID = {"cell_size_m": 6.0, "height_m": 1.5, "area": AREA}


@pytest.fixture(scope="module")
def recipe(two_boxes):
    return two_boxes(radio_map=GRID, solver={"diffraction": True, "rays": 30_000})


@pytest.fixture(scope="module")
def file(recipe, tmp_path_factory):
    target = tmp_path_factory.mktemp("map") / "paths-map.h5"
    return generate_radio_map(recipe, target, method="paths")


def test_cells_hold_what_a_receiver_in_their_middle_gets(two_boxes, recipe, file, tmp_path):
    radio_map = open_radio_map(file)
    cells = radio_map.cell_centers_m.reshape(-1, 3)
    receivers = {
        "kind": "list",
        "keep_invalid": True,
        "positions_m": cells.tolist(),
        "antenna": {"polarization": "VH"},
    }
    alone = generate(
        two_boxes(receivers=receivers, solver={"diffraction": True, "rays": 30_000}),
        tmp_path / "x.h5",
    )
    with open_dataset(alone) as dataset:
        paths, num_tx = dataset.paths(), dataset.num_tx

    def in_cells(values):
        shape = (*radio_map.cell_centers_m.shape[:2], num_tx)
        return values.reshape(shape).transpose(2, 0, 1)

    np.testing.assert_array_equal(radio_map.path_gain, in_cells(path_gain(paths)))
    found = radio_map.path_statistics
    np.testing.assert_array_equal(found["num_paths"], in_cells(paths.num_paths))
    np.testing.assert_array_equal(found["rms_delay_spread_s"], in_cells(rms_delay_spread_s(paths)))
    for angle in ("aod_zenith", "aoa_azimuth"):
        for name, function in (("mean", mean_angle), ("spread", rms_angular_spread)):
            expected = in_cells(function(paths, angle))  # of angles stored in single precision
            np.testing.assert_allclose(found[f"{angle}_{name}"], expected, rtol=1e-5, atol=1e-5)
    assert found["num_paths"].max() > 3
    assert set(np.unique(found["line_of_sight"])) == {0, 1}


def test_free_space(two_boxes, tmp_path):
    """One path to each cell in sight: its gain by Friis, its angles by geometry, no spread."""
    recipe = two_boxes(radio_map=GRID, solver={"max_depth": 0})
    radio_map = open_radio_map(generate_radio_map(recipe, tmp_path / "m.h5", method="paths"))
    found, seen = radio_map.path_statistics, radio_map.path_gain > 0
    away = radio_map.cell_centers_m - radio_map.tx_position_m[:, None, None]
    distance = np.linalg.norm(away, axis=-1)
    friis = (299792458.0 / recipe.frequency_hz / (4 * np.pi * distance)) ** 2
    np.testing.assert_allclose(radio_map.path_gain[seen], friis[seen], rtol=1e-5)
    np.testing.assert_array_equal(found["line_of_sight"] == 1, seen)
    np.testing.assert_array_equal(found["num_paths"], seen)
    assert np.isinf(found["k_factor"][seen]).all()
    assert (found["rms_delay_spread_s"][seen] == 0).all()
    np.testing.assert_allclose(found["mean_delay_s"][seen], distance[seen] / 299792458.0)
    departure = np.arctan2(away[..., 1], away[..., 0])
    np.testing.assert_allclose(found["aod_azimuth_mean"][seen], departure[seen], atol=1e-5)
    back = np.arctan2(-away[..., 1], -away[..., 0])
    np.testing.assert_allclose(np.cos(found["aoa_azimuth_mean"] - back)[seen], 1, atol=1e-6)
    for name in ("k_factor", "mean_delay_s", "aoa_zenith_mean", "aod_azimuth_spread"):
        assert np.isnan(found[name][~seen]).all()
    assert 0 < seen.sum() < seen.size


def test_agrees_with_the_monte_carlo_map(two_boxes, tmp_path):
    """Small cells, where the middle stands for the whole: NMSE below -20 dB."""
    grid = {"cell_size_m": 0.5, "height_m": 1.5, "area": [-8, -4, 8, 8], "rays": 8_000_000}
    recipe = two_boxes(radio_map=grid, solver={"max_depth": 2})
    one = open_radio_map(generate_radio_map(recipe, tmp_path / "a.h5", method="paths"))
    two = open_radio_map(generate_radio_map(recipe, tmp_path / "b.h5"))
    np.testing.assert_array_equal(one.cell_centers_m, two.cell_centers_m)
    difference = one.path_gain - two.path_gain
    assert 10 * np.log10(np.sum(difference**2) / np.sum(two.path_gain**2)) < -20
    assert (one.serving_transmitter == two.serving_transmitter).mean() > 0.95


def test_file(file, recipe, tmp_path):
    assert validate_file(file) == []
    info = file_info(file)
    assert info["method"] == "paths"
    again = generate_radio_map(recipe, tmp_path / "again.h5", method="paths")
    assert file_info(again)["content_hash"] == info["content_hash"]
    with h5py.File(file) as h5:
        assert h5.attrs["rays"] == 30_000
        for variable in PATH_MAP_VARIABLES:
            assert h5[variable.name].shape == h5["path_gain"].shape
    with pytest.raises(StoreError, match="something else"):
        generate_radio_map(recipe, file)


def test_changed_statistics_are_noticed(file, tmp_path):
    copy = tmp_path / "copy.h5"
    copy.write_bytes(file.read_bytes())
    with h5py.File(copy, "r+") as h5:
        h5["rms_delay_spread_s"][0, 0, 0] = -1.0
        h5["num_paths"][...] = 0
    assert "rms_delay_spread_s holds -1" in " ".join(validate_file(copy))
    with h5py.File(copy, "r+") as h5:
        reached = h5["path_gain"][0, 0, 0] > 0
        h5["rms_delay_spread_s"][0, 0, 0] = np.nan if reached else 1.0
    problems = " ".join(validate_file(copy))
    assert "content_hash" in problems
    assert "rms_delay_spread_s is negative" in problems
    assert "num_paths is 0" in problems


def test_other_methods_are_refused(recipe, tmp_path):
    with pytest.raises(OutOfRangeError, match="monte-carlo or paths"):
        generate_radio_map(recipe, tmp_path / "x.h5", method="rays")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_goes_on(recipe, file, tmp_path, monkeypatch):
    """Finished cells are not traced again, and the map is the same to the bit."""
    from rtwin.dataset.generation import pathmap

    monkeypatch.setattr(pathmap, "default_shard_size", lambda _: 60)  # of 156 cells
    target = tmp_path / "again.h5"

    def killed(stage, done, total):
        if done >= 5:  # of two transmitters and three shards
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_radio_map(recipe, target, method="paths", progress=killed)
    assert not target.exists()
    folder = target.with_name("again.h5.parts")
    assert sorted(p.name for p in folder.glob("shard*")) == ["shard-000000.h5", "shard-000001.h5"]
    steps = []
    generate_radio_map(
        recipe, target, method="paths", progress=lambda stage, done, total: steps.append(done)
    )
    assert steps == [4, 5, 6]
    assert not folder.exists()
    assert file_info(target)["content_hash"] == file_info(file)["content_hash"]


def test_finished_cells_of_another_map_are_of_no_use(
    two_boxes, recipe, file, tmp_path, monkeypatch
):
    from rtwin.dataset.generation import pathmap

    monkeypatch.setattr(pathmap, "default_shard_size", lambda _: 60)
    target = tmp_path / "other.h5"

    def killed(stage, done, total):
        if done >= 3:
            raise KeyboardInterrupt

    other = two_boxes(radio_map=GRID | {"height_m": 4.0}, solver={"rays": 1000})
    with pytest.raises(KeyboardInterrupt):
        generate_radio_map(other, target, method="paths", progress=killed)
    generate_radio_map(recipe, target, method="paths")
    assert file_info(target)["content_hash"] == file_info(file)["content_hash"]
