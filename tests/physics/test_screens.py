"""Several knife edges: one is the Fresnel integral, equal ones have a closed form, and two
and three agree with the integral over their openings done by brute force."""

import numpy as np
import pytest

from rtwin.channel import knife_edge_loss_db, knife_edge_nu, knife_edges
from rtwin.units import to_db

WAVELENGTH_M = 0.0857


def test_none_is_free_space():
    assert knife_edges(np.array([[3.0], [5.0]]), np.zeros((2, 0)), WAVELENGTH_M).tolist() == [1, 1]


@pytest.mark.parametrize("bend", [-0.02, 0.0, 1e-3, 0.03, 0.5, 1.4])
def test_one_is_the_fresnel_integral(bend):
    way = np.array([[30.0, 70.0], [200.0, 5.0], [0.7, 900.0]])
    found = knife_edges(way, np.full((3, 1), bend), WAVELENGTH_M)
    height = bend / (1 / way[:, 0] + 1 / way[:, 1])
    nu = knife_edge_nu(height, way[:, 0], way[:, 1], 299792458.0 / WAVELENGTH_M)
    np.testing.assert_allclose(-2 * to_db(np.abs(found)), knife_edge_loss_db(nu), atol=2e-4)


@pytest.mark.parametrize("count", range(1, 11))
def test_equal_screens_in_line(count):
    """K screens at equal distances that just touch the line: 1 / (K + 1) of the field.

    Vogler 1982; it is what Walfisch and Bertoni's settled field begins with (Lee 1978).
    """
    found = knife_edges(np.full((1, count + 1), 50.0), np.zeros((1, count)), WAVELENGTH_M)
    assert np.abs(found[0]) == pytest.approx(1 / (count + 1), rel=1e-6)


def test_many_screens_below_a_distant_antenna():
    """Walfisch and Bertoni 1988 (ITU-R P.1411): the field of a plane wave that grazes many
    rows of equal roofs at the angle a settles at 2.35 g^0.9, g = a sqrt(d / wavelength)."""
    count, spacing, distance = 60, 40.0, 200e3
    for angle in (0.4e-2, 0.8e-2, 1.2e-2):
        way = np.full((1, count + 1), spacing)
        way[0, 0] = distance
        bend = np.zeros((1, count))
        bend[0, 0] = -angle  # the antenna stands above the roofs
        found = np.abs(knife_edges(way, bend, WAVELENGTH_M)[0])
        settled = 2.35 * (angle * np.sqrt(spacing / WAVELENGTH_M)) ** 0.9
        assert abs(2 * to_db(found / settled)) < 0.6


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_brute_force(count, seed):
    """The field carried from opening to opening on a fine grid, with an absorbing end."""
    random = np.random.default_rng(seed)
    wavelength = 1.0
    way = random.uniform(200, 800, count + 1)
    bend = random.uniform(-0.02, 0.08, count)
    k = 2 * np.pi / wavelength
    place = np.cumsum(way)
    # Heights of the edges over the straight line between the ends, from the bends.
    slope, height, heights = 0.0, 0.0, []
    for m in range(count):
        height += slope * way[m]
        heights.append(height)
        slope -= bend[m]
    end = height + slope * way[count]
    heights = np.array(heights) - end * place[:-1] / place[-1]
    y = np.linspace(-300, 3000, 2**18)
    step = y[1] - y[0]
    # Rays that leave at y arrive up to five times as high: none may come round the grid's end.
    taper = np.exp(-((np.maximum(y - 100, 0) / 100) ** 2))

    def carry(field, r):
        spectrum = np.fft.fft(field)
        transverse = 2 * np.pi * np.fft.fftfreq(len(y), step)
        return np.fft.ifft(spectrum * np.exp(1j * transverse**2 * r / (2 * k)))

    field = np.exp(-1j * k * y**2 / (2 * way[0])) * np.sqrt(1j * k / (2 * np.pi * way[0]))
    for m in range(count):
        share = np.clip((y - heights[m]) / step + 0.5, 0, 1)
        field = field * share * taper
        if m < count - 1:
            field = carry(field, way[m + 1])
    last = np.exp(-1j * k * y**2 / (2 * way[-1])) * np.sqrt(1j * k / (2 * np.pi * way[-1]))
    free = np.sqrt(1j * k / (2 * np.pi * place[-1]))
    brute = np.abs((field * last).sum() * step / free)
    found = np.abs(knife_edges(way[None], bend[None], wavelength)[0])
    assert abs(2 * to_db(found / brute)) < 0.01


def test_edges_very_near_each_other_are_one():
    one = knife_edges(np.array([[40.0, 60.0]]), np.array([[0.03]]), WAVELENGTH_M)
    two = knife_edges(np.array([[40.0, 1e-4, 60.0]]), np.array([[0.015, 0.015]]), WAVELENGTH_M)
    assert 2 * to_db(np.abs(two / one)) == pytest.approx(0, abs=0.3)


def test_both_directions_are_alike():
    random = np.random.default_rng(5)
    way, bend = random.uniform(1, 300, (40, 5)), random.uniform(-0.02, 0.4, (40, 4))
    there = knife_edges(way, bend, WAVELENGTH_M)
    back = knife_edges(way[:, ::-1], bend[:, ::-1], WAVELENGTH_M)
    np.testing.assert_allclose(back, there, rtol=1e-6)
