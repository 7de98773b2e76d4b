"""Link traces: the file and its reader, sampling by map and by exact paths, what is counted."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
import trimesh
import xarray as xr

from rtwin.channel import path_gain, sinr, thermal_noise_w
from rtwin.dataset import (
    SampleSettings,
    file_info,
    generate,
    generate_radio_map,
    open_dataset,
    open_link_trace,
    open_radio_map,
    sample,
    sample_map,
    validate_file,
    write_link_trace,
)
from rtwin.dataset.reading.link_trace import NO_POSITION, NOTHING_ARRIVES, OUTSIDE
from rtwin.dataset.schema import TRACE_LAYOUT
from rtwin.errors import GeometryError, OutOfRangeError, RecipeError, StoreError
from rtwin.link import Handover
from rtwin.scene import Tracks, Walk, recipe_dict, recipe_from_dict
from rtwin.units import from_db, to_db

WALK = Walk(num_ues=3, duration_s=4.0, interval_s=0.2)


@pytest.fixture(scope="module")
def tracks():
    """One user crosses the map and leaves it, one stands, one is nowhere for a while."""
    time = 0.25 * np.arange(41)
    position = np.full((41, 3, 3), np.nan)
    position[:, 0, :2] = np.stack([-40 + 2.6 * np.arange(41), np.full(41, 5.0)], axis=1)
    position[:, 1] = [25.0, -25.0, 1.5]
    position[10:, 2, :2] = [-35.0, -20.0]
    return Tracks(time, ("crosses", "stands", "late"), position)


@pytest.fixture(scope="module")
def trace(map_file, tracks):
    return sample_map(open_radio_map(map_file), tracks)


def test_file_round_trip(trace, tmp_path):
    file = write_link_trace(trace, tmp_path / "t.h5")
    again = open_link_trace(file)
    for variable in TRACE_LAYOUT:
        np.testing.assert_array_equal(getattr(again, variable.name), getattr(trace, variable.name))
    with xr.open_dataset(file, engine="h5netcdf") as ds:
        assert ds.sizes["tx"] == 2
        one = ds.rate_mbps.sel(ue="stands", tx="mast", time=2.5, method=None)
        assert float(one) == trace.rate_mbps[10, 1, 0]
    assert validate_file(file) == []
    info = file_info(file)
    assert info["num_ues"] == 3
    assert sum(info["states"].values()) == trace.state.size


def test_states_count_every_row(trace):
    counts = trace.counts()
    counts.pop("handovers")
    assert sum(counts.values()) == trace.state.size
    # The map of the two boxes ends at 60 m.
    outside = trace.state[:, 0] == OUTSIDE
    assert outside.any()
    np.testing.assert_array_equal(outside, np.abs(trace.ue_position_m[:, 0, 0]) > 60)
    np.testing.assert_array_equal(outside, np.isnan(trace.path_gain[:, 0, 0]))
    assert (trace.state[:10, 2] == NO_POSITION).all()
    assert (trace.serving_tx[:10, 2] == -1).all()
    assert (trace.of_serving("rate_mbps")[:10, 2] == 0).all()
    assert np.isnan(trace.of_serving("sinr_db")[:10, 2]).all()
    assert (trace.of_serving("cqi")[:10, 2] == -1).all()


def test_sinr_is_that_of_powers_and_noise(trace, map_file):
    attributes = open_radio_map(map_file).attributes
    noise = thermal_noise_w(20e6, 293.0, 7.0)
    assert trace.attributes["noise_power_w"] == pytest.approx(attributes["noise_power_w"])
    known = np.isfinite(trace.path_gain).all(axis=-1)
    gain = trace.path_gain[known]
    power_w = gain * from_db(trace.tx_power_dbm - 30)
    with np.errstate(divide="ignore"):
        wanted = to_db(power_w / (power_w.sum(axis=1, keepdims=True) - power_w + noise))
    np.testing.assert_allclose(trace.sinr_db[known], wanted, atol=1e-3)


def test_interference_load(map_file, tracks):
    radio_map = open_radio_map(map_file)
    quiet, half = (
        sample_map(radio_map, tracks, SampleSettings(interference_load=load)) for load in (0.0, 0.5)
    )
    known = np.nan_to_num(quiet.path_gain).min(axis=-1) > 0
    power = quiet.path_gain * from_db(quiet.tx_power_dbm - 30)
    noise = quiet.attributes["noise_power_w"]
    snr = to_db(power[known] / noise)
    np.testing.assert_allclose(quiet.sinr_db[known], snr, atol=1e-3)
    other = power[known][:, ::-1]
    np.testing.assert_allclose(
        half.sinr_db[known], to_db(power[known] / (0.5 * other + noise)), atol=1e-3
    )
    with pytest.raises(OutOfRangeError, match="interference_load is 2"):
        sinr(radio_map.path_gain, 0.0, 1e-12, 2.0)


def test_the_uplink_is_heard_at_the_stations(map_file, tracks):
    """User by user: noise, and the mean over the users of the other cell."""
    radio_map = open_radio_map(map_file)
    settings = SampleSettings(uplink_power_dbm=23.0, interference_load=0.5)
    up, down = sample_map(radio_map, tracks, settings), sample_map(radio_map, tracks)
    np.testing.assert_array_equal(up.serving_tx, down.serving_tx)
    np.testing.assert_array_equal(up.rss_dbm, down.rss_dbm)
    assert up.attributes["uplink_power_dbm"] == 23.0
    power = np.nan_to_num(up.path_gain) * 10 ** (23 / 10 - 3)
    noise = up.attributes["noise_power_w"]
    seen = 0
    for row in range(len(up.time_s)):
        for ue, own in enumerate(up.serving_tx[row]):
            if own < 0 or power[row, ue, own] == 0:
                continue
            others = [u for u, cell in enumerate(up.serving_tx[row]) if cell == 1 - own]
            heard = np.mean([power[row, u, own] for u in others]) if others else 0.0
            seen += len(others)
            wanted = to_db(power[row, ue, own] / (noise + 0.5 * heard))
            assert up.sinr_db[row, ue, own] == pytest.approx(wanted, abs=1e-3)
    assert seen
    assert (up.of_serving("rate_mbps") != down.of_serving("rate_mbps")).any()


def test_bandwidth_scales_noise_and_blocks(map_file, tracks):
    wide = sample_map(open_radio_map(map_file), tracks, SampleSettings(bandwidth_hz=100e6))
    assert wide.attributes["num_prb"] == 273
    assert wide.attributes["noise_power_w"] == pytest.approx(thermal_noise_w(100e6, 293.0, 7.0))


def test_no_coverage_is_an_outage_and_no_number(map_file, tracks):
    radio_map = open_radio_map(map_file)
    empty = np.zeros_like(radio_map.path_gain)
    trace = sample_map(replace(radio_map, path_gain=empty), tracks)
    here = (trace.state != NO_POSITION) & (trace.state != OUTSIDE)
    assert (trace.state[here] == NOTHING_ARRIVES).all()
    assert (trace.rate_mbps[here] == 0).all()
    assert np.isneginf(trace.rss_dbm[here]).all()
    assert np.isnan(trace.path_gain_standard_error_db[here]).all()


def test_exact_paths_are_those_of_a_dataset(two_boxes, tracks, tmp_path):
    """The same places traced as receivers of a dataset give the same gains to the bit."""
    places = [[-20.0, 5.0, 1.5], [25.0, -25.0, 1.5], [-35.0, -20.0, 1.5]]
    recipe = two_boxes(receivers={"kind": "list", "positions_m": places})
    with open_dataset(generate(recipe, tmp_path / "p.h5")) as dataset:
        wanted = path_gain(dataset.paths()).reshape(3, 2)
    position = np.array([places, places])
    position[:, :, 2] = np.nan  # 1.5 m above the ground is what is meant
    here = Tracks(np.array([0.0, 1.0]), ("a", "b", "c"), position)
    trace = sample(
        tmp_path / "p.h5", here, tmp_path / "t.h5", settings=SampleSettings(method="paths")
    )
    np.testing.assert_array_equal(trace.path_gain[0], wanted)
    np.testing.assert_array_equal(trace.path_gain[1], wanted)
    assert set(np.unique(trace.line_of_sight)) <= {0, 1}
    assert validate_file(tmp_path / "t.h5") == []


def test_map_and_paths_agree_where_the_map_is_sure(two_boxes, map_file, tracks, tmp_path):
    exact = sample(map_file, tracks, tmp_path / "e.h5", settings=SampleSettings(method="paths"))
    by_map = sample(map_file, tracks, tmp_path / "m.h5")
    both = (np.nan_to_num(exact.path_gain) > 0) & (np.nan_to_num(by_map.path_gain) > 0)
    # Where both see the mast, only the cell's size stands between them.
    both &= (exact.line_of_sight == 1) & (by_map.line_of_sight == 1)
    both &= by_map.path_gain_standard_error_db < 0.5
    miss_db = to_db(by_map.path_gain[both]) - to_db(exact.path_gain[both])
    assert both.sum() > 20
    assert abs(np.median(miss_db)) < 1.0
    # Sight is the same question to two algorithms.
    known = (exact.line_of_sight >= 0) & (by_map.line_of_sight >= 0)
    same = exact.line_of_sight[known] == by_map.line_of_sight[known]
    assert same.mean() > 0.97


def test_random_waypoints_avoid_the_boxes(map_file, tmp_path):
    walk = Walk(num_ues=12, duration_s=30.0, interval_s=0.5)
    trace = sample(map_file, "random-waypoint", tmp_path / "t.h5", walk=walk)
    x, y = trace.ue_position_m[..., 0], trace.ue_position_m[..., 1]
    for center, size, yaw in (([20, 12], [14, 10], 10), ([-18, -15], [8, 16], -20)):
        c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        u = c * (x - center[0]) + s * (y - center[1])
        v = -s * (x - center[0]) + c * (y - center[1])
        assert not ((np.abs(u) < size[0] / 2) & (np.abs(v) < size[1] / 2)).any()
    # Nor does a step go through the sheet of glass between (-20, 20) and (5, 26).
    side = (x + 20) * 6 - (y - 20) * 25
    along = ((x + 20) * 25 + (y - 20) * 6) / (25**2 + 6**2)
    crossed = (side[1:] * side[:-1] < 0) & (along[1:] > 0.02) & (along[1:] < 0.98)
    assert not crossed.any()
    assert json.loads(json.dumps(trace.attributes["tracks"]))["kind"] == "random-waypoint"


def test_ways_and_tables(map_file, tmp_path):
    ways = {"type": "LineString", "coordinates": [[-40, -40], [40, -40], [40, 40]]}
    (tmp_path / "w.geojson").write_text(json.dumps(ways))
    trace = sample(map_file, tmp_path / "w.geojson", tmp_path / "w.h5", walk=WALK)
    x, y = trace.ue_position_m[..., 0], trace.ue_position_m[..., 1]
    assert (np.minimum(np.abs(y + 40), np.abs(x - 40)) < 0.4).all()
    (tmp_path / "t.csv").write_text("time_s,ue,x_m,y_m\n0,a,-40,-40\n2,a,-30,-40\n")
    trace = sample(map_file, tmp_path / "t.csv", tmp_path / "t.h5", walk=WALK)
    assert trace.num_steps == 11
    assert trace.attributes["tracks"] == {"kind": "csv", "file": "t.csv"}


def test_the_same_request_is_the_same_file(map_file, tmp_path):
    file = tmp_path / "t.h5"
    first = sample(map_file, "random-waypoint", file, walk=WALK)
    again = sample(map_file, "random-waypoint", file, walk=WALK)
    assert first.attributes["request_hash"] == again.attributes["request_hash"]
    assert open_link_trace(file).attributes["map_hash"] == file_info(map_file)["content_hash"]
    with pytest.raises(StoreError, match="holds something else"):
        sample(map_file, "random-waypoint", file, walk=Walk(num_ues=2, duration_s=1.0))
    other = SampleSettings(handover=Handover(6.0))
    sample(map_file, "random-waypoint", file, walk=WALK, settings=other, overwrite=True)
    assert open_link_trace(file).attributes["hysteresis_db"] == 6.0


@pytest.mark.parametrize(
    ("tracks", "settings", "words"),
    [
        ("nowhere.txt", {}, "give a .csv file of tracks, a .geojson file of ways"),
        ("none.csv", {}, "No such file"),
        ("random-waypoint", {"interference_load": 3.0}, "interference_load is 3"),
        ("random-waypoint", {"uplink_power_dbm": 90.0}, "uplink_power_dbm is 90"),
        ("random-waypoint", {"uplink_power_dbm": 23.0, "demand_mbps": 1.0}, "no coupling of loads"),
    ],
)
def test_impossible_requests(map_file, tmp_path, tracks, settings, words):
    with pytest.raises((OutOfRangeError, RecipeError), match=words):
        sample(map_file, tracks, tmp_path / "t.h5", settings=SampleSettings(**settings), walk=WALK)
    assert not list(tmp_path.iterdir())


def test_impossible_twins(paths_file, trace, tmp_path):
    with pytest.raises(OutOfRangeError, match="has no radio map"):
        sample(paths_file, "random-waypoint", tmp_path / "t.h5", walk=WALK)
    with pytest.raises(OutOfRangeError, match="method is 'rays'"):
        SampleSettings(method="rays")
    file = write_link_trace(trace, tmp_path / "t.h5")
    with pytest.raises(StoreError, match="give a radio map, a dataset of paths or a scene"):
        sample(file, "random-waypoint", tmp_path / "u.h5")


def test_a_scene_with_files_is_found_where_it_lies(two_boxes, tmp_path):
    """A map does not carry its scene's meshes, but knows where they are; and works without."""
    folder = tmp_path / "scene"
    folder.mkdir()
    trimesh.creation.box((40, 40, 1)).export(folder / "slab.ply")
    slab = {"name": "slab", "material": "concrete", "shape": "mesh", "file": "slab.ply"}
    data = recipe_dict(two_boxes(object=[slab], geometry={"ground": ["slab"]}))
    recipe = recipe_from_dict(data, "scene", folder)
    file = generate_radio_map(recipe, tmp_path / "map.h5")
    (tmp_path / "t.csv").write_text("time_s,ue,x_m,y_m\n0,a,-9,-9\n1,a,9,9\n")
    seen = sample(file, tmp_path / "t.csv", tmp_path / "seen.h5")
    assert (seen.line_of_sight == 1).any()
    folder.rename(tmp_path / "moved")
    with pytest.raises(GeometryError, match="name it with scene, or for tracks from a file"):
        sample(file, tmp_path / "t.csv", tmp_path / "t.h5")
    blind = SampleSettings(line_of_sight=False)
    trace = sample(file, tmp_path / "t.csv", tmp_path / "t.h5", settings=blind)
    assert (trace.line_of_sight == -1).all()


def test_a_changed_or_cut_file_is_noticed(trace, tmp_path):
    file = write_link_trace(trace, tmp_path / "t.h5")
    with h5py.File(file, "a") as h5:
        right = h5["serving_tx"][...]
        h5["serving_tx"][0, 1] = 0 if right[0, 1] else 1
    assert any("content_hash" in p for p in validate_file(file))
    with h5py.File(file, "a") as h5:
        h5["serving_tx"][0, 1] = 7
    assert any("serving_tx holds 7" in p for p in validate_file(file))
    with pytest.raises(StoreError, match="serving_tx holds 7"):
        open_link_trace(file)
    with h5py.File(file, "a") as h5:
        del h5["cqi"]
    with pytest.raises(StoreError, match="variable 'cqi' is missing"):
        open_link_trace(file)
