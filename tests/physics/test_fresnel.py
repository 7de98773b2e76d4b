import numpy as np
import pytest

from rtwin.channel import complex_permittivity, fresnel_half_space
from rtwin.units import to_db

CONCRETE = complex_permittivity(5.24, 0.0462 * 3.5**0.7822, 3.5e9)
ANGLES = np.linspace(0.0, np.pi / 2, 46)


def loss_db(coefficient):
    return 2 * to_db(np.abs(coefficient))


def test_permittivity_of_concrete():
    np.testing.assert_allclose(CONCRETE, 5.24 - 0.632j, atol=5e-4)


def test_concrete_at_normal_incidence_and_at_45_degrees():
    normal, slanted = fresnel_half_space([0.0, np.pi / 4], CONCRETE).te
    np.testing.assert_allclose(loss_db(normal), -8.077, atol=5e-4)
    np.testing.assert_allclose(loss_db(slanted), -5.809, atol=5e-4)


@pytest.mark.parametrize("permittivity", [1.5, CONCRETE, 80 - 300j])
def test_polarisations_agree_at_normal_incidence(permittivity):
    te, tm = fresnel_half_space(0.0, permittivity)
    np.testing.assert_allclose(te, -tm, rtol=1e-12)


@pytest.mark.parametrize("permittivity", [1.5, 5.24, 80.0])
def test_tm_vanishes_at_the_brewster_angle(permittivity):
    te, tm = fresnel_half_space(np.arctan(np.sqrt(permittivity)), permittivity)
    assert abs(tm) < 1e-12
    assert abs(te) > 0.1


def test_air_reflects_nothing():
    for coefficient in fresnel_half_space(ANGLES[:-1], 1.0):
        np.testing.assert_allclose(coefficient, 0.0, atol=1e-12)


def test_everything_is_reflected_at_grazing_incidence():
    te, tm = fresnel_half_space(np.pi / 2, CONCRETE)
    np.testing.assert_allclose([te, tm], -1.0, atol=1e-12)


def test_a_good_conductor_is_a_perfect_one():
    te, tm = fresnel_half_space(np.pi / 4, complex_permittivity(1.0, 1e13, 3.5e9))
    np.testing.assert_allclose([te, tm], [-1.0, 1.0], atol=1e-5)


def test_total_reflection_into_a_thinner_medium():
    # sin 60 degrees is above the critical sqrt 0.5. The wave dies out in the
    # medium, which with exp(+j omega t) turns the TE phase forward.
    te, tm = fresnel_half_space(np.pi / 3, 0.5)
    np.testing.assert_allclose(np.abs([te, tm]), 1.0)
    np.testing.assert_allclose(np.angle(te), 2 * np.arctan(np.sqrt(0.75 - 0.5) / 0.5))


@pytest.mark.parametrize("relative_permittivity", [1.0, 2.0, 5.24, 30.0, 81.0])
@pytest.mark.parametrize("conductivity", [0.0, 1e-3, 0.1, 10.0, 1e7])
@pytest.mark.parametrize("frequency_hz", [0.7e9, 3.5e9, 60e9])
def test_no_material_reflects_more_than_it_receives(
    relative_permittivity, conductivity, frequency_hz
):
    medium = complex_permittivity(relative_permittivity, conductivity, frequency_hz)
    for coefficient in fresnel_half_space(ANGLES[:-1], medium):
        assert np.all(np.abs(coefficient) <= 1.0 + 1e-12)
