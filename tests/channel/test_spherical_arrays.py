"""Spherical phases of array elements against the distances to each element."""

import numpy as np
import pytest

from rtwin.channel.arrays import AntennaArray, planar_array_positions_m, steering
from rtwin.units import azimuth_zenith

WAVELENGTH_M = 0.0856549880


@pytest.mark.parametrize("distance_m", [1.0, 20.0, 5000.0])
def test_elements_have_the_phase_of_their_own_distance(distance_m):
    positions = planar_array_positions_m(16, 32, 0.5, 0.5, WAVELENGTH_M)
    source = distance_m * np.array([[0.6, -0.48, 0.64]])
    angles = azimuth_zenith(source)
    array = AntennaArray(positions, spherical=True)
    link = np.zeros(1, np.int64)
    found = steering(array, *angles, link, WAVELENGTH_M, [distance_m])[0]
    way = np.linalg.norm(source - positions, axis=1) - distance_m
    np.testing.assert_allclose(found, np.exp(-2j * np.pi * way / WAVELENGTH_M), atol=1e-9)
    plane = steering(AntennaArray(positions), *angles, link, WAVELENGTH_M)[0]
    # The phase at the corners is off by pi / 8 at 2 D^2 / wavelength, by definition.
    diameter = 2 * np.linalg.norm(positions, axis=1).max()
    worst = np.abs(np.angle(found / plane)).max()
    if distance_m > 2 * diameter**2 / WAVELENGTH_M:
        assert worst < np.pi / 8
    else:
        assert worst > np.pi / 8
