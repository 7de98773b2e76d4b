"""Pictures of link traces: values, labels with units, what has no cell."""

from dataclasses import replace

import numpy as np
import pytest

from rtwin.dataset import sample_map
from rtwin.errors import OutOfRangeError
from rtwin.plot import plot_file, plot_link_trace
from rtwin.plot.traces import _LOST, TRACE_METRICS
from rtwin.scene import Tracks

UNITS = {"rate": "[Mbit/s]", "sinr": "[dB]", "rss": "[dBm]", "cqi": "CQI", "error": "[dB]"}


@pytest.fixture(scope="module")
def trace(radio_map):
    position = np.full((30, 3, 3), np.nan)
    position[:, 0, :2] = np.stack([np.linspace(-50, 70, 30), np.full(30, 4.0)], axis=1)
    position[:, 1, :2] = np.stack([np.full(30, -30.0), np.linspace(-40, 40, 30)], axis=1)
    position[15:, 2, :2] = [25.0, -25.0]
    return sample_map(radio_map, Tracks(0.5 * np.arange(30), ("a", "b", "c"), position))


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


@pytest.mark.parametrize("metric", UNITS)
def test_values(trace, metric):
    figure = plot_link_trace(trace, metric)
    above, below, bar = figure.axes
    assert UNITS[metric] in bar.get_ylabel()
    values = trace.of_serving(TRACE_METRICS[metric][2]).astype(float)
    shown = values[(trace.serving_tx >= 0) & np.isfinite(values)]
    np.testing.assert_allclose(above.collections[0].get_array(), shown)
    assert above.get_aspect() == 1.0
    assert below.get_xlabel() == "time [s]"
    (median,) = below.get_lines()
    rows = np.where((trace.serving_tx >= 0), values, np.nan)
    known = np.isfinite(rows).any(axis=1)
    np.testing.assert_allclose(median.get_ydata()[known], np.nanmedian(rows[known], axis=1))
    assert "Two boxes and a sheet" in figure.get_suptitle()
    assert "3 users" in figure.get_suptitle()


def test_places_without_a_cell_are_crosses(trace):
    above, below, _ = plot_link_trace(trace).axes
    assert [text.get_text() for text in above.get_legend().get_texts()] == [_LOST]
    assert below.get_ylabel() == "Rate [Mbit/s]\nmedian, 10 to 90 %"
    lost = (trace.serving_tx < 0) & np.isfinite(trace.ue_position_m[..., 0])
    assert lost.any()
    np.testing.assert_allclose(lines(above)[_LOST].get_xdata(), trace.ue_position_m[lost][:, 0])


def test_serving_cells_are_counted(trace):
    above, below = plot_link_trace(trace, "serving").axes
    assert {"mast", "pole", _LOST} <= set(lines(above))
    drawn = [line.get_ydata() for line in below.get_lines()]
    np.testing.assert_array_equal(np.sum(drawn[:3], axis=0), 3)
    assert drawn[3][-1] == trace.handover.sum()


def test_nobody_anywhere(trace):
    nobody = replace(
        trace,
        ue_position_m=np.full_like(trace.ue_position_m, np.nan),
        path_gain=np.full_like(trace.path_gain, np.nan),
        serving_tx=np.full_like(trace.serving_tx, -1),
    )
    figure = plot_link_trace(nobody)
    assert len(figure.axes) == 3


def test_file_and_names(trace, tmp_path, map_file):
    from rtwin.dataset import write_link_trace

    file = write_link_trace(trace, tmp_path / "t.h5")
    assert "Rate" in plot_file(file).get_suptitle()
    with pytest.raises(OutOfRangeError, match="is a link trace; it must be trace"):
        plot_file(file, "map")
    with pytest.raises(OutOfRangeError, match="is a radio map; it must be map"):
        plot_file(map_file, "trace")
    with pytest.raises(OutOfRangeError, match="metric is 'speed'"):
        plot_link_trace(trace, "speed")


def test_times_that_stand_alone_are_points(trace):
    serving = trace.serving_tx.copy()
    serving[1::2] = -1
    below = plot_link_trace(replace(trace, serving_tx=serving)).axes[1]
    points = below.get_lines()[1]
    known = (serving >= 0).any(axis=1)
    np.testing.assert_array_equal(points.get_xdata(), trace.time_s[known])
    nobody = plot_link_trace(replace(trace, serving_tx=np.full_like(serving, -1))).axes[1]
    assert "no user has a cell" in nobody.texts[0].get_text()


def test_one_value_is_one_tick(trace):
    same = replace(trace, rate_mbps=np.full_like(trace.rate_mbps, 109.2))
    bar = plot_link_trace(same).axes[2]
    assert [tick.get_text() for tick in bar.get_yticklabels()] == ["109.2, all"]
