"""Whether measured values can be what they are called: watts for dBm, losses for gains.

A unit that is wrong everywhere is an error that names the likely one; single values
that cannot be are set aside, as all that cannot be used.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rtwin.arrays import Bools, Floats
from rtwin.errors import CampaignError


@dataclass(frozen=True)
class Range:
    """What the values of a quantity can be, and what they are where they are not."""

    low: float
    high: float
    unit: str
    below: str  # what values below are likely to be
    above: str
    instead_below: tuple[str, ...] = ()  # the quantities that those are
    instead_above: tuple[str, ...] = ()


RANGES = {
    "rss_dbm": Range(
        -250.0,
        60.0,
        "dBm",
        "a level minus an offset in dB, or a mark for nothing heard",
        "path loss [dB]",
        instead_above=("path_loss_db",),
    ),
    "path_loss_db": Range(
        0.0,
        300.0,
        "dB",
        "path gain or received power",
        "a mark for nothing heard",
        instead_below=("path_gain_db", "rss_dbm"),
    ),
    "path_gain_db": Range(
        -300.0,
        20.0,
        "dB",
        "a mark for nothing heard",
        "path loss",
        instead_above=("path_loss_db",),
    ),
    "rms_delay_spread_s": Range(
        0.0, 1e-3, "s", "a mark for nothing heard", "nanoseconds or microseconds; give seconds"
    ),
}
# Rows at the lowest level that make it a floor: so many, so large a share, and so many times
# those of each of the next levels.
_PILE, _PILE_SHARE, _PILE_OVER, _NEXT = 10, 0.03, 3.0, 5
_LINEAR_BELOW = 0.1  # dBm never lie all between 0 and this


def impossible(values: Floats, quantity: str) -> Bools:
    """Which values cannot be of a quantity; never those that are no numbers.

    Args:
        values: As in the file, [row] or [row, bin].
        quantity: As in a campaign.
    Returns:
        [row].
    """
    allowed = RANGES.get(quantity)
    if allowed is None:  # power-delay profiles have whatever unit
        wrong = np.abs(values) > 1e30
        return np.asarray(wrong.any(axis=1) if wrong.ndim == 2 else wrong)
    with np.errstate(invalid="ignore"):
        return np.asarray((values < allowed.low) | (values > allowed.high))


def check_unit(
    values: Floats, quantity: str, file: Path, floor: Any = None, by_column: bool = False
) -> None:
    """Refuse a column whose values are of another unit than its quantity.

    Args:
        values: As in the file.
        quantity: As in a campaign.
        file: For the message.
        floor: Value that stands for nothing heard, which does not count.
        by_column: Whether the column's name says the quantity, not a campaign.
    Raises:
        CampaignError: if most values cannot be of the quantity, naming what they look like.
    Checked by tests/calibration/campaign/test_plausible.py.
    """
    allowed = RANGES.get(quantity)
    known = values[np.isfinite(values)]
    known = known[known != floor] if floor is not None else known
    if allowed is None or not known.size:
        return
    middle = float(np.median(np.clip(known, -1e300, 1e300)))
    if quantity == "rss_dbm" and ((known >= 0) & (known < _LINEAR_BELOW)).all() and known.any():
        scale = "watts" if middle < 1e-7 else "milliwatts or watts"
        raise CampaignError(
            f"{file}: values are {middle:.3g} in the middle and all between 0 and "
            f"{_LINEAR_BELOW:g}, which looks like {scale}, not dBm; convert them "
            "(10 log10 of milliwatts)"
        )
    if allowed.low <= middle <= allowed.high:
        return
    is_below = middle < allowed.low
    looks = allowed.below if is_below else allowed.above
    instead = allowed.instead_below if is_below else allowed.instead_above
    if instead and by_column:
        looks += f"; name the column {' or '.join(instead)}, or turn its sign"
    elif instead:
        looks += "; write quantity = " + " or ".join(f'"{name}"' for name in instead)
    raise CampaignError(
        f"{file}: values are {middle:.3g} in the middle, but {quantity} must be "
        f"{allowed.low:g} to {allowed.high:g} {allowed.unit}; this looks like {looks}"
    )


def known_degrees(latitude: Floats, longitude: Floats, name: str) -> tuple[Floats, Floats]:
    """Latitude and longitude, NaN where no place on Earth has them, [row] each.

    Args:
        name: Of the campaign, for the message.
    Raises:
        CampaignError: if most are no place on Earth.
    Checked by tests/calibration/campaign/test_plausible.py.
    """
    with np.errstate(invalid="ignore"):
        wild = (np.abs(latitude) > 90) | (np.abs(longitude) > 180)
    if len(wild) and wild.mean() > 0.5:
        row = int(wild.argmax())
        raise CampaignError(
            f"{name}: latitude {latitude[row]:.6g} and longitude {longitude[row]:.6g} in row "
            f"{row + 1}; they must be within 90 and 180 degrees; exchange or scale them"
        )
    return np.where(wild, np.nan, latitude), np.where(wild, np.nan, longitude)


def floor_of(level_db: Floats) -> float | None:
    """The level at which a receiver reads no lower without saying so [dB]; None where none is.

    Args:
        level_db: Levels that grow with the path gain, [row].
    Returns:
        The lowest one, where so many rows share it that they cannot have measured it.
    Source: checked by tests/calibration/campaign/test_plausible.py.
    """
    found, count = np.unique(level_db[np.isfinite(level_db)], return_counts=True)
    if len(found) <= _NEXT or count[0] < max(_PILE, _PILE_SHARE * count.sum()):
        return None
    return float(found[0]) if count[0] > _PILE_OVER * count[1 : 1 + _NEXT].max() else None
