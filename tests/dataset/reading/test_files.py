"""Files open in other tools as they are, and validate finds what is wrong."""

import json
import shutil

import h5py
import numpy as np
import pytest

from rtwin.channel import path_gain, thermal_noise_w
from rtwin.dataset import (
    file_info,
    generate,
    generate_radio_map,
    open_dataset,
    open_radio_map,
    tf_dataset,
    validate_file,
)
from rtwin.dataset.schema import MAP_LAYOUT, PATHS_LAYOUT
from rtwin.errors import OutOfRangeError, StoreError


def test_files_are_valid(paths_file, map_file):
    assert validate_file(paths_file) == []
    assert validate_file(map_file) == []


def test_info(paths_file, two_boxes):
    info = file_info(paths_file)
    assert info["num_tx"] == 2
    assert info["num_rx"] == 12
    assert info["num_links"] == 24
    assert info["frequency_hz"] == 3.5e9
    assert info["scene"] == "two_boxes"
    assert len(info["scene_hash"]) == len(info["content_hash"]) == 64
    with open_dataset(paths_file) as dataset:
        assert info["num_paths"] == dataset.num_paths.sum() > 100
        assert dataset.recipe == two_boxes()
    json.dumps(info)


@pytest.mark.parametrize("kind", ["paths", "map"])
def test_opens_in_xarray_with_units_and_coordinates(paths_file, map_file, kind):
    xarray = pytest.importorskip("xarray")
    file, layout = {"paths": (paths_file, PATHS_LAYOUT), "map": (map_file, MAP_LAYOUT)}[kind]
    with xarray.open_dataset(file, engine="h5netcdf") as data:
        for variable in layout:
            assert data[variable.name].dims == variable.dims
            assert data[variable.name].attrs["long_name"] == variable.long_name
            if variable.units:
                assert data[variable.name].attrs["units"] == variable.units
            for dim in variable.dims:
                assert dim in data.coords
        assert data.tx.values.tolist() == ["mast", "pole"]
        data.load()


def test_opens_in_h5py_without_rtwin(paths_file):
    with h5py.File(paths_file) as h5, open_dataset(paths_file) as dataset:
        ends = np.cumsum(h5["num_paths"][:])
        link = 5
        rows = slice(ends[link - 1], ends[link])
        assert h5["link_rx"][link] == link // 2
        np.testing.assert_array_equal(h5["a"][rows], dataset.paths(link, link + 1).a)
        assert h5["a"].dtype == np.complex64


def test_paths_by_link_and_in_batches(paths_file):
    with open_dataset(paths_file) as dataset:
        whole = path_gain(dataset.paths())
        pieces = np.concatenate([path_gain(paths) for _, paths in dataset.batches(7)])
        np.testing.assert_array_equal(whole, pieces)
        link = dataset.link(rx=3, tx=1)
        assert link == 7
        with pytest.raises(OutOfRangeError, match="transmitters 0 to 1"):
            dataset.link(rx=3, tx=2)


def test_tf_data(paths_file):
    pytest.importorskip("tensorflow")
    with open_dataset(paths_file) as dataset:
        expected = path_gain(dataset.paths())
    found = [batch["path_gain"] for batch in tf_dataset(paths_file, links_per_batch=7)]
    sums = np.concatenate([np.asarray(gain.to_tensor()).sum(axis=1) for gain in found])
    assert len(found) == 4
    np.testing.assert_allclose(sums, expected, rtol=1e-5)


def test_radio_map_algebra_in_the_file(map_file, two_boxes):
    radio_map, recipe = open_radio_map(map_file), two_boxes()
    gain = radio_map.path_gain
    assert gain.shape == (2, 24, 24)
    reached = gain > 0
    np.testing.assert_allclose(
        radio_map.rss_dbm[reached], 44.0 + 10 * np.log10(gain[reached]), atol=1e-3
    )
    power = 10 ** ((44.0 - 30) / 10) * gain
    noise = thermal_noise_w(recipe.bandwidth_hz, recipe.temperature_k, recipe.noise_figure_db)
    np.testing.assert_allclose(radio_map.sinr[0], power[0] / (noise + power[1]), rtol=1e-9)
    both = reached.any(axis=0)
    assert (radio_map.serving_transmitter[both] == gain.argmax(axis=0)[both]).all()
    assert (radio_map.path_gain_standard_error[reached] >= 0).all()
    centers = radio_map.cell_centers_m
    assert centers[0, 0].tolist() == pytest.approx([-57.5, -57.5, 1.5], abs=1e-4)
    assert centers[0, 1, 0] - centers[0, 0, 0] == pytest.approx(5.0)


def test_radio_map_is_not_overwritten_unasked(map_file, two_boxes):
    before = map_file.stat().st_mtime_ns
    assert generate_radio_map(two_boxes(), map_file) == map_file
    assert map_file.stat().st_mtime_ns == before, "a finished map is left alone"
    with pytest.raises(StoreError, match="holds something else"):
        generate_radio_map(two_boxes(seed=4), map_file)


@pytest.mark.parametrize("make", [generate, generate_radio_map])
def test_target_that_is_a_folder(two_boxes, tmp_path, make):
    with pytest.raises(StoreError, match="is a folder"):
        make(two_boxes(), tmp_path, overwrite=True)
    assert list(tmp_path.iterdir()) == []


