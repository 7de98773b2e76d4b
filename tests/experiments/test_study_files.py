"""What a study leaves in its folder."""

import csv
import io
import json

import numpy as np
import pytest
import xarray

from rtwin.errors import StoreError
from rtwin.experiments.study_files import StudyResults, StudyTable, mean_rows, write_study
from rtwin.experiments.table import Figure
from rtwin.plot.style import new_figure

ROWS = [{"name": "a", "error": Figure(1.25, 0.5), "count": 3, "share": np.nan, "good": True}]


def results(value=1.0):
    figure = new_figure(3, 2)
    figure.add_subplot().plot([0, value])
    table = StudyTable("main", "The table", ROWS, {"error": 1}, "A note.")
    arrays = xarray.Dataset({"error": ("seed", np.array([value, 2.0]))}, {"seed": [1, 2]})
    return StudyResults("trial", "A trial", {"seeds": 2}, [table], arrays, {"curve": figure})


def test_markdown():
    lines = StudyTable("main", "The table", ROWS, {"error": 1}).markdown().splitlines()
    assert lines[0] == "| name | error | count | share | good |"
    assert lines[2] == "| a | 1.2 ± 0.5 | 3 | - | yes |"
    assert StudyTable("none", "Nothing", []).markdown() == "(nothing was asked for)"


def test_csv_has_means_and_half_widths():
    rows = list(csv.DictReader(io.StringIO(StudyTable("main", "The table", ROWS).csv())))
    assert rows == [
        {
            "name": "a",
            "error": "1.25",
            "error ±": "0.5",
            "count": "3",
            "share": "",
            "good": "True",
        }
    ]


def test_means_over_seeds_are_students():
    rows = [{"rule": "a", "mae": v} for v in (1.0, 2.0, 3.0)] + [{"rule": "b", "mae": 5.0}]
    one, other = mean_rows(rows, ["rule"], ["mae"])
    assert (one["rule"], one["mae"].mean) == ("a", 2.0)
    # t(0.975, 2 degrees) over the root of three
    assert one["mae"].half_width == pytest.approx(4.302653 / np.sqrt(3.0))
    assert other["mae"].mean == 5.0
    assert np.isnan(other["mae"].half_width)


def test_folder(tmp_path):
    files = write_study(results(), tmp_path / "out")
    names = ["trial.json", "trial.md", "trial-main.csv", "trial.h5", "trial-curve.png"]
    assert [file.name for file in files] == names
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(names)
    report = json.loads(files[0].read_text())
    assert report["format"] == "rtwin-trial-1"
    assert report["tables"]["main"][0]["error"] == {"mean": 1.25, "half_width": 0.5}
    assert report["tables"]["main"][0]["share"] is None
    with xarray.open_dataset(files[3], engine="h5netcdf") as arrays:
        assert arrays.error.sel(seed=1) == 1.0
        assert arrays.attrs["format"] == "rtwin-trial-1"


def test_an_earlier_run_is_replaced_and_strangers_stay(tmp_path):
    write_study(results(), tmp_path)
    write_study(results(7.0), tmp_path)
    with xarray.open_dataset(tmp_path / "trial.h5", engine="h5netcdf") as arrays:
        assert arrays.error.sel(seed=1) == 7.0
    (tmp_path / "trial.json").write_text('{"my": "notes"}')
    with pytest.raises(StoreError, match="is no result of rtwin"):
        write_study(results(), tmp_path)
    assert (tmp_path / "trial.json").read_text() == '{"my": "notes"}'
