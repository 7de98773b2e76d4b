"""The tracer against closed forms: distances, mirrors, slabs, edges, motion."""

import numpy as np
import pytest

from rtwin.channel import (
    complex_permittivity,
    free_space_path_loss_db,
    knife_edge_loss_db,
    knife_edge_nu,
    path_gain_coherent,
    slab_reflection_transmission,
)
from rtwin.scene import recipe_from_dict
from rtwin.trace import Tracer, load_world, place
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db, unit_vector

from ...tables import one_antenna_scene, plane, wall

FREQUENCY_HZ = 3.5e9


def trace(objects, tx, rx, polarization="V", receivers=None, **solver):
    solver = {"rays": 20_000, **solver}
    table = one_antenna_scene(objects, tx, receivers or rx, polarization, **solver)
    world = load_world(recipe_from_dict(table))
    return Tracer(world).trace(place(world))


def ground(material):
    return plane(20_000.0, material)


def slab(material, angle):
    """Field coefficients of 10 cm of a material of ITU-R P.2040."""
    permittivity, conductivity = {
        "concrete": (5.24, 0.0462 * 3.5**0.7822),
        "glass": (6.31, 0.0036 * 3.5**1.3394),
    }[material]
    eta = complex_permittivity(permittivity, conductivity, FREQUENCY_HZ)
    return slab_reflection_transmission(angle, eta, 0.1, FREQUENCY_HZ)


def friis(distance_m):
    """Amplitude of a field in free space."""
    return 10 ** (-free_space_path_loss_db(distance_m, FREQUENCY_HZ) / 20)


FAR_AWAY = plane(1.0, "metal", center_m=[50_000, 50_000, 0])


@pytest.mark.parametrize("distance", [1.0, 100.0, 3000.0])
def test_friis_delay_and_angles(distance):
    direction = np.array([0.6, -0.48, 0.64])
    traced = trace([FAR_AWAY], [0, 0, 0], [list(distance * direction)])
    assert traced.num_paths.tolist() == [1]
    assert traced.delay_s[0] == pytest.approx(distance / SPEED_OF_LIGHT_M_S, rel=1e-12)
    away = unit_vector(traced.aod_azimuth, traced.aod_zenith)[0]
    back = unit_vector(traced.aoa_azimuth, traced.aoa_zenith)[0]
    np.testing.assert_allclose(away, direction, atol=1e-7)
    np.testing.assert_allclose(away, -back, atol=1e-12)


def test_friis_pinned_numbers():
    traced = trace([FAR_AWAY], [0, 0, 0], [[100.0, 0, 0]])
    assert -to_db(np.abs(traced.a[0, 0, 0]) ** 2) == pytest.approx(83.329, abs=1e-3)


@pytest.mark.parametrize(
    ("distance", "loss_db"), [(50, 79.231), (200, 86.323), (700, 94.211), (5000, 124.507)]
)
def test_two_ray_over_metal(distance, loss_db):
    """Pinned two-ray numbers: horizontal polarisation meets the ground as TE."""
    traced = trace(
        [ground("metal")], [0, 0, 10], [[distance, 0, 1.5]], polarization="H", refraction=False
    )
    assert traced.num_paths.tolist() == [2]
    loss = -to_db(path_gain_coherent(traced.path_set(FREQUENCY_HZ)))[0]
    # At 5 km both rays nearly cancel, which amplifies single precision.
    assert loss == pytest.approx(loss_db, abs=0.02 if distance < 5000 else 0.2)


