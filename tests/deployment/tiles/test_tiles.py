"""Tiles as real twins, rungs measured on them, and policies that keep to their seconds."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tomlkit
import xarray

from rtwin.deployment.tiles import POLICIES, City, Rung, TileStudy, run_policy, serving
from rtwin.deployment.tiles.city import EDIT, FULL, MEASURE, build_city, in_motion, tile_areas
from rtwin.deployment.tiles.stream import Known, greedy, rarely, saving
from rtwin.deployment.tiles.study import run_tiles, tile_results
from rtwin.experiments.study_files import write_study
from rtwin.scene import load_recipe, recipe_dict


@pytest.fixture(scope="module")
def study(two_boxes, tmp_path_factory):
    """Tiles of the two boxes, from a recipe's file."""
    data = recipe_dict(two_boxes(solver={"max_depth": 1, "rays": 5_000}))
    file = tmp_path_factory.mktemp("scene") / "two_boxes.toml"
    file.write_text(tomlkit.dumps(data))
    return TileStudy(file, side_m=24, cell_size_m=6, slots=6, budget=1.0, edits=0.01, runs=1)


@pytest.fixture(scope="module")
def city(study, tmp_path_factory):
    return build_city(study, tmp_path_factory.mktemp("tiles"))


def test_rungs_are_measured_on_the_twins(study, city):
    assert len(city.tiles) == 4
    rungs = {rung.rung for rung in city.rungs}
    assert {EDIT, FULL, MEASURE} < rungs
    assert all(rung.seconds > 0 for rung in city.rungs)
    busiest = city.tiles[0]
    assert busiest.built == [0, study.slots // 2]  # one at least, of which rungs are measured
    assert (busiest.version(2), busiest.version(3)) == (0, 1)
    assert (busiest.versions[0] != busiest.versions[1]).any()
    full = next(rung for rung in city.rungs if rung.rung == FULL)
    assert full.before_db > 0
    assert full.after_db < 0.01  # the changed paths alone make the same map
    assert 0 < city.left(MEASURE) < 1


def test_areas_lie_around_the_transmitters(study):
    areas = np.array(tile_areas(load_recipe(study.scene), 24.0))
    assert areas[:, :2].min(axis=0).tolist() == [15 - 24, -10 - 24]
    assert ((areas[:, 2:] - areas[:, :2]) == 24).all()


def test_the_residual_forgets_itself_at_its_half_life(city):
    study = TileStudy(slots=400, half_life=4.0, residual_db=3.0)
    tile = in_motion(study, city.tiles[0], 0)
    series = tile.residual_db.reshape(400, -1)
    assert series.std() == pytest.approx(3.0, rel=0.15)
    then = np.mean(series[:-4] * series[4:]) / np.mean(series**2)
    assert then**2 == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("name", POLICIES)
def test_nobody_spends_more_than_there_is(study, city, name):
    tiles = [in_motion(study, tile, 0) for tile in city.tiles]
    course = run_policy(study, city, tiles, name, 0)
    given = study.budget * city.seconds(FULL) * np.arange(1, study.slots + 1)
    if "whatever it costs" not in name:
        assert (np.cumsum(course.seconds) <= given + 1e-9).all()
    if name == "left as built":
        assert not course.choice.any()
    else:
        assert course.choice.any()
    # Nobody knows what nobody told him of.
    assert not (course.choice == 2)[: study.slots // 2].any()


def test_updates_make_twins_better(study, city):
    tiles = [in_motion(study, tile, 0) for tile in city.tiles]
    left, all_of_it = (
        run_policy(study, city, tiles, name, 0).error_db
        for name in ("left as built", "all of it, whatever it costs")
    )
    assert np.sqrt(np.mean(all_of_it**2)) < 0.9 * np.sqrt(np.mean(left**2))


def known(credit, slot=0):
    """Measuring tile 0 helps little and costs 1 s, the edit of tile 1 helps much and costs 3 s."""
    expected = np.array([[5.0, 4.0, 4.0, 4.0], [9.0, 8.5, 2.0, 2.0]])
    seconds = np.array([[0.0, 1.0, np.inf, 4.0], [0.0, 1.0, 3.0, 4.0]])
    worst = np.full(2, 10.0)
    return Known(slot, expected[:, 0], np.array([0, 1]), expected, seconds, credit, worst)


def test_who_saves_waits_for_what_is_dear():
    assert greedy(known(1.0)).tolist() == [1, 0]
    assert saving(known(1.0)).tolist() == [0, 0]
    assert saving(known(3.0)).tolist() == [0, 2]
    assert greedy(known(3.5)).tolist() == [0, 2]
    assert saving(known(4.0)).tolist() == greedy(known(4.0)).tolist() == [1, 2]
    assert rarely(known(4.0)).tolist() == [0, 0]
    assert rarely(known(4.0, slot=3)).tolist() == [1, 2]


def test_a_city_without_edits_takes_the_first_build_as_a_full_trace():
    rungs = (Rung("first build", 0, 2.0, np.nan, 0.0), Rung(MEASURE, 0, 0.5, 4.0, 3.0))
    city = City((), rungs)
    assert city.seconds(FULL) == 2.0
    assert city.shift_db(EDIT) == 0.0
    assert city.left(MEASURE) == pytest.approx(0.75)


@pytest.mark.slow
def test_tables_and_picture(study, tmp_path):
    found = run_tiles(replace(study, served=3))
    write_study(tile_results(found), tmp_path)
    report = json.loads((tmp_path / "tiles.json").read_text())
    rows = {row["policy"]: row for row in report["tables"]["policies"]}
    assert rows["periodic rebuilding"]["more than rebuilding"]["mean"] == 0
    assert rows["left as built"]["seconds a slot"] == 0
    assert {row["rung"] for row in report["tables"]["ladder"]} >= {EDIT, FULL, MEASURE}
    with xarray.open_dataset(tmp_path / "tiles.h5", engine="h5netcdf") as arrays:
        assert arrays.choice.dims == ("policy", "run", "slot", "tile")
        assert (arrays.error_db.sel(policy="left as built") > 0).all()
    assert (tmp_path / "tiles-stream.png").stat().st_size > 10_000


def test_users_of_a_tile_walk_outdoors_every_sixth_step():
    rows, columns = np.meshgrid(np.arange(30.0), np.arange(40.0), indexing="ij")
    centers = 3.0 * np.stack([columns, rows, np.zeros_like(rows)], axis=-1)
    outdoors = np.ones((30, 40), bool)
    outdoors[10:12] = False
    tile = SimpleNamespace(
        outdoors=outdoors,
        versions=[np.ones((1, 30, 40))],
        template=SimpleNamespace(cell_centers_m=centers),
    )
    tracks = serving._walk(tile, 2000, np.random.default_rng(3))
    assert tracks.time_s.tolist() == [0.5 * n for n in range(11)]
    cell = np.rint(tracks.position_m / 3.0).astype(int)
    assert outdoors[cell[..., 1], cell[..., 0]].all()
    step = np.diff(cell[..., :2], axis=0)
    assert np.abs(step).sum(axis=-1).max() == 1  # to a neighbour, or nowhere
    share = (step != 0).any(axis=-1).mean()
    assert share == pytest.approx(4 / 5 / 6, abs=0.015)  # one move of five is to stay
    for axis in (0, 1):
        forth, back = (step[..., axis] == 1).mean(), (step[..., axis] == -1).mean()
        assert forth == pytest.approx(1 / 30, abs=0.006)
        assert back == pytest.approx(1 / 30, abs=0.006)
