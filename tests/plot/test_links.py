"""Delay profile and angular spectrum of one link."""

import numpy as np
import pytest

from rtwin.channel import PathSet, rms_delay_spread_s
from rtwin.dataset import open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.plot import plot_angular_spectrum, plot_delay_profile
from rtwin.plot.links import path_classes
from rtwin.units import to_db

DRAW = {"delay": plot_delay_profile, "angles": plot_angular_spectrum}
NO_PATH = "no path between this transmitter and this receiver"


def markers(axes):
    return np.concatenate([line.get_xydata() for line in axes.get_lines()])


def test_delay_profile(dataset):
    paths = dataset.paths(2, 3)
    figure = plot_delay_profile(dataset, rx=1, tx=0)
    axes = figure.axes[0]
    wanted = np.stack([1e9 * paths.delay_s, to_db(paths.power)], axis=1)
    drawn = markers(axes)
    np.testing.assert_allclose(drawn[np.argsort(drawn[:, 0])], wanted[np.argsort(wanted[:, 0])])
    assert axes.get_xlabel() == "delay [ns]"
    assert axes.get_ylabel() == "path power [dB]"
    floor, top = axes.get_ylim()
    assert floor < wanted[:, 1].min()
    assert top > wanted[:, 1].max()
    assert "mast to receiver 1" in figure.get_suptitle()
    assert f"rms delay spread {1e9 * rms_delay_spread_s(paths)[0]:.1f} ns" in axes.get_title()
    assert "K factor" in axes.get_title()
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[0] == "line of sight (1)"


def test_angular_spectrum(dataset):
    paths = dataset.paths(2, 3)
    figure = plot_angular_spectrum(dataset, rx=1, tx=0)
    panels = figure.axes
    assert [panel.name for panel in panels] == ["polar", "rectilinear"] * 2
    ends = [paths.aod_azimuth, np.degrees(paths.aod_zenith)]
    ends += [paths.aoa_azimuth, np.degrees(paths.aoa_zenith)]
    for panel, angle in zip(panels, ends, strict=True):
        np.testing.assert_allclose(np.sort(markers(panel)[:, 0]), np.sort(angle), rtol=1e-5)
        assert panel.get_ylim()[0] < to_db(paths.power).min()
    assert "azimuth of departure [deg]" in panels[0].get_title()
    assert panels[3].get_xlabel() == "zenith of arrival [deg] (0 up)"


@pytest.mark.parametrize("kind", DRAW)
def test_link_without_a_path_says_so(dataset, lost_link, kind):
    figure = DRAW[kind](dataset, *lost_link)
    assert NO_PATH in [text.get_text() for text in figure.texts]
    assert not figure.axes


@pytest.mark.parametrize("kind", DRAW)
def test_link_without_power_says_so(powerless_file, kind):
    with open_dataset(powerless_file) as dataset:
        assert dataset.num_paths[8] > 0
        figure = DRAW[kind](dataset, 4, 0)
    assert any("no power" in text.get_text() for text in figure.texts)


@pytest.mark.parametrize("kind", DRAW)
def test_links_that_do_not_exist(dataset, kind):
    with pytest.raises(OutOfRangeError, match=r"rx is 5, the file has 5: it must be 0 to 4"):
        DRAW[kind](dataset, 5)
    with pytest.raises(OutOfRangeError, match=r"tx is 2, the file has 2: it must be 0 to 1"):
        DRAW[kind](dataset, 0, 2)


def test_path_classes():
    interactions = np.array([[0, 0], [1, 1], [2, 0], [4, 4], [8, 0], [1, 4], [1, 2]])
    n = len(interactions)
    angles = {f"{e}_{a}": np.zeros(n) for e in ("aod", "aoa") for a in ("azimuth", "zenith")}
    paths = PathSet(
        num_paths=np.array([n]),
        a=np.ones((n, 1, 1), complex),
        delay_s=np.ones(n),
        doppler_hz=np.zeros(n),
        interactions=interactions,
        frequency_hz=1e9,
        **angles,
    )
    assert list(path_classes(paths)) == [
        "line of sight",
        "reflection",
        "scattering",
        "refraction",
        "diffraction",
        "mixed",
        "mixed",
    ]
