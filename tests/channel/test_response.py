import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtwin.channel import (
    AntennaArray,
    cfr,
    cir,
    has_line_of_sight,
    mean_angle,
    mean_delay_s,
    path_gain,
    path_gain_coherent,
    rician_k_factor,
    rms_angular_spread,
    rms_delay_spread_s,
    taps,
)
from rtwin.channel import response as response_module
from rtwin.errors import ShapeError
from rtwin.units import SPEED_OF_LIGHT_M_S, wrap_angle

FREQUENCIES_HZ = np.linspace(-20e6, 20e6, 5)
TIMES_S = np.array([0.0, 1e-3, 5e-3])


def arrays(num_links):
    rng = np.random.default_rng(1)
    tx = AntennaArray(rng.normal(size=(3, 3)) * 0.05, rng.uniform(-3, 3, (num_links, 3)))
    rx = AntennaArray(rng.normal(size=(2, 3)) * 0.05, rng.uniform(-3, 3, 3))
    return {"tx_array": tx, "rx_array": rx}


def test_path_gain_by_hand(make_paths):
    paths = make_paths([0, 2, 1], a=np.array([3, 4j, 2])[:, None, None])
    assert path_gain(paths).tolist() == [0, 25, 4]


def test_coherent_gain_of_two_paths_half_a_wavelength_apart(make_paths):
    half = 0.5 / 3.5e9
    a = np.array([2, 1, 2, 1])[:, None, None]
    paths = make_paths([2, 2, 0], a=a, delay_s=[1e-7, 1e-7 + half, 1e-7, 1e-7 + 2 * half])
    np.testing.assert_allclose(path_gain_coherent(paths), [1, 9, 0], rtol=1e-9)


def test_coherent_gain_is_the_frequency_response_at_the_carrier(make_paths):
    paths = make_paths([3, 0, 5], ports=(2, 2))
    power = np.abs(cfr(paths, 0.0)[..., 0, 0]) ** 2
    np.testing.assert_allclose(path_gain_coherent(paths), power.sum(1).mean(1), rtol=1e-10)


def test_one_path_is_a_pure_phase_ramp(make_paths):
    paths = make_paths([1], a=[[[0.5]]], delay_s=[1e-6])
    h = cfr(paths, FREQUENCIES_HZ)[0, 0, 0, 0]
    np.testing.assert_allclose(np.abs(h), 0.5, rtol=1e-12)
    # 10 MHz x 1 us are 10 whole turns; 1/4 MHz is a quarter of one.
    quarter = cfr(paths, [0.0, 0.25e6])[0, 0, 0, 0]
    np.testing.assert_allclose(quarter[1] / quarter[0], -1j, atol=1e-9)
    np.testing.assert_allclose(h, h[0], rtol=1e-9)


def test_baseband_coefficients_carry_the_carrier_phase(make_paths):
    paths = make_paths([1], a=[[[2j]]], delay_s=[0.25 / 3.5e9])
    np.testing.assert_allclose(cir(paths)[0, 0, 0, 0], 2j * -1j, rtol=1e-12)


def test_normalized_delays_count_from_the_first_path(make_paths):
    paths = make_paths([3, 0, 2])
    shifted = make_paths([3, 0, 2], delay_s=paths.excess_delay_s)
    np.testing.assert_allclose(
        cfr(paths, FREQUENCIES_HZ, normalize_delays=True), cfr(shifted, FREQUENCIES_HZ), rtol=1e-12
    )


def test_frequency_response_equals_a_plain_loop(make_paths):
    paths = make_paths([2, 0, 3], ports=(2, 2))
    devices = arrays(paths.num_links)
    b = cir(paths, TIMES_S, **devices)
    expected = np.zeros((3, 4, 6, 3, 5), complex)
    for path, link in enumerate(paths.link_index):
        ramp = np.exp(-2j * np.pi * FREQUENCIES_HZ * paths.delay_s[path])
        expected[link] += b[path][..., None] * ramp
    h = cfr(paths, FREQUENCIES_HZ, TIMES_S, **devices)
    np.testing.assert_allclose(h, expected, atol=1e-16)
    assert not h[1].any()


def test_taps_equal_a_plain_loop(make_paths):
    paths = make_paths([2, 0, 3], ports=(1, 2))
    bandwidth = 50e6
    b = cir(paths, TIMES_S)
    expected = np.zeros((3, 1, 2, 3, 12), complex)
    for path, link in enumerate(paths.link_index):
        for n, lag in enumerate(range(-2, 10)):
            x = np.pi * (lag - bandwidth * paths.delay_s[path])
            expected[link, ..., n] += b[path] * np.sin(x) / x
    np.testing.assert_allclose(taps(paths, bandwidth, -2, 9, TIMES_S), expected, atol=1e-16)


def test_taps_of_a_path_on_the_sampling_grid(make_paths):
    paths = make_paths([1], a=[[[1.0]]], delay_s=[3e-6])
    np.testing.assert_allclose(np.abs(taps(paths, 1e6, 0, 5)[0, 0, 0, 0]), np.eye(6)[3], atol=1e-12)
    normalized = taps(paths, 1e6, 0, 5, normalize_delays=True)
    np.testing.assert_allclose(normalized[0, 0, 0, 0], np.eye(6)[0], atol=1e-12)


