"""Worlds, twins that lack something, and what decisions on them earn."""

import json

import numpy as np
import pytest
import xarray

from rtwin.dataset import open_radio_map
from rtwin.deployment.worth import WorthStudy, run_worth, worth_results
from rtwin.deployment.worth.drawn import drawn_twin, misses_db, patches
from rtwin.deployment.worth.runs import Row
from rtwin.deployment.worth.study import folds, worth_of
from rtwin.experiments.fitted_maps import measure
from rtwin.experiments.study_files import write_study
from rtwin.experiments.worlds import WorldSettings, with_gain, with_residual

pytest.importorskip("cvxpy")


@pytest.fixture(scope="module")
def world(map_file):
    """A world, what others have of it, and check points: the two boxes with a residual."""
    traced, rng = open_radio_map(map_file), np.random.default_rng(0)
    reference = with_residual(traced, WorldSettings(), rng)
    heard = traced.path_gain > 0
    flat = with_gain(traced, np.where(heard, np.median(traced.path_gain[heard]), 0.0))
    maps = {"log-distance": flat, "ray-traced twin": traced, "updated twin": traced}
    walkable = heard.any(axis=0)
    return reference, maps, measure(reference, walkable, 60, 2.0, rng)


def test_attributes_say_what_a_twin_lacks(world):
    reference, maps, check = world
    twins = [
        drawn_twin(reference, maps, check, 2.0, WorldSettings(), np.random.default_rng(seed))
        for seed in range(40)
    ]
    real = (reference.path_gain > 0).any(axis=0)
    for twin in twins:
        assert all(0 <= value <= 1 for value in (twin.stated | twin.measured).values())
        reached = (twin.radio_map.path_gain > 0).any(axis=0)[real].mean()
        assert twin.stated["coverage"] == pytest.approx(reached)
        assert set(twin.measured) - set(twin.stated) == {"calibration"}
    assert any(t.stated["trust"] < 0.9 for t in twins)
    assert any(t.stated["coverage"] < 0.9 for t in twins)


def test_what_happened_since_makes_twins_worse(world):
    """Of one traced map, corrected as far: who looked at it long ago is off by more."""
    reference, maps, check = world
    same = dict.fromkeys(maps, maps["ray-traced twin"])
    off = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        twin = drawn_twin(reference, same, check, 2.0, WorldSettings(), rng)
        off.append((twin.stated["freshness"], np.abs(misses_db(twin.radio_map, check)).mean()))
    freshness, error = np.array(off).T
    assert np.corrcoef(freshness, error)[0, 1] < -0.2


def test_patches_are_a_share_of_the_map():
    found = patches((40, 60), 2.0, 0.3, np.random.default_rng(0))
    assert found.mean() == pytest.approx(0.3, abs=0.01)
    assert not patches((4, 6), 2.0, 0.0, np.random.default_rng(0)).any()


def rows(number=40):
    rng, found = np.random.default_rng(1), []
    for n in range(number):
        names = ("accuracy", "freshness", "coverage", "trust")
        told = dict(zip(names, rng.uniform(size=4), strict=True))
        earned = {"slicing": told["accuracy"] - 1, "streaming": 0.5 * told["coverage"]}
        blind, best = {"slicing": -1.0, "streaming": 0.0}, {"slicing": 0.0, "streaming": 0.5}
        measured = told | {"calibration": rng.uniform()}
        found.append(Row("ab"[n % 2], n // 2 % 5, told, measured, earned, blind, best))
    return found


def test_tables_show_what_explains_the_worth(tmp_path):
    made = rows()
    np.testing.assert_allclose(worth_of(made, "slicing"), [r.stated["accuracy"] for r in made])
    some, scene, world = folds(made)
    assert (len(set(some)), len(set(scene)), len(set(world))) == (4, 2, 10)
    write_study(worth_results(WorthStudy(seeds=5, twins=4), made), tmp_path)
    report = json.loads((tmp_path / "quality.json").read_text())["tables"]
    told = {(r["task"], r["accuracy is"], r["predicted by"]): r for r in report["forms"]}
    key = "explained, other worlds [%]"
    assert told["slicing", "stated", "additive, fitted"][key] == pytest.approx(100, abs=1e-6)
    assert told["slicing", "measured", "accuracy alone"][key] == pytest.approx(100, abs=1e-6)
    assert told["streaming", "stated", "accuracy alone"][key] < 30
    weights = {(r["task"], r["form"]): r for r in report["weights"]}
    assert weights["streaming", "additive"]["coverage"]["mean"] == pytest.approx(1, abs=1e-6)
    with xarray.open_dataset(tmp_path / "quality.h5", engine="h5netcdf") as arrays:
        np.testing.assert_allclose(arrays.worth_slicing, worth_of(made, "slicing"))
    assert (tmp_path / "quality-worth.png").stat().st_size > 10_000


@pytest.mark.slow
def test_decisions_on_better_twins_earn_more():
    study = WorthStudy(("courtyard",), seeds=2, twins=10, duration_s=5.0, map_rays=20_000)
    made = run_worth(study)
    assert len(made) == 20
    for task in ("slicing", "streaming"):
        assert made[0].best[task] > made[0].blind[task]
    accurate = np.array([row.measured["accuracy"] * row.stated["coverage"] for row in made])
    assert np.corrcoef(accurate, worth_of(made, "streaming"))[0, 1] > 0