def test_receivers_know_their_row_in_the_list(two_boxes, tmp_path):
    """Row 1 stands inside the brick box and is turned away."""
    positions = [[0, 5, 1.5], [20, 12, 3], [5, 0, 1.5]]
    recipe = two_boxes(receivers={"kind": "list", "positions_m": positions})
    with open_dataset(generate(recipe, tmp_path / "x.h5")) as dataset:
        assert dataset.read("rx_candidate").tolist() == [0, 2]


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"transmitter": [{"name": "t", "position_m": [20, 12, 3]}]}, "'t' is inside an object"),
        ({"transmitter": [{"name": "t", "position_m": [0, 0, -2]}]}, "'t' is under the ground"),
        ({"solver": {"diffuse_reflection": True}}, "no material has a scattering_coefficient"),
        (
            {"solver": {"line_of_sight": False, "specular_reflection": False, "refraction": False}},
            "switched off",
        ),
    ],
)
def test_odd_settings_are_remarked(two_boxes, tmp_path, changes, remark):
    found = file_info(generate(two_boxes(**changes), tmp_path / "x.h5"))["remarks"]
    assert any(remark in line for line in found), found


def test_ordinary_settings_are_not(paths_file):
    assert file_info(paths_file)["remarks"] == []


@pytest.mark.parametrize("links", [(-5, 3), (0, 1000), (4, 2)])
def test_links_that_are_not_there(paths_file, links):
    with open_dataset(paths_file) as dataset, pytest.raises(OutOfRangeError, match="links 0 to 24"):
        dataset.paths(*links)


def test_variable_that_is_not_there(paths_file):
    with open_dataset(paths_file) as dataset, pytest.raises(OutOfRangeError, match="delay_s"):
        dataset.read("dealy")


def edit_values(name, change):
    def edit(h5):
        data = h5[name][...]
        h5[name][...] = change(data)

    return edit


def drop_unit(h5):
    del h5["delay_s"].attrs["units"]


def drop_variable(h5):
    del h5["vertex_m"]


def swap_angles(h5):
    h5["aoa_azimuth"][...] = h5["aod_azimuth"][...]


def rehash(h5):
    from rtwin.dataset.store.contents import content_hash

    h5.attrs["content_hash"] = content_hash(h5, PATHS_LAYOUT)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (drop_unit, "delay_s has units ''"),
        (drop_variable, "'vertex_m' is missing"),
        (edit_values("a", lambda a: a * 1e6), "is above 1 (0 dB)"),
        (edit_values("a", lambda a: a * np.nan), "a holds nan"),
        (edit_values("delay_s", lambda d: d + 1e-9), "delay and vertices disagree"),
        (edit_values("num_paths", lambda n: n + 1), "num_paths adds up to"),
        (swap_angles, "not opposite"),
        (edit_values("a", lambda a: a * 0.9), "not that of Friis"),
    ],
)
def test_validate_finds(paths_file, tmp_path, edit, problem):
    copy = tmp_path / "copy.h5"
    shutil.copy(paths_file, copy)
    with h5py.File(copy, "r+") as h5:
        edit(h5)
    before = validate_file(copy)
    assert before
    with h5py.File(copy, "r+") as h5:
        rehash(h5)
    found = validate_file(copy)
    assert any(problem in line for line in found), found
    assert all("\n" not in line for line in found)


def test_validate_finds_any_change_by_its_hash(paths_file, tmp_path):
    copy = tmp_path / "copy.h5"
    shutil.copy(paths_file, copy)
    with h5py.File(copy, "r+") as h5:
        h5["rx_position_m"][0, 0] += 1e-9
    assert validate_file(copy) == ["content_hash does not match the content: the file was changed"]


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"", "not a readable HDF5 file"), (b"PK\x03\x04zip", "not a readable HDF5 file")],
)
def test_foreign_files_are_one_line(tmp_path, content, line):
    file = tmp_path / "x.h5"
    file.write_bytes(content)
    with pytest.raises(StoreError, match=line) as caught:
        open_dataset(file)
    assert "\n" not in str(caught.value)
    assert validate_file(file) == [str(caught.value).removeprefix(f"{file}: ")]


def test_other_hdf5_and_other_version(paths_file, tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as h5:
        h5["x"] = 1
    with pytest.raises(StoreError, match="not one of rtwin's"):
        open_dataset(other)
    copy = tmp_path / "future.h5"
    shutil.copy(paths_file, copy)
    with h5py.File(copy, "r+") as h5:
        h5.attrs["format_version"] = 99
    with pytest.raises(StoreError, match="version 99"):
        open_dataset(copy)


def test_cut_off_file(paths_file, tmp_path):
    cut = tmp_path / "cut.h5"
    cut.write_bytes(paths_file.read_bytes()[:-2000])
    with pytest.raises(StoreError, match="cut off"):
        open_dataset(cut)


def test_paths_file_is_no_map(paths_file):
    with pytest.raises(StoreError, match="holds rtwin-paths, this needs rtwin-radiomap"):
        open_radio_map(paths_file)
