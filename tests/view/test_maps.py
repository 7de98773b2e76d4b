"""The radio map on a page is the one of the file, or its averages."""

import dataclasses

import numpy as np
import pytest

from rtwin.channel import rss_dbm, serving_transmitter, sinr
from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.plot.fields import MAP_METRICS, PATH_METRICS, map_field, map_metrics
from rtwin.view.buffers import Buffers, decode
from rtwin.view.maps import MAX_SIDE, _factor, add_map, coarsened, thinned

from ..tables import unreached


@pytest.fixture
def radio_map(map_file):
    return open_radio_map(map_file)


def test_layers_are_those_of_the_plots(both, radio_map):
    layers, values = both.content["map"]["layers"], both.arrays["map_values"]
    assert {layer["metric"] for layer in layers} == set(MAP_METRICS) - {"serving"}
    assert len(layers) == len(values) == 4 * 3
    for layer, steps in zip(layers, values, strict=True):
        field = map_field(radio_map, layer["metric"], layer["tx"]).values
        np.testing.assert_array_equal(steps == both.content["map"]["no_value"], np.isnan(field))
        reached = ~np.isnan(field)
        np.testing.assert_allclose(layer["step"] * steps[reached], field[reached], atol=0.00501)
        assert tuple(layer["limits"]) == map_field(radio_map, layer["metric"], layer["tx"]).limits
        assert layer["unit"] == ("dBm" if layer["metric"] == "rss" else "dB")
    np.testing.assert_array_equal(both.arrays["map_serving"], radio_map.serving_transmitter)
    assert both.content["map"]["low_m"] == [-60.0, -60.0]


@pytest.mark.parametrize("factor", [2, 5])
def test_coarse_cells_are_averages(radio_map, factor):
    coarse = coarsened(radio_map, factor)
    num_y, num_x = radio_map.path_gain.shape[1:]
    assert coarse.path_gain.shape[1:] == (-(-num_y // factor), -(-num_x // factor))
    blocks = np.array(
        [
            [
                radio_map.path_gain[:, y : y + factor, x : x + factor].mean(axis=(1, 2))
                for x in range(0, num_x, factor)
            ]
            for y in range(0, num_y, factor)
        ]
    )
    np.testing.assert_allclose(coarse.path_gain, np.moveaxis(blocks, -1, 0))
    power, noise = radio_map.tx_power_dbm, radio_map.attributes["noise_power_w"]
    np.testing.assert_allclose(coarse.sinr, sinr(coarse.path_gain, power, noise))
    np.testing.assert_allclose(coarse.rss_dbm, rss_dbm(coarse.path_gain, power), rtol=1e-6)
    np.testing.assert_array_equal(
        coarse.serving_transmitter, serving_transmitter(coarse.path_gain, power)
    )
    half = factor * 5.0 / 2
    np.testing.assert_allclose(coarse.cell_centers_m[0, 0, :2], [-60 + half, -60 + half])
    np.testing.assert_allclose(coarse.cell_centers_m[..., 2], 1.5)


def test_error_of_an_average(radio_map):
    """Independent errors add as squares."""
    ones = dataclasses.replace(
        radio_map, path_gain_standard_error=np.ones_like(radio_map.path_gain)
    )
    np.testing.assert_allclose(coarsened(ones, 2).path_gain_standard_error, 0.5)


def test_one_is_the_map_itself(radio_map):
    same = coarsened(radio_map, 1)
    np.testing.assert_array_equal(same.path_gain, radio_map.path_gain)
    np.testing.assert_allclose(same.cell_centers_m, radio_map.cell_centers_m)


def test_too_many_cells_are_said(radio_map):
    buffers = Buffers()
    said, remarks = add_map(buffers, radio_map, max_values=2000)
    assert said["shape"] == [12, 12]
    assert said["cell_size_m"] == 10.0
    assert remarks == [
        "Radio map: 2 x 2 cells are averaged into one, 5 m become 10 m; the file has them all."
    ]
    assert decode(buffers.encode(), buffers.entries)["map_values"].shape == (12, 12, 12)


def test_sides_fit_a_texture():
    assert _factor((3, MAX_SIDE), 1, 10**9) == 1
    assert _factor((3, MAX_SIDE + 1), 1, 10**9) == 2


def test_hills(radio_map):
    centers = radio_map.cell_centers_m.copy()
    centers[..., 2] = 0.1 * centers[..., 0] + 7.0
    buffers = Buffers()
    said, _ = add_map(buffers, dataclasses.replace(radio_map, cell_centers_m=centers))
    corner_z = decode(buffers.encode(), buffers.entries)["map_corner_z"]
    assert not said["is_flat"]
    assert corner_z.shape == (25, 25)
    np.testing.assert_allclose(
        corner_z[:, 1:-1], np.tile(0.1 * np.arange(-55, 56, 5) + 7, (25, 1)), rtol=1e-5
    )


def test_map_that_nothing_reaches(radio_map):
    nothing = unreached(radio_map)
    buffers = Buffers()
    said, _ = add_map(buffers, nothing)
    values = decode(buffers.encode(), buffers.entries)["map_values"]
    assert (values == said["no_value"]).all()


@pytest.fixture(scope="module")
def from_paths(two_boxes, tmp_path_factory):
    recipe = two_boxes(radio_map={"cell_size_m": 10.0, "area": [-50, -40, 40, 30]})
    file = tmp_path_factory.mktemp("view") / "map.h5"
    return open_radio_map(generate_radio_map(recipe, file, method="paths"))


def test_maps_from_paths(from_paths):
    """Delays reach farther than two bytes of hundredths; they keep three digits all the same."""
    buffers = Buffers()
    said, remarks = add_map(buffers, from_paths)
    values = decode(buffers.encode(), buffers.entries)["map_values"]
    assert remarks == []
    assert {one["metric"] for one in said["layers"]} == set(map_metrics(from_paths)) - {"serving"}
    assert {one["metric"] for one in said["layers"]} > set(PATH_METRICS)
    for layer, steps in zip(said["layers"], values, strict=True):
        field = map_field(from_paths, layer["metric"], layer["tx"])
        reached = np.isfinite(field.values)
        np.testing.assert_array_equal(steps != said["no_value"], reached)
        largest = np.abs(field.values[reached]).max(initial=1.0)
        np.testing.assert_allclose(
            layer["step"] * steps[reached], field.values[reached], atol=max(0.00501, largest / 6e4)
        )
        assert layer["colors"] in ("viridis", "cividis", "twilight")


def test_maps_from_paths_are_thinned(from_paths):
    thin = thinned(from_paths, 2)
    assert thin.path_gain.shape == (2, 4, 5)
    np.testing.assert_array_equal(thin.path_gain[:, :3, :4], from_paths.path_gain[:, 1:6:2, 1:8:2])
    # The last row and column have one cell to take from.
    np.testing.assert_array_equal(thin.path_gain[:, 3, 4], from_paths.path_gain[:, 6, 8])
    assert thin.attributes["cell_size_m"] == 20.0
    np.testing.assert_allclose(thin.cell_centers_m[0, 0], [-40, -30, 1.5])
    _, remarks = add_map(Buffers(), from_paths, max_values=17 * 3 * 40)
    assert remarks == [
        "Radio map: 2 x 2 cells are one, the middle's value, 10 m become 20 m; "
        "the file has them all."
    ]
