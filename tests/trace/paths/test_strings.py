"""Ways over roofs: boxes and screens against closed forms, and the search against its laws."""

import numpy as np
import pytest

from rtwin.channel import (
    InteractionType,
    complex_permittivity,
    free_space_path_loss_db,
    knife_edge_loss_db,
    knife_edge_nu,
    knife_edges,
)
from rtwin.scene import recipe_from_dict
from rtwin.trace import Tracer, evaluate_paths, freeze_paths, load_world, place
from rtwin.trace.fields.edge_plan import edge_plan
from rtwin.units import to_db

from ...tables import box, one_antenna_scene, wall

FREQUENCY_HZ = 3.5e9
WAVELENGTH_M = 299792458.0 / FREQUENCY_HZ


def trace(objects, tx, receivers, polarization="V", **solver):
    edges = {"refraction": False, "diffraction": True, "edge_diffraction": True}
    solver = {"rays": 5_000, **edges, **solver}
    table = one_antenna_scene(objects, tx, receivers, polarization, **solver)
    world = load_world(recipe_from_dict(table))
    placed = place(world)
    return world, placed, Tracer(world).trace(placed)


def over_the_top(traced, *counts):
    """Which paths diffract so many times, over what stands in the way and not around it."""
    many = np.isin((traced.interactions == 8).sum(axis=1), counts)
    return many & (np.abs(traced.vertex_m[:, 0, 1]) < 5)


def gain_db(traced, count):
    """Gain of the one path over the top that diffracts `count` times."""
    rows = over_the_top(traced, count)
    assert rows.sum() == 1
    return float(2 * to_db(np.abs(traced.a[rows][0, 0, 0])))


@pytest.mark.parametrize(
    ("material", "polarization", "off_db"),
    [("metal", "V", -0.5), ("metal", "H", -5.7), ("concrete", "V", -2.3), ("concrete", "H", -4.4)],
)
def test_a_box_between_two_people(material, polarization, off_db):
    """0.1 m thick, 20 m wide, 1 m above the ends: about the knife edge of ITU-R P.526, -86 dB.

    Across the edges metal bends the wave as one edge does; what runs along its top with
    the field along the edges is turned round there.
    """
    block = box("block", [0, 0, -10], [0.1, 20, 20], material)
    world, _, traced = trace([block], [-5.05, 0, -1], [[5.05, 0.01, -1]], polarization)
    found = gain_db(traced, 2)
    nu = knife_edge_nu(1.0, 5.05, 5.05, FREQUENCY_HZ)
    one = -free_space_path_loss_db(10.1, FREQUENCY_HZ) - knife_edge_loss_db(nu)
    assert one == pytest.approx(-86, abs=0.5)
    assert found - one == pytest.approx(off_db, abs=0.5)
    step = np.hypot(5.0, 1.0)
    bend = np.full((1, 2), 2 * np.sin(0.5 * np.arctan2(1.0, 5.0)))
    made = world.materials[material]
    face = complex_permittivity(made.relative_permittivity, made.conductivity_s_per_m, FREQUENCY_HZ)
    two = knife_edges([[step, 0.1, step]], bend, WAVELENGTH_M, [[face]], along=polarization == "H")
    expected = -free_space_path_loss_db(2 * step + 0.1, FREQUENCY_HZ) + 2 * to_db(np.abs(two[0]))
    assert found == pytest.approx(float(expected), abs=0.1)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_screens_in_a_row(count):
    """The traced path has the field of the integral over all screens, to what polarisation adds."""
    screens = [
        wall(
            f"screen{i}",
            ([40.0 * i, -400], [40.0 * i, 400]),
            -400,
            410 if i % 2 else 410.4,
            "metal",
        )
        for i in range(count)
    ]
    far = 40.0 * (count - 1) + 60
    _, _, traced = trace(
        screens, [-80, 0, 7], [[far, 0.5, 4]], max_depth=count, max_diffractions=count
    )
    rows = np.flatnonzero(over_the_top(traced, *range(2, 9)))
    assert len(rows) == 1
    vertex = traced.vertex_m[rows[0]][traced.interactions[rows[0]] == 8].astype(float)
    points = np.concatenate([[[-80, 0, 7]], vertex, [[far, 0.5, 4]]])
    step = np.diff(points, axis=0)
    way = np.linalg.norm(step, axis=1)
    slope = np.arctan2(step[:, 2], step[:, 0])
    bend = 2 * np.sin(0.5 * (slope[:-1] - slope[1:]))
    field = knife_edges(way[None], bend[None], WAVELENGTH_M)[0]
    expected = -free_space_path_loss_db(way.sum(), FREQUENCY_HZ) + 2 * to_db(np.abs(field))
    found = 2 * to_db(np.abs(traced.a[rows[0], 0, 0]))
    assert found == pytest.approx(float(expected), abs=1.0)