@pytest.mark.parametrize("polarization", ["V", "H"])
@pytest.mark.parametrize("height", [5.0, 50.0, 200.0])
@pytest.mark.parametrize("material", ["concrete", "glass"])
def test_reflection_from_a_slab(polarization, height, material):
    """Amplitude of a ground reflection against the slab of ITU-R P.2040."""
    traced = trace(
        [ground(material)],
        [0, 0, height],
        [[100.0, 0, height]],
        polarization=polarization,
        refraction=False,
    )
    reflected = traced.interactions[:, 0] == 1
    assert reflected.sum() == 1
    image_distance = np.hypot(100.0, 2 * height)
    angle = np.arctan2(100.0, 2 * height)
    found = slab(material, angle)
    expected = np.abs(found.reflection_te if polarization == "H" else found.reflection_tm)
    amplitude = np.abs(traced.a[reflected][0, 0, 0])
    assert amplitude == pytest.approx(expected * friis(image_distance), rel=2e-3)


@pytest.mark.parametrize("slant", [0.0, 1.0])
def test_transmission_through_a_slab(slant):
    upright = wall("wall", ([50, -500], [50, 500]), -200, 400, "concrete")
    traced = trace([upright], [0, 0, 0], [[100.0, 100.0 * slant, 0]], polarization="V")
    through = traced.interactions[:, 0] == 4
    assert through.sum() == 1
    angle = np.arctan(slant)
    # The wall stands upright, so a vertical field is TE.
    expected = np.abs(slab("concrete", angle).transmission_te) * friis(100.0 * np.hypot(1, slant))
    assert np.abs(traced.a[through][0, 0, 0]) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("height", [0.5, 2.0, 5.0])
def test_edge_of_a_sheet_is_a_knife_edge(height):
    """Diffraction over a sheet against the exact Fresnel integral, in the shadow."""
    sheet = wall("sheet", ([100, -2000], [100, 2000]), -3000, 3000, "metal")
    traced = trace(
        [sheet],
        [0, 0, -height],
        [[200.0, 0, -height]],
        polarization="H",
        diffraction=True,
        edge_diffraction=True,
        refraction=False,
        max_depth=1,
        rays=200_000,
    )
    over = (traced.interactions[:, 0] == 8) & (
        np.linalg.norm(traced.vertex_m[:, 0, 1:], axis=1) < 1
    )
    assert over.sum() == 1
    loss = -to_db(np.abs(traced.a[over][0, 0, 0]) ** 2)
    loss -= free_space_path_loss_db(200.0, FREQUENCY_HZ)
    nu = knife_edge_nu(height, 100.0, 100.0, FREQUENCY_HZ)
    # UTD for a half-plane and the scalar knife edge differ by the polarisation.
    assert loss == pytest.approx(float(knife_edge_loss_db(nu)), abs=0.7)


@pytest.mark.parametrize(("polarization", "gain_db"), [("V", -89.59), ("H", -96.36)])
def test_conducting_half_plane(polarization, gain_db):
    """Sommerfeld's half-plane in deep shadow: the field across its edge is the stronger one."""
    sheet = wall("sheet", ([0, -200], [0, 200]), -200, 200, "metal")
    traced = trace(
        [sheet],
        [-5, 0, -2],
        [[5, 0, -2]],
        polarization=polarization,
        diffraction=True,
        edge_diffraction=True,
        refraction=False,
        max_depth=1,
        rays=200_000,
    )
    over = (traced.interactions[:, 0] == 8) & (np.abs(traced.vertex_m[:, 0]).max(axis=1) < 1)
    assert over.sum() == 1
    assert to_db(np.abs(traced.a[over][0, 0, 0]) ** 2) == pytest.approx(gain_db, abs=0.01)


def test_doppler_is_the_change_of_phase():
    """Receiver moving: the shift equals the finite difference of -f tau."""
    velocity = np.array([13.0, -7.0, 2.0])
    start, duration, steps = np.array([80.0, 30.0, 3.0]), 1e-2, 10
    moving = {
        "kind": "trajectory",
        "waypoints_m": [start.tolist(), (start + duration * velocity).tolist()],
        "speed_m_s": float(np.linalg.norm(velocity)),
        "interval_s": duration / steps,
    }
    traced = trace([plane(1000.0, "metal")], [0, 0, 10], None, receivers=moving, refraction=False)
    delay = traced.delay_s.reshape(-1, 2)
    doppler = traced.doppler_hz.reshape(-1, 2)
    assert len(delay) == steps + 1
    difference = -FREQUENCY_HZ * (delay[-1] - delay[0]) / duration
    # Vertices in single precision move by about 1e-5 m over 0.15 m.
    np.testing.assert_allclose(doppler.mean(axis=0), difference, rtol=2e-3)


