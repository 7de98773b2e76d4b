import numpy as np
import pytest

from rtwin.channel import AntennaArray, cir, planar_array_positions_m, steering
from rtwin.errors import ShapeError
from rtwin.units import azimuth_zenith, rotation_matrix, wavelength_m

FREQUENCY_HZ = 3.5e9
WAVELENGTH_M = wavelength_m(FREQUENCY_HZ)


def test_planar_array_is_numbered_down_the_columns():
    # Two rows and three columns: top left first, -y is left.
    positions = planar_array_positions_m(2, 3, 1.0, 0.5, wavelength_m=2.0)
    expected = [[0, y, z] for y in (-1, 0, 1) for z in (1, -1)]
    np.testing.assert_allclose(positions, expected, atol=1e-15)


def test_planar_array_needs_an_element():
    with pytest.raises(ValueError, match="0 x 2 elements"):
        planar_array_positions_m(0, 2, 0.5, 0.5, 0.1)


@pytest.mark.parametrize(
    ("positions", "orientation"),
    [
        ([0, 0, 0], [0, 0, 0]),
        ([[0, 0, 0]], [0]),
        (np.zeros((0, 3)), np.zeros(3)),
        (np.zeros((4, 2)), np.zeros(3)),
        (np.zeros((1, 1, 1, 3)), np.zeros(3)),
        (np.zeros((1, 3)), np.zeros((1, 1, 3))),
        (np.zeros((1, 3)), np.zeros((0, 3))),
    ],
)
def test_wrong_shapes_are_named(positions, orientation):
    with pytest.raises(ShapeError, match=r"has shape .* must be \[n, 3\]"):
        AntennaArray(positions, orientation)


def test_arrays_of_links_are_as_many_as_their_orientations():
    assert AntennaArray(np.zeros((2, 4, 3)), np.zeros((2, 3))).num_elements == 4
    with pytest.raises(ShapeError, match=r"\(2, 4, 3\), orientation \(1, 3\); .* equally many"):
        AntennaArray(np.zeros((2, 4, 3)))


def test_steering_equals_the_exact_distances_in_the_far_field(make_paths):
    """Both ends are arrays, turned differently, 20 km apart."""
    rng = np.random.default_rng(3)
    tx_at, rx_at = np.zeros(3), np.array([12e3, -16e3, 900.0])
    tx_turn, rx_turn = rng.uniform(-3, 3, 3), rng.uniform(-3, 3, 3)
    tx_elements, rx_elements = rng.uniform(-0.2, 0.2, (2, 4, 3))
    departure, arrival = azimuth_zenith(rx_at - tx_at), azimuth_zenith(tx_at - rx_at)
    paths = make_paths(
        [1],
        a=[[[1.0]]],
        delay_s=[0.0],
        aod_azimuth=[departure[0]],
        aod_zenith=[departure[1]],
        aoa_azimuth=[arrival[0]],
        aoa_zenith=[arrival[1]],
    )
    b = cir(
        paths,
        tx_array=AntennaArray(tx_elements, tx_turn),
        rx_array=AntennaArray(rx_elements, rx_turn),
    )[0, ..., 0]
    tx_points = tx_at + tx_elements @ rotation_matrix(tx_turn).T
    rx_points = rx_at + rx_elements @ rotation_matrix(rx_turn).T
    distance = np.linalg.norm(rx_points[:, None] - tx_points, axis=-1)
    extra = distance - np.linalg.norm(rx_at - tx_at)
    np.testing.assert_allclose(b, np.exp(-2j * np.pi * extra / WAVELENGTH_M), atol=1e-3)
    assert np.ptp(extra) > WAVELENGTH_M / 2


def test_each_link_has_its_own_orientation():
    """A wave from +x meets an element on +y; turned by 90 degrees it lies on -x."""
    array = AntennaArray(
        [[0.0, WAVELENGTH_M / 4, 0.0]], [[0.0, 0.0, 0.0], [np.pi / 2, 0.0, 0.0], [-np.pi / 2, 0, 0]]
    )
    wave = np.zeros(3), np.full(3, np.pi / 2)
    factors = steering(array, *wave, np.array([0, 1, 2]), WAVELENGTH_M)
    np.testing.assert_allclose(factors[:, 0], [1, -1j, 1j], atol=1e-12)


def test_ports_have_the_polarisation_outermost(make_paths):
    paths = make_paths(
        [1],
        a=[[[1.0, 2.0]]],
        delay_s=[0.0],
        aod_azimuth=[np.pi / 2],
        aod_zenith=[np.pi / 2],
    )
    # The second element lies a quarter wavelength ahead of the first.
    array = AntennaArray([[0.0, 0.0, 0.0], [0.0, WAVELENGTH_M / 4, 0.0]])
    b = cir(paths, tx_array=array)[0, 0, :, 0]
    np.testing.assert_allclose(b, [1, 1j, 2, 2j], atol=1e-12)
