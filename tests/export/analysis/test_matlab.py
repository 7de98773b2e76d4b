"""Rays and channels for MATLAB, read by SciPy."""

import numpy as np
import pytest
from scipy.io import loadmat

from rtwin.channel import cfr
from rtwin.dataset import generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import export


def ray_response(rays, frequencies_hz, carrier_hz):
    """Sum over rays of their path loss, phase and delay, [frequency]."""
    h = np.zeros(len(frequencies_hz), complex)
    for ray in rays.ravel():
        amplitude = 10 ** (-ray["PathLoss"][0, 0] / 20)
        delay = ray["PropagationDelay"][0, 0]
        turn = ray["PhaseShift"][0, 0] - 2 * np.pi * (frequencies_hz - carrier_hz) * delay
        h += amplitude * np.exp(1j * turn)
    return h


def test_rays_add_to_the_channel(standing, tmp_path):
    report = export(standing, "matlab", tmp_path / "s.mat", subcarriers=16)
    assert report["channel"] == "5x2x1x1x16"
    mat = loadmat(tmp_path / "s.mat")
    frequencies = mat["channel_frequencies_hz"].ravel()
    carrier = mat["frequency_hz"].item()
    with open_dataset(standing) as dataset:
        ours = cfr(dataset.paths(), frequencies - carrier)[:, 0, 0, 0].reshape(5, 2, 16)
        num_paths = [dataset.paths(n, n + 1).num_paths[0] for n in range(10)]
        np.testing.assert_allclose(mat["tx_power_dbm"].ravel(), dataset.read("tx_power_dbm"))
    assert np.ptp(frequencies) == pytest.approx(20e6 * 15 / 16)
    np.testing.assert_allclose(mat["channel"][:, :, 0, 0], ours, atol=1e-6 * np.abs(ours).max())
    for rx in range(5):
        for tx in range(2):
            rays = mat["rays"][rx, tx]
            assert rays.size <= num_paths[2 * rx + tx]
            found = ray_response(rays, frequencies, carrier) if rays.size else np.zeros(16)
            np.testing.assert_allclose(found, ours[rx, tx], atol=1e-9 * np.abs(ours).max())
            losses = [ray["PathLoss"][0, 0] for ray in rays.ravel()]
            assert losses == sorted(losses)


def test_line_of_sight_points_where_geometry_says(standing, tmp_path):
    export(standing, "matlab", tmp_path / "s.mat", tx="0", rx="0", subcarriers=0)
    mat = loadmat(tmp_path / "s.mat")
    assert "channel" not in mat
    (ray,) = [r for r in mat["rays"][0, 0].ravel() if r["LineOfSight"][0, 0]]
    step = mat["rx_position_m"][0] - mat["tx_position_m"][0]
    azimuth = np.degrees(np.arctan2(step[1], step[0]))
    elevation = np.degrees(np.arcsin(step[2] / np.linalg.norm(step)))
    np.testing.assert_allclose(ray["AngleOfDeparture"].ravel(), [azimuth, elevation], atol=1e-4)
    back = (azimuth + 180 + 180) % 360 - 180
    np.testing.assert_allclose(ray["AngleOfArrival"].ravel(), [back, -elevation], atol=1e-4)
    assert ray["PropagationDistance"][0, 0] == pytest.approx(np.linalg.norm(step), rel=1e-6)


def test_polarisations_and_arrays(two_boxes, tmp_path):
    antenna = {"num_rows": 1, "num_cols": 2, "polarization": "VH"}
    masts = [{"name": "mast", "position_m": [0, 0, 12], "antenna": antenna}]
    generate(two_boxes(transmitter=masts), tmp_path / "d.h5")
    report = export(tmp_path / "d.h5", "matlab", tmp_path / "s.mat", rx="0", subcarriers=4)
    assert report["channel"] == "1x1x1x4x4"
    (ray, *_) = loadmat(tmp_path / "s.mat")["rays"][0, 0].ravel()
    assert ray["Coefficient"].shape == (1, 2)
    loss = -20 * np.log10(np.abs(ray["Coefficient"]).max())
    assert ray["PathLoss"][0, 0] == pytest.approx(loss)


def test_what_is_too_much_is_refused(standing, tmp_path, monkeypatch):
    monkeypatch.setattr("rtwin.export.analysis.matlab.MAX_LINKS", 3)
    with pytest.raises(OutOfRangeError, match="10 links are chosen"):
        export(standing, "matlab", tmp_path / "s.mat")
    monkeypatch.setattr("rtwin.export.analysis.matlab.MAX_CHANNEL_VALUES", 3)
    with pytest.raises(OutOfRangeError, match="more than 3 values"):
        export(standing, "matlab", tmp_path / "s.mat", rx="0")
    for option, value in (("bandwidth_hz", -1), ("bandwidth_hz", 0), ("subcarriers", -1)):
        with pytest.raises(OutOfRangeError, match=f"{option} is {value}"):
            export(standing, "matlab", tmp_path / "s.mat", **{option: value})
    assert list(tmp_path.iterdir()) == []
