"""The study's files, and the order that it is about."""

import json

import numpy as np
import pytest
import xarray

from rtwin.deployment import (
    MAPPINGS,
    POLICIES,
    Deployment,
    DeploymentStudy,
    Region,
    deployment_results,
    run_deployment,
    simulate,
)
from rtwin.deployment.drift.policies import Unseen
from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import write_study

ALONE = ("horizontal only, greedy", "vertical only, greedy")


def test_files_hold_what_was_run(tmp_path):
    study = DeploymentStudy(regions=4, budget=3, runs=4, slots=30)
    found = run_deployment(study)
    write_study(deployment_results(study, found), tmp_path)
    report = json.loads((tmp_path / "deployment.json").read_text())
    rows = {row["policy"]: row for row in report["tables"]["policies"]}
    assert rows["both, index"]["loss"]["mean"] == pytest.approx(
        found.runs["both, index"].loss.mean()
    )
    assert "No policy can lose less" in (tmp_path / "deployment.md").read_text()
    with xarray.open_dataset(tmp_path / "deployment.h5", engine="h5netcdf") as arrays:
        assert arrays.mapping.dims == ("policy", "run", "slot", "region")
        np.testing.assert_array_equal(
            arrays.mapping.sel(policy="random"), found.runs["random"].mapping
        )
    assert (tmp_path / "deployment-policies.png").stat().st_size > 10_000


def test_choosing_between_mappings_beats_either_alone():
    study = DeploymentStudy(
        regions=8,
        budget=5,
        runs=12,
        slots=80,
        policies=(
            "horizontal only, greedy",
            "vertical only, greedy",
            "both, greedy",
            "both, index",
        ),
    )
    loss = {name: runs.loss for name, runs in run_deployment(study).runs.items()}
    for name in ALONE:
        assert (loss["both, greedy"] - loss[name]).mean() < 0
    paired = loss["both, index"] - loss["both, greedy"]
    assert paired.mean() < 0


def test_what_cannot_be_is_refused():
    with pytest.raises(OutOfRangeError, match="budget is 0"):
        DeploymentStudy(budget=0)
    with pytest.raises(OutOfRangeError, match="no policy"):
        DeploymentStudy(policies=("best",))


def test_what_is_busy_shows_in_how_levels_rise():
    region = Region(grows=0.5, grows_busy=0.5, becomes_busy=0.1, becomes_quiet=0.2)
    plan, policy = Deployment((region,), MAPPINGS, 0), Unseen()
    rng = np.random.default_rng(0)
    policy(plan, np.array([2]), 0, rng)
    policy(plan, np.array([4]), 1, rng)  # two levels at once: only a busy region's rise
    assert policy._busy[0] == pytest.approx(0)  # it was known to be quiet, which this cannot be
    policy(plan, np.array([2]), 0, rng)
    policy(plan, np.array([2]), 1, rng)
    assert policy._busy[0] == pytest.approx(0.1)
    policy(plan, np.array([4]), 2, rng)
    assert policy._busy[0] == pytest.approx(0.8)
    policy(plan, np.array([5]), 3, rng)  # one level: quiet before
    assert policy._busy[0] == pytest.approx(0.1)


def test_seeing_less_costs_little():
    study = DeploymentStudy(regions=6, budget=4, runs=8, slots=60)
    names = ("both, greedy", "both, index, busy not seen", "both, index")
    loss = {n: simulate(study.deployment(), POLICIES[n], runs=8, slots=60).loss for n in names}
    assert loss["both, index"].mean() <= loss["both, index, busy not seen"].mean()
    assert loss["both, index, busy not seen"].mean() < 1.1 * loss["both, index"].mean()
