"""Users that walk: nobody through walls, everybody at his speed, along ways if told so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import OutOfRangeError, ShapeError
from rtwin.scene import Walk, random_waypoint, walk_ways

X, Y = 0.5 + np.arange(40), 0.5 + np.arange(30)
CROSS = [[[0, 0], [100, 0]], [[50, -50], [50, 50]]]


def rooms():
    """Two rooms with a door of 4 m between them."""
    free = np.ones((30, 40), bool)
    free[:, 18:20] = False
    free[13:17, 18:20] = True
    return free


def speeds(tracks):
    steps = np.diff(tracks.position_m[..., :2], axis=0)
    return np.linalg.norm(steps, axis=-1) / np.diff(tracks.time_s)[:, None]


def test_random_waypoints_stay_in_free_cells_and_find_the_door():
    tracks = random_waypoint(rooms(), X, Y, Walk(num_ues=6, duration_s=300.0))
    x, y = np.moveaxis(tracks.position_m[..., :2], -1, 0)
    # Ways are checked every quarter of a cell, so corners may lose half of that.
    assert not ((x > 18.13) & (x < 19.87) & ((y < 12.87) | (y > 17.13))).any()
    assert ((x > 0) & (x < 40) & (y > 0) & (y < 30)).all()
    assert ((x < 18).any(axis=0) & (x > 20).any(axis=0)).any()
    assert np.isnan(tracks.position_m[..., 2]).all()


def test_tracks_move_with_the_map():
    walk = Walk(num_ues=2, duration_s=60.0)
    here, there = (
        random_waypoint(rooms(), X + east, Y + north, walk).position_m[..., :2]
        for east, north in ((0, 0), (100, -50))
    )
    np.testing.assert_allclose(there - here, np.broadcast_to([100.0, -50.0], here.shape))


def test_walkers_keep_their_speeds():
    walk = Walk(num_ues=8, duration_s=60.0, speed_m_s=(1.0, 2.0), interval_s=0.2)
    for tracks in (random_waypoint(rooms(), X, Y, walk), walk_ways(CROSS, walk)):
        v = speeds(tracks)
        assert v.max() <= 2.0 + 1e-9
        # A step over a corner is shorter than the way.
        assert np.median(v) > 1.0
        assert np.quantile(v, 0.02) > 0.5
        assert tracks.source["speed_m_s"] == [1.0, 2.0]


def test_pauses_are_rests():
    walk = Walk(num_ues=4, duration_s=200.0, pause_s=20.0)
    v = speeds(random_waypoint(rooms(), X, Y, walk))
    assert 0.05 < (v < 1e-9).mean() < 0.7


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_the_first_users_do_not_depend_on_their_number(seed):
    few, many = (
        random_waypoint(rooms(), X, Y, Walk(num_ues=n, duration_s=20.0, seed=seed)) for n in (2, 5)
    )
    np.testing.assert_array_equal(few.position_m, many.position_m[:, :2])
    assert few.ue_name == ("ue_0", "ue_1")


def test_what_is_not_clear_is_not_walked():
    def west_only(start, ends):
        return ends[:, 0] < 15

    tracks = random_waypoint(rooms(), X, Y, Walk(num_ues=3, duration_s=100.0), west_only)
    later = tracks.position_m[500:, :, 0]
    assert (later < 15 + 30).all()
    assert (tracks.position_m[-1, :, 0] < 20).all()


def test_all_users_ask_at_once_and_walk_as_if_alone():
    asked = []

    def east_of(starts, ends):
        asked.append(len(starts))
        return ends[:, 0] > 5

    together = random_waypoint(rooms(), X, Y, Walk(num_ues=12, duration_s=60.0), east_of)
    at_once = list(asked)
    for ue in (0, 7):
        fewer = random_waypoint(rooms(), X, Y, Walk(num_ues=ue + 1, duration_s=60.0), east_of)
        np.testing.assert_array_equal(together.position_m[:, ue], fewer.position_m[:, ue])
    # A call for each round of the slowest, not for each leg of each user.
    assert len(at_once) < 30
    assert at_once[0] > 12


def test_walkers_stay_on_their_ways_and_turn_at_crossings():
    tracks = walk_ways(CROSS, Walk(num_ues=10, duration_s=600.0, speed_m_s=(1.5, 1.5)))
    x, y = np.moveaxis(tracks.position_m[..., :2], -1, 0)
    on_first = (np.abs(y) < 0.2) & (x > -0.01) & (x < 100.01)
    on_second = (np.abs(x - 50) < 0.2) & (np.abs(y) < 50.01)
    assert (on_first | on_second).all()
    assert (on_first.any(axis=0) & on_second.any(axis=0)).any()
    # The ways cross without a common corner; the middle is where one may turn.
    assert np.abs(y).max() > 20


def test_a_ring_and_a_dead_end():
    ring = [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]
    tracks = walk_ways(ring, Walk(num_ues=2, duration_s=100.0))
    x, y = np.moveaxis(tracks.position_m[..., :2], -1, 0)
    off = np.minimum(np.minimum(np.abs(x), np.abs(x - 10)), np.minimum(np.abs(y), np.abs(y - 10)))
    assert off.max() < 0.2
    line = walk_ways([[[0, 0], [5, 0]]], Walk(num_ues=1, duration_s=60.0))
    assert line.position_m[..., 0].min() < 0.3
    assert line.position_m[..., 0].max() > 4.7


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"num_ues": 0}, "num_ues is 0"),
        ({"duration_s": -1.0}, "duration_s is -1"),
        ({"interval_s": 0.0}, "interval_s is 0"),
        ({"speed_m_s": (2.0, 1.0)}, "speed_m_s is 2 to 1"),
        ({"speed_m_s": (0.0, 1.0)}, "must be 0.001 to 1000"),
        ({"pause_s": -1.0}, "pause_s is -1"),
        ({"num_ues": 10**6, "duration_s": 1e6}, "take fewer users"),
    ],
)
def test_impossible_walks(wrong, words):
    with pytest.raises(OutOfRangeError, match=words):
        Walk(**wrong)


def test_impossible_places():
    with pytest.raises(OutOfRangeError, match="no cell of the map is free"):
        random_waypoint(np.zeros((30, 40)), X, Y, Walk())
    with pytest.raises(ShapeError, match=r"must be \(30, 40\)"):
        random_waypoint(np.ones((3, 3)), X, Y, Walk())
    with pytest.raises(OutOfRangeError, match="no length"):
        walk_ways([[[1, 1], [1, 1]]], Walk())
