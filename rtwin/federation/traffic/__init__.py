"""Traffic of cells: files, hours, and the protocol in which forecasts are compared."""

from rtwin.federation.traffic.drift import close_cell, scale_cells
from rtwin.federation.traffic.protocol import (
    CLOSE_H,
    NUM_INPUTS,
    TEST_DAYS,
    Windows,
    errors,
    standardised,
    windows_of,
)
from rtwin.federation.traffic.readers import load_traffic
from rtwin.federation.traffic.series import (
    CELL_M,
    DAY,
    SHIPPED,
    TWO_MONTHS,
    Traffic,
    cell_size_m,
)

__all__ = [
    "CELL_M",
    "CLOSE_H",
    "DAY",
    "NUM_INPUTS",
    "SHIPPED",
    "TEST_DAYS",
    "TWO_MONTHS",
    "Traffic",
    "Windows",
    "cell_size_m",
    "close_cell",
    "errors",
    "load_traffic",
    "scale_cells",
    "standardised",
    "windows_of",
]
