"""The viewport study on little of what ships."""

import numpy as np
import pytest
import xarray

from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import write_study
from rtwin.streaming.viewport import PREDICTORS, ViewportStudy, run_viewport, viewport_results
from rtwin.streaming.viewport import study as whole


@pytest.fixture(scope="module")
def sight():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "_TILED", 60)
        steps = []
        asked = ViewportStudy(folds=2, horizons_s=(0.2, 5.0), shares=(0.9, 1.0))
        found = run_viewport(asked, lambda *step: steps.append(step))
    assert steps[-1] == ("experiment", 2, 2)
    return found


def test_everybody_is_held_out_once(sight):
    assert sight.error_deg.shape == (5, 2, 12)
    assert np.isfinite(sight.error_deg).all()
    assert np.isfinite(sight.missed).all()


def test_ridge_leads_soon_and_others_late(sight):
    soon, late = (
        dict(zip(PREDICTORS, sight.error_deg[:, place].mean(axis=1), strict=True))
        for place in (0, 1)
    )
    assert soon["ridge"] < soon["constant velocity"] < soon["persistence"]
    assert late["ridge + other viewers"] < late["ridge"]


def test_more_mass_is_more_sent_and_less_missed(sight):
    assert (sight.sent[:, :, 1] > sight.sent[:, :, 0]).all()
    assert (sight.missed[:, :, 1] <= sight.missed[:, :, 0] + 1e-12).all()
    assert (sight.sent < 1).any()


def test_files_open(sight, tmp_path):
    files = {file.name for file in write_study(viewport_results(sight), tmp_path)}
    assert {"viewport.md", "viewport-errors.csv", "viewport-viewport.png"} <= files
    with xarray.open_dataset(tmp_path / "viewport.h5", engine="h5netcdf") as data:
        assert data.error_deg.dims == ("predictor", "horizon", "user")
        assert data.error_deg.attrs["units"] == "degree"


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="folds is 1"):
        ViewportStudy(folds=1)
    with pytest.raises(OutOfRangeError, match="shares are"):
        ViewportStudy(shares=(1.5,))
    with pytest.raises(OutOfRangeError, match="12 people make no 40"):
        run_viewport(ViewportStudy(folds=40))