def test_moving_mirror_shifts_twice():
    """A wall coming on at v shifts a head-on reflection by 2 v / wavelength."""
    wall = {
        "name": "wall",
        "material": "metal",
        "shape": "wall",
        "from_m": [50, -20],
        "to_m": [50, 20],
        "base_m": -20,
        "height_m": 40,
        "velocity_m_s": [-10.0, 0, 0],
    }
    traced = trace([wall], [0, 0, 0], [[0.5, 0, 0]], refraction=False, max_depth=1)
    shift = traced.doppler_hz[traced.interactions[:, 0] == 1]
    assert shift == pytest.approx([2 * 10.0 * FREQUENCY_HZ / SPEED_OF_LIGHT_M_S], rel=1e-4)


def test_reciprocity():
    """Exchanging the ends leaves gains and delays and exchanges the angles.

    Not with diffraction: UTD with lossy faces is not reciprocal.
    """
    box = {"material": "brick", "shape": "box", "size_m": [60, 10, 22]}
    objects = [
        plane(500.0, "concrete"),
        {"name": "left", "center_m": [18, 20, 5], **box},
        {"name": "right", "center_m": [18, -30, 5], **box},
    ]
    one, two = [0.0, 0.0, 9.0], [35.0, -12.0, 2.0]
    there, back = trace(objects, one, [two]), trace(objects, two, [one])
    assert there.num_paths[0] > 3
    assert there.num_paths.tolist() == back.num_paths.tolist()
    np.testing.assert_allclose(there.delay_s, back.delay_s, rtol=1e-6)
    np.testing.assert_allclose(np.abs(there.a), np.abs(back.a), rtol=2e-3)
    np.testing.assert_allclose(there.aod_zenith, back.aoa_zenith, atol=1e-4)
    np.testing.assert_allclose(there.aod_azimuth, back.aoa_azimuth, atol=1e-4)


def test_mirror_points_lie_on_their_mirrors(two_boxes):
    recipe = two_boxes(solver={"refraction": False})
    world = load_world(recipe)
    traced = Tracer(world).trace(place(world))
    met = traced.interactions == 1
    triangle = traced.triangle[met]
    corner = world.triangles.vertices[triangle][:, 0]
    off = np.einsum("pi,pi->p", traced.vertex_m[met] - corner, world.triangles.normal[triangle])
    assert met.sum() > 20
    assert np.abs(off).max() < 1e-4


def test_scaling_geometry_and_wavelength_together():
    """Twice the size at half the frequency: the same gains, over twice the delay."""

    rx = np.array([30.0, 5.0, 2.0])

    def scene(scale):
        objects = [plane(400.0 * scale, "glassy")]
        recipe = recipe_from_dict(
            {
                "title": "scaled",
                "frequency_hz": FREQUENCY_HZ / scale,
                "object": objects,
                "materials": {
                    "glassy": {
                        "relative_permittivity": 5.0,
                        "thickness_m": 0.1 * scale,
                        "conductivity_s_per_m": 0.02 / scale,
                    }
                },
                "transmitter": [{"name": "tx", "position_m": [0, 0, 8.0 * scale]}],
                "receivers": {"kind": "list", "positions_m": [(scale * rx).tolist()]},
                "solver": {"rays": 5_000, "refraction": False},
            }
        )
        world = load_world(recipe)
        return Tracer(world).trace(place(world))

    one, two = scene(1.0), scene(2.0)
    np.testing.assert_allclose(two.delay_s, 2 * one.delay_s, rtol=1e-6)
    np.testing.assert_allclose(np.abs(two.a), np.abs(one.a), rtol=1e-3)
