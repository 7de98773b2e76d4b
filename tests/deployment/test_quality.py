"""Qualities of real twin folders: what is measured, what it is worth, what would raise it."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from rtwin.channel import free_space_path_loss_db
from rtwin.cli.app import app
from rtwin.deployment import ATTRIBUTES, Utility, twin_quality, weights_of
from rtwin.deployment.picture import plot_quality
from rtwin.deployment.quality import _span
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.horizontal import create_twin, load_edits, open_twin, update_twin
from rtwin.units import to_db


@pytest.fixture(scope="module")
def twin(two_boxes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("quality")
    create_twin(two_boxes(radio_map={"cell_size_m": 8.0}), folder / "t.twin")
    return folder / "t.twin"


@pytest.fixture(scope="module")
def checks(twin):
    """Rows of the twin's own values with noise of 1 dB."""
    found = open_twin(twin).radio_map
    rng, rows = np.random.default_rng(1), ["tx,x_m,y_m,path_gain_db"]
    cells = np.argwhere(found.path_gain[0] > 0)
    for y, x in cells[rng.permutation(len(cells))[:60]]:
        place = found.cell_centers_m[y, x]
        level = to_db(found.path_gain[0, y, x]) + rng.normal(0, 1)
        rows.append(f"mast,{place[0]},{place[1]},{level}")
    file = twin.parent / "checks.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


def made(twin):
    found = datetime.fromisoformat(open_twin(twin, 0).created)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def test_attributes_of_a_new_twin(twin):
    quality = twin_quality(twin, now=made(twin), horizon_s=3600)
    assert quality.values["freshness"] == pytest.approx(1, abs=1e-3)
    assert quality.values["trust"] == 1
    assert set(quality.values) == set(ATTRIBUTES) - {"calibration", "cost"}
    assert "not known" in quality.facts["calibration"]
    assert 0 < quality.utility < 1
    snapshot = open_twin(twin)
    found = snapshot.radio_map
    reached = (found.path_gain > 0) & ~snapshot.is_inside
    distance = np.linalg.norm(found.cell_centers_m - found.tx_position_m[:, None, None], axis=-1)
    off = -free_space_path_loss_db(distance, 3.5e9) - to_db(np.where(reached, found.path_gain, 1))
    worst = np.sqrt(np.mean(off[reached] ** 2))
    stated = np.sqrt(np.mean(snapshot.uncertainty_db[reached] ** 2))
    assert quality.values["accuracy"] == pytest.approx(np.clip(1 - stated / worst, 0, 1), abs=1e-6)
    assert f"{worst:.1f} dB" in quality.facts["accuracy"]


def test_age_takes_freshness_away(twin):
    late = twin_quality(twin, now=made(twin) + timedelta(hours=2), horizon_s=3600)
    assert late.values["freshness"] == pytest.approx(np.exp(-2), rel=1e-3)
    weights = weights_of({"freshness": 1, "coverage": 0.2})
    advice = twin_quality(
        twin, utility=Utility(weights), now=made(twin) + timedelta(days=90)
    ).advice
    assert "freshness would raise it most" in advice
    assert f"rtwin update {twin}" in advice


def test_check_points_measure_accuracy_and_calibration(twin, checks):
    quality = twin_quality(twin, measurements=checks)
    measured = float(quality.facts["accuracy"].split()[0])
    assert measured == pytest.approx(1, abs=0.35)  # the noise, and places between cells' middles
    # The twin states far more than it is off by: all points are in its intervals.
    assert quality.values["calibration"] == pytest.approx(1 - 0.1 / 0.9)
    assert quality.values["trust"] == 1
    assert quality.values["accuracy"] > twin_quality(twin).values["accuracy"]


def test_an_update_has_a_cost_and_renews(twin, tmp_path):
    import shutil

    own = tmp_path / "own.twin"
    shutil.copytree(twin, own)
    edit = tmp_path / "e.toml"
    edit.write_text('[[edit]]\nkind = "move_object"\nobject = "brick_box"\nby_m = [3, 0, 0]\n')
    update_twin(own, load_edits(edit), how="full")
    quality = twin_quality(own)
    assert "cost" in quality.values
    assert "(1 so far)" in quality.facts["cost"]
    assert quality.values["trust"] == 1


def test_command_prints_and_draws(twin, checks, tmp_path):
    run = CliRunner().invoke(
        app,
        ["quality", str(twin), "--measurements", str(checks), "-o", str(tmp_path / "q.png")],
    )
    assert run.exit_code == 0, run.output
    assert "utility" in run.output
    assert "check points" in run.output
    assert (tmp_path / "q.png").stat().st_size > 10_000
    run = CliRunner().invoke(
        app, ["quality", str(twin), "--json", "--weights", "coverage=1", "--form", "copula"]
    )
    (said,) = json.loads(run.output)
    assert said["utility"] == pytest.approx(said["attributes"]["coverage"], abs=0.15)
    figure = plot_quality([twin_quality(twin), twin_quality(twin, measurements=checks)])
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()][:2] == ["accuracy", "freshness"]
    figure.canvas.draw()
    circle = figure.axes[0].get_window_extent()
    boxes = [text.get_window_extent() for text in figure.axes[0].get_xticklabels()]
    assert boxes[0].x0 > circle.x1  # at the right, and at the left
    assert boxes[3].x1 < circle.x0
    assert min(box.x0 for box in boxes) > 0
    assert max(box.x1 for box in boxes) < figure.bbox.x1


def test_one_line_for_what_cannot_be(twin, tmp_path):
    with pytest.raises(OutOfRangeError, match="did you mean 'accuracy'"):
        weights_of({"acuracy": 1})
    with pytest.raises(OutOfRangeError, match="horizon_s is 0"):
        twin_quality(twin, horizon_s=0)
    with pytest.raises(StoreError, match="no such twin"):
        twin_quality(tmp_path / "none.twin")
    for options in (["--form", "best"], ["--measurements", "other=x.csv"]):
        assert CliRunner().invoke(app, ["quality", str(twin), *options]).exit_code == 2


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (59.4, "59 s"),
        (60, "1.0 min"),
        (3599, "60.0 min"),
        (5400, "1.5 h"),
        (86_399, "24.0 h"),
        (129_600, "1.5 days"),
    ],
)
def test_spans_of_time_have_a_unit_that_fits(seconds, text):
    assert _span(seconds) == text
