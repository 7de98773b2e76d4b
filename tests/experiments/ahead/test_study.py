"""The study of reservations ahead: a small run, its table, pictures and files."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from rtwin.cli.app import app
from rtwin.errors import OutOfRangeError
from rtwin.experiments.ahead import AheadStudy, ahead_results, run_ahead
from rtwin.experiments.ahead.study import CONSTANT, OPTIMISED, REPORT
from rtwin.experiments.beliefs import REFERENCE
from rtwin.experiments.table import Figure

SMALL = AheadStudy(
    seeds=2,
    windows_s=(2.0,),
    users={"embb": 4, "urllc": 2},
    duration_s=6.0,
    tuning=1,
    bandwidth_hz=20e6,
    map_rays=20_000,
    points=20,
    workers=1,
)


@pytest.fixture(scope="module")
def runs():
    pytest.importorskip("cvxpy")
    return run_ahead(SMALL)


def test_every_knowledge_is_scored_in_every_world(runs):
    known = {r.knowledge for r in runs if r.policy == OPTIMISED}
    assert {REPORT, REFERENCE, "free space + report", "updated twin + report"} <= known
    assert len(runs) == 2 * (1 + 2 * len(known))
    for run in runs:
        assert -1.1 <= run.episode.reward <= 0
        if run.knowledge == REFERENCE:
            assert run.error_db == 0
            assert run.right_cell == 1


def test_differences_are_within_worlds(runs):
    results = ahead_results(SMALL, runs)
    rows = {(row["policy"], row["decides on"]): row for row in results.tables[0].rows}
    wanted = [
        r.episode.reward - c.episode.reward
        for r in runs
        for c in runs
        if (r.policy, r.knowledge) == (OPTIMISED, REFERENCE)
        and c.policy == CONSTANT
        and r.seed == c.seed
    ]
    found = rows[OPTIMISED, REFERENCE]["over constant"]
    assert isinstance(found, Figure)
    assert found.mean == pytest.approx(np.mean(wanted))
    assert rows[OPTIMISED, REPORT]["over last report"].mean == 0
    assert results.pictures["2s"].axes[2].get_xlabel() == "reward over constant, paired"


def test_command_and_impossible_wishes(tmp_path):
    words = ["experiment", "ahead", "-o", str(tmp_path), "--window", "0.01"]
    said = CliRunner().invoke(app, words).exception
    assert isinstance(said, OutOfRangeError)
    assert "a window is 0.01 s" in str(said)
    with pytest.raises(OutOfRangeError, match="windows_s is empty"):
        AheadStudy(windows_s=())


def test_who_is_turned_away_stands_in_the_table_beside_the_constant_that_knows_nobody():
    pytest.importorskip("cvxpy")
    # Far too many for a cell, and only one world: what matters is that refusals get through.
    study = replace(SMALL, seeds=1, users={"embb": 60, "urllc": 2}, admission=True)
    runs = run_ahead(study)
    rows = {
        (row["policy"], row["decides on"]): row["refused [%]"].mean
        for row in ahead_results(study, runs).tables[0].rows
    }
    assert rows[CONSTANT, "nothing"] == 0
    assert 10 < rows[OPTIMISED, REFERENCE] < 90
    assert "refused [%]" not in ahead_results(SMALL, runs).tables[0].rows[0]
