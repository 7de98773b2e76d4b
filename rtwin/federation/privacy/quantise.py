"""Updates in fewer bits, rounded by chance so that the mean stays true."""

import numpy as np
from numpy.typing import NDArray

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError


def quantised(
    updates: Floats, bits: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], Floats]:
    """Whole numbers and the step of each update, [participant, weight] and [participant, 1].

    Args:
        updates: [participant, weight].
        bits: Of each number, sign included, 2 to 16.
        rng: Rounds up or down, so that the expectation is the value.
    Raises:
        OutOfRangeError: if bits is none of these.
    Source: QSGD, D. Alistarh et al., NeurIPS 2017; checked by tests/federation/test_privacy.py.
    """
    if not 2 <= bits <= 16:
        raise OutOfRangeError(f"bits is {bits}; it must be 2 to 16")
    levels = 2 ** (bits - 1) - 1
    step = np.abs(updates).max(axis=-1, keepdims=True) / levels
    step = np.where(step > 0, step, 1.0)
    scaled = updates / step
    low = np.floor(scaled)
    up = rng.random(updates.shape) < scaled - low
    return np.clip(low + up, -levels, levels).astype(np.int32), step


def dequantised(numbers: NDArray[np.int32], step: Floats) -> Floats:
    """The updates again, to within a step."""
    return numbers * step
