"""From SINR to CQI, MCS, spectral efficiency and rate.

The abstraction: fading is averaged out, so one SINR stands for a link, and a
transport format of spectral efficiency e gets through with 10 % block errors
from the SINR at which Shannon's capacity, a fixed gap away, reaches e:

    sinr >= gap (2^e - 1)
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError
from rtwin.link.tables import (
    SUBCARRIERS_PER_BLOCK,
    cqi_efficiency,
    mcs_efficiency,
    num_resource_blocks,
)
from rtwin.units import to_db

SYMBOLS_PER_MS = 14  # at 15 kHz; proportional to the subcarrier spacing
MAX_BANDWIDTH_HZ = 1e12
UNKNOWN_CQI = -1
NO_MCS = -1


@dataclass(frozen=True)
class LinkAdaptation:
    """A carrier and how its modulation and coding follow the SINR.

    Attributes:
        bandwidth_hz: Channel bandwidth [Hz].
        subcarrier_spacing_hz: 15e3, 30e3, 60e3 or 120e3 [Hz].
        table: CQI and MCS table of TS 38.214: 1 (64QAM), 2 (256QAM) or 3 (low rates).
        shannon_gap_db: SINR that practice needs above Shannon's capacity [dB].
        overhead: Share of the resource elements that carries no data; 0.14 is
            that of TS 38.306, clause 4.1.2, downlink below 6 GHz.
    Raises:
        OutOfRangeError: if a number is not possible.
    Checked by tests/link/test_adaptation.py.
    """

    bandwidth_hz: float
    subcarrier_spacing_hz: float = 30e3
    table: int = 2
    shannon_gap_db: float = 3.0
    overhead: float = 0.14

    def __post_init__(self) -> None:
        if not 0.0 <= self.overhead < 1.0:
            raise OutOfRangeError(f"overhead is {self.overhead}; it must be in [0, 1)")
        if not 0.0 <= self.shannon_gap_db <= 30.0:
            raise OutOfRangeError(f"shannon_gap_db is {self.shannon_gap_db}; it must be 0 to 30 dB")
        if self.subcarrier_spacing_hz not in (15e3, 30e3, 60e3, 120e3):
            raise OutOfRangeError(
                f"subcarrier_spacing_hz is {self.subcarrier_spacing_hz:g}; "
                "it must be 15e3, 30e3, 60e3 or 120e3"
            )
        if not 0 < self.bandwidth_hz <= MAX_BANDWIDTH_HZ:
            raise OutOfRangeError(
                f"bandwidth_hz is {self.bandwidth_hz:g}; it must be above 0 Hz and at most "
                f"{MAX_BANDWIDTH_HZ:g}"
            )
        cqi_efficiency(self.table)
        num_resource_blocks(self.bandwidth_hz, self.subcarrier_spacing_hz)

    @property
    def num_prb(self) -> int:
        """Resource blocks of the carrier."""
        return num_resource_blocks(self.bandwidth_hz, self.subcarrier_spacing_hz)

    @cached_property
    def cqi_threshold_db(self) -> Floats:
        """Least SINR of CQI 1 to 15 at 10 % block errors [dB], [15]."""
        return self.required_sinr_db(cqi_efficiency(self.table)[1:])

    def required_sinr_db(self, efficiency: ArrayLike) -> Floats:
        """Least SINR at which a spectral efficiency [bit per resource element] gets through."""
        return self.shannon_gap_db + to_db(np.exp2(np.asarray(efficiency, np.float64)) - 1.0)

    def cqi(self, sinr_db: ArrayLike) -> NDArray[np.int8]:
        """Highest CQI that gets through; 0 below the lowest, -1 where the SINR is NaN."""
        sinr_db = np.asarray(sinr_db, np.float64)
        found = np.searchsorted(self.cqi_threshold_db, sinr_db, side="right")
        return np.where(np.isnan(sinr_db), UNKNOWN_CQI, found).astype(np.int8)

    def mcs(self, cqi: ArrayLike) -> NDArray[np.int8]:
        """Highest MCS that is not faster than a CQI; -1 for CQI 0 and unknown.

        CQI 1 of tables 1 and 2 is slower than every MCS; it gets MCS 0, whose
        blocks then need repeating.
        """
        return self._mcs_of_cqi[np.maximum(np.asarray(cqi, np.int64), 0)]

    @cached_property
    def _mcs_of_cqi(self) -> NDArray[np.int8]:
        speed, wanted = mcs_efficiency(self.table), cqi_efficiency(self.table)
        # Rates such as 682.5/1024 make products that differ in their last bit.
        row = np.searchsorted(speed, wanted + 1e-9, side="right") - 1
        row = np.maximum(row, 0)
        row[0] = NO_MCS
        return row.astype(np.int8)

    def spectral_efficiency(self, cqi: ArrayLike) -> Floats:
        """Bits per resource element: those of the MCS, at CQI 1 those of the CQI; 0 in outage."""
        cqi = np.maximum(np.asarray(cqi, np.int64), 0)
        return self._efficiency_of_cqi[cqi]

    @cached_property
    def _efficiency_of_cqi(self) -> Floats:
        speed = mcs_efficiency(self.table)[np.maximum(self._mcs_of_cqi, 0)]
        return np.minimum(speed, cqi_efficiency(self.table))

    def rate_mbps(self, efficiency: ArrayLike, num_prb: ArrayLike | None = None) -> Floats:
        """Rate of one layer [Mbit/s] over some of the resource blocks, or all.

        Source: 3GPP TS 38.306, clause 4.1.2.
        """
        blocks = self.num_prb if num_prb is None else np.asarray(num_prb)
        elements_per_us = self.resource_elements_per_s_and_prb / 1e6
        return np.asarray(efficiency, np.float64) * blocks * elements_per_us

    @property
    def resource_elements_per_s_and_prb(self) -> float:
        """Resource elements with data of one block in a second."""
        symbols_per_s = SYMBOLS_PER_MS * 1e3 * self.subcarrier_spacing_hz / 15e3
        return SUBCARRIERS_PER_BLOCK * symbols_per_s * (1.0 - self.overhead)
