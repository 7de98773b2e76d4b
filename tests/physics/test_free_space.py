import numpy as np
import pytest

from rtwin.channel import free_space_path_loss_db


@pytest.mark.parametrize(("frequency_hz", "loss_db"), [(3.5e9, 83.329), (28e9, 101.391)])
def test_friis_at_100_m(frequency_hz, loss_db):
    np.testing.assert_allclose(free_space_path_loss_db(100.0, frequency_hz), loss_db, atol=5e-4)


def test_loss_rises_by_20_db_per_decade():
    loss = free_space_path_loss_db([1, 10, 100], 3.5e9)
    np.testing.assert_allclose(np.diff(loss), 20.0)


def test_distance_and_wavelength_scale_together():
    loss = free_space_path_loss_db(100.0, 3.5e9)
    np.testing.assert_allclose(free_space_path_loss_db(300.0, 3.5e9 / 3), loss)
