"""Roofs close over any footprint, and hold the volume that geometry says."""

import math

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rtwin.scene.build.shapes.roofs import SHAPES, building_mesh, frame_of, roof_rise_m

A, B = 12.0, 8.0  # sides of a rectangle
BASE, TOP, RISE = -0.5, 9.0, 3.0
# Volume of the roof over its eaves, by the sides and the rise; each is elementary.
VOLUMES = {
    "flat": A * B * RISE,
    "gabled": A * B * RISE / 2,
    "skillion": A * B * RISE / 2,
    "pyramidal": A * B * RISE / 3,
    "hipped": (A - B) * B * RISE / 2 + B * B * RISE / 3,
}


def solid(footprint, shape, frame=None, rise=RISE):
    mesh = building_mesh(footprint, BASE, TOP, rise, shape, frame or frame_of(footprint))
    assert mesh is not None
    faces = np.concatenate([mesh.wall_faces, mesh.roof_faces])
    return trimesh.Trimesh(mesh.vertices, faces, process=False)


def turned(polygon, degrees):
    return shapely.affinity.rotate(polygon, degrees, origin=(100, -40))


@pytest.mark.parametrize("degrees", [0.0, 31.0, 90.0, 200.0])
@pytest.mark.parametrize("shape", VOLUMES)
def test_volume(shape, degrees):
    mesh = solid(turned(shapely.box(3, 4, 3 + A, 4 + B), degrees), shape)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(A * B * (TOP - RISE - BASE) + VOLUMES[shape], rel=2e-3)
    # Corners lie on a millimetre grid.
    assert mesh.bounds[:, 2] == pytest.approx([BASE, TOP], abs=2e-3)


@settings(max_examples=60)
@example(radii=[3.0, 8.0, 3.0, 8.0], shape="flat", hole=True, turn=21.0)
@given(
    radii=st.lists(st.floats(3.0, 20.0), min_size=3, max_size=12),
    shape=st.sampled_from(sorted({*SHAPES.values(), "flat"})),
    hole=st.booleans(),
    turn=st.floats(0, 360),
)
def test_any_footprint_is_closed_or_refused(radii, shape, hole, turn):
    angle = np.linspace(0, 2 * math.pi, len(radii), endpoint=False)
    ring = np.column_stack([radii * np.cos(angle), radii * np.sin(angle)])
    polygon = shapely.Polygon(ring, [shapely.Point(0, 0).buffer(0.5).exterior] if hole else [])
    polygon = shapely.set_precision(turned(polygon, turn), 1e-3)
    assume(polygon.is_valid and polygon.geom_type == "Polygon" and polygon.area > 5)
    mesh = building_mesh(polygon, BASE, TOP, RISE, shape, frame_of(polygon))
    if mesh is None:
        return
    faces = np.concatenate([mesh.wall_faces, mesh.roof_faces])
    closed = trimesh.Trimesh(mesh.vertices, faces, process=False)
    assert closed.is_watertight
    low, high = polygon.area * (TOP - RISE - BASE), polygon.area * (TOP - BASE)
    assert low * 0.995 < closed.volume < high * 1.005


def test_most_footprints_get_their_roof():
    """The refusals that the test above allows are rare."""
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(200):
        ring = rng.uniform(3, 20, 8)[:, None] * np.column_stack(
            [np.cos(np.arange(8) * math.pi / 4), np.sin(np.arange(8) * math.pi / 4)]
        )
        polygon = shapely.set_precision(shapely.Polygon(ring), 1e-3)
        shape = ("gabled", "hipped", "pyramidal", "skillion")[rng.integers(4)]
        refused += building_mesh(polygon, 0, 9, 3, shape, frame_of(polygon)) is None
    assert refused <= 10


def test_ridge_follows_the_long_side_unless_told():
    footprint = shapely.box(0, 0, A, B)
    assert abs(frame_of(footprint).along @ [1, 0]) == pytest.approx(1)
    assert abs(frame_of(footprint, across=True).along @ [0, 1]) == pytest.approx(1)


@pytest.mark.parametrize(("degrees", "down"), [(0, (0, 1)), (90, (1, 0)), (180, (0, -1))])
def test_skillion_slopes_down_where_it_faces(degrees, down):
    footprint = shapely.box(-A / 2, -B / 2, A / 2, B / 2)
    mesh = solid(footprint, "skillion", frame_of(footprint, degrees))
    upper = mesh.vertices[mesh.vertices[:, 2] > 1]
    side = upper[:, :2] @ np.array(down)
    assert upper[side > 0, 2] == pytest.approx(TOP - RISE, abs=1e-3)
    assert upper[side < 0, 2] == pytest.approx(TOP, abs=1e-3)


def test_rise():
    footprint = shapely.box(0, 0, A, B)
    assert roof_rise_m("flat", footprint, 9, 2) == 0
    assert roof_rise_m("gabled", footprint, 9, 2) == 2
    assert roof_rise_m("gabled", footprint, 9, None) == pytest.approx(B / 4)
    assert roof_rise_m("gabled", footprint, 1, None) == pytest.approx(0.5)
