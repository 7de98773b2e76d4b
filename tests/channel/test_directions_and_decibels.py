"""Properties of rtwin.units that every layer leans on."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin.units import azimuth_zenith, from_db, rotation_matrix, to_db, unit_vector, wrap_angle

angles = st.floats(-50, 50)


@given(st.floats(-300, 300))
def test_decibel_round_trip(decibel):
    np.testing.assert_allclose(to_db(from_db(decibel)), decibel, atol=1e-9)


def test_no_power_is_minus_infinity():
    assert to_db(0.0) == -np.inf
    assert from_db(-np.inf) == 0.0


@given(angles)
def test_wrapping_twice_is_wrapping_once(angle):
    once = wrap_angle(angle)
    assert -np.pi < once <= np.pi
    assert wrap_angle(once) == once
    np.testing.assert_allclose(np.exp(1j * once), np.exp(1j * angle), atol=1e-12)


@pytest.mark.parametrize("angle", [np.pi, -np.pi, 3 * np.pi])
def test_half_a_turn_is_counted_as_positive(angle):
    assert wrap_angle(angle) == np.pi


@given(st.floats(-3.14, 3.14), st.floats(1e-6, 3.14), st.floats(1e-3, 1e6))
def test_direction_round_trip(azimuth, zenith, length):
    vector = unit_vector(azimuth, zenith)
    np.testing.assert_allclose(np.linalg.norm(vector), 1.0)
    np.testing.assert_allclose(azimuth_zenith(length * vector), (azimuth, zenith), atol=1e-9)


@given(angles, st.floats(-1.5, 1.5), angles)
def test_rotations_keep_lengths_and_point_the_boresight(yaw, pitch, roll):
    rotation = rotation_matrix([yaw, pitch, roll])
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(rotation), 1.0)
    # A positive pitch tilts the boresight below the horizon.
    np.testing.assert_allclose(rotation[:, 0], unit_vector(yaw, np.pi / 2 + pitch), atol=1e-12)
