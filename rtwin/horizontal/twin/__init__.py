"""The twin on disk: a traced world, its snapshots, their folder, a picture of the last update."""

from rtwin.horizontal.twin.folder import (
    append_snapshot,
    applied,
    create_twin,
    history,
    open_twin,
    updating,
    write_snapshot_map,
)
from rtwin.horizontal.twin.picture import plot_twin
from rtwin.horizontal.twin.snapshot import (
    DECISIONS,
    MAX_UNCERTAINTY_DB,
    PRESERVED,
    RETRACED,
    UNCERTAINTY_DB,
    UPDATED,
    Note,
    Snapshot,
)
from rtwin.horizontal.twin.traced import (
    Maps,
    TwinState,
    cell_batches,
    cell_receivers,
    inside_cells,
    receivers_of,
    stacked,
    statistics_map,
    trace_cells,
    trace_state,
)

__all__ = [
    "DECISIONS",
    "MAX_UNCERTAINTY_DB",
    "PRESERVED",
    "RETRACED",
    "UNCERTAINTY_DB",
    "UPDATED",
    "Maps",
    "Note",
    "Snapshot",
    "TwinState",
    "append_snapshot",
    "applied",
    "cell_batches",
    "cell_receivers",
    "create_twin",
    "history",
    "inside_cells",
    "open_twin",
    "plot_twin",
    "receivers_of",
    "stacked",
    "statistics_map",
    "trace_cells",
    "trace_state",
    "updating",
    "write_snapshot_map",
]
