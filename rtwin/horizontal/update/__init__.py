"""One decision behind every update: which way to the new map, what it cost, how sure it is."""

from rtwin.horizontal.update.known import rehearsed_edit, update_twin
from rtwin.horizontal.update.measured import (
    MeasuredUpdate,
    measured_before,
    update_measured,
    write_suggestion,
)
from rtwin.horizontal.update.ways import HOWS, How

__all__ = [
    "HOWS",
    "How",
    "MeasuredUpdate",
    "measured_before",
    "rehearsed_edit",
    "update_measured",
    "update_twin",
    "write_suggestion",
]
