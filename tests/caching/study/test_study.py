"""The study from end to end on few requests, and what its numbers are made of."""

import csv
import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from rtwin.caching.caches import TEXTBOOK, Outcome
from rtwin.caching.demand import Catalogue, RequestTrace, WalkingDemand, ring_reach
from rtwin.caching.study import CachingStudy, claims, run_caching, verdict, write_caching
from rtwin.caching.study.rows import AXES, BOUND, TWIN, counted, of_forecast, of_textbook
from rtwin.caching.study.safety import SWITCHED, TRAINED
from rtwin.caching.study.tables import COLUMNS, axis_table, csv_text, figures, json_report, markdown
from rtwin.caching.twin import TasteTwin
from rtwin.dataset import open_link_trace
from rtwin.errors import OutOfRangeError, StoreError
from rtwin.experiments.table import Figure


def names(found, part):
    return {run.policy for run in found.runs if run.part == part}


def test_every_part_has_its_rows(found):
    assert names(found, "walking") >= {*TEXTBOOK, BOUND, TWIN, "wrong twin: tastes of others"}
    assert names(found, "reliable") >= {*TRAINED, "LFU + shield, hit first"}
    assert names(found, "modules") == set(SWITCHED)
    assert names(found, "history") == names(found, "slots") == set(AXES)
    drift = names(found, "drifting")
    assert drift >= {"RL", "RL w/ twin", "reliable RL, wrong twin: no bursts"}
    assert set(found.log_loss) > {TWIN}
    keys = [(r.part, r.policy, r.seed) for r in found.runs]
    assert len(keys) == len(set(keys))


def test_no_row_beats_the_bound_at_the_nearest_station(found):
    for part in ("walking", "history", "slots", "drifting"):
        for seed in range(2):
            own = [r for r in found.runs if r.part == part and r.seed == seed]
            bound = next(r.hit_rate for r in own if r.policy == BOUND)
            textbook = [r.hit_rate for r in own if r.policy in TEXTBOOK]
            assert bound >= max(textbook) - 0.02  # its history is older than the counted part


def test_switched_off_modules_do_nothing(found):
    for run in found.runs:
        if run.part == "modules":
            modules, _ = SWITCHED[run.policy]
            assert modules.shield or run.shield == 0
            assert modules.mask or run.mask == 0
            multiplier = np.array(run.setting["multiplier"])
            assert "multipliers" in run.policy or not multiplier.any()


def test_stations_and_hash_are_those_of_the_link_trace(found, small):
    trace = open_link_trace(small.trace)
    for facts in found.facts:
        assert facts["stations"] == list(trace.tx_name)
        assert facts["link_trace_hash"] == trace.attributes["content_hash"] != ""
        assert 0 < facts["share_with_two"] < 1
    assert found.facts[0]["requests_hash"] != found.facts[1]["requests_hash"]


def test_files(found, tmp_path):
    pytest.importorskip("matplotlib")
    files = write_caching(found, tmp_path)
    assert [file.name for file in files if file.stat().st_size == 0] == []
    table = files[0].read_text()
    assert table == markdown(found)
    assert table.count("## ") == 8
    rows = list(csv.DictReader(files[1].read_text().splitlines()))
    assert len(rows) == len(found.runs)
    assert float(rows[0]["hit_rate"]) == found.runs[0].hit_rate
    report = json.loads(files[2].read_text())
    assert report["study"]["slots"] == 10
    assert len(report["runs"]) == len(found.runs)
    with h5py.File(files[4]) as h5:
        assert h5["hit_rate"].shape[1:] == (2, 25)
        assert h5["load"].shape[2] == 5
        first = next(r for r in found.runs if r.part == "walking")
        assert h5["hit_rate"][0, 0].tolist() == first.over_time
        np.testing.assert_allclose(h5["load"][()].sum(axis=2), 1.0)
    write_caching(found, tmp_path)  # over what it wrote itself
    (tmp_path / "caching.json").write_text("mine")
    with pytest.raises(StoreError):
        write_caching(found, tmp_path)


