import numpy as np
import pytest

from rtwin.channel import complex_permittivity, fresnel_half_space, slab_reflection_transmission
from rtwin.units import to_db, wavelength_m

FREQUENCY_HZ = 3.5e9
WAVELENGTH_M = wavelength_m(FREQUENCY_HZ)
CONCRETE = complex_permittivity(5.24, 0.0462 * 3.5**0.7822, FREQUENCY_HZ)
ANGLES = np.linspace(0.0, 1.55, 32)
MATERIALS = [
    (relative_permittivity, conductivity)
    for relative_permittivity in (1.5, 5.24, 30.0)
    for conductivity in (0.0, 0.01, 1.0, 1e7)
]


def characteristic_matrix(angle, permittivity, thickness_m):
    """The slab by the matrix of a layer (Born and Wolf): another way to the same fields."""
    normal = np.sqrt(permittivity - np.sin(angle) ** 2 + 0j)
    delta = 2 * np.pi * thickness_m / WAVELENGTH_M * normal
    fields = {}
    for name, inside, outside, sign in (
        ("te", normal, np.cos(angle), 1),
        ("tm", permittivity / normal, 1 / np.cos(angle), -1),
    ):
        b = np.cos(delta) + 1j * np.sin(delta) * outside / inside
        c = 1j * inside * np.sin(delta) + np.cos(delta) * outside
        total = outside * b + c
        fields[name] = sign * (outside * b - c) / total, 2 * outside / total
    return fields


def test_concrete_of_10_cm():
    normal, slanted = slab_reflection_transmission(
        [0.0, np.pi / 4], CONCRETE, 0.1, FREQUENCY_HZ
    ).reflection_te
    np.testing.assert_allclose(2 * to_db(np.abs(normal)), -7.488, atol=5e-4)
    np.testing.assert_allclose(2 * to_db(np.abs(slanted)), -6.479, atol=5e-4)


@pytest.mark.parametrize("thickness_m", [0.003, 0.1])
@pytest.mark.parametrize("permittivity", [2.0, CONCRETE])
def test_the_matrix_of_a_layer_agrees(permittivity, thickness_m):
    slab = slab_reflection_transmission(ANGLES, permittivity, thickness_m, FREQUENCY_HZ)
    fields = characteristic_matrix(ANGLES, permittivity, thickness_m)
    np.testing.assert_allclose((slab.reflection_te, slab.transmission_te), fields["te"], atol=1e-9)
    np.testing.assert_allclose((slab.reflection_tm, slab.transmission_tm), fields["tm"], atol=1e-9)


@pytest.mark.parametrize("permittivity", [1.5, 5.24, 30.0])
def test_a_slab_without_loss_keeps_all_power(permittivity):
    slab = slab_reflection_transmission(ANGLES, permittivity, 0.07, FREQUENCY_HZ)
    for r, t in (
        (slab.reflection_te, slab.transmission_te),
        (slab.reflection_tm, slab.transmission_tm),
    ):
        np.testing.assert_allclose(np.abs(r) ** 2 + np.abs(t) ** 2, 1.0, rtol=1e-10)


@pytest.mark.parametrize("material", MATERIALS)
@pytest.mark.parametrize("thickness_m", [1e-4, 0.02, 0.3])
def test_no_slab_gives_back_more_than_it_receives(material, thickness_m):
    medium = complex_permittivity(*material, FREQUENCY_HZ)
    slab = slab_reflection_transmission(ANGLES, medium, thickness_m, FREQUENCY_HZ)
    power = np.abs(slab) ** 2
    assert np.all(power[:2] + power[2:] <= 1.0 + 1e-9)


def test_a_thick_lossy_slab_is_a_half_space():
    slab = slab_reflection_transmission(ANGLES, CONCRETE, 10.0, FREQUENCY_HZ)
    half_space = fresnel_half_space(ANGLES, CONCRETE)
    np.testing.assert_allclose(slab[:2], half_space, rtol=1e-9)
    np.testing.assert_allclose(np.abs(slab[2:]), 0.0, atol=1e-9)


def test_a_thin_slab_is_not_there():
    slab = slab_reflection_transmission(ANGLES[:20], CONCRETE, 1e-9, FREQUENCY_HZ)
    np.testing.assert_allclose(slab[:2], 0.0, atol=1e-6)
    np.testing.assert_allclose(slab[2:], 1.0, atol=1e-6)


def test_half_a_wavelength_inside_lets_everything_through():
    thickness = WAVELENGTH_M / 2 / np.sqrt(5.24)
    slab = slab_reflection_transmission(0.0, 5.24, thickness, FREQUENCY_HZ)
    np.testing.assert_allclose(slab.reflection_te, 0.0, atol=1e-12)
    np.testing.assert_allclose(slab.transmission_te, -1.0, atol=1e-12)


def test_a_wave_beyond_total_reflection_dies_out_inside():
    near, far = np.abs(
        slab_reflection_transmission(np.pi / 3, 0.5, [0.05, 0.1], FREQUENCY_HZ).transmission_te
    )
    assert far < near / 2 < 0.5
