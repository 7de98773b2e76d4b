"""Keeping a twin current: edits of its world, and what they do to its paths and maps.

edits            what changed, as a file says it, and the world after it
decision         preserve, update or re-trace, and intervals that keep what they promise
twin             the twin on disk: a traced world, its snapshots
known_change     an edit is known: its paths are traced again, exactly, or a rung of the ladder
rehearsal        what could happen, simulated while the twin is idle
unknown_change   measurements disagree: what may have happened, the map corrected
learned          a network that reasons over rehearsed edits, what it learns from, its benchmark
update           one decision behind every update: which way, at what cost, how sure
merging          several maps as one, each as far as it can be trusted
"""

from rtwin.horizontal.decision import ConformalScale, Decision, conformal_scale, decide
from rtwin.horizontal.edits import (
    Differences,
    Edit,
    Edits,
    ObjectChange,
    TransmitterChange,
    apply_edits,
    differences,
    edits_from_dict,
    load_edits,
)
from rtwin.horizontal.known_change import RUNGS, Estimate, Retraced, retrace
from rtwin.horizontal.merging import RULES, Merged, MergedPaths, merge_files, merge_maps
from rtwin.horizontal.rehearsal import Library, rehearse
from rtwin.horizontal.twin import (
    DECISIONS,
    Note,
    Snapshot,
    TwinState,
    append_snapshot,
    create_twin,
    history,
    open_twin,
    plot_twin,
    trace_state,
    updating,
    write_snapshot_map,
)
from rtwin.horizontal.unknown_change import Correction, correct, stored_twin
from rtwin.horizontal.update import (
    HOWS,
    MeasuredUpdate,
    measured_before,
    update_measured,
    update_twin,
    write_suggestion,
)

__all__ = [
    "DECISIONS",
    "HOWS",
    "RULES",
    "RUNGS",
    "ConformalScale",
    "Correction",
    "Decision",
    "Differences",
    "Edit",
    "Edits",
    "Estimate",
    "Library",
    "MeasuredUpdate",
    "Merged",
    "MergedPaths",
    "Note",
    "ObjectChange",
    "Retraced",
    "Snapshot",
    "TransmitterChange",
    "TwinState",
    "append_snapshot",
    "apply_edits",
    "conformal_scale",
    "correct",
    "create_twin",
    "decide",
    "differences",
    "edits_from_dict",
    "history",
    "load_edits",
    "measured_before",
    "merge_files",
    "merge_maps",
    "open_twin",
    "plot_twin",
    "rehearse",
    "retrace",
    "stored_twin",
    "trace_state",
    "update_measured",
    "update_twin",
    "updating",
    "write_snapshot_map",
    "write_suggestion",
]
