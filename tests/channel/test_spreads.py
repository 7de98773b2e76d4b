import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtwin import channel

# Amplitudes 2 and 1 weigh 4 to 1.
FOUR_TO_ONE = np.array([2.0, 1.0])[:, None, None]


def test_delay_spread_by_hand(make_paths):
    # Mean 1 + 10/5 = 3 us, variance (4 x 2^2 + 1 x 8^2) / 5 = 16 us^2.
    paths = make_paths([2], a=FOUR_TO_ONE, delay_s=[1e-6, 11e-6])
    np.testing.assert_allclose(channel.mean_delay_s(paths), 3e-6)
    np.testing.assert_allclose(channel.rms_delay_spread_s(paths), 4e-6)


def test_delay_spread_far_away_does_not_cancel(make_paths):
    """A nanosecond of spread, a full second away."""
    paths = make_paths([2], a=np.ones((2, 1, 1)), delay_s=[1.0, 1.0 + 2e-9])
    np.testing.assert_allclose(channel.rms_delay_spread_s(paths), 1e-9, rtol=1e-6)


@pytest.mark.parametrize(("cut_db", "spread"), [(None, 4e-6), (6.1, 4e-6), (6.0, 0.0)])
def test_the_dynamic_range_leaves_out_weak_paths(make_paths, cut_db, spread):
    # The second path lies 6.02 dB below the first.
    paths = make_paths([2], a=FOUR_TO_ONE, delay_s=[0.0, 10e-6])
    np.testing.assert_allclose(channel.rms_delay_spread_s(paths, cut_db), spread, rtol=1e-9)


def test_the_dynamic_range_counts_from_the_strongest_path_of_each_link(make_paths):
    a = np.array([2.0, 1.0, 0.2, 0.1])[:, None, None]
    paths = make_paths([2, 2], a=a, delay_s=[0.0, 10e-6, 0.0, 10e-6])
    np.testing.assert_allclose(channel.rms_delay_spread_s(paths, 7.0), 4e-6)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.floats(0, 1e-3), st.floats(0.1, 10))
def test_delay_spread_ignores_a_shift_and_follows_a_scale(make_paths, num_paths, shift, scale):
    paths = make_paths(num_paths)
    moved = make_paths(num_paths, delay_s=paths.delay_s * scale + shift)
    expected = channel.rms_delay_spread_s(paths) * scale
    np.testing.assert_allclose(channel.rms_delay_spread_s(moved), expected, rtol=1e-6, atol=1e-18)


@pytest.mark.parametrize("half_angle", [0.01, 0.5, 1.5])
def test_angular_spread_of_two_equal_paths(make_paths, half_angle):
    paths = make_paths([2], a=np.ones((2, 1, 1)), aoa_azimuth=[half_angle, -half_angle])
    expected = np.sqrt(-2 * np.log(np.cos(half_angle)))
    np.testing.assert_allclose(
        channel.rms_angular_spread(paths, "aoa_azimuth"), expected, rtol=1e-9
    )


def test_a_small_angular_spread_is_the_standard_deviation(make_paths):
    paths = make_paths([2], a=FOUR_TO_ONE, aod_zenith=[1.0, 1.01])
    np.testing.assert_allclose(channel.rms_angular_spread(paths, "aod_zenith"), 0.004, rtol=1e-4)
    np.testing.assert_allclose(channel.mean_angle(paths, "aod_zenith"), 1.002, rtol=1e-5)


def test_angles_are_counted_around_the_circle(make_paths):
    paths = make_paths([2], a=np.ones((2, 1, 1)), aod_azimuth=[np.pi - 0.1, -np.pi + 0.3])
    np.testing.assert_allclose(channel.mean_angle(paths, "aod_azimuth"), -np.pi + 0.1)


def test_directions_that_cancel_have_no_bound_on_their_spread(make_paths):
    paths = make_paths([4], a=np.ones((4, 1, 1)), aoa_azimuth=[0, np.pi / 2, np.pi, -np.pi / 2])
    assert channel.rms_angular_spread(paths, "aoa_azimuth")[0] > 8.0


@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.floats(-3, 3))
def test_turning_the_device_leaves_the_spread(make_paths, num_paths, turn):
    paths = make_paths(num_paths)
    turned = make_paths(num_paths, aoa_azimuth=paths.aoa_azimuth + turn)
    spread = channel.rms_angular_spread(turned, "aoa_azimuth")
    np.testing.assert_allclose(spread, channel.rms_angular_spread(paths, "aoa_azimuth"), atol=1e-7)


def test_line_of_sight_and_k_factor(make_paths):
    paths = make_paths(
        [2, 1, 1, 0],
        a=np.array([2.0, 1.0, 1.0, 1.0])[:, None, None],
        interactions=[[0, 0], [1, 0], [1, 4], [0, 0]],
    )
    assert channel.has_line_of_sight(paths).tolist() == [True, False, True, False]
    np.testing.assert_array_equal(channel.rician_k_factor(paths), [4.0, 0.0, np.inf, np.nan])


def test_links_without_a_path_or_without_power_are_nan(make_paths):
    paths = make_paths([0, 1, 2], a=np.array([1.0, 0.0, 0.0])[:, None, None])
    for quantity in (
        channel.mean_delay_s(paths),
        channel.rms_delay_spread_s(paths, 30.0),
        channel.mean_angle(paths, "aod_azimuth"),
        channel.rms_angular_spread(paths, "aoa_zenith"),
    ):
        assert np.isnan(quantity).tolist() == [True, False, True]
    assert channel.rms_delay_spread_s(paths)[1] == 0.0


def test_misuse_is_named(make_paths):
    paths = make_paths([1])
    with pytest.raises(ValueError, match="dynamic_range_db is -3"):
        channel.rms_delay_spread_s(paths, -3)
    with pytest.raises(ValueError, match=r"angle is 'azimuth'.*aod_azimuth"):
        channel.mean_angle(paths, "azimuth")
