"""Loads of cells: a closed form, a fixed point, full and empty cells."""

import numpy as np

from rtwin.link import LinkAdaptation
from rtwin.link.layer import cell_loads, sinr_of_serving
from rtwin.units import to_db

CARRIER = LinkAdaptation(20e6)


def rate_mbps(sinr):
    return CARRIER.rate_mbps(CARRIER.spectral_efficiency(CARRIER.cqi(to_db(sinr))))


def test_a_cell_alone_is_as_loaded_as_its_users_ask():
    received = np.array([[[1e-9], [4e-10]]])
    load = cell_loads(received, np.zeros((1, 2), int), 5.0, CARRIER, 1e-11)
    np.testing.assert_allclose(load, 5 / rate_mbps(100.0) + 5 / rate_mbps(40.0))


def test_two_cells_load_each_other():
    received = np.array([[[1e-9, 1e-10], [1e-10, 1e-9]]])
    serving = np.array([[0, 1]])
    load = cell_loads(received, serving, 20.0, CARRIER, 1e-11)
    np.testing.assert_allclose(load[0, 0], load[0, 1])
    assert 20 / rate_mbps(100.0) < load[0, 0] < 20 / rate_mbps(1e-9 / 1.1e-10)
    np.testing.assert_allclose(load, 20 / rate_mbps(1e-9 / (1e-11 + load[0, 0] * 1e-10)), rtol=0.02)
    more = cell_loads(received, serving, 30.0, CARRIER, 1e-11)
    assert (more > load).all()


def test_full_cells_outage_and_nobody():
    received = np.array([[[1e-9, 0.0], [1e-20, 0.0]]])
    load = cell_loads(received, np.array([[0, 0]]), 1e4, CARRIER, 1e-11)
    np.testing.assert_array_equal(load, [[1.0, 0.0]])
    none = cell_loads(received, np.array([[-1, -1]]), 5.0, CARRIER, 1e-11)
    np.testing.assert_array_equal(none, [[0.0, 0.0]])


def test_what_others_send_is_the_share_of_their_power():
    received = np.array([[[8.0, 2.0, 1.0], [0.0, 3.0, 4.0], [5.0, 0.0, 0.0]]])
    serving = np.array([[0, 2, -1]])
    load = np.array([0.25, 0.5, 0.5])
    np.testing.assert_allclose(
        sinr_of_serving(received, serving, load[None], 0.5), [[8 / 2.0, 4 / 2.0, 0.0]]
    )
    several = np.stack([load, np.zeros(3)])[:, None]
    found = sinr_of_serving(received, serving, several, 0.5)
    np.testing.assert_allclose(found, [[[4.0, 2.0, 0.0]], [[16.0, 8.0, 0.0]]])
