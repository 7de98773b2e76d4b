"""Unknown changes: measurements disagree, worlds are tried, the map is corrected."""

from rtwin.horizontal.unknown_change.correction import Correction, correct
from rtwin.horizontal.unknown_change.kriging import (
    UNMEASURED_DB,
    Kriging,
    extent_m,
    inverse_distance,
    kriging,
)
from rtwin.horizontal.unknown_change.posterior import (
    MOST,
    Evidence,
    Posterior,
    krige_rest,
    library_posterior,
)
from rtwin.horizontal.unknown_change.synthesis import stored_twin
from rtwin.horizontal.unknown_change.update import MeasuredUpdate, update_measured, write_suggestion

__all__ = [
    "MOST",
    "UNMEASURED_DB",
    "Correction",
    "Evidence",
    "Kriging",
    "MeasuredUpdate",
    "Posterior",
    "correct",
    "extent_m",
    "inverse_distance",
    "krige_rest",
    "kriging",
    "library_posterior",
    "stored_twin",
    "update_measured",
    "write_suggestion",
]
