"""Path loss and element pattern of 3GPP TR 38.901: what statistics know without a map."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.units import SPEED_OF_LIGHT_M_S

Scenario = Literal["uma", "umi", "inh"]


def tr38901_path_loss_db(
    scenario: Scenario,
    distance_2d_m: ArrayLike,
    bs_height_m: ArrayLike,
    ut_height_m: ArrayLike,
    frequency_hz: float,
    line_of_sight: bool,
) -> Floats:
    """Median path loss of a scenario [dB].

    Args:
        scenario: "uma" (macro), "umi" (street canyon) or "inh" (indoor office).
        distance_2d_m: Horizontal distance [m]; below 1 m counts as 1 m.
        bs_height_m: Height of the base station above ground [m].
        ut_height_m: Height of the user terminal above ground [m].
        frequency_hz: Carrier frequency [Hz].
        line_of_sight: Which of the two models.
    Returns:
        Shape of the inputs, dB.
    Source: 3GPP TR 38.901 V17, table 7.4.1-1, effective environment height 1 m;
    checked by tests/channel/test_tr38901.py.
    """
    f_ghz = frequency_hz / 1e9
    flat = np.maximum(np.asarray(distance_2d_m, np.float64), 1.0)
    bs, ut = np.asarray(bs_height_m, np.float64), np.asarray(ut_height_m, np.float64)
    d = np.hypot(flat, bs - ut)
    if scenario == "inh":
        sight = 32.4 + 17.3 * np.log10(d) + 20 * np.log10(f_ghz)
        if line_of_sight:
            return sight
        return np.maximum(sight, 38.3 * np.log10(d) + 17.30 + 24.9 * np.log10(f_ghz))
    # The environment stands 1 m high; antennas below that would have no break point.
    brk = 4 * np.maximum(bs - 1, 0.1) * np.maximum(ut - 1, 0.1) * frequency_hz / SPEED_OF_LIGHT_M_S
    near, far, base = {"uma": (22.0, -9.0, 28.0), "umi": (21.0, -9.5, 32.4)}[scenario]
    first = base + near * np.log10(d) + 20 * np.log10(f_ghz)
    second = base + 40 * np.log10(d) + 20 * np.log10(f_ghz)
    second = second + far * np.log10(brk**2 + (bs - ut) ** 2)
    sight = np.where(flat <= brk, first, second)
    if line_of_sight:
        return sight
    if scenario == "uma":
        blocked = 13.54 + 39.08 * np.log10(d) + 20 * np.log10(f_ghz) - 0.6 * (ut - 1.5)
    else:
        blocked = 35.3 * np.log10(d) + 22.4 + 21.3 * np.log10(f_ghz) - 0.3 * (ut - 1.5)
    return np.maximum(sight, blocked)


def tr38901_los_probability(scenario: Scenario, distance_2d_m: ArrayLike) -> Floats:
    """Probability of line of sight, for terminals below 13 m.

    Args:
        scenario: "uma", "umi" or "inh" (the mixed office).
        distance_2d_m: Horizontal distance [m].
    Returns:
        Shape of the input, 0 to 1.
    Source: 3GPP TR 38.901 V17, table 7.4.2-1; checked by tests/channel/test_tr38901.py.
    """
    d = np.maximum(np.asarray(distance_2d_m, np.float64), 1e-9)
    if scenario == "inh":
        middle = np.exp(-(d - 1.2) / 4.7)
        return np.where(d <= 1.2, 1.0, np.where(d < 6.5, middle, np.exp(-(d - 6.5) / 32.6) * 0.32))
    fade = 63.0 if scenario == "uma" else 36.0
    return np.where(d <= 18, 1.0, 18 / d + np.exp(-d / fade) * (1 - 18 / d))


def tr38901_element_gain_db(azimuth_deg: ArrayLike, zenith_deg: ArrayLike) -> Floats:
    """Gain of an element over its boresight [dB], boresight at azimuth 0 and zenith 90 deg.

    Args:
        azimuth_deg: Azimuth from the boresight [deg], -180 to 180.
        zenith_deg: Zenith in the frame of the element [deg].
    Returns:
        Shape of the inputs, dB, 0 to -30.
    Source: 3GPP TR 38.901 V17, table 7.3-1; checked by tests/channel/test_tr38901.py.
    """
    vertical = np.minimum(12 * ((np.asarray(zenith_deg) - 90) / 65) ** 2, 30.0)
    horizontal = np.minimum(12 * (np.asarray(azimuth_deg) / 65) ** 2, 30.0)
    return -np.minimum(vertical + horizontal, 30.0)
