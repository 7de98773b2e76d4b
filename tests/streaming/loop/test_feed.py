"""What a run leaves for others: files that open, and say what happened."""

import csv

import numpy as np
import pytest
import xarray

from rtwin.streaming.behaviour import read_swipes
from rtwin.streaming.decision import fixed
from rtwin.streaming.loop import (
    TWIN_VARIABLES,
    VIEW_COLUMNS,
    WAY_COLUMNS,
    Belief,
    ClosedLoop,
    World,
    write_feed,
)


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
        "ways.csv",
        "steps.csv",
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


def test_ways_lead_from_channels_to_blocks(loop, folder):
    with open(folder / "ways.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    names = loop.world.trace.ue_name
    assert tuple(rows[0]) == WAY_COLUMNS
    expected = [(i, n) for i in range(3) for n in names]
    assert [(int(r["interval"]), r["user"]) for r in rows] == expected
    for interval, cells in enumerate(loop.log.cell_prb):
        mine = [r for r in rows if int(r["interval"]) == interval and int(r["group"]) >= 0]
        own = {r["group"]: r for r in mine}
        blocks = dict.fromkeys(loop.world.trace.tx_name, 0)
        for row in own.values():
            blocks[row["tx"]] += int(row["prb"])
        assert list(blocks.values()) == cells.tolist()
        members = [int(row["members"]) for row in own.values()]
        assert sum(members) == (loop.log.group[interval] >= 0).sum()


def test_steps_are_those_of_the_log(loop, folder):
    with open(folder / "steps.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, step in zip(rows, loop.log.steps, strict=True):
        assert float(row["utility"]) == pytest.approx(step.utility, abs=5e-4)
        assert row["accepted"] == str(step.accepted)


def test_catalogue_and_views_are_read_again(loop, folder):
    again = read_swipes(folder / "catalogue.npz")
    assert again.duration_s.tolist() == loop.world.catalogue.duration_s.tolist()
    assert again.survival() == pytest.approx(loop.world.catalogue.survival(), abs=1e-6)
    watched = read_swipes(folder / "views.csv")
    assert watched.num_videos <= loop.world.catalogue.num_videos
    assert np.isfinite(watched.survival()).all()