def test_both_directions_are_alike():
    houses = [
        box("one", [0, 0, 4], [10, 60, 8], "brick"),
        box("two", [30, 5, 5], [12, 60, 10], "concrete", yaw_deg=10),
        box("three", [60, 0, 3], [9, 60, 6], "brick", yaw_deg=-7),
    ]
    ends = [-25.0, 2.0, 3.0], [95.0, -4.0, 1.5]
    for polarization in "VH":
        there = trace(houses, ends[0], [ends[1]], polarization, max_depth=4)[2]
        back = trace(houses, ends[1], [ends[0]], polarization, max_depth=4)[2]
        a, b = (
            max(abs(t.a[:, 0, 0][(t.interactions == 8).sum(axis=1) > 1])) for t in (there, back)
        )
        assert 2 * to_db(a / b) == pytest.approx(0, abs=0.1)


def test_a_street_behind_two_rows_of_houses_is_reached():
    rows = [
        box("front", [0, 0, 5], [12, 200, 10], "brick"),
        box("back", [40, 0, 6], [12, 200, 12], "brick"),
    ]
    street = [[20.0, 3.0, 1.5], [70.0, 3.0, 1.5]]
    _, _, traced = trace(rows, [-60, 0, 25], street, rays=20_000)
    assert (traced.num_paths > 0).all()
    assert (np.abs(traced.a).max(axis=(1, 2)) > 1e-9).any()
    none = trace(rows, [-60, 0, 25], street, diffraction=False, edge_diffraction=False)[2]
    assert (none.num_paths == 0).any()


def test_batches_stored_and_frozen_paths_have_the_same_fields():
    houses = [
        box("one", [0, 0, 4], [10, 60, 8], "brick"),
        box("two", [30, 5, 5], [12, 60, 10], "concrete", yaw_deg=10),
    ]
    random = np.random.default_rng(2)
    places = np.column_stack(
        [random.uniform(45, 90, 12), random.uniform(-15, 15, 12), np.full(12, 1.5)]
    )
    world, placed, traced = trace(houses, [-25, 2, 3], places.tolist(), refraction=True)
    assert ((traced.interactions == 8).sum(axis=1) >= 2).sum() >= 10
    link = np.repeat(np.arange(12), traced.num_paths)
    a, _, _ = evaluate_paths(
        world,
        placed,
        np.zeros(len(link), int),
        link,
        traced.interactions,
        traced.triangle,
        traced.edge,
        traced.vertex_m,
    )
    np.testing.assert_array_equal(a, traced.a)
    for number in (0, 7):
        alone = trace(houses, [-25, 2, 3], [places[number].tolist()], refraction=True)[2]
        np.testing.assert_array_equal(alone.a, traced.a[link == number])
    frozen = freeze_paths(world, placed, traced, 0, np.arange(len(link)))
    power = np.abs(traced.a[:, 0, 0].astype(complex)) ** 2
    np.testing.assert_allclose(frozen.power(), power, rtol=2e-3, atol=1e-18)


def test_a_way_that_turns_back_at_an_edge_has_no_power():
    """In city models strings over steps of decimetres may; their integral is no number at all."""
    house = [box("house", [0, 0, 5], [6, 200, 10], "concrete")]
    world, placed, traced = trace(house, [-20, 0, 8], [[20.0, 0.0, 8.0]])
    over = np.flatnonzero((traced.interactions == InteractionType.DIFFRACTION).sum(axis=1) == 2)[:1]
    kind, triangle = traced.interactions[over], traced.triangle[over]
    vertex, tx_m = traced.vertex_m[over].astype(float), np.array([[-20.0, 0.0, 8.0]])
    plan = edge_plan(world, kind, triangle, vertex, tx_m, placed.position_m[:1])
    assert np.abs(plan.scale[0]) > 0
    above = edge_plan(world, kind, triangle, vertex, tx_m, np.array([[10.0, 0.0, 40.0]]))
    assert above.scale[0] == 0
