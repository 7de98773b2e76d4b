"""What a modulation carries: mutual information of bits, and how it varies, over AWGN.

Square QAM with Gray labels and a demapper that looks at each bit alone, as NR's receivers do.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rtwin.arrays import Floats
from rtwin.units import from_db

ORDERS = (2, 4, 6, 8)  # bits of a symbol: QPSK, 16QAM, 64QAM, 256QAM
_STEP_DB = 0.25
GRID_DB = np.arange(-20.0, 45.0 + _STEP_DB / 2, _STEP_DB)
_NODES = 48  # of a Gauss-Hermite sum over the noise


class Information(NamedTuple):
    """Over GRID_DB: bits that a coded bit brings, and the variance of what it brings, [grid]."""

    mean: Floats
    variance: Floats


@cache
def information(order: int) -> Information:
    """Mutual information per coded bit of a QAM with `order` bits per symbol.

    Source: Caire, Taricco, Biglieri, Bit-Interleaved Coded Modulation, IEEE Trans. Inf. Theory
    44(3), 1998, eq. 12; checked by tests/link/layer/test_modulation.py.
    """
    bits = order // 2  # of one of the two axes
    level = np.arange(2**bits)
    label = level ^ (level >> 1)
    amplitude = 2.0 * level - (2**bits - 1)
    amplitude /= np.sqrt(2.0 * np.mean(amplitude**2))  # half of the power on each axis
    node, weight = np.polynomial.hermite.hermgauss(_NODES)
    weight = weight / weight.sum()
    noise = np.sqrt(1.0 / from_db(GRID_DB))  # so that n = noise * node has variance N0 / 2
    # Distances of what is received from all levels: [grid, sent, node, level].
    received = amplitude[:, None] + noise[:, None, None] * node
    nearest = (received[..., None] - amplitude) ** 2 / noise[:, None, None, None] ** 2
    nearest -= nearest.min(axis=-1, keepdims=True)
    likely = np.exp(-nearest)
    total = likely.sum(axis=-1)
    mean, square = np.zeros((2, len(GRID_DB)))
    for bit in range(bits):
        same = (label[:, None] >> bit & 1) == (label >> bit & 1)  # [sent, level]
        own = (likely * same[:, None, :]).sum(axis=-1)
        density = 1.0 + np.log2(np.maximum(own / total, 1e-300))
        chance = weight / len(level)
        mean += (density * chance).sum(axis=(1, 2)) / bits
        square += (density**2 * chance).sum(axis=(1, 2)) / bits
    return Information(mean, np.maximum(square - mean**2, 1e-12))


def bits_per_symbol(order: int, sinr_db: ArrayLike) -> Floats:
    """Mutual information of a QAM [bit per symbol] at an SINR [dB], any shape."""
    return order * np.interp(np.asarray(sinr_db, np.float64), GRID_DB, information(order).mean)


def sinr_of_bits_db(order: int, bits: ArrayLike) -> Floats:
    """SINR [dB] at which a QAM carries so many bits per symbol; the inverse of bits_per_symbol."""
    mean = information(order).mean
    rising = np.concatenate([[True], np.diff(np.maximum.accumulate(mean)) > 1e-12])
    return np.interp(np.asarray(bits, np.float64) / order, mean[rising], GRID_DB[rising])
