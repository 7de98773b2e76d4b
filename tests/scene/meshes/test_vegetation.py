"""Vegetation: its loss by closed forms, lengths inside volumes against sampled points."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.errors import GeometryError, MaterialRangeError, RecipeError
from rtwin.scene import Foliage, MaterialSpec, Volume, foliage, lengths_m, vegetation_volumes

from ..helpers import assert_one_line, objects

LEAFY = {"name": "wood", "material": "vegetation", "shape": "extrude", "height_m": 10.0}
LEAFY |= {"footprint": [[0, 0], [20, 0], [20, 10], [0, 10]]}


def test_loss_grows_linearly_and_saturates():
    """Equation 1 of P.833: gamma d for short paths, A_m for long ones, half-way at A_m ln 2."""
    leaves = Foliage(0.3, 30.0)
    assert leaves.loss_db(0.0) == 0.0
    assert leaves.loss_db(1e-3) == pytest.approx(0.3e-3, rel=1e-4)
    assert leaves.loss_db(1e5) == pytest.approx(30.0)
    assert leaves.loss_db(100.0 * np.log(2)) == pytest.approx(15.0)


def test_numbers_of_the_recommendation():
    """Figure 2 at its bends, and the fit of the Mulhouse forest."""
    for frequency, gamma in ((30e6, 0.02), (1e9, 0.2), (30e9, 6.0)):
        assert foliage("vegetation", None, frequency).specific_attenuation_db_per_m == (
            pytest.approx(gamma)
        )
    assert foliage("vegetation", None, 900e6).max_attenuation_db == pytest.approx(21.4, abs=0.1)


# Rec. ITU-R P.833-10, Table 1: forests near St. Petersburg. Frequency [Hz], dB/m, dB.
MEASURED = [
    (105.9e6, 0.04, 9.4),
    (466.475e6, 0.12, 18.0),
    (949e6, 0.17, 26.5),
    (1852.2e6, 0.30, 29.0),
    (2117.5e6, 0.34, 34.1),
]


@pytest.mark.parametrize(("frequency", "gamma", "most"), MEASURED)
def test_within_the_spread_of_measured_woods(frequency, gamma, most):
    leaves = foliage("vegetation", None, frequency)
    assert 0.6 < leaves.specific_attenuation_db_per_m / gamma < 1.6
    assert 0.6 < leaves.max_attenuation_db / most < 1.6


def test_own_numbers_and_ranges():
    own = MaterialSpec(specific_attenuation_db_per_m=0.5, max_attenuation_db=20)
    assert foliage("pines", own, 60e9) == Foliage(0.5, 20.0)
    with pytest.raises(MaterialRangeError) as caught:
        foliage("vegetation", None, 60e9)
    assert_one_line(caught, "'vegetation' (ITU-R P.833 woodland) covers 0.03-30 GHz, got 60 GHz")
    clamped = foliage("vegetation", MaterialSpec(out_of_range="clamp"), 60e9)
    assert clamped == foliage("vegetation", None, 30e9)


def sampled(volume, start, end, count=40_000):
    """Share of evenly spaced points of a piece that lie in the volume, times its length."""
    t = (np.arange(count) + 0.5) / count
    points = start + t[:, None] * (end - start)
    inside = shapely.contains_xy(volume.polygon, points[:, 0], points[:, 1])
    inside &= (points[:, 2] > volume.base_m) & (points[:, 2] < volume.top_m)
    return inside.mean() * np.linalg.norm(end - start)


RING = shapely.box(-10, -10, 10, 10).difference(shapely.box(-4, -4, 4, 4))
STAR = shapely.Polygon([(0, 12), (2, 2), (12, 0), (2, -2), (0, -12), (-2, -2), (-12, 0), (-2, 2)])
coordinate = st.floats(-20, 20)


@settings(max_examples=80)
@given(
    shape=st.sampled_from([RING, STAR]),
    start=st.tuples(coordinate, coordinate, coordinate),
    end=st.tuples(coordinate, coordinate, coordinate),
)
def test_lengths_against_sampling(shape, start, end):
    volume = Volume("v", "leaves", shape, -5.0, 6.0)
    start, end = np.array(start), np.array(end)
    (length,) = lengths_m([volume], start[None], end[None])["leaves"]
    assert length == pytest.approx(sampled(volume, start, end), abs=0.02)
    (back,) = lengths_m([volume], end[None], start[None])["leaves"]
    assert back == pytest.approx(length, abs=1e-6)


def lines(*pairs):
    start, end = np.array(pairs, float).transpose(1, 0, 2)
    return start, end


def test_lengths_by_hand():
    cube = Volume("v", "leaves", shapely.box(0, 0, 10, 10), 0.0, 10.0)
    start, end = lines(
        ((-5, 5, 5), (15, 5, 5)),  # through
        ((5, 5, 5), (15, 5, 5)),  # starts inside
        ((5, 5, -5), (5, 5, 25)),  # upright
        ((5, 5, 2), (5, 5, 7)),  # upright, all inside
        ((15, 5, -5), (15, 5, 25)),  # upright, beside
        ((-5, 5, 12), (15, 5, 12)),  # above
        ((-5, 5, 0), (15, 5, 10)),  # slanted
        ((2, 2, 3), (2, 2, 3)),  # a point
    )
    expected = [10, 5, 10, 5, 0, 0, 10 * np.hypot(20, 10) / 20, 0]
    assert lengths_m([cube], start, end)["leaves"] == pytest.approx(expected)


def test_overlaps_count_once_and_materials_apart():
    a = Volume("a", "leaves", shapely.box(0, 0, 10, 10), 0.0, 10.0)
    b = Volume("b", "leaves", shapely.box(5, 0, 15, 10), 0.0, 10.0)
    c = Volume("c", "needles", shapely.box(5, 0, 15, 10), 0.0, 10.0)
    start, end = lines(((-5, 5, 5), (25, 5, 5)), ((25, 5, 5), (-5, 5, 5)))
    found = lengths_m([a, b, c], start, end)
    assert found["leaves"] == pytest.approx([15, 15])
    assert found["needles"] == pytest.approx([10, 10])


def test_tiles_add_up_to_the_whole():
    whole = Volume("w", "leaves", shapely.box(0, 0, 100, 100), 0.0, 10.0)
    tiles = [
        Volume(f"t{x}{y}", "leaves", shapely.box(x, y, x + 50, y + 50), 0.0, 10.0)
        for x in (0, 50)
        for y in (0, 50)
    ]
    rng = np.random.default_rng(2)
    start, end = rng.uniform(-20, 120, (2, 200, 3)) * [1, 1, 0.1]
    one, many = lengths_m([whole], start, end), lengths_m(tiles, start, end)
    assert many["leaves"] == pytest.approx(one["leaves"], abs=1e-6)


def test_volumes_of_a_recipe():
    recipe = objects(
        {**LEAFY, "base_m": 2.0},
        {"shape": "plane", "center_m": [0, 0, 0], "size_m": [9, 9]},
        {
            "material": "vegetation",
            "shape": "box",
            "center_m": [5, 5, 5],
            "size_m": [2, 4, 10],
            "yaw_deg": 90,
        },
    )
    wood, hedge = vegetation_volumes(recipe)
    assert (wood.base_m, wood.top_m, wood.polygon.area) == (2.0, 12.0, 200.0)
    assert (hedge.base_m, hedge.top_m) == (0.0, 10.0)
    assert hedge.polygon.bounds == pytest.approx((3, 4, 7, 6))


def test_other_shapes_are_refused():
    wall = {"material": "vegetation", "shape": "wall", "from_m": [0, 0], "to_m": [5, 0]}
    with pytest.raises(GeometryError) as caught:
        vegetation_volumes(objects(wall | {"height_m": 3}))
    assert_one_line(caught, "'o0' of 'vegetation' has shape 'wall'; vegetation may have 'extrude'")


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"max_attenuation_db": 3}, "give specific_attenuation_db_per_m and max_attenuation_db"),
        (
            {"max_attenuation_db": 3, "specific_attenuation_db_per_m": 1, "itu": "wood"},
            "vegetation and slabs exclude each other",
        ),
    ],
)
def test_bad_tables(table, part):
    with pytest.raises(ValueError, match=part) as caught:
        MaterialSpec(**table)
    assert not isinstance(caught.value, RecipeError)
