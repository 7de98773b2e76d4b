"""SINR of blocks and layers: scalars, beams, interference, Cauchy and capacity."""

import numpy as np

from rtwin.link.layer import block_sinr

POWER = np.array([2.0, 3.0])


def drawn(places, rx, ports, seed=1):
    rng = np.random.default_rng(seed)
    shape = (places, 2, rx, ports, 1, 4)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)


def sinr_of(response, load=1.0, noise=0.1, layers=4, ports=None):
    ports = np.full(2, response.shape[3]) if ports is None else np.array(ports)
    loads = np.full((len(response), 2), load)
    return block_sinr(response, POWER, ports, loads, noise, layers)


def test_one_port_is_power_over_noise_and_loaded_interference():
    h = drawn(3, 1, 1)
    power = np.abs(h[:, :, 0, 0]) ** 2 * POWER[:, None, None]
    found = sinr_of(h, load=0.25)
    np.testing.assert_allclose(found[:, 0, ..., 0], power[:, 0] / (0.1 + 0.25 * power[:, 1]))
    np.testing.assert_allclose(found[:, 1, ..., 0], power[:, 1] / (0.1 + 0.25 * power[:, 0]))


def test_a_beam_in_a_flat_channel_has_the_gain_of_the_array():
    h = np.ones((1, 2, 1, 8, 1, 4), complex) * np.exp(1j * np.arange(8))[:, None, None]
    found = sinr_of(h, load=0.0)
    np.testing.assert_allclose(found[0, 0], POWER[0] * 8 / 0.1)
    # The interferer's beam points anywhere: it is heard as one port with all the power is.
    heard = sinr_of(h, load=1.0)
    np.testing.assert_allclose(heard[0, 0], POWER[0] * 8 / (0.1 + POWER[1]))


def test_two_antennas_collect_twice_the_power_and_null_one_interferer():
    h = np.ones((1, 2, 2, 1, 1, 4), complex)
    np.testing.assert_allclose(sinr_of(h, load=0.0)[0, 0], 2 * POWER[0] / 0.1)
    h[0, 1, 1] = -1.0  # the interferer comes from elsewhere
    np.testing.assert_allclose(sinr_of(h, load=1.0)[0, 0], 2 * POWER[0] / 0.1, rtol=1e-9)


def test_layers_carry_what_capacity_allows():
    h = drawn(20, 2, 2)
    found = sinr_of(h, load=0.0, noise=1e-3)
    assert np.isfinite(found[..., 1]).mean() > 0.9  # much SINR: two layers
    with np.errstate(invalid="ignore"):
        rate = np.nansum(np.log2(1 + found), axis=-1)
    channel = np.moveaxis(h, (2, 3), (-2, -1))
    gram = channel @ np.swapaxes(channel, -1, -2).conj()
    whole = POWER[:, None, None, None, None] / 2 / 1e-3 * gram + np.eye(2)
    capacity = np.log2(np.linalg.det(whole).real)
    # MMSE without successive cancellation loses something, and never gains.
    assert (rate <= capacity + 1e-9)[np.isfinite(found[..., 1])].all()
    assert rate.mean() > 0.7 * capacity.mean()
    weak = sinr_of(h, load=0.0, noise=1e3)
    assert np.isnan(weak[..., 1]).all()
    assert sinr_of(h, layers=1).shape[-1] == 1


def test_ports_that_are_not_there_change_nothing():
    h = drawn(4, 1, 2)
    h[:, 1, :, 1] = 0.0
    small = sinr_of(h, ports=[2, 1])
    alone = np.abs(h[:, 1, 0, 0]) ** 2 * POWER[1]
    others = (np.abs(h[:, 0, 0]) ** 2).mean(axis=1) * POWER[0]
    np.testing.assert_allclose(small[:, 1, ..., 0], alone / (0.1 + others))


def test_nothing_arrives():
    found = sinr_of(np.zeros((1, 2, 2, 2, 1, 3), complex))
    assert (found[..., 0] == 0).all()
