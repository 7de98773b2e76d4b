"""Receivers on the map."""

import numpy as np
import pytest

from rtwin.channel import path_gain
from rtwin.dataset import open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.plot import plot_receivers
from rtwin.units import to_db


@pytest.mark.parametrize(
    ("metric", "label"),
    [
        ("path_gain", "path gain [dB]"),
        ("num_paths", "number of paths"),
        ("rms_delay_spread", "rms delay spread [ns]"),
    ],
)
def test_colored_receivers(dataset, metric, label):
    figure = plot_receivers(dataset, metric)
    axes, bar = figure.axes
    assert bar.get_ylabel() == label
    dots, crosses, outlines = axes.collections
    assert outlines.get_gid() == "outlines"
    np.testing.assert_array_equal(dots.get_offsets(), dataset.read("rx_position_m")[:4, :2])
    np.testing.assert_array_equal(crosses.get_offsets(), [[-18, -15]])
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["no path (1)"]
    assert {text.get_text() for text in axes.texts} == {"mast", "pole"}
    gain = path_gain(dataset.paths()).reshape(-1, 2)
    best = gain.argmax(axis=1)[:4]
    if metric == "path_gain":
        np.testing.assert_allclose(dots.get_array(), to_db(gain.max(axis=1)[:4]))
    if metric == "num_paths":
        paths = dataset.num_paths.reshape(-1, 2)
        np.testing.assert_array_equal(dots.get_array(), paths[range(4), best])


def test_line_of_sight_is_a_legend(dataset):
    figure = plot_receivers(dataset, "line_of_sight")
    assert len(figure.axes) == 1
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [name.split(" (")[0] for name in legend] == [
        "line of sight",
        "no line of sight",
        "no path",
    ]
    assert sum(int(name.split("(")[1][:-1]) for name in legend) == dataset.num_rx
    assert "any transmitter, 5 receivers" in figure.get_suptitle()


def test_paths_without_power(powerless_file):
    with open_dataset(powerless_file) as dataset:
        assert dataset.num_paths.all()
        figure = plot_receivers(dataset, "num_paths")
    assert [t.get_text() for t in figure.legends[0].get_texts()] == ["no path or no power (1)"]


def test_single_receiver_and_transmitter(single_file):
    with open_dataset(single_file) as dataset:
        for metric in ("path_gain", "num_paths", "rms_delay_spread", "line_of_sight"):
            figure = plot_receivers(dataset, metric)
            figure.canvas.draw()
            assert figure.get_suptitle().endswith("3.5 GHz, 1 receiver")


def test_wrong_requests(dataset):
    with pytest.raises(OutOfRangeError, match=r"'rss', it must be one of path_gain, num_paths"):
        plot_receivers(dataset, "rss")
    with pytest.raises(OutOfRangeError, match="tx is -1"):
        plot_receivers(dataset, tx=-1)
