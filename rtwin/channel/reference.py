"""Closed forms: what the ray tracer must agree with where an answer is known.

Time goes with exp(+j omega t), so a lossy permittivity has a negative
imaginary part. TE has its electric field across the plane of incidence, TM
within it. Angles of incidence are counted from the surface normal. All
functions work on arrays, element by element.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Complexes, Floats
from rtwin.units import SPEED_OF_LIGHT_M_S, VACUUM_PERMITTIVITY_F_M, to_db


class SurfaceCoefficients(NamedTuple):
    """Field coefficients of a surface, linear, complex."""

    te: Complexes
    tm: Complexes


class SlabCoefficients(NamedTuple):
    """Field coefficients of a slab, linear, complex."""

    reflection_te: Complexes
    reflection_tm: Complexes
    transmission_te: Complexes
    transmission_tm: Complexes


def free_space_path_loss_db(distance_m: ArrayLike, frequency_hz: ArrayLike) -> Floats:
    """Path loss between isotropic antennas in free space [dB].

    Args:
        distance_m: Distance [m], above 0.
        frequency_hz: Frequency [Hz].
    Returns:
        Shape of the inputs, dB.
    Source: Friis; ITU-R P.525; checked by tests/physics/test_free_space.py.
    """
    return -2.0 * to_db(_wavelength(frequency_hz) / (4 * np.pi * np.asarray(distance_m)))


def two_ray_path_loss_db(
    distance_m: ArrayLike,
    tx_height_m: ArrayLike,
    rx_height_m: ArrayLike,
    frequency_hz: ArrayLike,
    reflection_coefficient: ArrayLike = -1.0,
) -> Floats:
    """Path loss over flat ground between isotropic antennas [dB].

    Args:
        distance_m: Horizontal distance [m].
        tx_height_m: Height of the transmitter above ground [m].
        rx_height_m: Height of the receiver above ground [m].
        frequency_hz: Frequency [Hz].
        reflection_coefficient: Field coefficient of the ground, linear,
            complex, at `two_ray_incidence_angle`. A perfect conductor has -1
            in TE, for horizontal antennas, and +1 in TM, for vertical ones.
    Returns:
        Shape of the inputs, dB; inf where the two rays cancel.
    Source: image principle; checked by tests/physics/test_two_ray.py.
    """
    wavelength = _wavelength(frequency_hz)
    direct = np.hypot(distance_m, np.subtract(tx_height_m, rx_height_m))
    reflected = np.hypot(distance_m, np.add(tx_height_m, rx_height_m))
    line_of_sight = np.exp(-2j * np.pi * direct / wavelength) / direct
    bounce = np.exp(-2j * np.pi * reflected / wavelength) / reflected
    field = np.abs(line_of_sight + np.asarray(reflection_coefficient) * bounce)
    return -2.0 * to_db(wavelength / (4 * np.pi) * field)


def two_ray_incidence_angle(
    distance_m: ArrayLike, tx_height_m: ArrayLike, rx_height_m: ArrayLike
) -> Floats:
    """Angle of incidence of the ray that the ground reflects [rad].

    Args:
        distance_m: Horizontal distance [m].
        tx_height_m: Height of the transmitter above ground [m].
        rx_height_m: Height of the receiver above ground [m].
    Returns:
        Shape of the inputs, rad, from the vertical.
    Source: image principle; checked by tests/physics/test_two_ray.py.
    """
    return np.arctan2(distance_m, np.add(tx_height_m, rx_height_m))


def two_ray_break_point_m(
    tx_height_m: ArrayLike, rx_height_m: ArrayLike, frequency_hz: ArrayLike
) -> Floats:
    """Distance from which the two-ray loss falls with the fourth power [m].

    Args:
        tx_height_m: Height of the transmitter above ground [m].
        rx_height_m: Height of the receiver above ground [m].
        frequency_hz: Frequency [Hz].
    Returns:
        Shape of the inputs, m.
    Source: ITU-R P.1411; checked by tests/physics/test_two_ray.py.
    """
    return 4.0 * np.multiply(tx_height_m, rx_height_m) / _wavelength(frequency_hz)


def complex_permittivity(
    relative_permittivity: ArrayLike, conductivity_s_per_m: ArrayLike, frequency_hz: ArrayLike
) -> Complexes:
    """Relative permittivity with the conductivity as its imaginary part, linear.

    Args:
        relative_permittivity: Real part, linear.
        conductivity_s_per_m: Conductivity [S/m].
        frequency_hz: Frequency [Hz].
    Returns:
        Shape of the inputs, linear, with an imaginary part of 0 or below.
    Source: ITU-R P.2040, section 2.1; checked by tests/physics/test_fresnel.py.
    """
    omega = 2 * np.pi * np.asarray(frequency_hz, dtype=np.float64)
    loss = np.asarray(conductivity_s_per_m) / (omega * VACUUM_PERMITTIVITY_F_M)
    return np.asarray(relative_permittivity) - 1j * loss


def fresnel_half_space(incidence_angle: ArrayLike, permittivity: ArrayLike) -> SurfaceCoefficients:
    """Reflection of a plane wave in air from a medium without a back side, linear.

    Args:
        incidence_angle: Angle from the normal [rad], 0 to pi/2.
        permittivity: Complex relative permittivity of the medium, linear.
    Returns:
        Coefficients for TE and TM, shape of the inputs, complex.
    Source: ITU-R P.2040, section 2.2.2; checked by tests/physics/test_fresnel.py.
    """
    cos_incidence = np.cos(incidence_angle)
    across = _normal_wavenumber(incidence_angle, permittivity)
    te = (cos_incidence - across) / (cos_incidence + across)
    tilted = np.asarray(permittivity) * cos_incidence
    return SurfaceCoefficients(te, (tilted - across) / (tilted + across))


def slab_reflection_transmission(
    incidence_angle: ArrayLike,
    permittivity: ArrayLike,
    thickness_m: ArrayLike,
    frequency_hz: ArrayLike,
) -> SlabCoefficients:
    """Reflection and transmission of a plane wave at a slab in air, linear.

    All internal reflections are summed. This is the material of Sionna RT.

    Args:
        incidence_angle: Angle from the normal [rad], 0 to pi/2 (excluded).
        permittivity: Complex relative permittivity of the slab, linear.
        thickness_m: Thickness [m].
        frequency_hz: Frequency [Hz].
    Returns:
        Coefficients for TE and TM, shape of the inputs, complex.
    Source: ITU-R P.2040, section 2.2.2.2; checked by tests/physics/test_slab.py.
    """
    surface = fresnel_half_space(incidence_angle, permittivity)
    turns = np.asarray(thickness_m) / _wavelength(frequency_hz)
    once = np.exp(-2j * np.pi * turns * _normal_wavenumber(incidence_angle, permittivity))
    pairs = [
        (r * (1 - once**2) / (1 - (r * once) ** 2), (1 - r**2) * once / (1 - (r * once) ** 2))
        for r in surface
    ]
    (reflection_te, transmission_te), (reflection_tm, transmission_tm) = pairs
    return SlabCoefficients(reflection_te, reflection_tm, transmission_te, transmission_tm)


def _normal_wavenumber(incidence_angle: ArrayLike, permittivity: ArrayLike) -> Complexes:
    """Wavenumber along the normal inside a medium, relative to the one in air."""
    squared = np.asarray(permittivity, dtype=np.complex128) - np.square(np.sin(incidence_angle))
    root = np.sqrt(squared)
    # A passive medium weakens the wave: the imaginary part is never positive.
    return np.where(root.imag > 0, -root, root)


def _wavelength(frequency_hz: ArrayLike) -> Floats:
    return SPEED_OF_LIGHT_M_S / np.asarray(frequency_hz, dtype=np.float64)
