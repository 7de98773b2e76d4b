"""The study on little of everything, on channels without a ray tracer."""

import json
from typing import ClassVar

import numpy as np
import pytest
import xarray

from rtwin.errors import OutOfRangeError
from rtwin.experiments.beliefs import REFERENCE
from rtwin.experiments.study_files import write_study
from rtwin.streaming.study import SCHEMES, StreamingStudy, run_streaming, streaming_results
from rtwin.streaming.study import study as whole
from rtwin.streaming.study.abstracted import abstracted, share_of
from rtwin.streaming.study.runs import LEVELS, REPORT_S, SEARCH

from ..conftest import StandInWorlds, walking_trace

pytest.importorskip("cvxpy")


class Worlds(StandInWorlds):
    num_steps = 91
    shifts_db: ClassVar = {
        "free space": 9.0,
        "ray-traced twin": 2.0,
        "corrected twin": -1.0,
        REFERENCE: 0.0,
    }


@pytest.fixture(scope="module")
def findings():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "Worlds", Worlds)
        patch.setattr(whole, "deadline_rows", lambda told, tracks, link: [])
        patch.setattr(whole, "sample_map", lambda made, seed, link: walking_trace(16, 91, seed))
        study = StreamingStudy(
            seeds=2,
            users=16,
            videos=60,
            intervals=3,
            warm_up=1,
            interval_s=30.0,
            examples=9,
            other_prices=(0.6,),
            frontier_seeds=1,
            workers=1,
            bandwidth_hz=10e6,
        )
        steps = []
        found = run_streaming(study, lambda *step: steps.append(step))
    assert steps[-1] == ("experiment", 2, 2)
    return found


@pytest.fixture(scope="module")
def results(findings):
    return streaming_results(findings)


def tables(results):
    return {table.name: table.rows for table in results.tables}


def test_every_scheme_ran_on_every_seed(findings, results):
    assert [row["scheme"] for row in tables(results)["schemes"]] == list(SCHEMES)
    for name in SCHEMES:
        own = [r for r in findings.runs if r.part == "schemes" and r.name == name]
        assert [r.seed for r in own] == [0, 1]
        assert all(len(r.satisfaction) == 2 for r in own)
    row = tables(results)["schemes"][-1]
    own = [r.figures["utility"] for r in findings.runs if (r.part, r.name) == ("schemes", SEARCH)]
    assert row["utility"].mean == pytest.approx(np.mean(own))


def test_regret_is_to_the_reference(results):
    rows = {row["decides on"]: row for row in tables(results)["radio"]}
    assert rows[REFERENCE]["regret"].mean == 0.0
    free = rows["free space"]
    assert free["regret"].mean == pytest.approx(
        rows[REFERENCE]["utility"].mean - free["utility"].mean
    )
    assert {"free space, refitted by reports", "corrected twin"} <= set(rows)


def test_knowledge_of_users_is_compared_with_none(results):
    rows = {row["knows of users"]: row for row in tables(results)["users"]}
    assert rows["none"]["utility above none"].mean == 0.0
    assert set(rows) == {"true", "learned", "none"}


def test_gaps_have_their_signs(results):
    rows = {row["reservation"]: row["gap"].mean for row in tables(results)["reservations"]}
    assert rows["concave envelope (bound)"] <= 1e-7
    assert rows["branch and bound"] == pytest.approx(0.0, abs=1e-9)
    assert min(rows["concave envelope, rounded"], rows["equal shares"]) >= -1e-9


def test_value_has_every_level_and_rate(results):
    rows = tables(results)["value"]
    assert len(rows) == len(LEVELS) * len(REPORT_S)
    for row in rows:
        # The reading F / f and its weights, from the row's own numbers.
        period = row["report every [s]"]
        fresh = np.exp(-0.5 * period / 30.0) * period
        wanted = 0.02 * fresh + row["utility"].mean - 0.1 * share_of(row["level"]) / period
        assert row["value"].mean == pytest.approx(wanted)


def test_files_open_in_xarray(results, findings, tmp_path):
    files = {file.name for file in write_study(results, tmp_path)}
    assert {"streaming.md", "streaming.json", "streaming.h5", "streaming-boxes.png"} <= files
    with xarray.open_dataset(tmp_path / "streaming.h5", engine="h5netcdf") as data:
        assert data.satisfaction.dims == ("seed", "scheme", "interval", "ue")
        assert data.attrs["catalogue_hash"] == findings.catalogue.hash
        assert data.attrs["trace_hash"] == "walk-0,walk-1"
        assert data.twin_sinr_db.attrs["units"] == "dB"
        blocks = data.consumption.sum("tx").values
        assert (blocks <= 48).all()
        mean = data.satisfaction.sel(scheme=SEARCH)[:, 1:].mean().item()
    row = tables(results)["schemes"][-1]
    assert mean == pytest.approx(row["satisfaction"].mean)
    report = json.loads((tmp_path / "streaming.json").read_text())
    assert report["format"] == "rtwin-streaming-1"
    assert report["experiment"]["weights"]["tau_s"] == 30.0


def test_levels_leave_less(known):
    assert abstracted(known, 0) is known
    shares = [share_of(level) for level in LEVELS]
    assert shares[0] == 1.0
    assert (np.diff(shares) < 0).all()
    for level, types in ((1, 3), (2, 1)):
        made = abstracted(known, level)
        assert ((made.taste > 0).sum(axis=1) <= types).all()
        assert made.taste.sum(axis=1) == pytest.approx(np.ones(16))
        assert (made.bits <= known.bits + 1e-6).all()
        assert (made.bits > known.bits * 10 ** (-0.3 * level) / 1.001).all()
    with pytest.raises(OutOfRangeError, match="level is 7"):
        share_of(7)


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="more than the 2"):
        StreamingStudy(intervals=2)
    with pytest.raises(OutOfRangeError, match="reservation is 'best'"):
        StreamingStudy(reservation="best")
    with pytest.raises(OutOfRangeError, match="seeds is 0; it must be 1 or more"):
        StreamingStudy(seeds=0)
    assert StreamingStudy(warm_up=0).warm_up == 0
    with pytest.raises(OutOfRangeError, match="warm_up is -1; it must be 0 or more"):
        StreamingStudy(warm_up=-1)
    with pytest.raises(OutOfRangeError, match="prices must be 0 or more"):
        StreamingStudy(other_prices=(0.1, -0.1))
