"""Unknown changes: measurements disagree, worlds are tried, the map is corrected."""

from rtwin.horizontal.unknown_change.correction import Correction, correct
from rtwin.horizontal.unknown_change.synthesis import stored_twin
from rtwin.horizontal.unknown_change.update import (
    MeasuredUpdate,
    measured_before,
    update_measured,
    write_suggestion,
)

__all__ = [
    "Correction",
    "MeasuredUpdate",
    "correct",
    "measured_before",
    "stored_twin",
    "update_measured",
    "write_suggestion",
]
