"""Bandwidth traces, read as streaming simulators do: two numbers a line."""

import csv
import os
import shutil

import h5py
import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.export import export


def lines(file):
    rows = [line.split() for line in file.read_text().splitlines()]
    assert all(len(row) == 2 for row in rows)
    return np.array(rows, float)


@pytest.fixture(scope="module")
def wanted(trace_file):
    """Rate at the serving cell, and users of each cell, [time, ue]."""
    with h5py.File(trace_file) as h5:
        serving, rate = h5["serving_tx"][...], h5["rate_mbps"][...]
    found, crowd = np.zeros(serving.shape), np.ones(serving.shape)
    for (time, ue), cell in np.ndenumerate(serving):
        if cell >= 0:
            found[time, ue] = rate[time, ue, cell]
            crowd[time, ue] = (serving[time] == cell).sum()
    return found, crowd


def test_rates_come_back(trace_file, wanted, tmp_path):
    report = export(trace_file, "bandwidth", tmp_path / "b")
    assert report["users"] == 3
    for ue in range(3):
        found = lines(tmp_path / "b" / "traces" / str(ue))
        np.testing.assert_allclose(found[:, 0], 0.1 * np.arange(21), atol=1e-9)
        np.testing.assert_allclose(found[1:, 1], wanted[0][:, ue], rtol=1e-5)
        assert found[0, 1] == found[1, 1]
    with open(tmp_path / "b" / "users.csv", newline="") as file:
        users = list(csv.DictReader(file))
    assert [row["user"] for row in users] == ["a", "../b", 'c"']
    assert [row["file"] for row in users] == ["traces/0", "traces/1", "traces/2"]
    np.testing.assert_allclose(
        [float(row["mean_mbps"]) for row in users], wanted[0].mean(axis=0), rtol=1e-5
    )


@pytest.mark.parametrize("block", [1, 4096])
def test_shares_and_longer_intervals(trace_file, wanted, tmp_path, monkeypatch, block):
    monkeypatch.setattr("rtwin.export.networks.bandwidth._ROWS_PER_BLOCK", block)
    report = export(
        trace_file,
        "bandwidth",
        tmp_path / "b",
        share=0.5,
        fair=True,
        interval_s=0.3,
        rate_is_for="after",
    )
    assert report["left over"] == "the last 2 rows of the trace"
    rate, crowd = wanted
    averaged = (0.5 * rate / crowd)[:18].reshape(6, 3, 3).mean(axis=1)
    for ue in range(3):
        found = lines(tmp_path / "b" / "traces" / str(ue))
        np.testing.assert_allclose(found[:, 0], 0.3 * np.arange(6), atol=1e-9)
        np.testing.assert_allclose(found[:, 1], averaged[:, ue], rtol=1e-5)


def test_refusals(trace_file, tmp_path):
    for options, line in (
        ({"share": 0}, "at most 1"),
        ({"share": 1.5}, "at most 1"),
        ({"rate_is_for": "now"}, "before or after"),
        ({"interval_s": 0.15}, "multiple of the step"),
        ({"interval_s": 5.0}, "multiple of the step"),
    ):
        with pytest.raises(OutOfRangeError, match=line):
            export(trace_file, "bandwidth", tmp_path / "b", **options)
    away = tmp_path / "away.h5"
    shutil.copy(trace_file, away)
    with h5py.File(away, "r+") as h5:
        h5["state"][3, 1] = 3
        h5["serving_tx"][3, 1] = -1
    with pytest.raises(OutOfRangeError, match=r"user '../b' has no known rate at 5\.3 s"):
        export(away, "bandwidth", tmp_path / "b")
    report = export(away, "bandwidth", tmp_path / "b", unknown_mbps=2.5)
    assert report["unknown rates"] == "1 rows of the trace, written as 2.5 Mbps"
    assert lines(tmp_path / "b" / "traces" / "1")[4, 1] == 2.5


def load_as_pensieve_and_the_challenge_do(folder):
    """Every file of the folder, sorted as numbers; times and rates of each."""
    found = []
    for name in sorted(os.listdir(folder), key=int):
        with open(folder / name, "rb") as file:
            rows = [line.split() for line in file]
        found.append(([float(row[0]) for row in rows], [float(row[1]) for row in rows]))
    return found


def seconds_to_download(times_s, rates_mbps, megabit):
    """As both simulators drain a trace: a line's rate holds since the line before."""
    row, last, spent = 1, times_s[0], 0.0
    while True:
        duration = times_s[row] - last
        if megabit <= rates_mbps[row] * duration:
            return spent + megabit / rates_mbps[row]
        megabit -= rates_mbps[row] * duration
        spent += duration
        last, row = times_s[row], row + 1


def test_simulators_download_at_the_rates_of_the_link(trace_file, wanted, tmp_path):
    export(trace_file, "bandwidth", tmp_path / "b")
    traces = load_as_pensieve_and_the_challenge_do(tmp_path / "b" / "traces")
    assert len(traces) == 3
    for ue, (times_s, rates_mbps) in enumerate(traces):
        sent = np.cumsum(0.1 * wanted[0][:, ue])
        for step in (3, 11, 18):
            if wanted[0][step, ue] > 0:
                found = seconds_to_download(times_s, rates_mbps, sent[step] - 1e-6)
                assert found == pytest.approx(0.1 * (step + 1), abs=1e-4)


def test_a_user_who_never_gets_a_rate_is_named(trace_file, tmp_path):
    silent = tmp_path / "silent.h5"
    shutil.copy(trace_file, silent)
    with h5py.File(silent, "r+") as h5:
        h5["rate_mbps"][:, 2] = 0
    report = export(silent, "bandwidth", tmp_path / "b")
    assert report["without any rate"].startswith("1 users")
