"""Who serves a task best, of twins that differ in what is known of them."""

import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.dataset import generate, generate_radio_map
from rtwin.deployment import TASKS, select_twin
from rtwin.errors import OutOfRangeError
from rtwin.horizontal import create_twin, open_twin, update_twin
from rtwin.units import to_db

EDIT = '[[edit]]\nkind = "move_object"\nobject = "brick_box"\nby_m = [3.0, 0.0, 0.0]\n'


@pytest.fixture(scope="module")
def folder(two_boxes, tmp_path_factory):
    """A twin that was brought up to date, its neighbour, a map and a dataset of the same scene."""
    folder = tmp_path_factory.mktemp("select")
    create_twin(two_boxes(radio_map={"cell_size_m": 12.0}), folder / "a.twin")
    (folder / "edit.toml").write_text(EDIT)
    time.sleep(1.1)  # snapshots are dated to the second
    update_twin(folder / "a.twin", folder / "edit.toml", how="full")
    west, south, east, north = _extent(folder)
    beside = {"cell_size_m": 12.0, "area": [west, south, (west + east) / 2, north]}
    create_twin(two_boxes(radio_map=beside), folder / "beside.twin")
    generate_radio_map(two_boxes(radio_map={"cell_size_m": 12.0, "rays": 20_000}), folder / "m.h5")
    few = {"kind": "random", "count": 4, "area": [-45, -45, 45, 45]}
    generate(two_boxes(receivers=few), folder / "paths.h5")
    return folder


def _extent(folder):
    centers = open_twin(folder / "a.twin").radio_map.cell_centers_m
    return (*(centers[0, 0, :2] - 6).tolist(), *(centers[-1, -1, :2] + 6).tolist())


def checks_of(folder, off_db, file):
    """Check points that a.twin is off by so much, with a dB of noise."""
    found, rng = open_twin(folder / "a.twin").radio_map, np.random.default_rng(2)
    rows = ["tx,x_m,y_m,path_gain_db,uncertainty_db"]
    for y, x in np.argwhere(found.path_gain[0] > 0):
        place = found.cell_centers_m[y, x]
        level = to_db(found.path_gain[0, y, x]) + off_db + rng.normal(0, 1)
        rows.append(f"mast,{place[0]},{place[1]},{level},1")
    file.write_text("\n".join(rows) + "\n")
    return file


def test_who_covers_the_area_serves_it(folder):
    whole, half = _extent(folder), list(_extent(folder))
    half[2] = (half[0] + half[2]) / 2
    sources = [folder / "beside.twin", folder / "a.twin"]
    first, second = select_twin(sources, "slicing", area_m=whole)
    assert first.source.name == "a.twin"
    assert first.quality.values["coverage"] == pytest.approx(1, abs=0.05)
    assert 0.2 < second.quality.values["coverage"] < 0.8
    assert "coverage above all" in first.why
    inside = select_twin(sources, "slicing", area_m=tuple(half))
    assert all(each.quality.values["coverage"] > 0.9 for each in inside)


def test_the_older_snapshot_is_less_fresh(folder):
    made = [
        datetime.fromisoformat(open_twin(folder / "a.twin", n).created).replace(tzinfo=UTC)
        for n in (0, 1)
    ]
    since = (made[1] - made[0]).total_seconds()
    assert since >= 1
    sources = [folder / "a.twin" / "000000.h5", folder / "a.twin"]
    found = select_twin(sources, "slicing", now=made[1] + timedelta(seconds=1), horizon_s=since)
    assert [each.kind for each in found] == ["twin", "older snapshot"]
    new, old = (each.quality.values["freshness"] for each in found)
    assert old < 0.6 * new


def test_who_has_no_paths_cannot_serve_channels(folder):
    sources = [folder / n for n in ("m.h5", "paths.h5", "a.twin", "edit.toml")]
    found = select_twin(sources, "channels")
    assert {each.source.name for each in found if each.quality} == {"a.twin", "paths.h5"}
    assert "no paths" in next(each.why for each in found if each.source.name == "m.h5")
    slicing = select_twin(sources, "slicing")
    assert {each.source.name for each in slicing if each.quality} == {"a.twin", "m.h5"}
    with pytest.raises(OutOfRangeError, match=r"nobody can serve channels: .*no paths"):
        select_twin([folder / "m.h5"], "channels")


def test_check_points_show_who_is_off(folder, tmp_path):
    """The map is of the world before the edit; the same with 15 dB less is far off."""
    shutil.copytree(folder / "a.twin", tmp_path / "right.twin")
    checks = checks_of(folder, 0.0, tmp_path / "checks.csv")
    found = select_twin([folder / "m.h5", tmp_path / "right.twin"], "slicing", measurements=checks)
    assert found[0].source.name == "right.twin"
    accuracy = [each.quality.values["accuracy"] for each in found]
    assert accuracy[0] > accuracy[1]
    assert "check points" in found[0].quality.facts["accuracy"]


def test_a_map_is_as_fresh_as_its_file(folder, tmp_path):
    copied = shutil.copy(folder / "m.h5", tmp_path / "m.h5")
    now = datetime.now(UTC)
    os.utime(copied, (now.timestamp() - 7200,) * 2)
    (found,) = select_twin([copied], "slicing", now=now, horizon_s=7200)
    assert found.quality.values["freshness"] == pytest.approx(np.exp(-1), rel=1e-3)
    assert found.why == "the only one that can serve"


def test_command(folder, tmp_path):
    words = ["quality", str(folder / "beside.twin"), str(folder / "a.twin"), "--for", "slicing"]
    area = ",".join(map(str, _extent(folder)))
    picture = ["-o", str(tmp_path / "q.png")]
    run = CliRunner().invoke(app, [*words, "--area", area, *picture])
    assert run.exit_code == 0, run.output
    assert "best for slicing" in run.output
    assert (tmp_path / "q.png").stat().st_size > 10_000
    said = json.loads(CliRunner().invoke(app, [*words, "--area", area, "--json"]).output)
    assert said[0]["twin"].endswith("a.twin")
    assert said[0]["utility"] > said[1]["utility"]


def test_one_line_for_what_cannot_be(folder):
    with pytest.raises(OutOfRangeError, match="no task 'slices'; did you mean 'slicing'"):
        select_twin([folder / "a.twin"], "slices")
    with pytest.raises(OutOfRangeError, match="give west, south, east, north"):
        select_twin([folder / "a.twin"], "slicing", area_m=(1, 0, 0, 1))
    far = select_twin([folder / "a.twin", folder / "m.h5"], "slicing")
    assert len(far) == 2
    with pytest.raises(OutOfRangeError, match="no cell of the map lies in the area"):
        select_twin([folder / "a.twin"], "slicing", area_m=(1e5, 0, 1e5 + 1, 1))
    for words in (["--for", "slicing", "--weights", "accuracy=1"], ["--area", "0,0,1,1"]):
        run = CliRunner().invoke(app, ["quality", str(folder / "a.twin"), *words])
        assert run.exit_code == 2
    assert set(TASKS) == {"slicing", "streaming", "channels"}
