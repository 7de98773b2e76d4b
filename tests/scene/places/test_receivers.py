"""Placement of receivers in scenes with closed forms: a cylinder on a slope."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from rtwin.errors import RecipeError
from rtwin.scene import ReceiversSpec, place_receivers, recipe_from_dict

from ...tables import plane_scene
from ..helpers import assert_one_line

BOUNDS = [[-100.0, -50.0, 0.0], [100.0, 50.0, 40.0]]
SPEC = TypeAdapter(ReceiversSpec)
RADIUS = 20.0


def slope(xy):
    """Ground that rises by 1 in 10 towards the east, and ends at abs(x) = 95."""
    return np.where(np.abs(xy[:, 0]) < 95, 0.1 * xy[:, 0], np.nan)


def cylinder(points):
    return np.hypot(points[:, 0], points[:, 1]) < RADIUS


def place(seed=1, ground=slope, inside=cylinder, recipe=None, folder=".", **spec):
    return place_receivers(
        SPEC.validate_python(spec),
        BOUNDS,
        ground,
        inside,
        seed,
        folder=folder,
        recipe=recipe,
    )


def test_random_receivers_are_in_free_air_above_the_ground():
    r = place(kind="random", count=2000, height_m=1.5)
    x, y, z = r.position_m.T
    assert len(r) == 2000
    assert np.hypot(x, y).min() >= RADIUS
    np.testing.assert_allclose(z, 0.1 * x + 1.5)
    # 5 % less at every side than the bounds.
    assert np.abs(x).max() < 90
    assert np.abs(y).max() < 45
    # Uniform: the share of the cylinder is its share of the area.
    share = math.pi * RADIUS**2 / (180 * 90)
    assert r.num_inside / r.num_candidates == pytest.approx(share, abs=0.02)
    assert r.num_candidates == 2000 + r.num_inside
    assert not r.velocity_m_s.any()
    assert r.time_s is None


@settings(max_examples=15)
@given(few=st.integers(1, 300), more=st.integers(0, 6000), seed=st.integers(0, 2**32))
def test_fewer_random_receivers_are_a_prefix(few, more, seed):
    one = place(seed, kind="random", count=few)
    two = place(seed, kind="random", count=few + more)
    np.testing.assert_array_equal(one.position_m, two.position_m[:few])


def test_the_seed_decides():
    one, two = (place(seed, kind="random", count=10).position_m for seed in (1, 2))
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, place(1, kind="random", count=10).position_m)


def test_places_without_ground_are_skipped_and_counted():
    r = place(kind="random", count=500, area=[80, -50, 99, 50])
    assert r.position_m[:, 0].max() < 95
    assert r.num_without_ground > 0
    assert r.num_candidates == 500 + r.num_without_ground


def test_keep_invalid():
    r = place(kind="random", count=500, area=[-30, -30, 30, 30], keep_invalid=True)
    assert r.num_candidates == 500 == len(r)
    assert r.num_inside == cylinder(r.position_m).sum() > 0


def test_random_without_free_places():
    with pytest.raises(RecipeError) as caught:
        place(kind="random", count=5, area=[-5, -5, 5, 5])
    assert_one_line(caught, "only 0 of 5 receivers found a free place", "larger receivers.area")


def test_area_outside_of_the_scene():
    for kind in ({"kind": "random"}, {"kind": "grid", "spacing_m": 1}):
        with pytest.raises(RecipeError) as caught:
            place(area=[200, 0, 300, 10], **kind)
        assert_one_line(caught, "lies outside of the scene", "[-100.0, -50.0, 100.0, 50.0]")


def test_grid_goes_row_by_row_from_the_lower_left_corner():
    r = place(kind="grid", spacing_m=10, area=[30, 0, 50, 10.0], height_m=2)
    expected = [[30, 0], [40, 0], [50, 0], [30, 10], [40, 10], [50, 10]]
    np.testing.assert_allclose(r.position_m[:, :2], expected)
    np.testing.assert_allclose(r.position_m[:, 2], 0.1 * r.position_m[:, 0] + 2)


def test_grid_counts_what_it_drops():
    r = place(kind="grid", spacing_m=1.0, area=[-99, -30, 99, 30])
    assert r.num_candidates == 199 * 61
    assert len(r) == r.num_candidates - r.num_inside - r.num_without_ground
    # abs(x) from 95 to 99: 5 columns at each side.
    assert r.num_without_ground == 10 * 61
    x, y = np.meshgrid(np.arange(-99, 100), np.arange(-30, 31))
    assert r.num_inside == (np.hypot(x, y) < RADIUS).sum()


def test_grid_that_is_too_fine():
    with pytest.raises(RecipeError) as caught:
        place(kind="grid", spacing_m=0.001)
    assert_one_line(caught, "receivers.spacing_m = 0.001", "at most 10000000")


def test_list_drops_and_counts_invalid_ones():
    positions = [[50, 0, 7], [0, 0, 10], [50, 0, 4.9], [50, 0, 4.9995], [99, 0, 1], [50, 0, 7]]
    r = place(kind="list", positions_m=positions)
    # Half a millimetre under the ground is rounding; no ground is no reproach.
    np.testing.assert_allclose(r.position_m, [positions[i] for i in (0, 3, 4, 5)])
    assert (r.num_candidates, r.num_inside, r.num_underground) == (6, 1, 1)
    kept = place(kind="list", positions_m=positions, keep_invalid=True)
    np.testing.assert_allclose(kept.position_m, positions)
    assert (kept.num_inside, kept.num_underground) == (1, 1)


def test_none_left():
    with pytest.raises(RecipeError) as caught:
        place(kind="list", positions_m=[[0, 0, 10], [50, 0, 0]])
    assert_one_line(caught, "none of 2 receivers is in free air (1 inside", "1 under the ground")


def test_receiver_on_a_transmitter():
    # Isotropic antennas at 1 GHz: a wavelength over 4 pi is 2.39 cm, at 28 GHz a centimetre rules.
    for frequency_hz, least in ((1e9, 0.0239), (28e9, 0.01)):
        data = plane_scene(frequency_hz=frequency_hz)
        data["transmitter"] = [{"name": "mast", "position_m": [50, 0, 7]}]
        recipe = recipe_from_dict(data)
        below = [50, 0, 7 + 0.99 * least]
        with pytest.raises(RecipeError) as caught:
            place(kind="list", positions_m=[[60, 0, 9], below], recipe=recipe)
        assert_one_line(caught, "receiver 1", "transmitter 'mast'", f"{least} m apart")
        above = [[50, 0, 7 + 1.01 * least]]
        assert len(place(kind="list", positions_m=above, recipe=recipe)) == 1


def test_trajectory_moves_along_its_line():
    waypoints = [[30, 0, 10], [40, 0, 10], [40, 20, 10]]
    r = place(kind="trajectory", waypoints_m=waypoints, speed_m_s=2, interval_s=1)
    assert len(r) == 16
    np.testing.assert_allclose(r.time_s, np.arange(16))
    np.testing.assert_allclose(r.position_m[3], [36, 0, 10])
    np.testing.assert_allclose(r.position_m[-1], [40, 20, 10])
    np.testing.assert_allclose(r.velocity_m_s[0], [2, 0, 0])
    # On the corner the next leg counts; at the end the last one.
    np.testing.assert_allclose(r.velocity_m_s[5], [0, 2, 0])
    np.testing.assert_allclose(r.velocity_m_s[-1], [0, 2, 0])


def test_rounding_costs_a_trajectory_no_sample():
    track = {"kind": "trajectory", "waypoints_m": [[30, 0, 10], [30.3, 0, 10]]}
    assert 0.3 / 0.1 < 3
    np.testing.assert_allclose(
        place(**track, speed_m_s=1, interval_s=0.1).time_s, [0, 0.1, 0.2, 0.3]
    )


@settings(max_examples=50)
@given(
    steps=st.lists(
        st.tuples(*[st.floats(-20, 20)] * 3).filter(lambda s: math.hypot(*s) > 0.1),
        min_size=1,
        max_size=6,
    ),
    speed=st.floats(0.5, 50),
    interval=st.floats(0.01, 3),
)
def test_trajectory_velocity_is_the_finite_difference(steps, speed, interval):
    waypoints = np.concatenate([[[0, 0, 0]], np.cumsum(steps, axis=0)])
    r = place(
        kind="trajectory",
        waypoints_m=waypoints.tolist(),
        speed_m_s=speed,
        interval_s=interval,
        ground=lambda xy: np.full(len(xy), -1e4),
        inside=lambda p: np.zeros(len(p), bool),
    )
    np.testing.assert_allclose(np.linalg.norm(r.velocity_m_s, axis=1), speed)
    moved = np.diff(r.position_m, axis=0)
    # Corners are cut; between two samples on one leg the difference is exact.
    assert (np.linalg.norm(moved, axis=1) <= speed * interval * (1 + 1e-9)).all()
    ends = np.cumsum(np.linalg.norm(steps, axis=1))
    leg = np.searchsorted(ends, speed * r.time_s, side="right")
    same = np.diff(leg) == 0
    expected = r.velocity_m_s[:-1][same] * interval
    np.testing.assert_allclose(moved[same], expected, rtol=1e-6, atol=1e-9)


def test_trajectory_keeps_the_time_of_what_remains():
    track = {"kind": "trajectory", "waypoints_m": [[-40, 0, 10], [40, 0, 10]]}
    r = place(**track, speed_m_s=1, interval_s=1)
    # x from -40 to 40 without the cylinder's -19 to 19.
    assert (r.num_inside, len(r)) == (39, 81 - 39)
    np.testing.assert_allclose(r.time_s, r.position_m[:, 0] + 40)
    with pytest.raises(RecipeError) as caught:
        place(**track, speed_m_s=1, interval_s=1e-6)
    assert_one_line(caught, "receivers.interval_s = 1e-06", "at most 10000000")


def test_names_of_other_programs(tmp_path):
    (tmp_path / "rx.csv").write_text("X,Northing,Z\n50,1,7\n")
    r = place(kind="csv", file="rx.csv", folder=tmp_path)
    np.testing.assert_allclose(r.position_m, [[50, 1, 7]])


@pytest.mark.parametrize("word", ["NA", "null", "-"])
def test_missing_values_say_their_row(word, tmp_path):
    (tmp_path / "rx.csv").write_text(f"x_m,y_m,z_m\n1,2,3\n1,{word},3\n")
    with pytest.raises(RecipeError) as caught:
        place(kind="csv", file="rx.csv", folder=tmp_path)
    assert_one_line(caught, f"rx.csv:3: y_m = '{word}'")


def test_arrays_are_read_only():
    r = place(kind="random", count=3)
    with pytest.raises(ValueError, match="read-only"):
        r.position_m[0] = 0


def test_csv(tmp_path):
    # With the byte-order mark and the line ends of spreadsheet programs.
    text = "\ufeffx_m, y_m,z_m,azimuth_deg,vy_m_s\r\n50,0,7,90,1.5\r\n\r\n"
    text += "0,0,9,0,0\r\n60,1,8,-90,0\r\n"
    (tmp_path / "rx.csv").write_text(text, encoding="utf-8", newline="")
    r = place(kind="csv", file="rx.csv", folder=tmp_path)
    np.testing.assert_allclose(r.position_m, [[50, 0, 7], [60, 1, 8]])
    np.testing.assert_allclose(r.velocity_m_s, [[0, 1.5, 0], [0, 0, 0]])
    np.testing.assert_allclose(r.orientation_rad, [[math.pi / 2, 0, 0], [-math.pi / 2, 0, 0]])
    assert r.num_inside == 1


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ("rx.csv:1: missing column 'x_m'; the header is empty",)),
        (b"x_m,y_m\n1,2\n", ("rx.csv:1: missing column 'z_m'", "has x_m, y_m")),
        (b"x_m,y_m,z_m,vx_ms\n1,2,3,4\n", ("unknown column 'vx_ms'; did you mean 'vx_m_s'?",)),
        (b"x_m,y_m,z_m,x_m\n1,2,3,4\n", ("rx.csv:1: column 'x_m' appears twice",)),
        (b"x_m,y_m,z_m\n", ("rx.csv:2: no receivers",)),
        (b"x_m,y_m,z_m\n1,2,3\n1,two,3\n", ("rx.csv:3: y_m = 'two': must be a finite",)),
        (b"x_m,y_m,z_m\n1,2,\n", ("rx.csv:2: z_m = '': must be a finite",)),
        (b"x_m,y_m,z_m\n1,nan,3\n", ("rx.csv:2: y_m = 'nan'",)),
        (b"x_m,y_m,z_m\n1,2,1e400\n", ("rx.csv:2: z_m = '1e400'",)),
        (b"x_m,y_m,z_m\n1,2,1e7\n", ("rx.csv:2: z_m = 1e+07: must be within 100000 m",)),
        (b"x_m,y_m,z_m,vx_m_s\n1,2,3,-1e308\n", ("vx_m_s = -1e+308: must be -100000 to",)),
        (b"x_m,y_m,z_m,azimuth_deg\n1,2,3,1e300\n", ("azimuth_deg = 1e+300: must be -36000",)),
        (b"x_m,y_m,z_m\n1,2\n", ("rx.csv:2: 2 cells under 3 columns",)),
        (b"x_m,y_m,z_m\n1,2,\xff\n", ("is not UTF-8 text",)),
        ("x_m,y_m,z_m\n1,2,3\n".encode("utf-16"), ("is not UTF-8 text",)),
        (b'x_m,y_m,z_m\n1,2,"3\n', ("broken CSV",)),
        (b"x_m,y_m,z_m\n" + b"1" * 200_000, ("broken CSV",)),
    ],
)
def test_bad_csv(tmp_path, content, parts):
    (tmp_path / "rx.csv").write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        place(kind="csv", file="rx.csv", folder=tmp_path)
    assert_one_line(caught, str(tmp_path), *parts)
