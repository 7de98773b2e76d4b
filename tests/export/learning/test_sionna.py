"""Arrays for Sionna's CIRDataset and cirs.bin for its Research Kit, read back."""

import numpy as np
import pytest

from rtwin.channel import cfr, taps
from rtwin.dataset import generate, open_dataset
from rtwin.errors import OutOfRangeError
from rtwin.export import export
from rtwin.export.learning.sionna import LEAD

from .. import readers

FREQUENCIES = np.arange(-4, 4) * 2e6


@pytest.fixture(scope="module")
def arrays(two_boxes, tmp_path_factory):
    """Dual-polarised arrays at both ends, turned, and receivers that move."""
    antenna = {"num_rows": 2, "num_cols": 2, "polarization": "cross"}
    recipe = two_boxes(
        transmitter=[
            {
                "name": "mast",
                "position_m": [0, 0, 12],
                "azimuth_deg": 70,
                "downtilt_deg": 15,
                "antenna": antenna,
                "velocity_m_s": [20, 0, 0],
            },
            {"name": "pole", "position_m": [30, -20, 5], "antenna": antenna},
        ],
        receivers={
            "kind": "random",
            "count": 7,
            "area": [-45, -45, 45, 45],
            "antenna": {"num_cols": 3, "polarization": "VH"},
        },
    )
    return generate(recipe, tmp_path_factory.mktemp("arrays") / "a.h5")


def from_cir(folder, times):
    """As Sionna's cir_to_ofdm_channel: [example, rx_ant, tx, tx_ant, time, frequency]."""
    a, tau = np.load(folder / "a.npy", mmap_mode="r"), np.load(folder / "tau.npy")
    assert a.dtype == np.complex64
    assert tau.dtype == np.float32
    turn = np.exp(-2j * np.pi * tau[..., None] * FREQUENCIES)  # [example, rx, tx, path, frequency]
    return np.einsum("erntmpl,ertpf->enmtlf", a, turn)


@pytest.mark.parametrize("normalize", [False, True])
def test_cir_gives_our_frequency_response(arrays, tmp_path, normalize):
    export(
        arrays,
        "sionna-cir",
        tmp_path / "c",
        time_steps=3,
        sampling_hz=500.0,
        normalize_delays=normalize,
    )
    found = from_cir(tmp_path / "c", 3)
    times = np.arange(3) / 500.0
    with open_dataset(arrays) as dataset:
        tx_array, rx_array = dataset.arrays(0, dataset.num_links)
        ours = cfr(
            dataset.paths(),
            FREQUENCIES,
            times,
            tx_array=tx_array,
            rx_array=rx_array,
            normalize_delays=normalize,
        )
    ours = np.moveaxis(ours.reshape(7, 2, *ours.shape[1:]), 1, 3)
    assert found.shape == ours.shape == (7, 6, 8, 2, 3, 8)
    np.testing.assert_allclose(found, ours, atol=1e-4 * np.abs(ours).max())
    assert np.abs(ours[..., 2, :] - ours[..., 0, :]).max() > 0.1 * np.abs(ours).max()


def test_small_blocks_change_nothing(arrays, tmp_path, monkeypatch):
    export(arrays, "sionna-cir", tmp_path / "a")
    monkeypatch.setattr("rtwin.export.record.view.PATHS_PER_BLOCK", 3)
    monkeypatch.setattr("rtwin.export.record.view.PathView.blocks.__defaults__", (3,))
    export(arrays, "sionna-cir", tmp_path / "b")
    for name in ("a.npy", "tau.npy"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_one_port_and_some_links(arrays, tmp_path):
    export(
        arrays, "sionna-cir", tmp_path / "c", tx="1", rx="2,5:7", tx_port="slant +45", rx_port="H"
    )
    a = np.load(tmp_path / "c" / "a.npy")
    assert a.shape[:5] == (3, 1, 3, 1, 4)
    export(arrays, "sionna-cir", tmp_path / "all")
    every = np.load(tmp_path / "all" / "a.npy")[[2, 5, 6]]
    ports = every[:, :, 3:, 1:, 4:]  # polarisation outermost
    np.testing.assert_array_equal(a, ports[..., : a.shape[5], :])


def test_emulator_taps(moving, tmp_path):
    report = export(
        moving,
        "sionna-rk",
        tmp_path / "k",
        tx="0",
        rx="1",
        num_taps=40,
        slots=3,
        sample_rate_hz=30.72e6,
        slot_s=1e-3,
    )
    h, config = readers.cirs_bin(tmp_path / "k")
    assert config == {"num_taps": 40, "num_cirs": 42, "sigma_scaling": 0.0, "sigma_max": 0.0}
    with open_dataset(moving) as dataset:
        link = dataset.link(1, 0)
        paths = dataset.paths(link, link + 1)
    times = np.arange(42) * 1e-3 / 14
    ours = taps(paths, 30.72e6, -LEAD, 255 - LEAD, times, normalize_delays=True)[0, 0, 0]
    kept = h != 0
    assert (kept.sum(axis=1) == 40).all()
    np.testing.assert_allclose(h[kept], ours[kept], atol=1e-6 * np.abs(ours).max())
    lost = 1 - (np.abs(h) ** 2).sum(axis=1) / (np.abs(ours) ** 2).sum(axis=1)
    assert f"{100 * lost.max():.3g} %" in report["left out by taps"]
    assert np.abs(h[-1] - h[0]).max() > 0, "Doppler turns the paths"


def test_emulator_follows_a_track(moving, tmp_path):
    export(moving, "sionna-rk", tmp_path / "k", tx="1", slot_s=0.1)
    h, config = readers.cirs_bin(tmp_path / "k")
    assert config["num_cirs"] == 28 * 14
    with open_dataset(moving) as dataset:
        starts = [
            taps(
                dataset.paths(link, link + 1),
                61.44e6,
                -LEAD,
                255 - LEAD,
                [0.0],
                normalize_delays=True,
            )[0, 0, 0, 0]
            for link in (1, 3, 5, 7)
        ]
    for time, ours in enumerate(starts):
        found = h[time * 7 * 14]
        kept = found != 0
        np.testing.assert_allclose(found[kept], ours[kept], atol=1e-5 * np.abs(ours).max())


def test_emulator_refusals(moving, dual, tmp_path):
    with pytest.raises(OutOfRangeError, match="takes one link"):
        export(moving, "sionna-rk", tmp_path / "k")
    with pytest.raises(OutOfRangeError, match="holds one"):
        export(dual, "sionna-rk", tmp_path / "k", tx="0", rx="0")
    with pytest.raises(OutOfRangeError, match="1 to 256 taps"):
        export(moving, "sionna-rk", tmp_path / "k", tx="0", rx="0", num_taps=300)
    with pytest.raises(OutOfRangeError, match="samples after the first"):
        export(moving, "sionna-rk", tmp_path / "k", tx="0", rx="0", sample_rate_hz=6e9)
    assert list(tmp_path.iterdir()) == []
