"""Colosseum's MATLAB file, read by SciPy."""

import numpy as np
import pytest
from scipy.io import loadmat

from rtwin.channel import cir
from rtwin.dataset import generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import export


def test_taps_come_back(standing, tmp_path):
    report = export(standing, "colosseum", tmp_path / "s.mat", strongest_paths=4, weak_taps=True)
    raised = float(report["gain added"].split()[0])
    mat = loadmat(tmp_path / "s.mat")
    cells = mat["chMatrix"]
    assert cells.shape == (7, 7, 2)
    np.testing.assert_array_equal(mat["time"], [[0, 1000]])
    strongest = 0.0
    with open_dataset(standing) as dataset:
        for rx in range(5):
            for tx in range(2):
                link = dataset.link(rx, tx)
                paths, _ = dataset.paths(link, link + 1).strongest(4)
                b = cir(paths)[:, 0, 0, 0] * 10 ** (raised / 20)
                b[20 * np.log10(np.abs(b)) < -43] = 0
                delay, iq = cells[tx, rx + 2, 0]
                np.testing.assert_allclose(iq[: len(b)], b, atol=2e-4)
                np.testing.assert_allclose(delay[: len(b)].real, paths.delay_s)
                np.testing.assert_array_equal(cells[rx + 2, tx, 1], cells[tx, rx + 2, 0])
                strongest = max(strongest, np.abs(iq).max())
        np.testing.assert_allclose(
            mat["coordinates"][:, :, 0],
            np.vstack([dataset.read("tx_position_m"), dataset.read("rx_position_m")]),
        )
    assert strongest == pytest.approx(1.0)
    assert (cells[0, 1, 0] == 0).all(), "the twin holds no link between transmitters"


def test_moving_twin(moving, two_boxes, tmp_path):
    export(moving, "colosseum", tmp_path / "m.mat", strongest_paths=2, weak_taps=True)
    mat = loadmat(tmp_path / "m.mat")
    np.testing.assert_array_equal(mat["time"], [[0, 700, 1400, 2100]])
    assert mat["chMatrix"].shape == (3, 3, 4)
    np.testing.assert_allclose(mat["coordinates"][2, :, 0], [-30, 5, 1.5])
    assert not np.array_equal(mat["coordinates"][2, :, 0], mat["coordinates"][2, :, 3])
    odd = two_boxes(
        receivers={
            "kind": "trajectory",
            "waypoints_m": [[-30, 5, 1.5], [-30, 5.02, 1.5]],
            "speed_m_s": 10,
            "interval_s": 0.0007,
        }
    )
    generate(odd, tmp_path / "odd.h5")
    with pytest.raises(OutOfRangeError, match="whole milliseconds"):
        export(tmp_path / "odd.h5", "colosseum", tmp_path / "x.mat", strongest_paths=1)


def test_what_it_cannot_say(standing, dual, tmp_path, monkeypatch):
    target = tmp_path / "x.mat"
    with pytest.raises(OutOfRangeError, match="Colosseum filters 4"):
        export(standing, "colosseum", target)
    with pytest.raises(OutOfRangeError, match=r"below -43 dB.*weak_taps=true"):
        export(standing, "colosseum", target, strongest_paths=4)
    with pytest.raises(OutOfRangeError, match="highest is 0 dB"):
        export(standing, "colosseum", target, strongest_paths=1, gain_db="120")
    with pytest.raises(OutOfRangeError, match="number or auto"):
        export(standing, "colosseum", target, strongest_paths=1, gain_db="much")
    with pytest.raises(OutOfRangeError, match="polarisations"):
        export(dual, "colosseum", target, strongest_paths=1)
    monkeypatch.setattr("rtwin.export.networks.colosseum.MAX_NODES", 6)
    with pytest.raises(OutOfRangeError, match="7 nodes, Colosseum runs 6"):
        export(standing, "colosseum", target, strongest_paths=1)
    monkeypatch.undo()
    monkeypatch.setattr("rtwin.export.networks.colosseum.MAX_DELAY_S", 1e-7)
    with pytest.raises(OutOfRangeError, match="Colosseum delays by"):
        export(standing, "colosseum", target, strongest_paths=1)
    assert list(tmp_path.iterdir()) == []
