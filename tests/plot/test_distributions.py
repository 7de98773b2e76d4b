"""Cumulative distributions over links."""

import numpy as np
import pytest

from rtwin.channel import path_gain, rician_k_factor
from rtwin.dataset import open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.plot import plot_cdf
from rtwin.units import to_db

UNITS = {
    "path_gain": "path gain [dB]",
    "rms_delay_spread": "rms delay spread [ns]",
    "rms_angular_spread": "rms spread of the arrival azimuth [deg]",
    "k_factor": "K factor [dB]",
    "num_paths": "number of paths",
}


@pytest.mark.parametrize("metric", UNITS)
def test_one_curve_per_transmitter(dataset, metric):
    figure = plot_cdf(dataset, metric)
    (axes,) = figure.axes
    assert axes.get_xlabel().startswith(UNITS[metric])
    assert len(axes.get_lines()) == 2
    for line in axes.get_lines():
        share = line.get_ydata()
        assert (np.diff(share) >= 0).all()
        assert share[-1] <= 1.0
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["mast (4 of 5 links)", "pole (4 of 5 links)"]


def test_values_of_the_curve(dataset):
    gain = np.sort(to_db(path_gain(dataset.paths()))[1::2])
    (line,) = plot_cdf(dataset, "path_gain", tx=1).axes[0].get_lines()
    np.testing.assert_allclose(line.get_xdata()[1:], gain[np.isfinite(gain)])
    np.testing.assert_allclose(line.get_ydata(), [0, 0.25, 0.5, 0.75, 1])


def test_k_factor_starts_at_the_share_without_line_of_sight(dataset):
    factor = rician_k_factor(dataset.paths())[0::2]
    (line,) = plot_cdf(dataset, "k_factor", tx=0).axes[0].get_lines()
    assert line.get_ydata()[0] == np.mean(factor[~np.isnan(factor)] == 0)


def test_summary_is_a_page_of_four(dataset):
    figure = plot_cdf(dataset)
    assert [axes.get_xlabel().split("\n")[0] for axes in figure.axes] == list(UNITS.values())[:4]


def test_single_receiver(single_file):
    with open_dataset(single_file) as dataset:
        figure = plot_cdf(dataset)
        figure.canvas.draw()
        assert "curve" not in figure.get_suptitle()


def test_wrong_requests(dataset):
    with pytest.raises(OutOfRangeError, match=r"'rss', it must be one of summary, path_gain"):
        plot_cdf(dataset, "rss")
    with pytest.raises(OutOfRangeError, match="tx is 9"):
        plot_cdf(dataset, tx=9)
