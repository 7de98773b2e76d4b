"""Radio maps: values, limits, labels with units, transmitters."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.colors import to_hex

from rtwin.dataset import generate_radio_map, open_radio_map
from rtwin.errors import OutOfRangeError
from rtwin.plot import plot_radio_map
from rtwin.plot.fields import PATH_METRICS, nothing
from rtwin.plot.style import CATEGORIES, UNREACHED, color_table
from rtwin.units import to_db

from ..tables import unreached

UNITS = {"path_gain": "[dB]", "rss": "[dBm]", "sinr": "[dB]", "error": "[dB]"}


def image(figure):
    return figure.axes[0].images[0]


def texts(axes):
    return {text.get_text() for text in axes.texts}


@pytest.mark.parametrize("tx", [None, 0, 1])
@pytest.mark.parametrize("metric", UNITS)
def test_field(radio_map, metric, tx):
    figure = plot_radio_map(radio_map, metric, tx)
    axes, bar = figure.axes
    shown = image(figure).get_array()
    rows = slice(None) if tx is None else slice(tx, tx + 1)
    reached = (radio_map.path_gain[rows] > 0).any(axis=0)
    np.testing.assert_array_equal(~np.ma.getmaskarray(shown), reached)
    assert UNITS[metric] in bar.get_ylabel()
    np.testing.assert_allclose(
        image(figure).get_clim(), np.percentile(shown.compressed(), (2, 98)), rtol=1e-6
    )
    assert axes.get_aspect() == 1.0
    assert axes.get_xlabel().endswith("[m]")
    assert axes.get_ylabel().endswith("[m]")
    assert to_hex(axes.get_facecolor()).upper() == UNREACHED
    title = figure.get_suptitle()
    assert "Two boxes and a sheet" in title
    assert "3.5 GHz" in title
    assert "1.5 m above ground" in title
    assert texts(axes) == ({"mast", "pole"} if tx is None else {["mast", "pole"][tx]})


def test_best_of_all_transmitters(radio_map):
    def values(metric):
        return image(plot_radio_map(radio_map, metric)).get_array().filled(np.nan)

    reached = (radio_map.path_gain > 0).any(axis=0)
    gain = np.where(reached, to_db(radio_map.path_gain.max(axis=0)), np.nan)
    np.testing.assert_allclose(values("path_gain"), gain)
    sinr = np.where(reached, to_db(radio_map.sinr.max(axis=0)), np.nan)
    np.testing.assert_allclose(values("sinr"), sinr)
    best = radio_map.path_gain.argmax(axis=0)
    y, x = np.argwhere(reached)[7]
    cell = best[y, x], y, x
    relative = radio_map.path_gain_standard_error[cell] / radio_map.path_gain[cell]
    np.testing.assert_allclose(values("error")[y, x], 10 * np.log10(1 + relative))


def test_cells_lie_where_they_are(radio_map):
    left, right, bottom, top = image(plot_radio_map(radio_map)).get_extent()
    assert image(plot_radio_map(radio_map)).origin == "lower"
    assert (left, bottom) == tuple(radio_map.cell_centers_m[0, 0, :2] - 2.5)
    assert (right, top) == tuple(radio_map.cell_centers_m[-1, -1, :2] + 2.5)


def test_serving_names_transmitters(radio_map):
    figure = plot_radio_map(radio_map, "serving")
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [name.split(",")[0] for name in names] == ["mast", "pole", "no ray came"]
    shown = image(figure).get_array().filled(-1)
    np.testing.assert_array_equal(shown, radio_map.serving_transmitter)
    assert to_hex(image(figure).cmap(0)).upper() == CATEGORIES[0]
    pole = image(plot_radio_map(radio_map, "serving", 1)).get_array()
    np.testing.assert_array_equal(~pole.mask, radio_map.serving_transmitter == 1)


def test_names_stay_inside(radio_map):
    left, right, bottom, top = -60.0, 60.0, -60.0, 60.0
    corners = [[left, bottom], [left, top], [right, bottom], [right, top], [0, top]]
    position = np.array([[x, y, 10.0] for x, y in corners])
    wide = dataclasses.replace(
        radio_map,
        tx_name=tuple(f"transmitter_{k}" for k in range(5)),
        tx_position_m=position,
        path_gain=np.repeat(radio_map.path_gain[:1], 5, axis=0),
        rss_dbm=np.repeat(radio_map.rss_dbm[:1], 5, axis=0),
    )
    figure = plot_radio_map(wide)
    figure.canvas.draw()
    axes = figure.axes[0]
    assert len(axes.texts) == 5
    page, frame = figure.bbox, axes.get_window_extent()
    for text in axes.texts:
        box = text.get_window_extent()
        assert frame.x0 <= box.x0 <= box.x1 <= frame.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1


def test_map_that_nothing_reaches(radio_map):
    nothing = unreached(radio_map)
    for metric in (*UNITS, "serving"):
        figure = plot_radio_map(nothing, metric)
        figure.canvas.draw()
        assert figure.axes[0].images[0].get_array().mask.all()


def test_wrong_requests(radio_map):
    with pytest.raises(
        OutOfRangeError,
        match=r"'snr', it must be one of path_gain.*; did you mean 'sinr'",
    ):
        plot_radio_map(radio_map, "snr")
    with pytest.raises(OutOfRangeError, match=r"tx is 2, the file has 2: it must be 0 to 1"):
        plot_radio_map(radio_map, tx=2)


@pytest.fixture(scope="module")
def path_map(two_boxes, tmp_path_factory):
    file = tmp_path_factory.mktemp("plot") / "paths-map.h5"
    return open_radio_map(generate_radio_map(two_boxes(), file, method="paths"))


@pytest.mark.parametrize("tx", [None, 1])
@pytest.mark.parametrize("metric", PATH_METRICS)
def test_metrics_of_maps_from_paths(path_map, metric, tx):
    name, _, label, factor = PATH_METRICS[metric]
    figure = plot_radio_map(path_map, metric, tx)
    shown = image(figure).get_array().filled(np.nan)
    assert figure.axes[1].get_ylabel() == label
    best = np.full(shown.shape, tx) if tx is not None else path_map.path_gain.argmax(axis=0)
    expected = np.take_along_axis(path_map.path_statistics[name], best[None], axis=0)[0]
    if factor is None:
        with np.errstate(divide="ignore"):
            expected = to_db(expected)
    else:
        expected = factor * expected
    there = np.isfinite(shown)
    assert there.any()
    np.testing.assert_allclose(shown[there], expected[there], rtol=1e-5)
    unreached = np.take_along_axis(path_map.path_gain, best[None], axis=0)[0] == 0
    assert (unreached | ~np.isfinite(expected))[~there].all()


def test_metrics_that_a_map_does_not_hold(path_map, radio_map):
    with pytest.raises(OutOfRangeError, match="--method paths"):
        plot_radio_map(radio_map, "rms_delay_spread")
    with pytest.raises(OutOfRangeError, match="draws nothing"):
        plot_radio_map(path_map, "error")


@pytest.mark.parametrize("name", ["viridis", "cividis", "twilight"])
def test_color_table_reaches_from_end_to_end(name):
    table, colors = color_table(name), colormaps[name]
    assert table.shape == (256, 3)
    for row, share in ((0, 0.0), (128, 0.5), (255, 1.0)):
        wanted = 255 * np.array(colors(share)[:3])
        assert np.abs(table[row].astype(float) - wanted).max() < 4
    if name == "twilight":  # a circle of colours closes
        assert np.abs(table[0].astype(int) - table[255]).max() < 4


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("paths", "no path"),
        ("monte-carlo", "no ray came"),
        ("measurements", "not measured"),
        ("merged", "nothing known, or nothing there"),
    ],
)
def test_what_an_empty_cell_means_depends_on_how_the_map_was_made(radio_map, method, words):
    told = replace(radio_map, attributes={**radio_map.attributes, "method": method})
    assert nothing(told) == words
