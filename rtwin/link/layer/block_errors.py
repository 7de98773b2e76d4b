"""Block error rates of NR's codes over AWGN: a finite-length approximation, fitted to curves.

A code block of k bits at rate R has n = k / R coded bits. The normal approximation says

    error = Q(sqrt(n / V) (C - R))

with C the mutual information of a coded bit and V its variance, both at the SINR less a gap,
which is what LDPC codes and their decoder lose. The gap is a straight line in R for each
modulation, fitted to all curves of Sionna SYS (Apache-2.0, 100 to 2000 bits, MCS tables 1 to
3 of TS 38.214): 0.5 to 1 dB, to within 0.2 dB of each curve's own best gap.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from rtwin.arrays import Floats, Ints
from rtwin.errors import OutOfRangeError
from rtwin.link.layer.modulation import GRID_DB, information
from rtwin.link.tables import mcs_formats

LARGEST_CODE_BLOCK = 8448  # bits, LDPC base graph 1: TS 38.212, clause 5.2.2
# Gap [dB] at code rate 0 and its slope with the rate, by bits of a symbol.
GAP_DB = {2: (1.085, -0.558), 4: (0.881, -0.092), 6: (1.153, -0.544), 8: (1.446, -0.881)}
_CERTAIN = 40.0  # standard deviations


def code_block_error(order: int, rate: float, sinr_db: ArrayLike, bits: float) -> Floats:
    """Error rate of a code block of so many bits at an SINR [dB], any shape.

    Args:
        order: Bits of a symbol: 2, 4, 6 or 8.
        rate: Code rate, in (0, 1).
    Source: Polyanskiy, Poor, Verdu, Channel Coding Rate in the Finite Blocklength Regime, IEEE
    Trans. Inf. Theory 56(5), 2010, eq. 1, and curves of Sionna SYS; checked by
    tests/link/layer/test_block_errors.py.
    """
    return ndtr(-_margin(order, rate, np.asarray(sinr_db, np.float64), bits))


def _margin(order: int, rate: float, sinr_db: Floats, bits: float) -> Floats:
    """Standard deviations between what a code block brings and what it needs."""
    constant, slope = GAP_DB[order]
    known = information(order)
    at = sinr_db - (constant + slope * rate)
    mean = np.interp(at, GRID_DB, known.mean)
    deviation = np.sqrt(np.interp(at, GRID_DB, known.variance) * rate / bits)
    return np.clip((mean - rate) / deviation, -_CERTAIN, _CERTAIN)


@dataclass(frozen=True)
class BlockErrors:
    """Error rates of transport blocks that fill so many resource elements, for a table of MCS.

    Attributes:
        table: MCS table of TS 38.214.
        resource_elements: Of a transport block, with data.
    Raises:
        OutOfRangeError: if there is no such table, or not one element.
    Checked by tests/link/layer/test_block_errors.py.
    """

    table: int
    resource_elements: float

    def __post_init__(self) -> None:
        mcs_formats(self.table)
        if not self.resource_elements >= 1:
            raise OutOfRangeError(
                f"resource_elements is {self.resource_elements:g}; it must be 1 or more"
            )

    @cached_property
    def order(self) -> Ints:
        """Bits of a symbol of each MCS, [mcs]."""
        return np.array([order for order, _ in mcs_formats(self.table)])

    @cached_property
    def _margins(self) -> tuple[Floats, Floats]:
        """Margin of each MCS on a fine grid of SINRs, [mcs, grid], and code blocks, [mcs]."""
        rows, blocks = [], []
        for order, rate in mcs_formats(self.table):
            bits = max(order * rate * self.resource_elements, 1.0)
            blocks.append(np.ceil(bits / LARGEST_CODE_BLOCK))
            rows.append(_margin(order, rate, GRID_DB, bits / blocks[-1]))
        return np.array(rows), np.array(blocks)

    def __call__(self, mcs: ArrayLike, sinr_db: ArrayLike) -> Floats:
        """Error rate of a transport block.

        Args:
            mcs: Modulation and coding scheme, whole numbers of any shape.
            sinr_db: Effective SINR [dB], of a shape that fits; -inf where nothing arrives.
        """
        margins, blocks = self._margins
        mcs = np.asarray(mcs, np.int64)
        step = GRID_DB[1] - GRID_DB[0]
        at = np.clip((np.asarray(sinr_db) - GRID_DB[0]) / step, 0, len(GRID_DB) - 1.001)
        low = at.astype(np.int64)
        share = at - low
        margin = margins[mcs, low] * (1 - share) + margins[mcs, low + 1] * share
        # One code block in error spoils the transport block.
        through = np.log1p(-np.minimum(ndtr(-margin), 1.0 - 1e-16))
        return -np.expm1(blocks[mcs] * through)

    def required_sinr_db(self, target: float) -> Floats:
        """Least SINR of each MCS at which blocks fail no more often than the target [dB], [mcs]."""
        return _required_sinr_db(self, target)

    @property
    def count(self) -> int:
        """Number of MCS."""
        return len(self.order)

    def fastest(self, sinr_db: Floats, required_db: Floats) -> NDArray[np.int64]:
        """The fastest MCS whose own effective SINR is enough.

        Args:
            sinr_db: Effective SINR for each MCS [dB], [..., mcs].
            required_db: What each needs [dB], [mcs], as required_sinr_db tells.
        Returns:
            [...]; -1 where none is enough.
        """
        enough = sinr_db >= required_db
        last = self.count - 1 - np.argmax(enough[..., ::-1], axis=-1)
        return np.where(enough.any(axis=-1), last, -1)


@lru_cache(maxsize=64)
def _required_sinr_db(errors: BlockErrors, target: float) -> Floats:
    fine = np.arange(GRID_DB[0], GRID_DB[-1], 0.01)
    found = [np.argmax(errors(np.full(len(fine), m), fine) <= target) for m in range(errors.count)]
    required_db = fine[np.array(found)]
    required_db.flags.writeable = False
    return required_db
