"""Closed forms of caching: what a simulation must come to."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError


def characteristic_time(shares: ArrayLike, slots: int) -> float:
    """Requests that an item stays in an LRU cache without being asked for, by Che.

    Args:
        shares: Probability of each item, [item]; they add up to 1.
        slots: Of the cache, fewer than there are items.
    Raises:
        OutOfRangeError: if there are as many slots as items: nothing ever leaves.
    Source: Che, Tung, Wang (2002): sum(1 - exp(-p t)) = slots.
    """
    p = np.asarray(shares, np.float64)
    if not 1 <= slots < np.count_nonzero(p):
        raise OutOfRangeError(
            f"slots is {slots}; it must be 1 to {np.count_nonzero(p) - 1}, below the items"
        )

    def missing(log_time: float) -> float:
        return float(-np.expm1(-p * np.exp(log_time)).sum() - slots)

    return float(np.exp(brentq(missing, np.log(0.5), 60.0)))


def lru_hit_rate(shares: ArrayLike, slots: int) -> float:
    """Hit rate of LRU under independent requests, by Che's approximation; 1 if all fit in."""
    p = np.asarray(shares, np.float64)
    if slots >= np.count_nonzero(p):
        return 1.0
    return float((p * -np.expm1(-p * characteristic_time(p, slots))).sum())


def lfu_hit_rate(shares: ArrayLike, slots: int) -> float:
    """Hit rate of LFU in the long run under independent requests: the largest shares."""
    return float(np.sort(np.asarray(shares, np.float64))[::-1][:slots].sum())


def jain_index(load: ArrayLike) -> Floats:
    """Jain's index of fairness of loads [..., station]: 1 if all are equal, 1/n if one has all.

    Source: Jain, Chiu, Hawe (1984): (sum L)^2 / (n sum L^2); 1 where all loads are 0.
    """
    values = np.asarray(load, np.float64)
    squares = values.shape[-1] * (values**2).sum(axis=-1)
    total = values.sum(axis=-1) ** 2
    return np.divide(total, squares, out=np.ones_like(total), where=squares > 0)
