"""Keeping a twin current: edits of its world, and what they do to its paths and maps.

recipe, parts --apply_edits--> recipe, parts --differences--> what changed, and where
TwinState --retrace--> TwinState of the edited world, exactly, or a rung of the ladder
"""

from rtwin.horizontal.differences import (
    Differences,
    ObjectChange,
    TransmitterChange,
    differences,
)
from rtwin.horizontal.edits import Edit, Edits, apply_edits, edits_from_dict, load_edits
from rtwin.horizontal.ladder import RUNGS, Estimate
from rtwin.horizontal.picture import plot_twin
from rtwin.horizontal.retrace import Retraced, retrace
from rtwin.horizontal.state import TwinState, trace_state
from rtwin.horizontal.twin import (
    DECISIONS,
    Note,
    Snapshot,
    append_snapshot,
    create_twin,
    history,
    open_twin,
    updating,
    write_snapshot_map,
)
from rtwin.horizontal.update import update_twin

__all__ = [
    "DECISIONS",
    "RUNGS",
    "Differences",
    "Edit",
    "Edits",
    "Estimate",
    "Note",
    "ObjectChange",
    "Retraced",
    "Snapshot",
    "TransmitterChange",
    "TwinState",
    "append_snapshot",
    "apply_edits",
    "create_twin",
    "differences",
    "edits_from_dict",
    "history",
    "load_edits",
    "open_twin",
    "plot_twin",
    "retrace",
    "trace_state",
    "update_twin",
    "updating",
    "write_snapshot_map",
]
