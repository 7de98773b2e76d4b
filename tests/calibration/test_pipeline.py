"""The whole way: command, report, files that appear whole."""

import json
import shutil
import sys
from html.parser import HTMLParser

import h5py
import pytest

from rtwin.calibration import calibrate, read_result
from rtwin.calibration.campaign.recipe import load_campaign
from rtwin.calibration.statistics import NOT_BELIEVED
from rtwin.cli import main
from rtwin.errors import CampaignError, StoreError

from .conftest import TABLE


@pytest.fixture
def folder(plain_campaign, tmp_path):
    import tomlkit

    (plain_campaign.folder / "campaign.toml").write_text(tomlkit.dumps(TABLE))
    points = plain_campaign.folder / "points.csv"
    points.write_text("\n".join(points.read_text().splitlines()[:301]))
    return plain_campaign.folder


def test_statistics_need_no_scene(folder, tmp_path):
    seen = []
    out = calibrate(
        None, folder, tmp_path / "result", points=60, progress=lambda *s: seen.append(s)
    )
    result = read_result(out)
    assert result["rows"] == 300
    names = [score["model"] for score in result["validation"]["scores"]]
    assert {"free space", "log-distance", "3GPP UMa", "kriging"} < set(names)
    assert names[-1] == "calibrated + discrepancy"
    assert seen[-1][1] == seen[-1][2]
    page = (out / "report.html").read_text()
    HTMLParser().feed(page)
    assert page.count("<svg") >= 7
    assert "http" not in page.replace("http://www.w3.org", "")
    assert result["request_hash"]
    made = (out / "result.json").stat().st_mtime_ns
    assert calibrate(None, folder, out, points=60) == out
    assert (out / "result.json").stat().st_mtime_ns == made
    with pytest.raises(StoreError, match="holds another result"):
        calibrate(None, folder, out, points=50)


def test_nothing_half_written(folder, tmp_path):
    target = tmp_path / "letters"
    target.mkdir()
    (target / "letter.txt").write_text("dear")
    with pytest.raises(StoreError, match="something else"):
        calibrate(None, folder, target)
    with pytest.raises(CampaignError):
        calibrate(None, tmp_path / "nowhere", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert [p.name for p in target.iterdir()] == ["letter.txt"]


def test_a_page_does_not_run_what_a_stranger_wrote(folder, tmp_path):
    text = (folder / "campaign.toml").read_text()
    (folder / "campaign.toml").write_text(
        text.replace("Two masts on a plain", "<script>alert(1)</script>")
    )
    out = calibrate(None, folder, tmp_path / "r", points=20, repeats=1, curve=False)
    assert "<script>" not in (out / "report.html").read_text()


def test_results_are_results(tmp_path):
    (tmp_path / "result.json").write_text(json.dumps({"format": "other"}))
    with pytest.raises(StoreError, match="not the result"):
        read_result(tmp_path)


def test_same_campaign_same_result(folder, tmp_path):
    a, b = (
        read_result(calibrate(None, folder, tmp_path / n, points=40, repeats=1, curve=False))
        for n in ("a", "b")
    )
    assert a == b
    shutil.rmtree(tmp_path / "a")


def test_data_may_lie_elsewhere(folder, tmp_path):
    away = tmp_path / "away"
    away.mkdir()
    (folder / "points.csv").rename(away / "points.csv")
    assert load_campaign(folder, away).folder == away


def test_rows_that_everything_contradicts_are_set_aside_and_reported(
    folder, tmp_path, capsys, monkeypatch
):
    points = folder / "points.csv"
    head, *rows = points.read_text().splitlines()
    lies = 0
    for number, row in enumerate(rows):
        cell, phone, x, y, level = row.split(",")
        if phone == "q" and lies < 15:
            rows[number] = f"{cell},{phone},{x},{y},{float(level) - 45:.3f}"
            lies += 1
    points.write_text("\n".join([head, *rows]))
    out = tmp_path / "r"
    asked = ["calibrate", "-", str(folder), "-o", str(out), "--points", "60", "--no-curve"]
    monkeypatch.setattr(sys, "argv", ["rtwin", *asked])
    with pytest.raises(SystemExit, match="0"):
        main()
    result = read_result(out)
    trust = result["trust"]
    worst = trust["by_device"][0]
    assert worst["name"] == "q"
    assert worst["untrusted"] >= 14
    assert worst["off_db"] == pytest.approx(-45, abs=8)
    assert result["set_aside"][NOT_BELIEVED] == trust["untrusted"] == 300 - result["rows"]
    assert result["raw_rows"] == 300
    assert len(trust["places"]) == trust["untrusted"]
    assert any("device 'q'" in line and "set aside" in line for line in result["warnings"])
    assert "Not believed" in (out / "report.html").read_text()
    groups = result["validation"]["scores"][-1]["groups"]["trust"]
    assert groups["not believed"] > 3 * groups["believed"]
    said = capsys.readouterr()
    assert "device q" in said.out
    assert "rows not believed" in said.out
    with h5py.File(out / "twin.h5") as file:
        assert len(file["level_db"]) == len(file["physics"]) == result["rows"]
