"""Path gains as levels that can be subtracted: in decibel, with a floor where nothing comes."""

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.units import to_db

FLOOR_DB = -130.0  # what stands for a path gain of nothing [dB]
UNREACHED_DB = -150.0  # of exact maps: what is below it is nothing [dB]


def floored_db(path_gain: ArrayLike, floor_db: float = FLOOR_DB) -> Floats:
    """Path gains in decibel [dB], none below a floor: changes of nothing are finite."""
    return np.maximum(to_db(path_gain), floor_db)
