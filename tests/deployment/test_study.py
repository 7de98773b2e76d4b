"""The study's files, and the order that it is about."""

import json

import numpy as np
import pytest
import xarray

from rtwin.deployment import DeploymentStudy, deployment_results, run_deployment
from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import write_study

ALONE = ("horizontal only, greedy", "vertical only, greedy")


def test_files_hold_what_was_run(tmp_path):
    study = DeploymentStudy(regions=4, budget=3, runs=4, slots=30)
    found = run_deployment(study)
    write_study(deployment_results(study, found), tmp_path)
    report = json.loads((tmp_path / "deployment.json").read_text())
    rows = {row["policy"]: row for row in report["tables"]["policies"]}
    assert rows["both, index"]["loss"]["mean"] == pytest.approx(found["both, index"].loss.mean())
    assert "No policy can lose less" in (tmp_path / "deployment.md").read_text()
    with xarray.open_dataset(tmp_path / "deployment.h5", engine="h5netcdf") as arrays:
        assert arrays.mapping.dims == ("policy", "run", "slot", "region")
        np.testing.assert_array_equal(arrays.mapping.sel(policy="random"), found["random"].mapping)
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
    loss = {name: runs.loss for name, runs in run_deployment(study).items()}
    for name in ALONE:
        assert (loss["both, greedy"] - loss[name]).mean() < 0
    paired = loss["both, index"] - loss["both, greedy"]
    assert paired.mean() < 0


def test_what_cannot_be_is_refused():
    with pytest.raises(OutOfRangeError, match="budget is 0"):
        DeploymentStudy(budget=0)
    with pytest.raises(OutOfRangeError, match="no policy"):
        DeploymentStudy(policies=("best",))
