"""The real tools read what is exported: `pytest -m peer tests/export`.

Each tool lives in an environment of its own, which pip makes on first use.
"""

import csv
import json
import re
import sysconfig

import numpy as np
import pytest

from rtwin.channel import cfr, path_gain
from rtwin.dataset import open_dataset
from rtwin.export import export

from . import readers
from .conftest import ROOT
from .learning.test_deepmimo_peer import REQUIREMENTS as DEEPMIMO

pytestmark = pytest.mark.peer
SYSTEMS = ["CRRM==2.0.2", "aimm-simulator==2.0.3", "scipy"]


def test_ns3_loses_what_we_say(moving, peer, tmp_path, figure):
    """With the reader of docs/export.md, at each time of a walk."""
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (tmp_path / "reader.cc").write_text(re.search(r"```cpp\n(.*?)```", page, re.DOTALL)[1])
    export(moving, "ns3-loss", tmp_path / "loss.csv")
    export(moving, "ns3-fading", tmp_path / "t.fad", tx="0", rx="1", samples=40)
    peer(
        "ns3",
        ["ns3==3.44.post0"],
        "ns3_losses.py",
        tmp_path / "reader.cc",
        tmp_path / "loss.csv",
        tmp_path / "t.fad",
        100,
        40,
        tmp_path / "o.json",
    )
    found = json.loads((tmp_path / "o.json").read_text())
    with open_dataset(moving) as dataset:
        gain_db = 10 * np.log10(path_gain(dataset.paths()).reshape(-1, 2))
    assert len(found["rx_power"]) == 4 * 2 * 2
    worst = 0.0
    for time, one, other, power in found["rx_power"]:
        tx = int(min(one, other))
        worst = max(worst, abs(power - 30.0 - gain_db[round(time / 0.7), tx]))
    trace = readers.fading(tmp_path / "t.fad", 100, 40)
    read = np.array(found["fading"])
    fading = min(np.abs(read - trace.T[start : start + 39]).max() for start in (0, 1))
    assert np.ptp(trace, axis=1).max() > 0.1, "the trace moves"
    figure(f"ns-3: received power off by {worst:.1e} dB, fading by {fading:.1e} dB")
    assert worst < 1e-5
    assert fading < 1e-3


def test_lte_runs_on_our_losses(standing, peer, tmp_path, figure):
    """The program that is written beside the tables; RSRP is power per subcarrier over loss."""
    export(standing, "ns3-lte", tmp_path / "lte")
    peer("ns3", ["ns3==3.44.post0"], tmp_path / "lte" / "lte.py", timeout=600)
    with open(tmp_path / "lte" / "users.csv", newline="") as file:
        users = list(csv.DictReader(file))
    with open_dataset(standing) as dataset, np.errstate(divide="ignore"):
        gain_db = 10 * np.log10(path_gain(dataset.paths()).reshape(-1, 2))
        rss_dbm = dataset.read("tx_power_dbm") + gain_db
        names = dataset.read("tx_name").tolist()
    assert len(users) == len(rss_dbm) == 5
    worst = 0.0
    for user, rss in zip(users, rss_dbm, strict=True):
        assert user["serving"] == names[int(np.argmax(rss))]
        wanted = rss.max() - 10 * np.log10(12 * 25)
        worst = max(worst, abs(float(user["rsrp_dbm"]) - wanted))
        assert int(user["received_bytes"]) > 1000
    figure(f"ns-3 LTE: RSRP off by {worst:.1e} dB")
    assert worst < 1e-3


