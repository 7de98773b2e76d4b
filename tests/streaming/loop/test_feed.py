"""What a run leaves for others: files that open, and say what happened."""

import csv

import numpy as np
import pytest
import xarray

from rtwin.streaming.behaviour import read_swipes
from rtwin.streaming.decision import fixed
from rtwin.streaming.loop import TWIN_VARIABLES, VIEW_COLUMNS, Belief, ClosedLoop, World, write_feed


@pytest.fixture(scope="module")
def loop(trace, catalogue, crowd, setting):
    made = ClosedLoop(World(trace, catalogue, crowd, 30.0, 4), Belief(trace), setting, fixed)
    made.run(3)
    return made


@pytest.fixture(scope="module")
def folder(loop, tmp_path_factory):
    folder = tmp_path_factory.mktemp("feed") / "new"
    assert [file.name for file in write_feed(loop, folder)] == [
        "users.h5",
        "views.csv",
        "catalogue.npz",
    ]
    return folder


def test_twins_open_in_xarray(loop, folder):
    with xarray.open_dataset(folder / "users.h5", engine="h5netcdf") as data:
        assert set(data.data_vars) == set(TWIN_VARIABLES)
        assert data.interval.values.tolist() == [30.0, 60.0, 90.0]
        assert data.twin_sinr_db.dims == ("interval", "ue", "tx")
        assert data.twin_sinr_db.attrs["units"] == "dB"
        assert data.attrs["trace_hash"] == "walk-0"
        assert data.attrs["catalogue_hash"] == loop.world.catalogue.hash
        last = data.twin_sinr_db.isel(interval=-1).values
    assert last == pytest.approx(loop.world.trace.sinr_db[89], rel=1e-6)


def test_views_add_up_to_what_twins_were_told(loop, folder):
    with open(folder / "views.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == VIEW_COLUMNS
    swipes = dict.fromkeys(loop.world.trace.ue_name, 0)
    for row in rows:
        swipes[row["user"]] += int(row["swiped"])
        assert float(row["watched_s"]) <= float(row["duration_s"]) + 1e-9
        assert 0 <= float(row["start_s"]) < 90
    told = [sum(r[0] for r in twin.window("swipes", 3)[1]) for twin in loop.users]
    assert list(swipes.values()) == told


def test_catalogue_and_views_are_read_again(loop, folder):
    again = read_swipes(folder / "catalogue.npz")
    assert again.duration_s.tolist() == loop.world.catalogue.duration_s.tolist()
    assert again.survival() == pytest.approx(loop.world.catalogue.survival(), abs=1e-6)
    watched = read_swipes(folder / "views.csv")
    assert watched.num_videos <= loop.world.catalogue.num_videos
    assert np.isfinite(watched.survival()).all()
