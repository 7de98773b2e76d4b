import numpy as np
import pytest

from rtwin import channel
from rtwin.errors import ShapeError
from rtwin.units import to_db

# [tx, cell_y, cell_x]: one row of four cells.
GAIN = np.array([[[1e-6, 1e-9, 0.0, 1e-9]], [[1e-7, 1e-8, 0.0, 0.0]]])


def test_received_power():
    # 30 dBm over 60 dB is -30 dBm.
    expected = [[[-30, -60, -np.inf, -60]], [[-50, -60, -np.inf, -np.inf]]]
    np.testing.assert_allclose(channel.rss_dbm(GAIN, [30, 20]), expected)


def test_sinr_by_hand():
    # 1 W and 0.1 W over the gains above, with 1e-9 W of noise.
    result = channel.sinr(GAIN, [30, 20], 1e-9)
    first = [1e-6 / (1e-8 + 1e-9), 1e-9 / (1e-9 + 1e-9), 0.0, 1.0]
    second = [1e-8 / (1e-6 + 1e-9), 1e-9 / (1e-9 + 1e-9), 0.0, 0.0]
    np.testing.assert_allclose(result, [[first], [second]])


def test_interference_is_the_sum_of_all_others():
    gain = np.random.default_rng(0).uniform(1e-12, 1e-6, (5, 3, 2))
    expected = [gain[n] / (np.delete(gain, n, axis=0).sum(axis=0) + 1e-9) for n in range(5)]
    np.testing.assert_allclose(channel.sinr(gain, 30.0, 1e-9), expected, rtol=1e-12)


def test_weak_interference_survives_next_to_a_strong_signal():
    gain = np.array([1.0, 1e-20, 1e-20]).reshape(3, 1, 1)
    np.testing.assert_allclose(channel.sinr(gain, 30.0, 0.0)[0], 0.5e20)


def test_one_transmitter_without_noise():
    gain = np.array([[[1e-9, 0.0]]])
    assert channel.sinr(gain, 30.0, 0.0).tolist() == [[[np.inf, 0.0]]]


def test_thermal_noise():
    np.testing.assert_allclose(to_db(channel.thermal_noise_w(1.0)) + 30, -173.975, atol=1e-3)
    np.testing.assert_allclose(
        to_db(channel.thermal_noise_w(100e6, 290.0, 7.0)) + 30, -86.975, atol=1e-3
    )


def test_serving_transmitter():
    # With 10 dB more power the second one also takes the first cell's tie.
    assert channel.serving_transmitter(GAIN, 30.0).tolist() == [[0, 1, -1, 0]]
    assert channel.serving_transmitter(GAIN, [30, 45]).tolist() == [[1, 1, -1, 0]]
    assert channel.serving_transmitter(GAIN, 30.0).dtype == np.int16


def test_equal_transmitters_and_nothing_at_all():
    assert channel.serving_transmitter(np.ones((3, 1, 2)), 30.0).tolist() == [[0, 0]]
    assert channel.serving_transmitter(np.full((2, 1, 1), np.nan), 30.0).tolist() == [[-1]]
    assert channel.serving_transmitter(np.zeros((0, 1, 2)), 30.0).tolist() == [[-1, -1]]


def test_cell_centers():
    centers = channel.cell_centers_m([10, 20, 1.5], [4, 2], [2, 1])
    assert centers.shape == (2, 2, 3)
    # Row is y, column is x.
    np.testing.assert_allclose(centers[0, 1], [11, 19.5, 1.5])
    np.testing.assert_allclose(centers[1, 0], [9, 20.5, 1.5])


def test_a_map_grows_to_whole_cells_about_its_center():
    # 2.1 / 0.3 is a little above 7 in floating point, and yet 7 cells.
    centers = channel.cell_centers_m([0, 0, 0], [5, 2.1], [2, 0.3])
    assert centers.shape == (7, 3, 3)
    np.testing.assert_allclose(centers[0, :, 0], [-2, 0, 2])
    np.testing.assert_allclose(centers.mean(axis=(0, 1)), 0, atol=1e-15)


def test_standard_error_by_hand():
    # Mean 2, standard deviation sqrt 2, standard error 1: half the mean.
    error = channel.standard_error_db(np.array([[1.0, 0.0], [3.0, 0.0]]))
    np.testing.assert_allclose(error, [0.5 * 10 / np.log(10), np.nan])


def test_standard_error_predicts_the_scatter_of_the_mean_in_decibel():
    draws = np.random.default_rng(0).gamma(100.0, size=(20, 4000))
    predicted = np.sqrt(np.square(channel.standard_error_db(draws)).mean())
    np.testing.assert_allclose(to_db(draws.mean(axis=0)).std(), predicted, rtol=0.05)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ShapeError, match=r"\(2, 1, 4\) and tx_power_dbm \(3,\)"):
        channel.rss_dbm(GAIN, [30, 30, 30])
    with pytest.raises(ShapeError, match=r"\(1, 4\)"):
        channel.sinr(GAIN[0], 30.0, 1e-9)
    with pytest.raises(ShapeError, match=r"\(2,\), \(2,\) and \(2,\)"):
        channel.cell_centers_m([0, 0], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="must be above 0 m"):
        channel.cell_centers_m([0, 0, 0], [1, 1], [1, 0])
    with pytest.raises(ShapeError, match="two or more runs"):
        channel.standard_error_db(GAIN[:1])
    with pytest.raises(ShapeError, match="32767"):
        channel.serving_transmitter(np.zeros((32768, 1, 1)), 30.0)
