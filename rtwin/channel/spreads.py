"""How the power of each link is spread over delay and angle.

Every function weights paths with their power gain. `dynamic_range_db` leaves
out the paths that lie further below the strongest path of their link; None
keeps them all. Numbers of different cuts do not compare, so record the cut.
"""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Bools, Complexes, Floats, Ints
from rtwin.channel.paths import PathSet
from rtwin.channel.segments import segment_reduce, segment_sum
from rtwin.errors import OutOfRangeError
from rtwin.units import from_db

Angle = Literal["aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith"]


def mean_delay_s(paths: PathSet, dynamic_range_db: float | None = None) -> Floats:
    """Power-weighted mean of the absolute delays of each link [s].

    Args:
        paths: Paths of the links.
        dynamic_range_db: Range below the strongest path that counts [dB].
    Returns:
        [link], s; NaN for links without a path or without power.
    Raises:
        OutOfRangeError: if the range is negative.
    Source: ITU-R P.1407; checked by tests/channel/test_spreads.py.
    """
    weights = _weights(paths, dynamic_range_db)
    first = segment_reduce(np.minimum, paths.delay_s, paths.num_paths, np.nan)
    return first + _weighted_mean(paths.excess_delay_s, weights, paths.num_paths)


def rms_delay_spread_s(paths: PathSet, dynamic_range_db: float | None = None) -> Floats:
    """RMS delay spread of each link [s].

    Args:
        paths: Paths of the links.
        dynamic_range_db: Range below the strongest path that counts [dB].
    Returns:
        [link], s; 0 for one path, NaN for links without a path or without power.
    Raises:
        OutOfRangeError: if the range is negative.
    Source: ITU-R P.1407; checked by tests/channel/test_spreads.py.
    """
    weights = _weights(paths, dynamic_range_db)
    # Excess delays around their mean: far away, squares of absolute delays
    # would cancel, and the spread of one path would not be 0.
    mean = _weighted_mean(paths.excess_delay_s, weights, paths.num_paths)
    deviation = paths.excess_delay_s - np.repeat(mean, paths.num_paths)
    return np.sqrt(_weighted_mean(np.square(deviation), weights, paths.num_paths))


def mean_angle(paths: PathSet, angle: Angle, dynamic_range_db: float | None = None) -> Floats:
    """Power-weighted circular mean of one angle of each link [rad].

    Args:
        paths: Paths of the links.
        angle: Name of the angle.
        dynamic_range_db: Range below the strongest path that counts [dB].
    Returns:
        [link], rad, in (-pi, pi]; NaN for links without a path or without power.
    Raises:
        OutOfRangeError: if the range is negative or the angle has another name.
    Source: 3GPP TR 38.901, Annex A.2; checked by tests/channel/test_spreads.py.
    """
    mean = np.angle(_resultant(paths, angle, dynamic_range_db))
    return np.where(mean == -np.pi, np.pi, mean)


def rms_angular_spread(
    paths: PathSet, angle: Angle, dynamic_range_db: float | None = None
) -> Floats:
    """Circular spread of one angle of each link [rad].

    sqrt(-2 ln R), where R is the length of the power-weighted mean of
    exp(j angle); it does not depend on where the angle is counted from.

    Args:
        paths: Paths of the links.
        angle: Name of the angle.
        dynamic_range_db: Range below the strongest path that counts [dB].
    Returns:
        [link], rad; 0 for one path, within 1e-7 of rounding; large, up to inf,
        where the directions cancel; NaN for links without a path or without power.
    Raises:
        OutOfRangeError: if the range is negative or the angle has another name.
    Source: 3GPP TR 38.901, Annex A.1; checked by tests/channel/test_spreads.py.
    """
    length = np.abs(_resultant(paths, angle, dynamic_range_db))
    with np.errstate(divide="ignore"):
        # Rounding may leave the resultant of one path a little above 1.
        return np.sqrt(np.abs(2.0 * np.log(length)))


def has_line_of_sight(paths: PathSet) -> Bools:
    """Whether a path of each link touches nothing.

    Args:
        paths: Paths of the links.
    Returns:
        [link]; False for links without a path.
    Source: definition; checked by tests/channel/test_spreads.py.
    """
    return segment_sum(paths.is_line_of_sight.astype(np.int64), paths.num_paths) > 0


def rician_k_factor(paths: PathSet) -> Floats:
    """Power of the line of sight over the power of all other paths of each link, linear.

    Args:
        paths: Paths of the links.
    Returns:
        [link], linear; 0 without line of sight, inf for line of sight alone,
        NaN for links without a path or without power.
    Source: 3GPP TR 38.901, clause 7.5; checked by tests/channel/test_spreads.py.
    """
    power, direct = paths.power, paths.is_line_of_sight
    line_of_sight = segment_sum(np.where(direct, power, 0.0), paths.num_paths)
    rest = segment_sum(np.where(direct, 0.0, power), paths.num_paths)
    with np.errstate(divide="ignore", invalid="ignore"):
        return line_of_sight / rest


def _weights(paths: PathSet, dynamic_range_db: float | None) -> Floats:
    power = paths.power
    if dynamic_range_db is None:
        return power
    if not dynamic_range_db >= 0:
        raise OutOfRangeError(
            f"dynamic_range_db is {dynamic_range_db}, it must be 0 or more; None keeps all paths."
        )
    strongest = segment_reduce(np.maximum, power, paths.num_paths, 0.0)
    floor = np.repeat(strongest, paths.num_paths) * from_db(-dynamic_range_db)
    return np.where(power >= floor, power, 0.0)


def _weighted_mean(values: NDArray[Any], weights: Floats, num_paths: Ints) -> NDArray[Any]:
    with np.errstate(invalid="ignore"):
        return segment_sum(weights * values, num_paths) / segment_sum(weights, num_paths)


def _resultant(paths: PathSet, angle: Angle, dynamic_range_db: float | None) -> Complexes:
    allowed = ("aod_azimuth", "aod_zenith", "aoa_azimuth", "aoa_zenith")
    if angle not in allowed:
        raise OutOfRangeError(f"angle is {angle!r}, it must be one of {', '.join(allowed)}.")
    direction = np.exp(1j * np.asarray(getattr(paths, angle), dtype=np.float64))
    return _weighted_mean(direction, _weights(paths, dynamic_range_db), paths.num_paths)
