import numpy as np
import pytest

from rtwin.channel import (
    complex_permittivity,
    free_space_path_loss_db,
    fresnel_half_space,
    two_ray_break_point_m,
    two_ray_incidence_angle,
    two_ray_path_loss_db,
)

SETTING = (10.0, 1.5, 3.5e9)  # heights [m] and frequency [Hz]


@pytest.mark.parametrize(
    ("distance_m", "loss_db"), [(50, 79.231), (200, 86.323), (700, 94.211), (5000, 124.507)]
)
def test_perfect_conductor_te(distance_m, loss_db):
    np.testing.assert_allclose(two_ray_path_loss_db(distance_m, *SETTING), loss_db, atol=5e-4)


def test_break_point():
    np.testing.assert_allclose(two_ray_break_point_m(*SETTING), 700.5, atol=0.05)


def test_far_away_the_loss_follows_the_fourth_power():
    distance = np.array([50e3, 500e3])
    loss = two_ray_path_loss_db(distance, *SETTING)
    np.testing.assert_allclose(np.diff(loss), 40.0, atol=0.01)
    np.testing.assert_allclose(loss, 40 * np.log10(distance) - 20 * np.log10(15.0), atol=0.01)


def test_ground_that_reflects_nothing_is_free_space():
    loss = two_ray_path_loss_db(300.0, *SETTING, reflection_coefficient=0.0)
    distance = np.hypot(300.0, 10.0 - 1.5)
    np.testing.assert_allclose(loss, free_space_path_loss_db(distance, 3.5e9))


def test_vertical_antennas_over_a_perfect_conductor_gain_6_db_far_away():
    loss = two_ray_path_loss_db(1e6, *SETTING, reflection_coefficient=1.0)
    free = free_space_path_loss_db(1e6, 3.5e9)
    np.testing.assert_allclose(free - loss, 20 * np.log10(2.0), atol=1e-4)


def test_over_real_ground_both_polarisations_cancel_at_grazing():
    ground = complex_permittivity(5.24, 0.123, 3.5e9)
    angle = two_ray_incidence_angle(1e6, 10.0, 1.5)
    for coefficient in fresnel_half_space(angle, ground):
        loss = two_ray_path_loss_db(1e6, *SETTING, coefficient)
        np.testing.assert_allclose(loss, two_ray_path_loss_db(1e6, *SETTING), atol=0.1)


def test_the_bounce_obeys_the_law_of_reflection():
    angle = two_ray_incidence_angle(200.0, 10.0, 1.5)
    # Both legs lean by the same angle and span the distance between them.
    np.testing.assert_allclose(10.0 * np.tan(angle) + 1.5 * np.tan(angle), 200.0)


def test_swapping_the_ends_changes_nothing():
    there, back = two_ray_path_loss_db(80.0, [10.0, 1.5], [1.5, 10.0], 3.5e9)
    assert there == pytest.approx(back, abs=1e-12)
