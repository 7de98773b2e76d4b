"""The fidelity experiment: a small run end to end, its figures, its files, its errors."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from rtwin.dataset import generate_radio_map
from rtwin.errors import OutOfRangeError, RecipeError, StoreError
from rtwin.experiments import (
    SlicingExperiment,
    markdown_table,
    plot_slicing,
    rows_of,
    run_slicing,
)
from rtwin.experiments.beliefs import FEEDBACK, REFERENCE, Worlds, compare_traces
from rtwin.experiments.fidelity import NOBODY
from rtwin.experiments.results import NAMES, prepare_folder, write_results
from rtwin.experiments.table import COLUMNS, figure_of
from rtwin.experiments.worlds import without_objects
from rtwin.scene import load_recipe

from .conftest import trace_of

SMALL = SlicingExperiment(
    seeds=2,
    users={"embb": 5, "urllc": 3},
    duration_s=3.0,
    bandwidth_hz=20e6,
    map_rays=20_000,
    points=20,
    check_points=10,
)


@pytest.fixture(scope="module")
def runs():
    pytest.importorskip("cvxpy")
    return run_slicing(SMALL)


def of(runs, policy, knowledge):
    return [r for r in runs if (r.policy, r.knowledge) == (policy, knowledge)]


def test_every_policy_meets_every_knowledge_in_every_world(runs):
    known = {
        "free space",
        "log-distance",
        "kriging",
        "stale twin",
        "ray-traced twin",
        "corrected twin",
        "updated twin",
        FEEDBACK,
        REFERENCE,
    }
    assert {(r.policy, r.knowledge) for r in runs} == {
        ("static", NOBODY),
        *((p, k) for p in ("proportional", "optimised") for k in known),
    }
    assert all(len(of(runs, r.policy, r.knowledge)) == 2 for r in runs)


def test_no_twin_is_the_reference_and_all_meet_the_same_traffic(runs):
    for run in runs:
        assert 0 <= run.episode.sla_violation <= 1
        assert run.episode.used_share <= run.episode.reserved_share <= 1 + 1e-9
        own = [r for r in runs if r.seed == run.seed]
        assert len({round(r.episode.offered_mbps, 9) for r in own}) == 1
        if run.knowledge == REFERENCE:
            assert run.gain_error_db == 0
            assert run.right_cell == 1
        elif run.knowledge != NOBODY:
            assert run.gain_error_db > 0.1
    first, second = (of(runs, "static", NOBODY)[i].episode for i in range(2))
    assert first.reward != second.reward


def test_a_reference_of_one_s_own(tmp_path):
    """A map from a file is the world of every seed, and no twin is told its secrets."""
    pytest.importorskip("cvxpy")
    recipe = load_recipe("courtyard", cell_size_m=4.0, map_rays=20_000, max_depth=1)
    file = generate_radio_map(recipe, tmp_path / "world.h5")
    asked = replace(SMALL, seeds=1, duration_s=1.0, reference=file, twins={"same": file})
    kpm = tmp_path / "kpm"
    runs = run_slicing(asked, kpm=kpm)
    found = {r.knowledge: r for r in runs if r.policy == "proportional"}
    assert "updated twin" not in found
    # KPIs of every run, a file for each of eight users and its slices beside them.
    assert len(list(kpm.glob("*/*/seed_0/metrics/*_metrics.csv"))) == 8 * len(runs)
    with open(kpm / "proportional" / "same" / "seed_0" / "slices.csv", encoding="utf-8") as file:
        rates = [float(row["throughput [Mbps]"]) for row in csv.DictReader(file)]
    assert sum(rates) / (len(rates) / 2) == pytest.approx(
        found["same"].episode.throughput_mbps, rel=1e-4
    )
    with pytest.raises(StoreError, match="is not an empty folder"):
        run_slicing(asked, kpm=kpm)
    # The twin that is the reference, but for a level from points with errors of 2 dB.
    assert found["same"].gain_error_db < 2.0
    assert found["ray-traced twin"].gain_error_db > 0.1


def test_a_twin_that_is_late_is_the_one_before_until_then(tmp_path):
    """Three seconds of walk: one twin is there at once, one after a second, one never."""
    pytest.importorskip("cvxpy")
    recipe = load_recipe("courtyard", cell_size_m=4.0, map_rays=20_000, max_depth=1)
    truth = generate_radio_map(recipe, tmp_path / "world.h5")
    without = without_objects(recipe, ["east"])
    old = generate_radio_map(without, tmp_path / "old.h5")
    twins = {"old": old, "at once": truth, "late": truth, "never": truth}
    ages_s = {"at once": 0.0, "late": 1.0, "never": 30.0}
    asked = replace(SMALL, seeds=1, reference=truth, twins=twins, ages_s=ages_s)
    worlds = Worlds(asked, tmp_path)
    _, beliefs = worlds.of(0)
    gain = {name: beliefs[name].trace.path_gain for name in twins}
    np.testing.assert_array_equal(gain["late"][:10], gain["old"][:10])
    np.testing.assert_array_equal(gain["late"][10:], gain["at once"][10:])
    np.testing.assert_array_equal(gain["never"], gain["old"])
    assert beliefs["never"].error_db == beliefs["old"].error_db
    errors = [beliefs[name].error_db for name in ("at once", "late", "old")]
    assert errors == sorted(errors)


def test_ages_are_of_twins_after_the_first():
    with pytest.raises(OutOfRangeError, match="the first"):
        replace(SMALL, twins={"a": "a.h5", "b": "b.h5"}, ages_s={"a": 1.0})
    with pytest.raises(OutOfRangeError, match="0 or more"):
        replace(SMALL, twins={"a": "a.h5", "b": "b.h5"}, ages_s={"b": -1.0})


def test_regret_is_against_the_same_policy_that_knows(runs):
    rows = {(row.policy, row.knowledge): row.figures for row in rows_of(runs)}
    for policy in ("proportional", "optimised"):
        assert rows[policy, REFERENCE]["regret"].mean == 0
        best = [r.episode.reward for r in of(runs, policy, REFERENCE)]
        own = [r.episode.reward for r in of(runs, policy, "free space")]
        wanted = np.mean(np.subtract(best, own))
        assert rows[policy, "free space"]["regret"].mean == pytest.approx(wanted)
    assert np.isnan(rows["static", NOBODY]["regret"].mean)


def test_intervals_are_student_s():
    # Textbook: n = 4, mean 2.5, s = 1.2910, t = 3.1824.
    found = figure_of([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5
    assert found.half_width == pytest.approx(3.1824 * 1.29099 / 2, rel=1e-4)
    assert figure_of([1.0]).text(100.0, 1) == "100.0"


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(2000):
        found = figure_of(rng.normal(3.0, 2.0, 5))
        hits += abs(found.mean - 3.0) <= found.half_width
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)


def test_files(runs, tmp_path):
    files = write_results(SMALL, runs, tmp_path / "deep" / "out")
    assert [file.name for file in files] == list(NAMES)
    assert files[0].read_text().count("\n") == 2 + 19
    table = list(csv.DictReader(files[1].read_text().splitlines()))
    assert float(table[1]["sla_violation"]) >= 0
    data = json.loads(files[2].read_text())
    assert len(data["runs"]) == len(runs)
    assert data["experiment"]["users"] == {"embb": 5, "urllc": 3}
    assert files[3].read_bytes()[:4] == b"\x89PNG"
    assert not [f for f in files[0].parent.iterdir() if f.name not in NAMES]


def test_picture(runs):
    figure = plot_slicing(rows_of(runs), "title")
    assert [axes.get_xlabel() for axes in figure.axes] == [
        COLUMNS[name][0]
        for name in ("sla_violation", "throughput_mbps", "reserved_share", "regret")
    ]
    assert len(markdown_table(rows_of(runs)).splitlines()) == 21


def test_traces_are_compared_where_users_are_served():
    snr_db = np.full((10, 2, 2), 10.0)
    snr_db[:, 0, 1] = snr_db[:, 1, 0] = 0.0
    truth = trace_of(snr_db)
    assert compare_traces(truth, truth) == (0.0, 1.0)
    belief = trace_of(snr_db + np.array([3.0, -4.0]))
    error, right = compare_traces(belief, truth)
    assert error == pytest.approx(np.sqrt((9 + 16) / 2), rel=1e-6)
    assert right == 1.0
    swapped = replace(truth, serving_tx=1 - truth.serving_tx)
    assert compare_traces(swapped, truth)[1] == 0.0


def test_impossible_experiments(tmp_path, map_file):
    with pytest.raises(OutOfRangeError, match="seeds is 0"):
        SlicingExperiment(seeds=0)
    with pytest.raises(OutOfRangeError, match="points is 0"):
        SlicingExperiment(points=0)
    with pytest.raises(OutOfRangeError, match="service is 'video'"):
        SlicingExperiment(users={"video": 1})
    with pytest.raises(RecipeError, match="unknown scene"):
        run_slicing(SlicingExperiment(scene="atlantis"))
    with pytest.raises(OutOfRangeError, match="transmitters mast, pole, the scene roof, pole"):
        run_slicing(replace(SMALL, twins={"other": map_file}))
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(StoreError, match="give a folder"):
        prepare_folder(file)
    assert file.read_text() == "mine"
