"""Constants, decibels and directions: what every layer may import.

Frame: x east, y north, z up, metres. Azimuth is counted from +x towards +y in
(-pi, pi], zenith from +z in [0, pi].
"""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats

SPEED_OF_LIGHT_M_S = 299792458.0
BOLTZMANN_J_K = 1.380649e-23
VACUUM_PERMITTIVITY_F_M = 8.8541878188e-12  # CODATA 2022


def to_db(power_ratio: ArrayLike) -> Floats:
    """Power ratio in decibel [dB]; -inf for zero, without a warning."""
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(np.asarray(power_ratio, dtype=np.float64))


def from_db(decibel: ArrayLike) -> Floats:
    """Linear power ratio of a value in decibel."""
    return np.power(10.0, np.asarray(decibel, dtype=np.float64) / 10.0)


def wavelength_m(frequency_hz: float) -> float:
    """Free-space wavelength [m]."""
    return SPEED_OF_LIGHT_M_S / frequency_hz


def wrap_angle(angle: ArrayLike) -> Floats:
    """Angle [rad] brought to (-pi, pi]."""
    angle = np.asarray(angle, dtype=np.float64)
    wrapped = np.pi - np.mod(np.pi - angle, 2.0 * np.pi)
    # Just above pi the remainder rounds up to a full turn.
    return np.where(wrapped <= -np.pi, np.pi, wrapped)


def unit_vector(azimuth: ArrayLike, zenith: ArrayLike) -> Floats:
    """Unit vectors of directions given as azimuth and zenith [rad], [..., 3]."""
    azimuth, zenith = np.broadcast_arrays(azimuth, zenith)
    sin_zenith = np.sin(zenith)
    return np.stack(
        [sin_zenith * np.cos(azimuth), sin_zenith * np.sin(azimuth), np.cos(zenith)], axis=-1
    )


def azimuth_zenith(vector: ArrayLike) -> tuple[Floats, Floats]:
    """Azimuth and zenith [rad] of vectors [..., 3] of any length above zero.

    The azimuth of a vertical vector is 0. Zenith comes from atan2, which keeps
    its precision near the poles where arccos(z) loses half of the digits.
    """
    # Adding zero turns -0.0 into 0.0, for which atan2 would answer pi.
    x, y, z = np.moveaxis(np.asarray(vector, dtype=np.float64) + 0.0, -1, 0)
    azimuth = np.arctan2(y, x)
    azimuth = np.where(azimuth == -np.pi, np.pi, azimuth)
    return azimuth, np.arctan2(np.hypot(x, y), z)


def rotation_matrix(angles: ArrayLike) -> Floats:
    """Rotation matrices from yaw, pitch and roll [rad], [..., 3] -> [..., 3, 3].

    R = Rz(yaw) Ry(pitch) Rx(roll): a device whose boresight is +x is turned by
    its azimuth (yaw), tilted down by its pitch, and rolled about its boresight.
    Source: 3GPP TR 38.901, clause 7.1.
    """
    yaw, pitch, roll = np.moveaxis(np.asarray(angles, dtype=np.float64), -1, 0)
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    rows = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
