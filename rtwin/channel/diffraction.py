"""Knife-edge diffraction by the exact Fresnel integral, in closed form.

The tail of the Fresnel integral is taken along the line in the complex plane
on which its integrand decays without oscillating (steepest descent):

    G(x) = int_x^inf exp(j pi t^2 / 2) dt
         = exp(j pi x^2 / 2 + j pi / 4) int_0^inf exp(-pi s^2 / 2 - pi x s (1 - j) / sqrt 2) ds

for x >= 0, where Gauss-Legendre points give all digits for every x. The tail
itself, not 1/2 minus an integral, is what diffraction needs: in deep shadow it
keeps its relative precision.
"""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Complexes, Floats
from rtwin.units import SPEED_OF_LIGHT_M_S, to_db

_NUM_POINTS = 32


def fresnel_integrals(x: ArrayLike) -> tuple[Floats, Floats]:
    """Fresnel cosine and sine integrals of pi t^2 / 2 from 0 to x.

    Args:
        x: Upper limit, [...]; any sign.
    Returns:
        C(x) and S(x), both [...], accurate to 1e-12.
    Source: steepest descent, see the module; checked by tests/physics/test_knife_edge.py.
    """
    limit = np.asarray(x, dtype=np.float64)
    integral = 0.5 + 0.5j - _fresnel_tail(np.abs(limit))
    return np.copysign(integral.real, limit), np.copysign(integral.imag, limit)


def knife_edge_nu(
    height_m: ArrayLike, tx_distance_m: ArrayLike, rx_distance_m: ArrayLike, frequency_hz: ArrayLike
) -> Floats:
    """Diffraction parameter of a knife edge, without a unit.

    Args:
        height_m: Height of the edge above the straight line between the ends
            [m]; negative where the line is clear.
        tx_distance_m: Distance from the transmitter to the edge [m].
        rx_distance_m: Distance from the edge to the receiver [m].
        frequency_hz: Frequency [Hz].
    Returns:
        Shape of the inputs; 0 where the edge touches the line.
    Source: ITU-R P.526, section 4.1; checked by tests/physics/test_knife_edge.py.
    """
    curvature = 1.0 / np.asarray(tx_distance_m) + 1.0 / np.asarray(rx_distance_m)
    wavelength = SPEED_OF_LIGHT_M_S / np.asarray(frequency_hz)
    return np.asarray(height_m) * np.sqrt(2.0 * curvature / wavelength)


def knife_edge_loss_db(nu: ArrayLike) -> Floats:
    """Loss by a knife edge over free space [dB].

    Args:
        nu: Diffraction parameter of `knife_edge_nu`, [...].
    Returns:
        [...], dB; slightly negative in places where the line is clear.
    Source: ITU-R P.526, section 4.1; checked by tests/physics/test_knife_edge.py.
    """
    nu = np.asarray(nu, dtype=np.float64)
    tail = _fresnel_tail(np.abs(nu))
    return -2.0 * to_db(np.abs(np.where(nu < 0, 1.0 + 1.0j - tail, tail)) / np.sqrt(2.0))


def _fresnel_tail(x: Floats) -> Complexes:
    """G(x) of the module, for x >= 0: [...]."""
    points, weights = np.polynomial.legendre.leggauss(_NUM_POINTS)
    # Beyond this s the integrand is below 1e-16 of its start.
    reach = np.minimum(5.0, 12.0 * np.sqrt(2.0) / np.maximum(x, 1.0))[..., None]
    s = reach * (points + 1.0) / 2.0
    slope = np.pi * x[..., None] * (1.0 - 1.0j) / np.sqrt(2.0)
    integrand = np.exp(-np.pi / 2.0 * np.square(s) - slope * s)
    along = (integrand * weights).sum(axis=-1) * reach[..., 0] / 2.0
    return np.exp(1j * np.pi * (np.square(x) / 2.0 + 0.25)) * along