def test_taps_refuse_an_empty_range(make_paths):
    with pytest.raises(ValueError, match="l_max is 1, it must be l_min = 2"):
        taps(make_paths([1]), 1e6, 2, 1)


def test_doppler_is_the_finite_difference_of_the_carrier_phase(make_paths):
    """A receiver that drives off to +x past a transmitter at the origin."""
    frequency, time = 3.5e9, 1e-3
    velocity = np.array([20.0, 0.0, 0.0])
    start = np.array([60.0, 80.0, 0.0])
    delay = [np.linalg.norm(start + velocity * t) / SPEED_OF_LIGHT_M_S for t in (0.0, time)]
    # 0.6 of the speed leads away from the transmitter, and away lowers the frequency.
    doppler = -frequency * 0.6 * 20.0 / SPEED_OF_LIGHT_M_S
    moving = cir(make_paths([1], a=[[[1]]], delay_s=delay[:1], doppler_hz=[doppler]), time)
    moved = cir(make_paths([1], a=[[[1]]], delay_s=delay[1:], doppler_hz=[0.0]))
    difference = wrap_angle(np.angle(moving) - np.angle(moved))
    assert abs(float(difference.item())) < 1e-3
    assert abs(2 * np.pi * doppler * time) > 0.8


@settings(max_examples=30)
@given(st.lists(st.integers(0, 6), max_size=8), st.integers(0, 99), st.integers(1, 60))
def test_small_blocks_give_the_same_answer(make_paths, num_paths, seed, numbers):
    paths = make_paths(num_paths, seed)
    whole = cfr(paths, FREQUENCIES_HZ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(response_module, "_WORKING_NUMBERS", numbers)
        np.testing.assert_allclose(cfr(paths, FREQUENCIES_HZ), whole, atol=1e-16)


@given(st.lists(st.integers(0, 5), max_size=5), st.integers(0, 99))
def test_the_order_of_paths_does_not_matter(make_paths, num_paths, seed):
    paths = make_paths(num_paths, seed)
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(paths.a.shape[0]), paths.link_index))
    names = ["a", "delay_s", "aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith"]
    names += ["doppler_hz", "interactions"]
    shuffled = make_paths(num_paths, **{name: getattr(paths, name)[order] for name in names})
    for quantity in (
        path_gain,
        path_gain_coherent,
        has_line_of_sight,
        rician_k_factor,
        mean_delay_s,
        rms_delay_spread_s,
        lambda p: rms_delay_spread_s(p, 6.0),
        lambda p: mean_angle(p, "aod_azimuth"),
        lambda p: rms_angular_spread(p, "aoa_zenith"),
        lambda p: p.strongest(2)[1],
        lambda p: cfr(p, FREQUENCIES_HZ, TIMES_S),
        lambda p: taps(p, 20e6, 0, 3),
    ):
        # A spread near 0 is the root of a rounding error.
        np.testing.assert_allclose(quantity(shuffled), quantity(paths), rtol=1e-7, atol=1e-14)


@given(st.lists(st.integers(0, 4), max_size=5), st.integers(0, 99), st.floats(1e-3, 1e3))
def test_scaling_the_coefficients_scales_the_gain(make_paths, num_paths, seed, factor):
    paths = make_paths(num_paths, seed)
    scaled = make_paths(num_paths, seed, a=paths.a * factor)
    np.testing.assert_allclose(path_gain(scaled), factor**2 * path_gain(paths), rtol=1e-12)
    np.testing.assert_allclose(rms_delay_spread_s(scaled), rms_delay_spread_s(paths), rtol=1e-9)


@pytest.mark.parametrize("num_paths", [[], [0], [0, 0, 0]])
def test_no_path_at_all(make_paths, num_paths):
    paths, links = make_paths(num_paths, ports=(2, 1)), len(num_paths)
    assert path_gain(paths).tolist() == [0] * links
    assert path_gain_coherent(paths).tolist() == [0] * links
    assert cir(paths, TIMES_S).shape == (0, 2, 1, 3)
    np.testing.assert_array_equal(cfr(paths, FREQUENCIES_HZ), np.zeros((links, 2, 1, 1, 5)))
    np.testing.assert_array_equal(taps(paths, 1e6, 0, 2), np.zeros((links, 2, 1, 1, 3)))


def test_inputs_that_do_not_fit_are_named(make_paths):
    paths = make_paths([1, 1])
    with pytest.raises(ShapeError, match=r"frequencies_hz has shape \(2, 2\)"):
        cfr(paths, np.zeros((2, 2)))
    turned = AntennaArray(np.zeros((1, 3)), np.zeros((3, 3)))
    with pytest.raises(ShapeError, match=r"rx_array.*\(3, 3\).*num_paths has shape \(2,\)"):
        cir(paths, rx_array=turned)
