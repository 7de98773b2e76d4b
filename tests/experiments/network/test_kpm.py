"""KPIs in the columns of ColO-RAN: what stands in them, and that they are theirs."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtwin.experiments import (
    KpmRecorder,
    SimulatorSettings,
    SlicedNetwork,
    StaticShares,
    delayed,
    make_slices,
    run_episode,
)
from rtwin.experiments.network.kpm import COLUMNS, FIRST_IMSI

DATA = Path(__file__).parents[4] / "shared/data/slicing_kpm/Multi10"


def read(file):
    with open(file, newline="", encoding="utf-8") as rows:
        return list(csv.DictReader(rows))


@pytest.fixture
def recorded(moving, tmp_path):
    slices = make_slices({"embb": 4, "urllc": 2})
    network = SlicedNetwork(moving, slices, SimulatorSettings(epoch_s=0.5, scheduler="rr"))
    reports = []
    recorder = KpmRecorder(network, moving)

    def both(report):
        reports.append(report)
        recorder(report)

    run_episode(network, StaticShares(), 1, observe=both)
    return moving, reports, recorder.write(tmp_path / "kpm")


def test_columns_are_those_of_the_data():
    if not DATA.is_dir():
        pytest.skip("the data set is not here")
    with open(next(iter(sorted(DATA.glob("*.csv")))), encoding="utf-8") as file:
        assert tuple(file.readline().rstrip("\n").split(",")) == COLUMNS


def test_a_file_per_user_says_what_the_reports_say(recorded):
    trace, reports, folder = recorded
    assert len(list((folder / "metrics").iterdir())) == 6
    users = read(folder / "users.csv")
    assert [u["service"] for u in users] == ["embb"] * 4 + ["urllc"] * 2
    for ue, user in enumerate(users):
        assert int(user["IMSI"]) == FIRST_IMSI + ue
        rows = read(folder / "metrics" / f"{user['IMSI']}_metrics.csv")
        assert len(rows) == len(reports) == 40
        assert [int(r["Timestamp"]) for r in rows] == [500 * (n + 1) for n in range(40)]
        assert {r["slice_id"] for r in rows} == {user["slice_id"]}
        assert {r["scheduling_policy"] for r in rows} == {"0"}
        brate = [float(r["tx_brate downlink [Mbps]"]) for r in rows]
        np.testing.assert_allclose(brate, [r.ue_throughput_mbps[ue] for r in reports], rtol=1e-5)
        granted = np.array([int(r["sum_granted_prbs"]) for r in rows])
        requested = np.array([int(r["sum_requested_prbs"]) for r in rows])
        assert (granted <= requested).all()
        assert ((granted > 0) == (np.array(brate) > 0)).all()
        samples = [int(r["dl_n_samples"]) for r in rows]
        assert max(samples) <= 500
        waiting = [int(r["dl_buffer [bytes]"]) for r in rows]
        np.testing.assert_allclose(waiting, [r.ue_backlog_bits[ue] // 8 for r in reports])
        # Channels are those of the five rows of half a second.
        cqi = trace.of_serving("cqi")[:5, ue].astype(float)
        known = cqi[cqi >= 0]
        wanted = known.mean() if len(known) else 0.0
        assert float(rows[0]["dl_cqi"]) == pytest.approx(wanted, rel=1e-4)
        assert {r["ul_mcs"] for r in rows} == {"0"}


def test_users_of_a_cell_and_blocks_of_a_slice(recorded):
    trace, reports, folder = recorded
    files = sorted((folder / "metrics").iterdir())
    first = [read(file)[0] for file in files]
    cell = trace.serving_tx[4, :6]
    for ue, row in enumerate(first):
        if cell[ue] >= 0:
            assert int(row["num_ues"]) == (cell == cell[ue]).sum()
            blocks = reports[0].reserved_prb[cell[ue], int(row["slice_id"])]
            assert int(row["slice_prb"]) == blocks
    total = sum(int(row["sum_granted_prbs"]) for row in first)
    assert total == pytest.approx(reports[0].used_prb.sum() * 500)


def test_a_late_trace_has_late_loads(moving):
    load = np.random.default_rng(1).random((moving.num_steps, moving.num_tx))
    attributes = {**moving.attributes, "demand_mbps": 1.0}
    late = delayed(replace(moving, tx_load=load, attributes=attributes), 0.2)
    np.testing.assert_allclose(late.tx_load[2:], load[:-2], rtol=1e-6)


def test_slices_have_their_promises(recorded):
    _, reports, folder = recorded
    rows = read(folder / "slices.csv")
    assert len(rows) == 2 * len(reports)
    assert [row["service"] for row in rows[:2]] == ["embb", "urllc"]
    broken = [float(row["sla_violation (%)"]) for row in rows[::2]]
    np.testing.assert_allclose(broken, [100 * r.sla_violation[0] for r in reports], rtol=1e-5)
    offered = [float(row["offered [Mbps]"]) for row in rows[1::2]]
    np.testing.assert_allclose(offered, [r.offered_mbps[1] for r in reports], rtol=1e-5)
    assert any(row["delay_p99 [ms]"] for row in rows)


def test_files_of_before_are_replaced(recorded, moving):
    """A second run into the same folder."""
    again = KpmRecorder(SlicedNetwork(moving, make_slices({"embb": 1})), moving)
    assert again.write(recorded[2]) == recorded[2]
    assert len(read(recorded[2] / "metrics" / f"{FIRST_IMSI}_metrics.csv")) == 0
