"""Between latitude, longitude and scene coordinates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.errors import GeometryError, RecipeError
from rtwin.scene import Georeference, georeference_at, recipe_dict, recipe_from_dict, utm_epsg

from .helpers import assert_one_line, table

A, F = 6378137.0, 1 / 298.257223563  # WGS 84


def meridian_m(lat_deg: float, step_deg: float) -> float:
    """Length [m] of a short piece of a meridian: the ellipsoid's radius of curvature times it."""
    e2 = F * (2 - F)
    radius = A * (1 - e2) / (1 - e2 * math.sin(math.radians(lat_deg)) ** 2) ** 1.5
    return radius * math.radians(step_deg)


def parallel_m(lat_deg: float, step_deg: float) -> float:
    e2 = F * (2 - F)
    radius = A / math.sqrt(1 - e2 * math.sin(math.radians(lat_deg)) ** 2)
    return radius * math.cos(math.radians(lat_deg)) * math.radians(step_deg)


@pytest.mark.parametrize(
    ("lat", "lon", "epsg"),
    [
        (36.0, -78.94, 32617),
        (57.15, -2.1, 32630),
        (-33.93, 18.64, 32734),
        (0.0, 180.0, 32660),
        (0.0, -180.0, 32601),
        (-0.1, 3.0, 32731),
        (89.0, 0.0, 5041),
        (-89.0, 0.0, 5042),
    ],
)
def test_utm_zone(lat, lon, epsg):
    assert utm_epsg(lat, lon) == epsg


def test_distances_on_the_central_meridian():
    """There, UTM is the ellipsoid scaled by 0.9996, north is north and east is east."""
    reference = georeference_at(36.0, -81.0)
    north, east = reference.to_local([36.001, 36.0], [-81.0, -80.999])
    assert north == pytest.approx([0.0, 0.9996 * meridian_m(36.0005, 0.001), 0.0], abs=2e-3)
    assert east == pytest.approx([0.9996 * parallel_m(36.0, 0.001), 0.0, 0.0], abs=2e-3)


@given(
    lat=st.floats(-80, 84),
    lon=st.floats(-180, 180),
    height=st.floats(-100, 5000),
    x=st.floats(-5000, 5000),
    y=st.floats(-5000, 5000),
    z=st.floats(-10, 500),
)
def test_there_and_back(lat, lon, height, x, y, z):
    reference = georeference_at(lat, lon, height_m=height)
    place = reference.to_geographic([x, y, z])
    assert place[2] == pytest.approx(z + height)
    assert np.allclose(reference.to_local(*place), [x, y, z], atol=2e-3)
    assert np.allclose(reference.to_local(lat, lon, height), 0.0, atol=1e-3)


def test_shapes():
    reference = georeference_at(50.0, 8.0)
    assert reference.to_local(50.0, 8.0).shape == (3,)
    points = reference.to_local(np.full((2, 4), 50.0), np.full((2, 4), 8.0), 3.0)
    assert points.shape == (2, 4, 3)
    assert np.allclose(points, [0, 0, 3], atol=1e-3)


@pytest.mark.parametrize(
    ("epsg", "part"),
    [
        (4979, "not a projected system in metres"),
        (2264, "not a projected system in metres"),
        (999999, "EPSG:999999 is not a known reference system"),
    ],
)
def test_bad_systems(epsg, part):
    with pytest.raises(GeometryError) as caught:
        georeference_at(36.0, -78.9, epsg=epsg)
    assert_one_line(caught, part)


def test_a_system_of_elsewhere():
    with pytest.raises(GeometryError) as caught:
        georeference_at(0.0, 90.0, epsg=32631)
    assert_one_line(caught, "EPSG:32631 does not reach latitude 0, longitude 90")


def geographic(**where):
    reference = georeference_at(36.0, -78.94)
    place = {"lat_deg": 36.001, "lon_deg": -78.939, "z_m": 24.0} | where
    return reference, table(
        ("georeference", reference.model_dump()),
        ("transmitter.0.position_m", place),
        ("transmitter.0.look_at_m", {**place, "z_m": 1.5, "lat_deg": 36.0}),
        ("receivers", {"kind": "list", "positions_m": [[5, 6, 7], {**place, "z_m": 2}]}),
    )


def test_points_of_a_recipe():
    reference, data = geographic()
    recipe = recipe_from_dict(data)
    expected = reference.to_local(36.001, -78.939)
    assert recipe.transmitter[0].position_m == pytest.approx([*expected[:2], 24.0], abs=1e-3)
    assert recipe.receivers.positions_m[0] == (5, 6, 7)
    assert recipe.receivers.positions_m[1] == pytest.approx([*expected[:2], 2.0], abs=1e-3)
    # What is stored in files needs no projection to be read.
    assert recipe_from_dict(recipe_dict(recipe)) == recipe
    assert recipe.georeference == Georeference(**data["georeference"])


def test_a_place_too_far_away():
    with pytest.raises(RecipeError) as caught:
        recipe_from_dict(geographic(lat_deg=-36.0)[1])
    assert_one_line(caught, "transmitter[0].position_m", "km from the scene's origin")
