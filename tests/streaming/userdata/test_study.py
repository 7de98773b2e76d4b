"""The study of users' data on little of everything, on channels without a ray tracer."""

import json
from typing import ClassVar

import numpy as np
import pytest
import xarray

from rtwin.errors import OutOfRangeError
from rtwin.experiments.study_files import write_study
from rtwin.streaming.userdata import UserDataStudy, run_userdata, userdata_results
from rtwin.streaming.userdata import study as whole

from ..conftest import StandInWorlds, walking_trace

pytest.importorskip("keras")


class Worlds(StandInWorlds):
    num_steps = 241
    shifts_db: ClassVar = {"ray-traced twin": 2.0, "corrected twin": -1.0}


@pytest.fixture(scope="module")
def found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole, "Worlds", Worlds)
        patch.setattr(whole, "sample_map", lambda told, seed, link: walking_trace(16, 241, seed))
        patch.setattr(
            whole, "_sampled", lambda told, worlds, truth, place: walking_trace(16, 241, 77)
        )
        asked = UserDataStudy(
            seeds=2,
            users=16,
            intervals=4,
            widths=(2,),
            epsilons=(0.1, 50.0),
            moves_m=(30.0,),
            walks=1,
        )
        steps = []
        made = run_userdata(asked, lambda *step: steps.append(step))
    assert steps[-1] == ("experiment", 2, 2)
    return made


def test_a_row_for_each_seed_and_setting(found):
    assert len(found.codes) == 2 * 3
    assert len(found.privacy) == 2 * (2 * 2 + 1)
    assert len(found.places) == 2 * 2
    assert set(found.importance) == {"walks"}


def test_next_to_no_noise_loses_next_to_nothing(found):
    for where in ("central", "local"):
        own = [r for r in found.privacy if (r["privacy"], r["epsilon"]) == (where, 50.0)]
        assert abs(np.mean([r["lost"] for r in own])) < 0.02


def test_others_places_cost(found):
    own, other = (
        np.mean([r["utility"] for r in found.places if r["mean move [m]"] == move])
        for move in (0.0, 30.0)
    )
    assert other < own


def test_on_delta_is_never_off_by_more(found):
    rows = [r for r in found.collection if r["policy"] == "on delta"]
    assert all(r["error [dB]"] <= r["every [s] or delta [dB]"] for r in rows)


def test_files_open(found, tmp_path):
    files = {file.name for file in write_study(userdata_results(found), tmp_path)}
    assert {"userdata.md", "userdata-updates.csv", "userdata-userdata.png"} <= files
    with xarray.open_dataset(tmp_path / "userdata.h5", engine="h5netcdf") as data:
        assert data.utility_private.dims == ("privacy", "epsilon", "seed")
        assert data.move_m.attrs["units"] == "m"
    report = json.loads((tmp_path / "userdata.json").read_text())
    assert report["experiment"]["widths"] == [2]


def test_what_is_impossible_is_said():
    with pytest.raises(OutOfRangeError, match="epsilons and moves"):
        UserDataStudy(epsilons=(0.0,))
    with pytest.raises(OutOfRangeError, match="walks, widths and swipes"):
        UserDataStudy(widths=(0,))