def test_the_usual_history_and_slots_stand_in_the_axes(found):
    for part, values in (("history", ("40", "80")), ("slots", ("10", "30"))):
        head, _, *rows = axis_table(found, part).splitlines()
        assert tuple(cell.strip() for cell in head.split("|")[2:-1]) == values
        assert len(rows) == len(AXES) + 1
    own = [r.hit_rate for r in found.runs if r.part == "walking" and r.policy == "LRU"]
    assert f"{100 * np.mean(own):.1f} ± " in axis_table(found, "slots").splitlines()[2]


def test_regret_is_counted_from_the_bound(found):
    rows = figures(found, "walking", COLUMNS)
    for hits, _, regret in rows.values():
        assert hits.mean + regret.mean == pytest.approx(rows[BOUND][0].mean)


def test_counts_of_one_outcome_by_hand():
    trace = RequestTrace(
        Catalogue(np.zeros(3, int), np.array([1.0, 2.0, 4.0])),
        np.zeros(4, int),
        np.array([0, 1, 2, 2]),
        np.array([0, 0, 1, 1]),
        np.full(4, -1),
        np.zeros((4, 1), np.int16),
        np.zeros(4, bool),
        2,
    )
    column = np.array([[True], [False], [True], [False]])
    no = np.zeros((4, 1), bool)
    out = Outcome(
        column, trace.first[:, None].astype(np.int16), column, np.ones((4, 1), np.float32), no, ~no
    )
    run = counted(out, trace, 1, "walking", "one", 0)
    assert run.hit_rate == pytest.approx(1 / 3)
    assert run.byte_hit_rate == pytest.approx(4 / 10)
    assert run.overload == pytest.approx(1 / 3)
    assert run.load == pytest.approx([1 / 3, 2 / 3])
    assert (run.shield, run.mask) == (0.0, 1000.0)


@pytest.mark.parametrize(
    ("claim", "mean", "width", "said"),
    [
        (">= 0", 2.0, 1.0, "holds"),
        (">= 0", 0.5, 1.0, "no difference seen"),
        (">= 0", -2.0, 1.0, "does not hold"),
        ("< 0", -2.0, 1.0, "holds"),
        ("< 0", 2.0, 1.0, "does not hold"),
        ("< 0", -2.0, np.nan, "one seed"),
    ],
)
def test_verdicts(claim, mean, width, said):
    assert verdict(claim, Figure(mean, width)) == said


def test_claims_are_differences_of_each_seed(found):
    """The article's order: hits, overload, interventions, for both worlds."""
    by = {(r.policy, r.seed): r for r in found.runs if r.part == "reliable"}
    wanted = np.mean(
        [100 * (by["RL w/ twin", s].hit_rate - by["RL", s].hit_rate) for s in range(2)]
    )
    said = claims(found)
    assert len(said) == 8
    assert said[0][0] == "users who walk: hits [points] of RL w/ twin minus RL"
    assert said[0][2].mean == pytest.approx(wanted)


def test_the_twin_pays_where_users_walk():
    """Tastes of the users present against the best textbook cache."""
    ring = ring_reach(30, 4, 6000, 300, 0.0, np.random.default_rng(5))
    trace = WalkingDemand(kinds=6, items_per_kind=200).draw(ring, 4500, 6)
    twin = TasteTwin(4, 30, trace.catalogue.kind)
    hits = of_forecast(trace, 60, twin).hit[1500:].mean()
    textbook = of_textbook(trace, 60)
    best = max(out.hit[1500:].mean() for name, out in textbook.items() if name != BOUND)
    assert best + 0.02 < hits < textbook[BOUND].hit[1500:].mean()


@pytest.mark.slow
def test_workers_change_nothing(small, found):
    both = run_caching(replace(small, workers=2))
    assert csv_text(both) == csv_text(found)
    assert json_report(both)["facts"] == json_report(found)["facts"]


def test_impossible_studies(tmp_path):
    with pytest.raises(OutOfRangeError, match="seeds is 0"):
        CachingStudy(seeds=0)
    with pytest.raises(OutOfRangeError, match="give one of them"):
        CachingStudy(trace=tmp_path / "a", twin=tmp_path / "b")
    with pytest.raises(OutOfRangeError, match="go together"):
        CachingStudy(twin=tmp_path / "b")
    with pytest.raises(StoreError):
        run_caching(CachingStudy(trace=tmp_path / "absent.h5", workers=1, seeds=1))
