"""Traffic of cells: files, hours, and the protocol in which forecasts are compared."""

from rtwin.federation.traffic.drift import close_cell, scale_cells
from rtwin.federation.traffic.protocol import Windows, standardised, windows_of
from rtwin.federation.traffic.readers import load_traffic
from rtwin.federation.traffic.series import SHIPPED, TWO_MONTHS, Traffic

__all__ = [
    "SHIPPED",
    "TWO_MONTHS",
    "Traffic",
    "Windows",
    "close_cell",
    "load_traffic",
    "scale_cells",
    "standardised",
    "windows_of",
]
