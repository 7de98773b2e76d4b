"""CQI and MCS tables of 3GPP TS 38.214, and resource blocks of TS 38.101.

Each table is modulation order and code rate times 1024, row by row; the
spectral efficiency of a row is their product over 1024, in bits per resource
element. Tables 1 and 3 end at 64QAM, table 2 at 256QAM; table 3 is the one for
very low error rates. Rows that the standard reserves are left out.
"""

import numpy as np

from rtwin.arrays import Floats
from rtwin.errors import OutOfRangeError

QPSK, QAM16, QAM64, QAM256 = 2, 4, 6, 8


def _rows(order: int, *rates: float) -> tuple[tuple[int, float], ...]:
    return tuple((order, rate) for rate in rates)


# Row 0 stands for "out of range".
_CQI: dict[int, tuple[tuple[int, float], ...]] = {
    # TS 38.214, table 5.2.2.1-2
    1: (
        (0, 0),
        *_rows(QPSK, 78, 120, 193, 308, 449, 602),
        *_rows(QAM16, 378, 490, 616),
        *_rows(QAM64, 466, 567, 666, 772, 873, 948),
    ),
    # TS 38.214, table 5.2.2.1-3
    2: (
        (0, 0),
        *_rows(QPSK, 78, 193, 449),
        *_rows(QAM16, 378, 490, 616),
        *_rows(QAM64, 466, 567, 666, 772, 873),
        *_rows(QAM256, 711, 797, 885, 948),
    ),
    # TS 38.214, table 5.2.2.1-4
    3: (
        (0, 0),
        *_rows(QPSK, 30, 50, 78, 120, 193, 308, 449, 602),
        *_rows(QAM16, 378, 490, 616),
        *_rows(QAM64, 466, 567, 666, 772),
    ),
}

_MCS: dict[int, tuple[tuple[int, float], ...]] = {
    # TS 38.214, table 5.1.3.1-1
    1: (
        *_rows(QPSK, 120, 157, 193, 251, 308, 379, 449, 526, 602, 679),
        *_rows(QAM16, 340, 378, 434, 490, 553, 616, 658),
        *_rows(QAM64, 438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948),
    ),
    # TS 38.214, table 5.1.3.1-2
    2: (
        *_rows(QPSK, 120, 193, 308, 449, 602),
        *_rows(QAM16, 378, 434, 490, 553, 616, 658),
        *_rows(QAM64, 466, 517, 567, 616, 666, 719, 772, 822, 873),
        *_rows(QAM256, 682.5, 711, 754, 797, 841, 885, 916.5, 948),
    ),
    # TS 38.214, table 5.1.3.1-3
    3: (
        *_rows(QPSK, 30, 40, 50, 64, 78, 99, 120, 157, 193, 251, 308, 379, 449, 526, 602),
        *_rows(QAM16, 340, 378, 434, 490, 553, 616),
        *_rows(QAM64, 438, 466, 517, 567, 616, 666, 719, 772),
    ),
}
TABLES = tuple(_CQI)

# TS 38.101-1, table 5.3.2-1 (15, 30, 60 kHz) and TS 38.101-2, table 5.3.2-1 (120 kHz):
# subcarrier spacing [kHz]: channel bandwidth [MHz]: resource blocks.
_RESOURCE_BLOCKS: dict[int, dict[int, int]] = {
    15: {5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 35: 188, 40: 216, 45: 242, 50: 270},
    30: {
        5: 11,
        10: 24,
        15: 38,
        20: 51,
        25: 65,
        30: 78,
        35: 92,
        40: 106,
        45: 119,
        50: 133,
        60: 162,
        70: 189,
        80: 217,
        90: 245,
        100: 273,
    },
    60: {
        10: 11,
        15: 18,
        20: 24,
        25: 31,
        30: 38,
        35: 44,
        40: 51,
        45: 58,
        50: 65,
        60: 79,
        70: 93,
        80: 107,
        90: 121,
        100: 135,
    },
    120: {50: 32, 100: 66, 200: 132, 400: 264},
}
SUBCARRIERS_PER_BLOCK = 12
_OCCUPIED = 0.9  # of a bandwidth that the standard does not list


def cqi_efficiency(table: int) -> Floats:
    """Spectral efficiency of each CQI [bit per resource element], [16]; 0 for CQI 0.

    Raises:
        OutOfRangeError: if there is no such table.
    Source: 3GPP TS 38.214, tables 5.2.2.1-2 to -4; checked by tests/link/test_tables.py.
    """
    return _efficiency(_CQI[_known(table)])


def mcs_efficiency(table: int) -> Floats:
    """Spectral efficiency of each MCS [bit per resource element], [29] or [28].

    Raises:
        OutOfRangeError: if there is no such table.
    Source: 3GPP TS 38.214, tables 5.1.3.1-1 to -3; checked by tests/link/test_tables.py.
    """
    return _efficiency(_MCS[_known(table)])


def mcs_formats(table: int) -> tuple[tuple[int, float], ...]:
    """Bits of a symbol and code rate of each MCS.

    Raises:
        OutOfRangeError: if there is no such table.
    Source: 3GPP TS 38.214, tables 5.1.3.1-1 to -3; checked by tests/link/test_tables.py.
    """
    return tuple((order, rate / 1024.0) for order, rate in _MCS[_known(table)])


def num_resource_blocks(bandwidth_hz: float, subcarrier_spacing_hz: float) -> int:
    """Resource blocks of a carrier.

    What the standard lists; for other bandwidths as many as fit into 90 % of it.

    Raises:
        OutOfRangeError: if not one block fits.
    Source: 3GPP TS 38.101-1 and -2, table 5.3.2-1; checked by tests/link/test_tables.py.
    """
    listed = _RESOURCE_BLOCKS.get(round(subcarrier_spacing_hz / 1e3), {})
    exact = bandwidth_hz % 1e6 == 0 and subcarrier_spacing_hz % 1e3 == 0
    if exact and round(bandwidth_hz / 1e6) in listed:
        return listed[round(bandwidth_hz / 1e6)]
    fitting = int(_OCCUPIED * bandwidth_hz / (SUBCARRIERS_PER_BLOCK * subcarrier_spacing_hz))
    if fitting < 1:
        raise OutOfRangeError(
            f"bandwidth is {bandwidth_hz:g} Hz, too little for a block of "
            f"{SUBCARRIERS_PER_BLOCK} x {subcarrier_spacing_hz:g} Hz; take a wider carrier"
        )
    return fitting


def _efficiency(rows: tuple[tuple[int, float], ...]) -> Floats:
    return np.array([order * rate / 1024.0 for order, rate in rows])


def _known(table: int) -> int:
    if table not in TABLES:
        raise OutOfRangeError(f"table is {table}, TS 38.214 has tables 1, 2 and 3")
    return table