def test_crrm_and_aimm_take_our_gains(standing, peer, tmp_path, figure):
    export(standing, "ns3-loss", tmp_path / "loss.csv")
    with open_dataset(standing) as dataset:
        gain = path_gain(dataset.paths()).reshape(-1, 2)
        devices = {
            "tx_m": dataset.read("tx_position_m").tolist(),
            "rx_m": dataset.read("rx_position_m").tolist(),
            "frequency_hz": 3.5e9,
            "tx_power_dbm": 44.0,
        }
    (tmp_path / "devices.json").write_text(json.dumps(devices))
    peer(
        "systems",
        SYSTEMS,
        "system_gains.py",
        tmp_path / "loss.csv",
        tmp_path / "devices.json",
        tmp_path / "o.json",
    )
    found = json.loads((tmp_path / "o.json").read_text())
    power_w = 10 ** ((44.0 - 30) / 10) * gain
    crrm = found["crrm"]
    np.testing.assert_allclose(crrm["rsrp_w"], power_w, rtol=1e-6)
    best = power_w.max(axis=1)
    sinr = best / (crrm["noise_w"] + power_w.sum(axis=1) - best)
    np.testing.assert_allclose(crrm["sinr"], sinr, rtol=1e-6)
    assert min(crrm["throughput_mbps"]) >= 0
    assert max(crrm["throughput_mbps"]) > 1
    aimm = found["aimm"]
    np.testing.assert_allclose(aimm["rsrp_dbm"], 10 * np.log10(power_w) + 30, atol=1e-5)
    serving = power_w[np.arange(len(power_w)), aimm["serving"]]
    noise_w = 10 ** ((aimm["noise_dbm"] - 30) / 10)
    wanted = 10 * np.log10(serving / (noise_w + power_w.sum(axis=1) - serving))
    np.testing.assert_allclose(aimm["sinr_db"], wanted, atol=1e-4)
    figure(
        f"CRRM: RSRP and SINR are ours, {np.sum(crrm['throughput_mbps']):.0f} Mbps in all; "
        "AIMM: RSRP and SINR are ours"
    )


def test_crrm_and_aimm_ask_a_map(map_file, peer, tmp_path, figure):
    packages = sysconfig.get_path("purelib")
    script, output = "system_map.py", tmp_path / "o.json"
    peer("systems", SYSTEMS, script, map_file, packages, output)
    found = json.loads(output.read_text())
    wanted = np.array(found["wanted_w"])
    heard = wanted > 0
    assert heard.any(axis=0).all()
    np.testing.assert_allclose(found["crrm_w"], wanted, rtol=1e-12)
    aimm = np.array(found["aimm_dbm"])
    np.testing.assert_array_equal(np.isfinite(aimm), heard)
    np.testing.assert_allclose(aimm[heard], 10 * np.log10(wanted[heard]) + 30, atol=1e-9)
    figure("CRRM and AIMM: RSRP is that of the map")


def test_deepmimo_reads_our_aodt_tables(standing, peer, tmp_path, figure):
    export(standing, "aodt", tmp_path / "tables")
    peer(
        "deepmimo-aodt",
        [*DEEPMIMO, "pandas<3", "pyarrow"],
        "aodt_to_deepmimo.py",
        tmp_path,
        tmp_path / "tables",
        tmp_path / "o.npz",
    )
    found = np.load(tmp_path / "o.npz")
    with open_dataset(standing) as dataset:
        ours = cfr(dataset.paths(), np.arange(64) * 50e6 / 64)[:, 0, 0, 0].reshape(-1, 2, 64)
        rx_m = dataset.read("rx_position_m")
    worst = 0.0
    for tx in range(2):
        np.testing.assert_allclose(found[f"rx_pos_{tx}"], rx_m, atol=1e-4)
        error = np.abs(found[f"channel_{tx}"] - ours[:, tx]).max() / np.abs(ours[:, tx]).max()
        worst = max(worst, error)
    figure(f"DeepMIMO from our AODT tables: relative error of the channels {worst:.1e}")
    assert worst < 1e-4


def test_netcdfs_own_library_reads_ours(dual, peer, tmp_path):
    export(dual, "netcdf", tmp_path / "t.nc")
    export(dual, "zarr", tmp_path / "z")
    peer(
        "netcdf",
        ["netCDF4", "xarray", "zarr>=3"],
        "netcdf_zarr.py",
        tmp_path / "t.nc",
        tmp_path / "z",
        tmp_path / "o.npz",
    )
    found = np.load(tmp_path / "o.npz")
    with open_dataset(dual) as dataset:
        np.testing.assert_array_equal(found["a"], dataset.read("a"))
        np.testing.assert_array_equal(found["zarr_a"], dataset.read("a"))
        np.testing.assert_array_equal(found["delay_s"], dataset.read("delay_s"))
        np.testing.assert_array_equal(found["num_paths"], dataset.num_paths)
        assert found["tx_name"].tolist() == ["mast", "pole"]
    assert str(found["units"]) == "s"
    assert found["dims"].tolist() == ["path", "rx_pol", "tx_pol"]
