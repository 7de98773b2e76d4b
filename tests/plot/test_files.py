"""From a file to a picture: every kind and metric, and one line for what does not fit."""

import builtins
import sys

import numpy as np
import pytest

from rtwin.channel import path_gain
from rtwin.dataset import open_dataset
from rtwin.errors import MissingExtraError, OutOfRangeError, StoreError
from rtwin.plot import plot_file
from rtwin.plot.distributions import CDF_METRICS
from rtwin.plot.fields import MAP_METRICS
from rtwin.plot.receivers import RECEIVER_METRICS

ALL = [
    ("", ""),
    *(("receivers", metric) for metric in RECEIVER_METRICS),
    *(("cdf", metric) for metric in CDF_METRICS),
    ("delay", ""),
    ("angles", ""),
]


def check_page(figure):
    """Nothing is clipped, and nothing is too small to read."""
    figure.canvas.draw()
    assert figure.get_suptitle()
    page = figure.bbox.padded(1)
    for axes in figure.axes:
        box = axes.get_tightbbox()
        assert page.x0 <= box.x0 <= box.x1 <= page.x1
        assert page.y0 <= box.y0 <= box.y1 <= page.y1
        for text in (*axes.texts, *axes.get_xticklabels(), axes.xaxis.label, axes.title):
            assert text.get_fontsize() >= 9


@pytest.mark.parametrize(("kind", "metric"), ALL)
def test_every_picture_of_a_dataset(paths_file, kind, metric):
    check_page(plot_file(paths_file, kind, metric=metric, rx=1, tx=None))


@pytest.mark.parametrize("metric", ["", *MAP_METRICS])
def test_every_picture_of_a_map(map_file, metric):
    check_page(plot_file(map_file, "map", metric=metric))


def test_a_link_is_that_of_the_strongest_transmitter(paths_file):
    with open_dataset(paths_file) as dataset:
        rx = int(np.argmax(dataset.num_paths.reshape(dataset.num_rx, -1).sum(1)))
        gain = path_gain(dataset.paths()).reshape(dataset.num_rx, -1)[rx]
        name = dataset.read("tx_name")[gain.argmax()]
        silent = np.argwhere(dataset.num_paths == 0)
    assert f"{name} to receiver {rx}" in plot_file(paths_file, "delay", rx=rx).get_suptitle()
    for link in silent[:1, 0]:
        figure = plot_file(paths_file, "angles", rx=link // 2, tx=link % 2)
        assert "no path" in figure.get_label()


def test_default_kinds(paths_file, map_file):
    assert "Path gain" in plot_file(paths_file).get_suptitle()
    assert "Received power" in plot_file(map_file).get_suptitle()


@pytest.mark.parametrize(
    ("which", "request_", "line"),
    [
        ("map", {"kind": "pie"}, "must be one of map, receivers, delay, angles, cdf"),
        ("map", {"kind": "cdf"}, "is a radio map; it must be map"),
        ("paths", {"kind": "map"}, "a dataset of paths; it must be receivers, delay, angles, cdf"),
        ("map", {"metric": "snr"}, "must be one of path_gain, rss, sinr, serving, error"),
        ("paths", {"metric": "rss"}, "path_gain, num_paths, rms_delay_spread, line_of_sight"),
        ("paths", {"kind": "delay", "metric": "rss"}, "kind 'delay' has none"),
        ("paths", {"kind": "delay", "rx": 99}, "rx is 99, the file has 5: it must be 0 to 4"),
        ("paths", {"kind": "angles", "tx": -1}, "tx is -1, the file has 2"),
        ("map", {"tx": 2}, "tx is 2, the file has 2: it must be 0 to 1"),
    ],
)
def test_one_line_for_what_does_not_fit(paths_file, map_file, which, request_, line):
    with pytest.raises(OutOfRangeError) as caught:
        plot_file(map_file if which == "map" else paths_file, **request_)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(StoreError):
        plot_file(tmp_path / "nothing.h5")


def test_without_matplotlib(map_file, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'rtwin\[viz\]'"):
        plot_file(map_file)
