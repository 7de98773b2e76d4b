"""Path gains of a map as CRRM and AIMM ask for them."""

import numpy as np
import pytest

from rtwin.errors import OutOfRangeError
from rtwin.export import RadioMapGains
from rtwin.units import to_db

from ..conftest import MASTS


def test_gains_are_those_of_the_map(cells):
    gains = RadioMapGains(cells)
    users = np.array([[15.0, 5.0, 1.5], [25.0, 15.0, 1.5], [99.0, 5.0, 1.5]])
    wanted = np.array([[2e-8, 1e-10], [6e-8, 0.0], [0.0, 0.0]])  # no ray, outside
    distance = np.zeros((3, 2))
    np.testing.assert_allclose(gains.crrm(distance, distance, users, MASTS), wanted)
    # Cells in another order, and one user alone as CRRM asks after it has moved.
    swapped = gains.crrm(distance, distance, users, MASTS[::-1])
    np.testing.assert_allclose(swapped, wanted[:, ::-1])
    np.testing.assert_allclose(gains.crrm(distance[0], distance[0], users[0], MASTS), wanted[0])
    for user, row in zip(users, wanted, strict=True):
        for mast, gain in zip(MASTS, row, strict=True):
            assert gains.aimm(mast, user) == pytest.approx(-to_db(gain))


def test_other_cells_are_refused(cells):
    gains = RadioMapGains(cells)
    with pytest.raises(OutOfRangeError, match=r"a cell is at \(7.00, 0.00, 12.00\) m"):
        gains.aimm(np.array([7.0, 0.0, 12.0]), np.array([15.0, 5.0, 1.5]))
