"""Unknown changes: measurements disagree; what may have happened, the map corrected."""

from rtwin.horizontal.unknown_change.cell_paths import MapTwin, StoredTwin, map_twin
from rtwin.horizontal.unknown_change.contradicted_rows import check_news, explained
from rtwin.horizontal.unknown_change.correction import (
    PRESERVE_CHANCE,
    PRESERVE_DB,
    STALE_DB,
    Correction,
    Explanation,
    correct,
)
from rtwin.horizontal.unknown_change.detect import Agreement, agreements
from rtwin.horizontal.unknown_change.kriging import (
    UNMEASURED_DB,
    Kriging,
    extent_m,
    inverse_distance,
    kriging,
)
from rtwin.horizontal.unknown_change.measurements import load_twin_measurements
from rtwin.horizontal.unknown_change.posterior import (
    MOST,
    Evidence,
    LibraryMap,
    Posterior,
    fields_of,
    krige_rest,
    library_map,
    library_posterior,
)
from rtwin.horizontal.unknown_change.residuals import Residuals, residuals
from rtwin.horizontal.unknown_change.synthesis import stored_twin

__all__ = [
    "MOST",
    "PRESERVE_CHANCE",
    "PRESERVE_DB",
    "STALE_DB",
    "UNMEASURED_DB",
    "Agreement",
    "Correction",
    "Evidence",
    "Explanation",
    "Kriging",
    "LibraryMap",
    "MapTwin",
    "Posterior",
    "Residuals",
    "StoredTwin",
    "agreements",
    "check_news",
    "correct",
    "explained",
    "extent_m",
    "fields_of",
    "inverse_distance",
    "krige_rest",
    "kriging",
    "library_map",
    "library_posterior",
    "load_twin_measurements",
    "map_twin",
    "residuals",
    "stored_twin",
]
